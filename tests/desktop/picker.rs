//! Apps are chosen, dragged in and put into menus, and then run inside.

use crate::support::Lab;
use crate::*;

/// A program that drags a file out of its window.
const DRAG: &str = include_str!("../support/drag.py");

/// Writes an entry of the lab's user.
fn entry(lab: &Lab, id: &str, lines: &str) {
    let home = lab.user().home();
    for directory in [".local", ".local/share", ".local/share/applications"] {
        let path = home.join(directory);
        if !path.exists() {
            lab.user().make_directory(&path);
        }
    }
    let path = format!(".local/share/applications/{id}");
    let text = format!("[Desktop Entry]\nType=Application\n{lines}\n");
    lab.user().write(&path, &text, 0o644);
}

/// An app that stays, with a name that nothing else in the window has.
pub fn field_notes(lab: &Lab) {
    entry(
        lab,
        "notes.desktop",
        "Name=Field Notes\nComment=Write down what you see\nExec=sleep 600\nIcon=accessories-text-editor\nKeywords=diary;\n\
         Actions=quick;\n\n[Desktop Action quick]\nName=Quick Note\nExec=sleep 601",
    );
}

/// Waits until the helper says that so many apps of an entry run.
#[track_caller]
pub fn await_apps(lab: &Lab, entry: Option<&str>, count: usize) {
    let mut last = Value::Null;
    let reached = wait_until(PATIENCE, || {
        last = status(lab, "demo")["apps"].clone();
        let apps = last.as_array().into_iter().flatten();
        apps.filter(|app| app["entry"].as_str() == entry).count() == count
    });
    assert!(reached, "never {count} apps of {entry:?}: {last:#}");
}

#[test]
fn an_app_is_found_by_typing_and_opened_without_a_mouse() {
    let lab = Lab::start();
    demonstration(&lab);
    field_notes(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    desktop.key("ctrl+o");
    desktop.see("In Demonstration");
    desktop.see("Field Notes");
    desktop.type_text("no such app anywhere");
    desktop.see("No Apps Found");
    desktop.key("ctrl+a BackSpace");
    desktop.type_text("diary");
    desktop.see("Write down what you see");
    desktop.picture("picker-search");
    desktop.key("Return");
    desktop.see("Field Notes is offline: Demonstration is not connected");
    desktop.picture("opened-offline");
    await_apps(&lab, Some("notes.desktop"), 1);
    // What was said is gone once it is not so any more.
    desktop.click_button("Connect");
    await_state(&lab, "demo", "connected");
    desktop.unsee("Field Notes is offline: Demonstration is not connected");
    desktop.key("ctrl+o");
    desktop.see("Recent");
    desktop.picture("picker");
    desktop.key("Escape");
    desktop.unsee("In Demonstration");
}

#[test]
fn a_wheel_moves_the_list_as_far_as_it_is_turned_and_a_click_then_goes_to_the_row_under_the_mouse()
{
    let lab = Lab::start();
    demonstration(&lab);
    for number in 0..2000 {
        let lines = format!("Name=App {number:04}\nComment=One of many\nExec=sleep 600");
        entry(&lab, &format!("app-{number:04}.desktop"), &lines);
    }
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    desktop.key("ctrl+o");
    desktop.see("App 0003");
    // Several clicks between two frames; then, until the list stands still.
    desktop.shell(
        "w=$(xdotool getactivewindow)\n\
         list() { import -window $w -crop 400x200+100+300 rgb:- | md5sum; }\n\
         xdotool mousemove --window $w 300 400; sleep 0.5\n\
         xdotool click --repeat 400 --delay 4 5\n\
         until before=$(list); sleep 1; [ \"$before\" = \"$(list)\" ]; do :; done",
    );
    // The row under the mouse is marked, and is the one that opens.
    let colours = desktop.shell(
        "eval $(xdotool getmouselocation --shell); import -window root ~/list.png\n\
         for below in 0 130; do\n\
         convert ~/list.png -format \"%[pixel:p{$((X + 50)),$((Y + below))}] \" info:; done",
    );
    let [under, other] = colours.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{colours}");
    };
    assert_ne!(under, other, "another row is marked than the mouse is over");
    desktop.shell("xdotool click 1");
    let mut opened = String::new();
    wait_until(PATIENCE, || {
        let app = status(&lab, "demo")["apps"][0].clone();
        opened = app["entry"].as_str().unwrap_or_default().to_owned();
        !opened.is_empty()
    });
    let number = opened
        .strip_prefix("app-")
        .and_then(|it| it.strip_suffix(".desktop"));
    let number: u32 = number.expect("an app is opened").parse().unwrap();
    // A click moves it by little more than one row.
    assert!((400..650).contains(&number), "{opened}");
}

#[test]
fn a_launcher_is_valid_opens_its_app_inside_and_can_be_taken_away() {
    let lab = Lab::start();
    demonstration(&lab);
    field_notes(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    let launcher = ".local/share/applications/org.vpnns.PerAppVpn.demo.notes.desktop";
    let path = lab.user().home().join(launcher);
    desktop.key("ctrl+o");
    desktop.choose("More Actions for Field Notes", "Add to Application Menu");
    desktop.see("Field Notes added to the menu");
    desktop.shell(&format!("cd; desktop-file-validate {launcher}"));
    // The app's own icon with the VPN's mark, in a file of its own.
    let text = std::fs::read_to_string(&path).unwrap();
    let icon = text.lines().find_map(|line| line.strip_prefix("Icon=/"));
    let badge = std::path::Path::new("/").join(icon.expect("the launcher has a badge"));
    assert!(badge.exists(), "{}", badge.display());
    let id = "org.vpnns.PerAppVpn.demo.notes.desktop";
    desktop.shell(&format!("gtk-launch {id}"));
    await_apps(&lab, Some("notes.desktop"), 1);
    // The app need not run for that, and is gone again afterwards.
    desktop.kill_app();
    desktop.shell(&format!("cd; gio launch {launcher}"));
    await_apps(&lab, Some("notes.desktop"), 2);
    let ended = wait_until(PATIENCE, || {
        desktop.shell("pgrep -x vpnns-desktop || true").is_empty()
    });
    assert!(ended, "it stays without a window");
    desktop.launch(&[]);
    // Two processes of one entry are one app.
    desktop.see("1 app is waiting offline");
    desktop.key("ctrl+o");
    desktop.choose(
        "More Actions for Field Notes",
        "Remove From Application Menu",
    );
    desktop.see("Field Notes removed from the menu");
    assert!(!path.exists() && !badge.exists());
}

#[test]
fn what_is_dragged_onto_the_window_runs_inside() {
    let lab = Lab::start();
    demonstration(&lab);
    field_notes(&lab);
    let script = "#!/bin/sh\nexec sleep 602\n";
    let program = lab.user().write("Some.AppImage", script, 0o755);
    lab.user().write("drag.py", DRAG, 0o644);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    let entry = ".local/share/applications/notes.desktop";
    let entry = lab.user().home().join(entry);
    for (file, known, count) in [(&entry, Some("notes.desktop"), 1), (&program, None, 1)] {
        let path = file.to_str().unwrap();
        let script = lab.user().home().join("drag.py");
        desktop.shell(&format!(
            "/usr/bin/python3 {} {path} >/dev/null 2>&1 &\n\
             echo $! >~/drag.pid\n{}",
            script.display(),
            "until w=$(xdotool search --onlyvisible --name '^source$'); do sleep 0.1; done\n\
             t=$(xdotool search --onlyvisible --name '^Per-App VPN$')\n\
             xdotool windowmove --sync $w 0 0; sleep 0.5\n\
             xdotool mousemove --window $w 40 40 mousedown 1; sleep 0.2\n\
             for at in 60 80 200 300 310; do xdotool mousemove --window $t $at $at; sleep 0.2; done"
        ));
        // The mouse moves on until the drag has begun, and been seen.
        let dragged = wait_until(PATIENCE, || {
            desktop.shell(
                "t=$(xdotool search --onlyvisible --name '^Per-App VPN$')\n\
                 for at in 300 310; do xdotool mousemove --window $t $at $at; sleep 0.2; done",
            );
            desktop.sees("Drop to Open in Demonstration")
        });
        assert!(dragged, "nothing can be dropped");
        desktop.see("Drop to Open in Demonstration");
        desktop.picture("drop");
        desktop.shell("xdotool mouseup 1");
        await_apps(&lab, known, count);
        if known.is_some() {
            desktop.see("Field Notes is offline: Demonstration is not connected");
        }
        desktop.unsee("Drop to Open in Demonstration");
        // Not before: what is dropped is fetched from it.
        desktop.shell(
            "kill $(cat ~/drag.pid)\n\
             while xdotool search --onlyvisible --name '^source$' >/dev/null; do sleep 0.1; done",
        );
    }
}
