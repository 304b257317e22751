//! The window in its sandbox: the host's applications, the tray, and what stays when the sandbox is killed.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::PATIENCE;
use crate::installed::{HELPER, ID, lab, server};
use crate::support::desktop::Desktop;
use crate::support::tray::Host;
use crate::support::{Lab, address, wait_until};

/// The colour of the app's icon, which nothing else has.
const COLOUR: &str = "#FF00FF";

/// An app of the host's that asks for a page over and over, with an entry and an icon.
fn radio(lab: &Lab) {
    let user = lab.user();
    let page = format!("http://{}/radio", address::INTERNET);
    let script = format!("#!/bin/sh\nwhile sleep 0.3; do curl -s -m 3 {page} >/dev/null; done\n");
    let program = user.write("radio", &script, 0o755);
    let entry = format!(
        "[Desktop Entry]\nType=Application\nName=Field Radio\nExec={}\nIcon=field-radio\n",
        program.display()
    );
    let prepare = format!(
        "set -e; cd; share=.local/share; icons=$share/icons/hicolor/64x64/apps
         mkdir -p $share/applications $icons
         printf '%s' '{entry}' >$share/applications/radio.desktop
         convert -size 64x64 'xc:{COLOUR}' $icons/field-radio.png"
    );
    lab.run_by_user(&["sh", "-c", &prepare]).run().text();
}

/// By which addresses the page was asked for so far.
fn askers(lab: &Lab) -> Vec<String> {
    let requests = lab.internet_requests();
    let lines = requests.lines().filter(|line| line.ends_with("/radio"));
    lines
        .map(|line| line.split(' ').rev().nth(2).unwrap_or_default().to_owned())
        .collect()
}

/// Waits until the page is asked for again.
#[track_caller]
fn await_more(lab: &Lab) {
    let before = askers(lab).len();
    let more = wait_until(PATIENCE, || askers(lab).len() > before + 1);
    assert!(more, "nobody asks any more");
}

fn launch(desktop: &Desktop<'_>) {
    desktop.tell(&json!({
        "do": "launch", "program": "flatpak", "args": ["run", ID], "window": "vpnns",
    }));
}

/// Whether the icon's colour is on the screen.
fn shows_icon(picture: &Path) -> bool {
    let mut convert = Command::new("convert");
    let colours = convert
        .arg(picture)
        .args(["-format", "%c", "histogram:info:-"]);
    let output = colours.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).contains(COLOUR)
}

#[test]
fn the_flatpak_shows_the_hosts_apps_and_what_runs_survives_its_end() {
    let (lab, _files) = lab();
    radio(&lab);
    let _server = server(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    launch(&desktop);
    desktop.see("Off");
    host.await_icon("isolated");
    assert!(!shows_icon(&desktop.picture("flatpak-off")));
    desktop.click_button("Connect");
    desktop.see("Connected");
    host.await_icon("connected");

    // What the host has installed, with its icon, is opened there and in the VPN.
    desktop.key("ctrl+o");
    desktop.see("In work");
    desktop.type_text("radio");
    desktop.see("Field Radio");
    let shown = || shows_icon(&desktop.picture("flatpak-picker"));
    assert!(wait_until(PATIENCE, shown), "the app has no icon");
    desktop.key("Return");
    desktop.see("Close Field Radio");
    await_more(&lab);

    // The sandbox is killed: VPN and app stay, and a new window shows what is so.
    desktop.shell(&format!("flatpak kill {ID}"));
    desktop.tell(&json!({"do": "wait_exit"}));
    await_more(&lab);
    launch(&desktop);
    desktop.see("Connected");
    desktop.see("Close Field Radio");
    host.await_icon("connected");
    await_more(&lab);

    // An entry that the app writes for the host starts the Flatpak.
    desktop.key("ctrl+o");
    desktop.choose("More Actions for Field Radio", "Add to Application Menu");
    desktop.see("Field Radio added to the menu");
    desktop.key("Escape");
    let entry = format!("{ID}.work.radio.desktop");
    let path = format!(".local/share/applications/{entry}");
    let text = desktop.shell(&format!("cd; desktop-file-validate {path}; cat {path}"));
    let exec = format!("\nExec=flatpak run {ID} --open radio.desktop --vpn work\n");
    assert!(text.contains(&exec), "{text}");
    let icon = text.lines().find_map(|line| line.strip_prefix("Icon="));
    assert!(icon.is_some_and(|it| Path::new(it).exists()), "{text}");
    let count = |lab: &Lab| lab.processes("radio");
    let before = count(&lab);
    desktop.shell(&format!("gtk-launch {entry}"));
    assert!(wait_until(PATIENCE, || count(&lab) > before), "{text}");

    // Off is off: from here on nobody asks, in no way.
    // As a screen reader does: what was opened last may be in front of it.
    desktop.press("Disconnect");
    let status = [&HELPER[..], &["--status", "--name", "work", "--json"]].concat();
    let status = status.join(" ");
    let off = || desktop.shell(&status).contains("\"isolated\"");
    assert!(wait_until(PATIENCE, off), "{}", desktop.shell(&status));
    host.await_icon("isolated");
    // What was on its way before that is noted before this.
    let settled = format!("http://{}/settled", address::INTERNET);
    lab.on_gateway(&["curl", "-sS", &settled]).run().text();
    let asked = askers(&lab);
    std::thread::sleep(std::time::Duration::from_secs(5));
    // One may have been on its way.
    assert!(askers(&lab).len() <= asked.len() + 1);
    let inside = |address: &String| address.starts_with("10.99.1.");
    assert!(askers(&lab).iter().all(inside), "{:?}", askers(&lab));
    // Without the VPN it would have been seen.
    let words = ["curl", "-s", &format!("http://{}/radio", address::INTERNET)];
    lab.run_by_user(&words).run().text();
    assert!(askers(&lab).contains(&address::OUTSIDE.to_owned()));
    let stop = [&HELPER[..], &["--stop", "--name", "work"]]
        .concat()
        .join(" ");
    desktop.shell(&stop);
}
