//! What the tray shows, as plain data.

use crate::i18n::{gettext, gettext_f};
use crate::model::Presentation;
use crate::model::presentation::Look;
use crate::model::vpn::Facts;
use crate::model::words::listed;

/// An application that can be opened from the menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppItem {
    /// Its entry's id.
    pub entry: String,
    /// What people call it.
    pub name: String,
    /// Its icon's name in the theme; empty if it has a picture.
    pub icon_name: String,
    /// Its icon as a PNG file, where the theme does not have it.
    pub picture: Vec<u8>,
    /// The VPN to open it in, in place of the default one.
    pub vpn: Option<String>,
}

/// All that the tray knows. What is seen is worked out when somebody looks: "12 min" is true then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrayState {
    /// The VPNs in the order of the sidebar.
    pub vpns: Vec<Facts>,
    /// The name of the one that "Open in VPN" means.
    pub default: Option<String>,
    /// Favourites, then what was opened last.
    pub apps: Vec<AppItem>,
}

/// Whether something is up, or on its way: quitting has to ask then.
pub fn is_up(look: Look) -> bool {
    !matches!(look, Look::Off | Look::Failed)
}

impl TrayState {
    /// Each VPN with its name, as it is shown at a time.
    pub fn shown(&self, now: u64) -> Vec<(String, Presentation)> {
        self.vpns
            .iter()
            .map(|facts| (facts.name.to_string(), Presentation::of(facts, now)))
            .collect()
    }

    /// The most urgent look of all.
    pub fn look(&self, now: u64) -> Look {
        let looks = self.shown(now).into_iter().map(|(_, shown)| shown.look);
        looks.max().unwrap_or(Look::Off)
    }

    /// Everything that is not off, in words.
    pub fn tooltip(&self, now: u64) -> String {
        let words: Vec<String> = self
            .shown(now)
            .iter()
            .filter_map(|(_, shown)| words(shown))
            .collect();
        match (words.is_empty(), self.vpns.is_empty()) {
            (false, _) => listed(&words),
            (true, true) => gettext("No VPN yet"),
            (true, false) => gettext("All VPNs are off"),
        }
    }
}

fn words(shown: &Presentation) -> Option<String> {
    let vpn = [("vpn", shown.name.as_str())];
    Some(match shown.look {
        Look::Off => return None,
        Look::Connected => gettext_f("{vpn} connected", &vpn),
        Look::Connecting => gettext_f("{vpn} connecting", &vpn),
        Look::Reconnecting => gettext_f("{vpn} reconnecting", &vpn),
        Look::Question => {
            let mut line = shown.line.chars();
            let line: String = line
                .next()
                .into_iter()
                .flat_map(char::to_lowercase)
                .chain(line)
                .collect();
            // Translators: {what} is as in "waiting for a code", with its first letter in lower case
            gettext_f(
                "{vpn} {what}",
                &[("vpn", &shown.name), ("what", line.as_str())],
            )
        }
        Look::Failed => gettext_f("{vpn} could not connect", &vpn),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The facts of an instance in a state, with more JSON.
    pub fn facts(name: &str, state: &str, more: &str) -> Facts {
        let listed = format!(
            r#"{{"name":"{name}","path":"/p","title":"The {name}","kind":"demo","server":null,
               "connect-on-open":false,"start-at-login":false,"apps":[],"error":null}}"#
        );
        let instance = format!(
            r#"{{"name":"{name}","state":"{state}","stage":"signing in","reason":"no",
               "since":0,"keeper":1,"apps":[],"tunnel":null{more}}}"#
        );
        Facts {
            name: name.parse().unwrap(),
            listed: serde_json::from_str(&listed).ok(),
            instance: Some(serde_json::from_str(&instance).unwrap()),
            ..Facts::default()
        }
    }

    /// A question for a code, as JSON of an instance.
    pub const CODE: &str = r#","question":{"id":1,"message":"","ask":"form",
        "fields":[{"name":"c","label":"Code","kind":"code"}]}"#;

    #[test]
    fn the_most_urgent_state_is_the_icon_and_all_are_the_tooltip() {
        let mut state = TrayState {
            vpns: vec![
                facts("work", "connected", ""),
                facts("home", "isolated", ""),
                facts("lab", "connecting", CODE),
            ],
            ..TrayState::default()
        };
        assert_eq!(state.look(0), Look::Question);
        assert_eq!(
            state.tooltip(0),
            "The work connected, The lab waiting for a code"
        );
        state.vpns.push(facts("bad", "failed", ""));
        assert_eq!(state.look(0), Look::Failed);
        state.vpns = vec![facts("home", "isolated", "")];
        assert_eq!(state.look(0), Look::Off);
        assert_eq!(state.tooltip(0), "All VPNs are off");
        assert_eq!(TrayState::default().tooltip(0), "No VPN yet");
    }
}
