//! The status tells by which entry a program was opened, and which program has started which.

use vpnns_protocol::instance::App;

use crate::desktop::Desktop;
use crate::support::{LIMIT, Session, wait_until};

/// Waits until as many programs are there; returns them.
fn apps(session: &Session, number: usize) -> Vec<App> {
    let mut apps = Vec::new();
    let reached = wait_until(LIMIT, || {
        apps = session.status("default").map_or(Vec::new(), |it| it.apps);
        apps.len() == number
    });
    assert!(reached, "never {number} programs: {apps:#?}");
    apps
}

fn by_command<'a>(apps: &'a [App], command: &str) -> &'a App {
    let found = apps.iter().find(|app| app.command == command);
    found.unwrap_or_else(|| panic!("no {command} in {apps:#?}"))
}

#[test]
fn an_opened_program_and_what_it_starts_have_its_entry_and_others_have_none() {
    let desktop = Desktop::new();
    let script = "vpnns -- sleep 600 & echo on; wait";
    desktop.entry("one", "kde/a.desktop", &format!("Exec=sh -c '{script}'"));
    let other = desktop.command(&["vpnns", "--", "tail", "-f", "/dev/null"]);
    let _other = other.spawn();
    apps(desktop.session(), 1);
    let app = desktop.open(&["kde-a"]).spawn();
    app.wait_for("on\n");
    let shown = apps(desktop.session(), 3);
    let opened = by_command(&shown, "sh");
    assert_eq!(opened.entry.as_deref(), Some("kde-a.desktop"));
    assert_eq!(opened.parent, None);
    let child = by_command(&shown, "sleep");
    assert_eq!(child.entry.as_deref(), Some("kde-a.desktop"));
    assert_eq!(child.parent, Some(opened.pid));
    let other = by_command(&shown, "tail");
    assert_eq!((&other.entry, other.parent), (&None, None));
    desktop.session().vpnns(&["--stop"]).run().text();
}

#[test]
fn it_makes_no_difference_whether_the_program_starts_the_instance_or_outlives_its_parent() {
    let desktop = Desktop::new();
    // Not before it is what it becomes: a child of a shell is a shell at first.
    let script = "sleep 600 & until grep -q sleep /proc/$!/comm; do :; done; echo on";
    let script =
        desktop
            .session()
            .user()
            .write("leave.sh", &format!("#!/bin/sh\n{script}\n"), 0o755);
    desktop.entry("one", "a.desktop", &format!("Exec={}", script.display()));
    // The first one is gone when anybody looks; what it has left behind is found by its namespace.
    desktop.open(&["a"]).run().text();
    let shown = apps(desktop.session(), 1);
    assert_eq!(shown[0].command, "sleep");
    assert_eq!(shown[0].entry.as_deref(), Some("a.desktop"), "{shown:#?}");
    desktop.session().vpnns(&["--stop"]).run().text();
}

#[test]
fn what_a_terminal_outside_was_opened_by_is_not_told_of_its_commands() {
    let desktop = Desktop::new();
    let file = desktop.entry("one", "terminal.desktop", "");
    let outside = |pid: &str| {
        desktop
            .command(&["vpnns", "--", "sleep", "600"])
            .env("GIO_LAUNCHED_DESKTOP_FILE", file.to_str().unwrap())
            .env("GIO_LAUNCHED_DESKTOP_FILE_PID", pid)
            .spawn()
    };
    let number = std::process::id().to_string();
    let _apps = [outside(&number), outside("not a number")];
    for app in apps(desktop.session(), 2) {
        assert_eq!(app.entry, None);
    }
    // A launcher that calls vpnns as the entry's command means this very process.
    let script = "export GIO_LAUNCHED_DESKTOP_FILE_PID=$$; exec vpnns -- tail -f /dev/null";
    let _meant = desktop
        .command(&["sh", "-c", script])
        .env("GIO_LAUNCHED_DESKTOP_FILE", file.to_str().unwrap())
        .spawn();
    let shown = apps(desktop.session(), 3);
    let meant = by_command(&shown, "tail");
    assert_eq!(meant.entry.as_deref(), Some("terminal.desktop"));
}

#[test]
fn an_entry_that_no_menu_knows_has_no_id() {
    let desktop = Desktop::new();
    let text = "[Desktop Entry]\nType=Application\nName=x\nExec=sleep 600\n";
    let path = desktop.session().user().write("x.desktop", text, 0o644);
    let _app = desktop.open(&[path.to_str().unwrap()]).spawn();
    assert_eq!(apps(desktop.session(), 1)[0].entry, None);
}

#[test]
fn a_detached_program_has_its_entry_as_well() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", "Exec=sleep 600");
    let words = ["vpnns", "--detach", "--open", "a"];
    desktop.command(&words).run().text();
    let shown = apps(desktop.session(), 1);
    assert_eq!(shown[0].entry.as_deref(), Some("a.desktop"), "{shown:#?}");
    desktop.session().vpnns(&["--stop"]).run().text();
}
