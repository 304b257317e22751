//! Sockets of the host's resolvers: hidden in an instance, whatever the host does with them.

use crate::support::Session;

/// A machine whose /run has a name service, as a socket that would answer for the network.
const MACHINE: &str = "mount -t tmpfs none /run; mkdir -p /run/systemd; mkdir /run/nscd
    touch /run/nscd/socket; vpnns -- sleep 600 & sleep 0.3
    inside() { vpnns -- sh -c 'ls -A \"$1\" 2>/dev/null | wc -l' sh \"$1\"; }
    outside() { ls -A \"$1\" | wc -l; }";

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
            outside /run/nscd; inside /run/nscd
        done";
    assert_eq!(on_machine(script), "1\n0\n1\n0\n1\n0");
}

#[test]
fn a_name_service_that_is_started_later_is_hidden_too() {
    let script = "for late in /run/avahi-daemon /run/systemd/resolve; do
            mkdir $late; sleep 0.2; touch $late/socket; outside $late; inside $late
        done";
    assert_eq!(on_machine(script), "1\n0\n1\n0");
}
