//! Sockets of the host's resolvers: hidden in an instance, whatever the host does with them.

use crate::support::Session;

/// A machine whose /run has a name service, as a socket that would answer for the network.
const MACHINE: &str = "mount -t tmpfs none /run; mkdir -p /run/systemd; mkdir /run/nscd
    touch /run/nscd/socket; vpnns -- sh -c 'echo >on; exec sleep 600' &
    for try in $(seq 3000); do [ -e on ] && break; sleep 0.01; done
    inside() { vpnns -- sh -c 'ls -A \"$1\" 2>/dev/null | wc -l' sh \"$1\"; }
    outside() { ls -A \"$1\" | wc -l; }
    # The keeper comes to know of it a moment later.
    hidden() { for try in $(seq 600); do [ \"$(inside \"$1\")\" = 0 ] && break; sleep 0.02; done; }";

fn on_machine(script: &str) -> String {
    let session = Session::new();
    let script = [MACHINE, script, "vpnns --stop; wait"].join("\n");
    session.script_with_mounts(&script).run().text().to_owned()
}

#[test]
fn a_name_service_of_the_host_is_there_outside_and_not_inside() {
    assert_eq!(on_machine("outside /run/nscd; inside /run/nscd"), "1\n0");
}

#[test]
fn a_name_service_that_is_started_again_stays_hidden() {
    let script = "for i in 1 2 3; do
            rm -r /run/nscd; mkdir /run/nscd; sleep 0.2; touch /run/nscd/socket
            hidden /run/nscd; outside /run/nscd; inside /run/nscd
        done";
    assert_eq!(on_machine(script), "1\n0\n1\n0\n1\n0");
}

#[test]
fn a_name_service_that_is_started_later_is_hidden_too() {
    let script = "for late in /run/avahi-daemon /run/systemd/resolve; do
            mkdir $late; sleep 0.2; touch $late/socket
            hidden $late; outside $late; inside $late
        done";
    assert_eq!(on_machine(script), "1\n0\n1\n0");
}

#[test]
fn a_system_bus_that_is_read_only_is_hidden_as_well() {
    // As in a container that is given the host's with `-v /run/dbus:/run/dbus:ro`.
    let script = "mount -t tmpfs none /run; mkdir /run/dbus; touch /run/dbus/host
        mount --bind /run/dbus /run/dbus; mount -o remount,bind,ro /run/dbus
        ls /run/dbus; vpnns -- ls /run/dbus";
    let session = Session::new();
    let said = session.script_with_mounts(script).run();
    assert_eq!(said.text(), "host\nsystem_bus_socket");
}

#[test]
fn a_place_that_cannot_be_hidden_keeps_no_other_from_being_hidden() {
    let session = Session::new();
    // A link to itself, in the place of a socket that stands before the user's own in the table.
    let script = "cd; mkdir -p .docker/run here
        vpnns --mask $HOME/here/late -- sh -c 'echo >on; exec sleep 600' &
        for try in $(seq 3000); do [ -e on ] && break; sleep 0.01; done
        ln -s docker.sock .docker/run/docker.sock
        mkdir here/late; sleep 0.2; touch here/late/socket
        for try in $(seq 600); do [ -z \"$(vpnns -- ls here/late)\" ] && break; sleep 0.02; done
        ls here/late; vpnns -- sh -c 'ls here/late | wc -l'; vpnns --stop; wait";
    assert_eq!(session.script(script).run().text(), "socket\n0");
}

#[test]
fn a_name_service_that_is_started_later_is_hidden_also_where_nothing_can_be_watched() {
    // The limit is that of the machine's root; the instance is made in its place.
    let script = "mount -t tmpfs none /run; echo 0 >/proc/sys/user/max_inotify_instances
        vpnns -- sleep 600 & for i in $(seq 300); do vpnns --list | grep -q sleep && break; sleep 0.02; done
        mkdir /run/nscd; touch /run/nscd/socket
        for i in $(seq 300); do [ -z \"$(vpnns -- ls /run/nscd)\" ] && break; sleep 0.05; done
        ls /run/nscd; vpnns -- sh -c 'ls /run/nscd | wc -l'; vpnns --stop; wait";
    let said = Session::new().script_with_mounts(script).run();
    assert_eq!(said.text(), "socket\n0");
}
