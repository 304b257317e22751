//! The icon in the tray, seen and used by a host that speaks nothing but the specifications.

pub use crate::support::tray::Host;

use crate::support::Lab;
use crate::*;

#[test]
fn the_icon_tells_the_state_and_its_menu_connects() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    host.await_icon("isolated");
    host.await_menu("Demonstration");
    let shown = host.ask("properties");
    assert_eq!(shown["Id"], "org.vpnns.PerAppVpn");
    assert_eq!(shown["Category"], "ApplicationStatus");
    assert_eq!(shown["Status"], "Active");
    assert_eq!(shown["ItemIsMenu"], false);
    assert_eq!(shown["ToolTip"][2], "All VPNs are off");
    let pictures = shown["IconPixmap"].as_array().unwrap();
    assert!(!pictures.is_empty(), "no picture for who lacks the name");
    assert!(pictures.iter().all(|it| it[2] == true), "{pictures:?}");

    let before = host.ask("menu");
    let layouts = host.count("LayoutUpdated");
    host.ask("click 'Demonstration*' Connect");
    await_state(&lab, "demo", "connected");
    host.await_icon("connected");
    let shown = host.ask("properties");
    assert_eq!(shown["ToolTip"][2], "Demonstration connected");
    // Labels changed in place: the same items, and nobody was told to read them all again.
    let after = host.ask("menu");
    let ids = |menu: &Value| {
        let items = menu["root"]["children"].as_array().unwrap();
        let ids: Vec<Value> = items.iter().map(|it| it["id"].clone()).collect();
        ids
    };
    assert_eq!(before["revision"], after["revision"]);
    assert_eq!(ids(&before), ids(&after));
    assert_eq!(host.count("LayoutUpdated"), layouts, "{:?}", host.log());
    for signal in ["ItemsPropertiesUpdated", "NewIcon", "NewToolTip"] {
        let told = wait_until(PATIENCE, || host.count(signal) > 0);
        assert!(told, "no {signal}: {:?}", host.log());
    }

    host.ask("click 'Demonstration*' Disconnect");
    host.await_icon("isolated");
    assert_ne!(status(&lab, "demo")["state"], "connected");
}

#[test]
fn a_menu_that_has_not_changed_is_not_sent_again() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    host.await_icon("isolated");
    host.await_menu("Demonstration");
    // A program comes and goes in the VPN: that changes what is known, and nothing of the menu.
    let _ = host.ask("menu");
    let told = || ["ItemsPropertiesUpdated", "LayoutUpdated"].map(|signal| host.count(signal));
    let before = told();
    let words = ["vpnns", "--name", "demo", "--", "true"];
    lab.run_by_user(&words).run();
    desktop.see("Off");
    assert_eq!(told(), before, "{:?}", host.log());
    // And a VPN more changes its shape.
    profile(&lab, "other", "title = \"Another One\"\n[demo]\n");
    desktop.see("Another One");
    let is_told = wait_until(PATIENCE, || told()[1] > before[1]);
    assert!(is_told, "{:?}", host.log());
}

#[test]
fn a_hostile_host_gets_errors_and_does_no_harm() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    host.await_line("registered", "no icon came");
    let calls = host.ask("hostile");
    assert!(calls["refused"].as_u64() > Some(0), "{calls}");
    host.ask("click 'Demonstration*' Connect");
    await_state(&lab, "demo", "connected");
}

#[test]
fn a_click_on_the_icon_hides_and_shows_the_window_and_closing_it_hides_it_too() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    let windows = || {
        let find = "xdotool search --onlyvisible --name '^Per-App VPN$' | wc -l";
        desktop.shell(find).trim().to_owned()
    };
    // A window that has not got the focus is brought to the front instead.
    desktop.tell(&serde_json::json!({"do": "focus"}));
    host.ask("activate");
    assert!(wait_until(PATIENCE, || windows() == "0"), "not hidden");
    host.ask("activate");
    assert!(wait_until(PATIENCE, || windows() == "1"), "not shown");
    desktop.see("Off");
    desktop.close_window(|| windows() == "0");
    // Still there, and its icon leads back.
    host.await_icon("isolated");
    host.ask("activate SecondaryActivate");
    await_state(&lab, "demo", "connected");
    // A panel that goes for good must not leave an app that nobody can see.
    host.end();
    assert!(wait_until(PATIENCE, || windows() == "1"), "not back");
    host.watch();
    host.await_line("registered", "the icon did not come back");
}

#[test]
fn without_a_tray_closing_the_window_asks_if_something_is_connected() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Connect");
    desktop.see("Connected");
    desktop.close_window(|| desktop.sees("Quit Per-App VPN?"));
    desktop.picture("quit");
    // By keys: AT-SPI names each button of such a dialog twice.
    desktop.key("Escape");
    desktop.unsee("Quit Per-App VPN?");
    desktop.see("Connected");
    desktop.close_window(|| desktop.sees("Quit Per-App VPN?"));
    desktop.key("Return");
    desktop.tell(&serde_json::json!({"do": "wait_exit"}));
    assert_eq!(status(&lab, "demo")["state"], "connected");
    desktop.launch(&[]);
    desktop.see("Connected");
    desktop.key("ctrl+q");
    desktop.see("Quit Per-App VPN?");
    desktop.key("Tab Return");
    desktop.tell(&serde_json::json!({"do": "wait_exit"}));
    assert_ne!(status(&lab, "demo")["state"], "connected");
}
