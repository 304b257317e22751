//! The application's actions: what menus, keys, tray, notifications and buttons call.

use adw::prelude::*;
use gtk::{gio, glib};

use super::Application;
use crate::i18n::{gettext, ngettext_f};
use crate::model::Vpn;
use crate::widgets;

/// The type of a parameter that names a VPN.
fn named() -> &'static glib::VariantTy {
    glib::VariantTy::STRING
}

impl Application {
    /// Adds every action, and the keys for them.
    pub(super) fn add_actions(&self) {
        let plain = |name: &str, call: fn(&Self)| {
            gio::ActionEntry::builder(name)
                .activate(move |app: &Self, _, _| call(app))
                .build()
        };
        let of_vpn = |name: &str, call: fn(&Self, Vpn)| {
            gio::ActionEntry::builder(name)
                .parameter_type(Some(named()))
                .activate(move |app: &Self, _, parameter: Option<&glib::Variant>| {
                    let name = parameter.and_then(glib::Variant::str).unwrap_or_default();
                    if let Some(vpn) = app.session().vpns.find(name) {
                        call(app, vpn);
                    }
                })
                .build()
        };
        self.add_action_entries([
            plain("show-window", super::Application::show_window),
            plain("quit", super::Application::leave),
            plain("about", |app| widgets::about::present(&app.window())),
            plain("shortcuts", |app| {
                widgets::shortcuts::present(&app.window());
            }),
            plain("preferences", |app| {
                widgets::preferences::present(&app.window());
            }),
            plain("system-check", |app| {
                widgets::system_check::present(&app.window());
            }),
            plain("add-vpn", |app| widgets::add::present(&app.window())),
            plain("import-file", |app| {
                widgets::add::import_file(&app.window());
            }),
            plain("try-demonstration", |app| {
                widgets::add::add_demonstration(&app.window());
            }),
            of_vpn("connect-vpn", super::Application::connect_vpn),
            of_vpn("disconnect-vpn", super::Application::disconnect_vpn),
            of_vpn("reconnect-vpn", super::Application::reconnect_vpn),
            of_vpn("answer-vpn", |app, vpn| {
                widgets::question::present(&app.window(), &vpn);
            }),
            of_vpn("edit-vpn", |app, vpn| {
                widgets::add::edit(&app.window(), &vpn);
            }),
            of_vpn("duplicate-vpn", |app, vpn| {
                widgets::add::duplicate(&app.window(), &vpn);
            }),
            of_vpn("delete-vpn", |app, vpn| {
                widgets::add::delete(&app.window(), &vpn);
            }),
            of_vpn("open-app", |app, vpn| {
                widgets::picker::present(&app.window(), &vpn);
            }),
            of_vpn("check-vpn", |app, vpn| {
                let window = app.window();
                window.select(&vpn);
                window.present();
                window.show_leaks();
            }),
            of_vpn("log-vpn", |app, vpn| {
                widgets::log::present(&app.window(), &vpn);
            }),
            of_vpn("stop-vpn", super::Application::stop_vpn),
            of_vpn("show-vpn", |app, vpn| {
                let window = app.window();
                window.select(&vpn);
                window.present();
            }),
        ]);
        // Its parameter: the VPN's name, and the entry's id.
        let open = gio::ActionEntry::builder("open-in-vpn")
            .parameter_type(glib::VariantTy::new("(ss)").ok())
            .activate(|app: &Self, _, parameter: Option<&glib::Variant>| {
                if let Some((vpn, entry)) =
                    parameter.and_then(glib::Variant::get::<(String, String)>)
                    && let Some(vpn) = app.session().vpns.find(&vpn)
                {
                    app.open_in_vpn(vpn, entry, Vec::new());
                }
            })
            .build();
        self.add_action_entries([open]);
        for (action, keys) in [
            ("app.quit", "<Control>q"),
            ("app.preferences", "<Control>comma"),
            ("app.shortcuts", "<Control>question"),
            ("app.add-vpn", "<Control>n"),
            ("app.import-file", "<Control>i"),
            ("win.open-app", "<Control>o"),
            ("win.toggle-connection", "<Control>Return"),
            ("win.toggle-sidebar", "F9"),
            ("win.show-help-overlay", "F1"),
            ("window.close", "<Control>w"),
        ] {
            self.set_accels_for_action(action, &[keys]);
        }
    }

    /// Brings a VPN up.
    pub fn connect_vpn(&self, vpn: Vpn) {
        let app = self.clone();
        // Called by a launcher, there may be no window that keeps us running. Not only once the future
        // runs: whoever calls us gives its own hold back before.
        let hold = self.hold();
        glib::spawn_future_local(async move {
            app.session().connect(&vpn).await;
            drop(hold);
        });
    }

    /// Takes a VPN down, and offers to bring it up again.
    pub fn disconnect_vpn(&self, vpn: Vpn) {
        let app = self.clone();
        glib::spawn_future_local(async move {
            let apps = vpn.presentation().apps;
            let result = app.session().disconnect(&vpn).await;
            let Some(window) = app.existing_window() else {
                return;
            };
            match result {
                Ok(()) => {
                    let text = match apps {
                        0 => gettext("Disconnected"),
                        apps => ngettext_f("{n} app is offline", "{n} apps are offline", apps, &[]),
                    };
                    let toast = adw::Toast::new(&text);
                    toast.set_button_label(Some(&gettext("Reconnect")));
                    toast.set_detailed_action_name(Some(&format!(
                        "app.connect-vpn::{}",
                        vpn.name()
                    )));
                    window.add_toast(toast);
                }
                Err(trouble) => window.show_trouble(&trouble),
            }
        });
    }

    /// Tries again at once.
    fn reconnect_vpn(&self, vpn: Vpn) {
        let app = self.clone();
        glib::spawn_future_local(async move {
            if let Err(trouble) = app.session().reconnect(&vpn).await {
                app.window().show_trouble(&trouble);
            }
        });
    }

    /// Ends a VPN with all its apps, after a question.
    fn stop_vpn(&self, vpn: Vpn) {
        let app = self.clone();
        glib::spawn_future_local(async move {
            if !widgets::stop::confirm(&app.window(), &vpn).await {
                return;
            }
            if let Err(trouble) = app.session().stop(&vpn).await {
                app.window().show_trouble(&trouble);
            }
        });
    }
}
