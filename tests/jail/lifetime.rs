//! Who serves a bus ends with the instance, whoever is killed, and nobody answers in its place.

use crate::machine::with_system_bus;

const NAMES: &[&str] = &["org.freedesktop.resolve1", "org.freedesktop.login1"];

fn text(script: &str) -> String {
    let (machine, start) = with_system_bus(NAMES);
    let words = "inside() { vpnns -- bash \"$HOME/call\" org.freedesktop.resolve1 org.freedesktop.login1; }
        # As the machine numbers them: everybody's, so that only those of this user's home count.
        of_home() { for pid in $(pgrep \"$@\"); do
            tr '\\0' '\\n' 2>/dev/null </proc/$pid/environ | grep -qx \"HOME=$HOME\" && echo $pid || true; done; }
        servers() { of_home -f '^vpnns: system bus'; of_home -x xdg-dbus-proxy; }
        gone() { for i in $(seq 3000); do [ -z \"$(servers)\" ] && echo gone && return; sleep 0.01; done; }
        kept() { for i in $(seq 3000); do vpnns --list | grep -q default && return; sleep 0.01; done; }";
    machine.text(&[&start, words, script].join("\n"))
}

#[test]
fn the_proxy_ends_with_the_instance() {
    assert_eq!(text("inside; gone"), "ServiceUnknown\nanswered\ngone");
}

#[test]
fn a_killed_proxy_is_no_way_around_and_the_next_call_has_another() {
    let script = "keep; inside; for victim in '-x xdg-dbus-proxy' '-f ^vpnns:.system.bus'; do
            sleep 1.1; kill -KILL $(of_home $victim); gone; inside; done";
    let round = "ServiceUnknown\nanswered";
    assert_eq!(
        text(script),
        format!("{round}\ngone\n{round}\ngone\n{round}")
    );
}

#[test]
fn a_connection_through_a_killed_proxy_is_closed() {
    // gdbus monitor ends when its connection does.
    let script = "keep; vpnns -- gdbus monitor --system -d org.freedesktop.login1 >monitor 2>&1 & monitor=$!
        for i in $(seq 3000); do [ -n \"$(of_home -x xdg-dbus-proxy)\" ] && grep -q owned monitor && break; sleep 0.01; done
        kill -KILL $(of_home -x xdg-dbus-proxy); wait $monitor && echo well || echo ended";
    let said = text(script);
    assert!(["well", "ended"].contains(&&*said), "{said}");
}

#[test]
fn the_proxy_ends_with_a_killed_keeper_and_its_successor_filters_as_well() {
    let script = "keep; inside; kill -KILL $(of_home -f '^vpnns: keeper'); gone; inside";
    let round = "ServiceUnknown\nanswered";
    assert_eq!(text(script), format!("{round}\ngone\n{round}"));
}

#[test]
fn what_was_masked_and_shared_stays_so_under_the_successor_of_a_killed_keeper() {
    let script = "echo secret >file; keep --mask file --share /run/nscd --system-bus none; kept
        kill -KILL $(of_home -f '^vpnns: keeper'); serve /run/nscd/socket
        vpnns -- PYTHON \"$HOME/services.py\" ask /run/nscd/socket; vpnns -- cat file
        rm file; echo secret >file; until_it_prints '' vpnns -- cat file; vpnns -- cat file; inside; cat file";
    let script = script.replace("PYTHON", crate::support::stand_in::PYTHON);
    assert_eq!(
        text(&script),
        "answered\nCould not connect\nCould not connect\nsecret"
    );
}
