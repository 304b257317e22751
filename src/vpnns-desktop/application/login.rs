//! What the start of a session and the start of a connection bring along.

use gtk::glib;
use vpnns_protocol::instance::State;

use super::Application;
use crate::model::Vpn;
use crate::model::vpn::Facts;

impl Application {
    /// Connects what its profile wants to be connected when the user's session starts.
    pub(super) fn connect_at_login(&self) {
        // Told anyhow if a tray is missing; but a desktop that still starts gets its time.
        self.begin_grace();
        let app = self.clone();
        let hold = gtk::prelude::ApplicationExtManual::hold(self);
        glib::spawn_future_local(async move {
            let session = app.session();
            session.reload_profiles().await;
            for vpn in session.vpns.iter() {
                let wanted = {
                    let facts = vpn.facts();
                    let listed = facts.listed.as_ref();
                    listed.is_some_and(|it| it.start_at_login && it.error.is_none())
                };
                if wanted && !crate::tray::is_up(vpn.presentation().look) {
                    app.connect_vpn(vpn);
                }
            }
            drop(hold);
        });
    }

    /// Opens the apps of a VPN that was just connected, unless they run in it.
    pub(super) fn open_apps_of(&self, vpn: &Vpn, before: &Facts, after: &Facts) {
        for entry in to_open(before, after) {
            self.open_in_vpn(vpn.clone(), entry, Vec::new());
        }
    }
}

/// The apps that a change asks for: once for each connection that somebody made, and not when one
/// that was lost is back.
fn to_open(before: &Facts, after: &Facts) -> Vec<String> {
    let (Some(was), Some(is), Some(listed)) = (&before.instance, &after.instance, &after.listed)
    else {
        return Vec::new();
    };
    let comes_up = matches!(was.state, State::Connecting { .. }) && is.state == State::Connected;
    if !comes_up {
        return Vec::new();
    }
    let runs = |entry: &str| {
        is.apps
            .iter()
            .any(|app| app.entry.as_deref() == Some(entry))
    };
    let wanted = listed.apps.iter().filter(|entry| !runs(entry));
    wanted.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(state: &str, apps: &str) -> Facts {
        let instance = format!(
            r#"{{"name":"work","state":"{state}","stage":"x","since":0,"keeper":1,"apps":{apps},
               "tunnel":null}}"#
        );
        let listed = r#"{"name":"work","path":"/p","title":null,"kind":"demo","server":null,
            "connect-on-open":false,"start-at-login":false,"apps":["a.desktop","b.desktop"],
            "error":null}"#;
        Facts {
            listed: serde_json::from_str(listed).unwrap(),
            instance: serde_json::from_str(&instance).unwrap(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_connection_that_somebody_made_opens_what_does_not_run_yet() {
        let up = facts(
            "connected",
            r#"[{"pid":1,"command":"a","entry":"a.desktop"}]"#,
        );
        assert_eq!(to_open(&facts("connecting", "[]"), &up), ["b.desktop"]);
        for state in ["connected", "reconnecting", "isolated"] {
            assert_eq!(to_open(&facts(state, "[]"), &up), [""; 0], "{state}");
        }
        assert_eq!(to_open(&Facts::default(), &up), [""; 0]);
    }
}
