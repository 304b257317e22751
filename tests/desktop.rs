//! The app, driven as a person would: against the real helper and the lab's real servers.
//!
//! Pictures of each page are written to `target/pictures`, for people to look at.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "desktop/forms.rs"]
mod forms;
#[path = "desktop/gallery.rs"]
mod gallery;
#[path = "desktop/helper.rs"]
mod helper;
#[path = "desktop/languages.rs"]
mod languages;
#[path = "desktop/links.rs"]
mod links;
#[path = "desktop/look.rs"]
mod look;
#[path = "desktop/notices.rs"]
mod notices;
#[path = "desktop/panel.rs"]
mod panel;
#[path = "desktop/picker.rs"]
mod picker;
#[path = "desktop/protocol.rs"]
mod protocol;
#[path = "desktop/scripted.rs"]
mod scripted;
#[path = "desktop/story.rs"]
mod story;
#[path = "desktop/tray.rs"]
mod tray;
#[path = "desktop/truth.rs"]
mod truth;
#[path = "desktop/waybar.rs"]
mod waybar;
#[path = "desktop/without.rs"]
mod without;

use std::time::Duration;

use serde_json::Value;
use support::desktop::Desktop;
use support::{Lab, wait_until};

/// How long a state may take to be reached on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a profile of the lab's user.
fn profile(lab: &Lab, name: &str, text: &str) {
    let home = lab.user().home();
    for directory in [".config", ".config/vpnns", ".config/vpnns/profiles"] {
        let path = home.join(directory);
        if !path.exists() {
            lab.user().make_directory(&path);
        }
    }
    let path = format!(".config/vpnns/profiles/{name}.toml");
    let text = format!("version = 1\n{text}");
    lab.user().write(&path, &text, 0o600);
}

/// The built-in gateway as a profile.
fn demonstration(lab: &Lab) {
    profile(lab, "demo", "title = \"Demonstration\"\n[demo]\n");
}

/// What the helper says of an instance; null where it does not run.
fn status(lab: &Lab, name: &str) -> Value {
    let words = ["vpnns", "--status", "--json", "--name", name];
    let output = lab.run_by_user(&words).run();
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    report["instances"][0].clone()
}

/// Waits until the helper says that an instance is in a state.
#[track_caller]
fn await_state(lab: &Lab, name: &str, state: &str) {
    let mut last = Value::Null;
    let reached = wait_until(PATIENCE, || {
        last = status(lab, name);
        last["state"] == state
    });
    assert!(reached, "never {state}: {last:#}");
}

/// Activates an action of the running app on a VPN.
fn act(desktop: &Desktop<'_>, action: &str, vpn: &str) {
    activate(desktop, action, &format!("[<'{vpn}'>]"));
}

/// Activates an action of the running app.
fn act_alone(desktop: &Desktop<'_>, action: &str) {
    activate(desktop, action, "[]");
}

fn activate(desktop: &Desktop<'_>, action: &str, parameter: &str) {
    desktop.shell(&format!(
        "gdbus call --session --dest org.vpnns.PerAppVpn --object-path /org/vpnns/PerAppVpn \
         --method org.gtk.Actions.Activate {action} \"{parameter}\" '{{}}'"
    ));
}
