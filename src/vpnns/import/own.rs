//! A profile of ours, from another computer or from a stranger: it is taken over as it is, and says
//! what it would do that one would not expect of a file about a server.

use vpnns_protocol::port::{Direction, Port};
use vpnns_protocol::profile::{Profile, Settings};

use crate::client::fault::shown;

/// A sentence for each thing that is worth a look.
pub(super) fn notes(profile: &Profile) -> Vec<String> {
    let mut notes = Vec::new();
    match &profile.settings {
        Settings::Command(command) => {
            let line = shown(&command.run.join(" "));
            notes.push(format!(
                "connecting it runs a command as you, outside of every VPN: {line}; remove the profile unless you know who wrote it"
            ));
            notes.extend(given("environment variables", command.environment.keys()));
        }
        Settings::OpenConnect(it) => notes.extend(given("options", &it.arguments)),
        Settings::OpenVpn(it) => notes.extend(given("options", &it.arguments)),
        Settings::WireGuard(_) | Settings::Demo => {}
    }
    notes.extend(profile.ports.iter().map(port));
    if profile.start_at_login {
        notes.push("it is connected whenever your session starts".to_owned());
    }
    notes
}

/// Some of a client's options name programs that it runs, or files that it writes.
fn given<'a>(what: &str, words: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let words: Vec<&str> = words.into_iter().map(String::as_str).collect();
    let line = shown(&words.join(" "));
    (!words.is_empty()).then(|| {
        format!("it gives its client {what}, which can make that run programs as you: {line}")
    })
}

fn port(port: &Port) -> String {
    match port.direction {
        Direction::Publish => format!(
            "while it is connected, {} of this computer leads to port {} in the VPN",
            port.host(),
            port.inside
        ),
        Direction::Reach => format!(
            "while it is connected, programs in the VPN reach {port} outside, at port {}",
            port.inside
        ),
    }
}
