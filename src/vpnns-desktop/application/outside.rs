//! What the desktop asks of us through our own menu entry: its actions, and files and links to open.

use adw::prelude::*;
use gtk::{gio, glib};

use super::Application;
use crate::model::Vpn;
use crate::widgets;

/// The entry's actions, which a desktop starts by name over the bus and others by an option each.
pub(super) const ACTIONS: [(&str, &str); 2] = [
    ("open-in-default", "choose-app"),
    ("connect-default", "connect-default"),
];

impl Application {
    /// Adds the actions of our menu entry.
    pub(super) fn add_entry_actions(&self) {
        let calls: [fn(&Self, Vpn); 2] = [
            |app, vpn| {
                let window = app.window();
                window.present();
                widgets::picker::present(&window, &vpn);
            },
            |app, vpn| app.connect_vpn(vpn),
        ];
        for ((name, _), call) in ACTIONS.into_iter().zip(calls) {
            let action = gio::SimpleAction::new(name, None);
            let app = self.downgrade();
            action.connect_activate(move |_, _| {
                if let Some(app) = app.upgrade() {
                    app.with_default(call);
                }
            });
            self.add_action(&action);
        }
    }

    /// Does something with the default VPN; where there is none, the window says how to add one.
    fn with_default(&self, call: fn(&Self, Vpn)) {
        let app = self.clone();
        // Started for this alone, we would end before the profiles are read.
        let hold = self.hold();
        glib::spawn_future_local(async move {
            app.session().reload_profiles().await;
            match app.session().default_vpn() {
                Some(vpn) => call(&app, vpn),
                None => app.show_window(),
            }
            drop(hold);
        });
    }

    /// Opens what a file manager hands over: the configuration of a VPN.
    pub(super) fn open_files(&self, files: &[gio::File]) {
        self.activate();
        if let Some(file) = files.first() {
            widgets::add::import(&self.window(), file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_entry_offers_what_there_is() {
        let entry = include_str!("../../../data/org.vpnns.PerAppVpn.desktop");
        let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        let names = names.join(";") + ";";
        assert!(entry.contains(&format!("\nActions={names}\n")), "{names}");
        for (name, option) in ACTIONS {
            let action = entry.split(&format!("[Desktop Action {name}]")).nth(1);
            let line = format!("\nExec=vpnns-desktop --{option}\n");
            assert!(action.is_some_and(|it| it.contains(&line)), "{name}");
        }
    }
}
