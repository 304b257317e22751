//! A real system bus, with stand-ins for services that answer for the host's network.

use crate::machine::with_system_bus;
use crate::support::stand_in::PYTHON;

/// What is refused, and last what is not.
const NAMES: &[&str] = &[
    "org.freedesktop.resolve1",
    "org.freedesktop.NetworkManager",
    "org.freedesktop.Avahi",
    "org.freedesktop.systemd1",
    "org.freedesktop.machine1",
    "org.freedesktop.GeoClue2",
    "org.freedesktop.PackageKit",
    "org.freedesktop.ModemManager1",
    "org.freedesktop.network1",
    "org.freedesktop.UPower",
    "org.freedesktop.login1",
];

fn calls(script: &str) -> Vec<String> {
    let (machine, start) = with_system_bus(NAMES);
    let names = format!("names='{}'", NAMES.join(" "));
    let said = machine.text(&[&start, &*names, script].join("\n"));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn a_service_of_the_host_answers_inside_where_the_bus_is_full() {
    let said = calls("call $names; vpnns --system-bus full -- bash \"$HOME/call\" $names");
    assert_eq!(said, vec!["answered"; 2 * NAMES.len()]);
}

#[test]
fn a_service_that_uses_the_network_does_not_exist_inside() {
    let said = calls("vpnns -- bash \"$HOME/call\" $names");
    let refused = NAMES.len() - 2;
    assert_eq!(said[..refused], vec!["ServiceUnknown"; refused], "{said:?}");
    assert_eq!(said[refused..], vec!["answered"; 2], "{said:?}");
}

#[test]
fn there_is_no_system_bus_inside_where_it_is_to_be_none() {
    let said = calls("vpnns --system-bus none -- bash \"$HOME/call\" $names");
    assert_eq!(said, vec!["Could not connect"; NAMES.len()]);
}

#[test]
fn the_variable_does_not_lead_around_the_filter() {
    let script = "ln -s /run/dbus other
        export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus; mv /run/dbus/system_bus_socket /run/bus
        ln -s /run/bus /run/dbus/system_bus_socket
        call org.freedesktop.resolve1; vpnns -- bash \"$HOME/call\" org.freedesktop.resolve1
        vpnns --system-bus full -- bash \"$HOME/call\" org.freedesktop.resolve1";
    assert_eq!(calls(script), ["answered", "ServiceUnknown", "answered"]);
}

#[test]
fn a_bus_that_is_started_later_is_filtered_as_well() {
    let script = "
        mv /run/dbus /run/old; keep; mkdir /run/dbus; ln -s /run/old/system_bus_socket /run/dbus/
        until_it_prints ServiceUnknown vpnns -- bash \"$HOME/call\" org.freedesktop.resolve1
        call org.freedesktop.resolve1 org.freedesktop.login1
        vpnns -- bash \"$HOME/call\" org.freedesktop.resolve1 org.freedesktop.login1";
    let said = calls(script);
    assert_eq!(said, ["answered", "answered", "ServiceUnknown", "answered"]);
}

#[test]
fn a_bus_that_is_started_again_is_filtered_as_well() {
    let script = "
        inside() { vpnns -- bash \"$HOME/call\" $1; }
        keep; inside org.freedesktop.login1
        kill $bus_daemon; wait $bus_daemon || true; rm -r /run/dbus; mkdir /run/dbus; start_bus
        until_it_prints ServiceUnknown inside org.freedesktop.resolve1
        call org.freedesktop.resolve1; inside org.freedesktop.resolve1; inside org.freedesktop.login1";
    let again = ["answered", "answered", "ServiceUnknown", "answered"];
    assert_eq!(calls(script), again);
}

#[test]
fn no_proxy_is_started_for_a_program_that_needs_no_bus() {
    // Among all the machine's, those of this user's home.
    let script = "proxies() { for pid in $(pgrep -x xdg-dbus-proxy); do
            tr '\\0' '\\n' 2>/dev/null </proc/$pid/environ | grep -x \"HOME=$HOME\" || true; done | wc -l; }
        keep; sleep 0.2; proxies; vpnns -- bash \"$HOME/call\" org.freedesktop.login1; proxies";
    assert_eq!(calls(script), ["0", "answered", "1"]);
}

/// Says more than fits into a socket, and hangs up.
const FULL: &str = r#"
import socket
bus = socket.socket(socket.AF_UNIX)
bus.connect("/run/dbus/system_bus_socket")
bus.setblocking(False)
import time
for _ in range(100):
    try: bus.send(bytes(65536))
    except BlockingIOError: time.sleep(0.01)
"#;

#[test]
fn a_program_that_hangs_up_on_a_bus_that_does_not_listen_keeps_no_processor_busy() {
    // Of all the machine's relays, the one that serves this user's home.
    let script = "
        keep; vpnns -- bash \"$HOME/call\" org.freedesktop.login1
        for relay in $(pgrep -f '^vpnns: system bus'); do
            tr '\\0' '\\n' 2>/dev/null </proc/$relay/environ | grep -qx \"HOME=$HOME\" && break; done
        proxy=$(pgrep -P $relay); kill -STOP $proxy
        ticks() { sed 's/.*) //' /proc/$relay/stat | awk '{print $12 + $13}'; }
        printf '%s' \"$FULL\" | vpnns -- PYTHON -
        before=$(ticks); sleep 2; [ $(($(ticks) - before)) -lt 10 ] && echo idle || echo busy
        kill -CONT $proxy; vpnns -- bash \"$HOME/call\" org.freedesktop.login1";
    let script = script.replace("PYTHON", PYTHON);
    let script = format!("FULL='{FULL}'\n{script}");
    assert_eq!(calls(&script), ["answered", "idle", "answered"]);
}

/// Connects a hundred times, and stays.
const MANY: &str = r#"
import socket, time
buses = []
for _ in range(100):
    bus = socket.socket(socket.AF_UNIX)
    bus.setblocking(False)
    for _ in range(20):
        try: bus.connect("/run/dbus/system_bus_socket")
        except BlockingIOError: time.sleep(0.01)
        else: break
    buses.append(bus)
print("many", flush=True)
time.sleep(600)
"#;

#[test]
fn a_program_that_takes_all_connections_keeps_no_processor_busy_and_others_get_in_after_it() {
    // Each connection takes two descriptors: with one of the limits the last one finds none at all, with the
    // other one too few.
    let script = "
        keep; vpnns -- bash \"$HOME/call\" org.freedesktop.login1; printf '%s' \"$MANY\" >many
        for relay in $(pgrep -f '^vpnns: system bus'); do
            tr '\\0' '\\n' 2>/dev/null </proc/$relay/environ | grep -qx \"HOME=$HOME\" && break; done
        ticks() { sed 's/.*) //' /proc/$relay/stat | awk '{print $12 + $13}'; }
        for limit in 64 65; do
            prlimit --pid $relay --nofile=$limit:
            mkfifo said; vpnns -- PYTHON many >said & many=$!
            head -n 1 said; rm said
            before=$(ticks); sleep 2; [ $(($(ticks) - before)) -lt 20 ] && echo idle || echo busy
            kill $many; wait $many || true
            until_it_prints answered vpnns -- bash \"$HOME/call\" org.freedesktop.login1
        done";
    let script = script.replace("PYTHON", PYTHON);
    let script = format!("MANY='{MANY}'\n{script}");
    let expected = ["answered", "many", "idle", "many", "idle"];
    assert_eq!(calls(&script), expected);
}

/// A PATH that has what is needed, but for the proxy.
const WITHOUT_PROXY: &str = "
    mkdir bin; ln -s /usr/bin/* bin/; rm bin/xdg-dbus-proxy
    vpnns=$(command -v vpnns); without() { PATH=$PWD/bin \"$vpnns\" \"$@\"; }";

#[test]
fn without_the_proxy_there_is_no_bus_and_a_wish_for_the_filter_is_refused() {
    let script = "without -- bash \"$HOME/call\" org.freedesktop.resolve1 org.freedesktop.login1
        without --system-bus filtered -n other -- true 2>&1 || echo $?";
    let said = calls(&[WITHOUT_PROXY, script].join("\n"));
    let complaint = "vpnns: failed to filter the system bus: xdg-dbus-proxy is not installed";
    let hint = "hint: install the package xdg-dbus-proxy, or say --system-bus none or full";
    // How gdbus calls a connection that is closed at once is its own business.
    let end = said.len() - 3;
    assert_eq!(said[end..], [complaint, hint, "125"]);
    assert!(!said.iter().any(|line| line == "answered"), "{said:?}");
}
