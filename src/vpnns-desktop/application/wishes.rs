//! What a click in the tray does.

use gtk::prelude::*;

use super::Application;
use crate::model::presentation::Act;
use crate::tray::Wish;

impl Application {
    /// Does what somebody wants who clicked at the tray; with what Wayland wants to see before a window may
    /// come to the front.
    pub(super) fn grant(&self, wish: Wish, token: Option<&str>) {
        let with_name = |action: &str, name: &str| {
            self.activate_action(action, Some(&name.to_variant()));
        };
        // Wayland lets a window come to the front only with this.
        let front = || {
            if let Some(token) = token {
                self.window().set_startup_id(token);
            }
        };
        match wish {
            Wish::ToggleWindow => match self.existing_window() {
                Some(window) if window.is_visible() && window.is_active() => window.close_to_tray(),
                _ => {
                    front();
                    self.show_window();
                }
            },
            Wish::ShowWindow => {
                front();
                self.show_window();
            }
            Wish::ConnectDefault => {
                let vpn = self.session().default_vpn();
                if let Some(vpn) = vpn.filter(|it| !crate::tray::is_up(it.presentation().look)) {
                    self.connect_vpn(vpn);
                }
            }
            Wish::Act(act, name) => {
                if act == Act::Answer {
                    front();
                }
                let action = act.action();
                with_name(action.strip_prefix("app.").unwrap_or(action), &name);
            }
            Wish::Open { vpn, entry } => {
                self.activate_action("open-in-vpn", Some(&(vpn, entry).to_variant()));
            }
            Wish::OtherApp(name) => {
                front();
                with_name("open-app", &name);
            }
            Wish::Check(name) => {
                front();
                with_name("check-vpn", &name);
            }
            Wish::AddVpn => {
                front();
                self.show_window();
                self.activate_action("add-vpn", None);
            }
            Wish::Preferences => {
                front();
                self.activate_action("preferences", None);
            }
            Wish::Quit => self.activate_action("quit", None),
            Wish::DisconnectAndQuit => self.disconnect_and_quit(),
        }
    }
}
