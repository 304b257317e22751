//! What the window shows is what is so: however it changed, and however often the app was started.

use crate::support::Lab;
use crate::*;

#[test]
fn without_a_vpn_the_window_says_how_to_begin() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Choose Which Apps Use a VPN");
    desktop.picture("first-run");
}

#[test]
fn a_vpn_is_connected_and_disconnected_by_its_button() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Connect");
    desktop.see("Connected");
    await_state(&lab, "demo", "connected");
    desktop.click_button("Disconnect");
    desktop.see("Off");
    desktop.unsee("Connected");
    assert_ne!(status(&lab, "demo")["state"], "connected");
}

#[test]
fn what_is_done_elsewhere_is_shown_at_once() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    let words = ["vpnns", "--connect", "demo", "--background"];
    lab.run_by_user(&words).run().text();
    desktop.see("Connected");
    let words = ["vpnns", "--disconnect", "--name", "demo"];
    lab.run_by_user(&words).run().text();
    desktop.unsee("Connected");
    desktop.see("Off");
    profile(&lab, "other", "title = \"Another One\"\n[demo]\n");
    desktop.see("Another One");
}

#[test]
fn a_crash_of_the_app_drops_no_tunnel_and_no_app_and_a_new_one_shows_the_truth() {
    let lab = Lab::start();
    demonstration(&lab);
    let _app = lab.keep("demo");
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("1 app is waiting offline");
    desktop.click_button("Connect");
    desktop.see("Connected");
    let before = status(&lab, "demo");
    desktop.kill_app();
    desktop.launch(&[]);
    desktop.see("Connected");
    let after = status(&lab, "demo");
    for field in ["state", "since", "keeper", "apps"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert_eq!(before["tunnel"]["since"], after["tunnel"]["since"]);
}

#[test]
fn a_second_start_shows_the_window_of_the_first() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    desktop.shell("timeout 20 vpnns-desktop --connect demo");
    desktop.see("Connected");
    let windows = desktop.shell("xdotool search --onlyvisible --name '^Per-App VPN$' | wc -l");
    assert_eq!(windows.trim(), "1");
}
