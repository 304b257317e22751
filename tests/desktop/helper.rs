//! A helper that misbehaves: the window says so, and recovers. A scripted one, for no real one does.

use serde_json::json;

use crate::support::Lab;
use crate::*;

/// What the scripted helper says of a VPN.
fn instance(state: &str) -> Value {
    json!({"name": "work", "state": state, "since": {"ago": 720}, "keeper": 1, "apps": [],
        "tunnel": null})
}

fn told(state: &str) -> Value {
    json!({"event": "appeared", "instance": instance(state)})
}

/// Starts the app on a scenario.
fn begin(desktop: &Desktop<'_>, lab: &Lab, monitor: &Value, calls: &Value) {
    let home = lab.user().home();
    let script = include_str!("../support/scripted_helper.py");
    let script = lab.user().write("helper.py", script, 0o755);
    let mut all = json!({"--profiles": {"print": {"version": 1, "profiles": [
        {"name": "work", "path": "/p", "title": "Work", "kind": "openconnect",
         "server": "vpn.example.org", "connect-on-open": false, "start-at-login": false,
         "apps": [], "error": null}]}}});
    for (name, answer) in calls.as_object().unwrap() {
        all[name] = answer.clone();
    }
    let scenario = json!({"monitor": monitor, "calls": all});
    lab.user()
        .write("scenario.json", &scenario.to_string(), 0o644);
    let environment = json!({
        "VPNNS_HELPER": script.to_str().unwrap(), "VPNNS_SCENARIO": home.to_str().unwrap()
    });
    desktop.launch_with(&[], &environment);
}

#[test]
fn garbage_a_strange_version_and_a_sudden_end_are_named_and_survived() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let ready = json!({"event": "ready"});
    // Each trouble stands there for as long as a loaded machine may take to look.
    let monitor = json!([
        [told("connected"), ready, {"wait": 8}, {"raw": "<html>no</html>\n"}],
        [{"wait": 6}, {"version": 2, "event": "ready"}],
        [{"wait": 6}, told("isolated"), ready, {"wait": 4}, {"raw": "{\"version\":1,"}, {"exit": 3}],
        [{"wait": 6}, told("connected"), ready, {"silent": true}],
    ]);
    begin(&desktop, &lab, &monitor, &json!({}));
    desktop.see("Connected");
    desktop.see("The answer of the VPN helper cannot be read*");
    desktop.picture("helper-garbage");
    desktop.see("The VPN helper has another version*");
    desktop.see("The VPN helper has ended*");
    // And what it says in the end is shown.
    desktop.see("Connected");
    desktop.unsee("The VPN helper has ended*");
}

#[test]
fn a_helper_that_says_nothing_is_said_to_be_silent() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    // What is said of the first one stands there until the second one says something.
    let second = json!([{"wait": 6}, told("connected"), {"event": "ready"}, {"silent": true}]);
    let monitor = json!([[{"silent": true}], second]);
    begin(&desktop, &lab, &monitor, &json!({}));
    desktop.see("The VPN helper does not answer*");
    desktop.see("Connected");
    desktop.unsee("The VPN helper does not answer*");
}

#[test]
fn a_call_that_is_slow_shows_at_once_that_it_is_under_way_and_one_that_fails_shows_why() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let monitor = json!([[{"event": "ready"}, {"silent": true}]]);
    let connect = json!({"--connect work": {"wait": 6, "exit": 1, "errors":
        "vpnns: openconnect is not installed\ncaused by: No such file\nhint: apt install openconnect\n"}});
    begin(&desktop, &lab, &monitor, &connect);
    desktop.click_button("Connect");
    desktop.see("Connecting…");
    desktop.see("Could Not Connect");
    desktop.see("Openconnect is not installed");
    desktop.see("Apt install openconnect*");
    desktop.see("Try Again");
    desktop.picture("failed");
}

#[test]
fn without_a_helper_the_window_says_what_to_install() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    desktop.launch_with(&[], &json!({"VPNNS_HELPER": "/nowhere/vpnns"}));
    desktop.see("The VPN helper cannot be started*");
    desktop.picture("helper-missing");
}
