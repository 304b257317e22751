//! Desktops that lack something: the app works, says what is missing, and never becomes an app that nobody
//! can see.

use serde_json::json;

use crate::notices::Notifications;
use crate::support::Lab;
use crate::tray::Host;
use crate::*;

/// How many of the app's windows can be seen.
fn windows(desktop: &Desktop<'_>) -> usize {
    let find = "xdotool search --onlyvisible --name '^Per-App VPN$' | wc -l";
    desktop.shell(find).trim().parse().unwrap()
}

/// Starts the app without its window.
#[track_caller]
fn start_in_background(desktop: &Desktop<'_>, environment: &Value) {
    desktop.tell(&json!({
        "do": "launch", "args": ["--background"], "wait": false, "env": environment,
    }));
}

#[test]
fn without_tray_and_notifications_the_settings_say_so_and_a_start_in_the_background_shows_the_window()
 {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    start_in_background(&desktop, &json!({}));
    // Nothing else would lead to it.
    desktop.see("Off");
    assert!(wait_until(PATIENCE, || windows(&desktop) == 1));
    desktop.key("ctrl+comma");
    desktop.see("This desktop shows no tray at the moment");
    desktop.see("Needs the tray icon; without one, closing the window quits");
    desktop.see("Nothing on this desktop shows notifications");
    desktop.picture("preferences-without");
    // A tray that comes later is used, and the settings know it.
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.see("Closing the window leaves the tray icon");
    desktop.unsee("This desktop shows no tray at the moment");
}

#[test]
fn a_watcher_without_a_host_is_no_tray() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch_as("watch alone");
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    desktop.key("ctrl+comma");
    desktop.see("This desktop shows no tray at the moment");
    host.signal("USR1");
    desktop.see("Closing the window leaves the tray icon");
}

#[test]
fn a_watcher_that_never_answers_holds_up_nothing_and_one_that_follows_it_gets_the_icon() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch_as("watch mute");
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("unanswered", "nobody asked");
    desktop.click_button("Connect");
    desktop.see("Connected");
    desktop.key("ctrl+comma");
    desktop.see("This desktop shows no tray at the moment");
    host.end();
    host.watch();
    host.await_line("registered", "no icon came");
    desktop.see("Closing the window leaves the tray icon");
    host.await_icon("connected");
}

#[test]
fn without_a_session_bus_the_app_connects_and_says_what_is_missing() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let nowhere = json!({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"});
    start_in_background(&desktop, &nowhere);
    // Without that bus GTK tells a screen reader nothing either: by keys, and by what comes of them.
    let await_windows = |name: &str, count: usize| {
        let find = format!("xdotool search --onlyvisible --name '^{name}$' | wc -l");
        let there = wait_until(PATIENCE, || {
            let found = desktop.shell(&find);
            found.trim() == count.to_string()
        });
        assert!(there, "not {count} windows {name}: {}", desktop.log());
    };
    await_windows("Per-App VPN", 1);
    desktop.key("ctrl+Return");
    await_state(&lab, "demo", "connected");
    desktop.key("ctrl+comma");
    await_windows("Preferences", 1);
    desktop.picture("without-session-bus");
    desktop.key("Escape");
    await_windows("Preferences", 0);
    // No tray leads back to a hidden window, so that closing it is quitting, and asks.
    let all = || desktop.shell("xdotool search --onlyvisible --class vpnns | wc -l");
    let before = all();
    desktop.close_window(|| all() != before);
    desktop.picture("without-session-bus-quit");
    assert_eq!(
        windows(&desktop),
        1,
        "{} {:?}",
        desktop.log(),
        desktop.ask(&json!({"do":"running"}))
    );
    desktop.key("Tab Return");
    desktop.tell(&json!({"do": "wait_exit"}));
    assert_ne!(status(&lab, "demo")["state"], "connected");
}

#[test]
fn notifications_that_nobody_answers_hold_up_nothing() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let notifications = Notifications::start(&lab, &desktop, "silent");
    start_in_background(&desktop, &json!({}));
    // It waits for the answer, and then no longer.
    desktop.see("Off");
    notifications.await_line("unanswered", "nobody asked");
    desktop.click_button("Connect");
    desktop.see("Connected");
    desktop.key("ctrl+comma");
    desktop.see("Nothing on this desktop shows notifications");
}

#[test]
fn a_start_in_the_background_without_a_tray_tells_where_the_app_is() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let notifications = Notifications::start(&lab, &desktop, "show");
    start_in_background(&desktop, &json!({}));
    let shown = notifications.await_title("Per-App VPN Runs in the Background");
    assert_eq!(shown["body"], "This desktop shows no tray icon for it.");
    assert_eq!(windows(&desktop), 0);
    notifications.press(&shown, "Show Window");
    desktop.see("Off");
    assert!(wait_until(PATIENCE, || windows(&desktop) == 1));
}

#[test]
fn the_portal_is_told_what_runs_in_the_background_and_left_alone_if_it_does_not_want_that() {
    for how in ["take", "refuse"] {
        let lab = Lab::start();
        demonstration(&lab);
        let desktop = Desktop::start(&lab);
        let text = include_str!("../support/portal.py");
        let script = lab.user().write("portal.py", text, 0o644);
        desktop.start_program(&["/usr/bin/python3", script.to_str().unwrap(), how]);
        let log = lab.user().runtime_directory().join("portal.log");
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        let await_told = |what: &str| {
            let there = wait_until(PATIENCE, || told().contains(what));
            assert!(there, "{how}: no {what}: {}", told());
        };
        await_told("ready");
        desktop.launch(&[]);
        desktop.see("Off");
        await_told("All VPNs are off");
        let before = told();
        desktop.click_button("Connect");
        desktop.see("Connected");
        if how == "take" {
            await_told("Demonstration connected");
        } else {
            assert_eq!(told(), before);
        }
    }
}
