//! The app where the user already is: its tray icon, what a click there does, and the way back to
//! a window that was hidden.
//!
//! Whoever hides the window must be able to bring it back. So it is hidden only while somebody
//! shows our icon; if that one goes, and does not come back soon (a panel that is started anew), the
//! window comes back by itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use super::{Application, pictures};
use crate::i18n::gettext;
use crate::model::Vpn;
use crate::tray::{AppItem, Told, Tray, TrayState};
use crate::widgets::preferences::Preferences;

/// How many clicks may wait. A host that sends more loses them.
const WAITING: usize = 64;
/// How many apps the menu shows.
const APPS: usize = 8;
/// How long a tray may be away before we show ourselves in another way.
const GRACE: Duration = Duration::from_secs(15);
/// The notification that says where the app is.
const NOTICE: &str = "background";

/// What the application knows about the tray.
#[derive(Default)]
pub struct Presence {
    tray: RefCell<Option<Rc<Tray>>>,
    /// Whether somebody shows the icon.
    watched: Cell<bool>,
    /// Whether the icon is on its way into the tray.
    starting: Cell<bool>,
    /// Whether somebody wanted it there while it was.
    again: Cell<bool>,
    sent: RefCell<Option<TrayState>>,
    pending: Cell<bool>,
    sending: Cell<bool>,
    grace: RefCell<Option<glib::SourceId>>,
    /// Icons of apps as the tray takes them, by what their entries name.
    icons: RefCell<HashMap<String, (String, Vec<u8>)>>,
    followed: RefCell<Vec<glib::WeakRef<Vpn>>>,
}

impl Application {
    fn presence(&self) -> &Presence {
        &self.imp().presence
    }

    /// Begins to follow what the tray shows, and shows it.
    pub(super) fn begin_presence(&self) {
        let session = self.session();
        let weak = self.downgrade();
        session
            .vpns
            .model()
            .connect_items_changed(move |_, _, _, _| {
                if let Some(app) = weak.upgrade() {
                    app.follow_vpns();
                    app.refresh_tray();
                }
            });
        let weak = self.downgrade();
        session
            .catalogue
            .store
            .connect_items_changed(move |_, _, _, _| {
                if let Some(app) = weak.upgrade() {
                    app.presence().icons.borrow_mut().clear();
                    app.refresh_tray();
                }
            });
        self.follow_vpns();
        self.show_tray();
        self.follow_tray_hosts();
    }

    /// Listens to each VPN, once.
    fn follow_vpns(&self) {
        let followed = &self.presence().followed;
        followed.borrow_mut().retain(|vpn| vpn.upgrade().is_some());
        for vpn in self.session().vpns.iter() {
            let known = followed
                .borrow()
                .iter()
                .any(|it| it.upgrade().as_ref() == Some(&vpn));
            if known {
                continue;
            }
            followed.borrow_mut().push(vpn.downgrade());
            let weak = self.downgrade();
            vpn.connect_changed(move |vpn| {
                if let Some(app) = weak.upgrade() {
                    app.vpn_changed(vpn);
                }
            });
            self.vpn_changed(&vpn);
        }
    }

    fn vpn_changed(&self, vpn: &Vpn) {
        self.refresh_tray();
        self.refresh_status_line();
        self.notice_change(vpn);
    }

    /// Follows the settings.
    pub fn settings_changed(&self) {
        if self.session().settings.get().tray_icon {
            self.show_tray();
            self.refresh_tray();
        } else {
            let presence = self.presence();
            presence.tray.replace(None);
            presence.sent.replace(None);
            presence.watched.set(false);
            self.tray_presence_changed();
        }
        self.withdraw_unwanted_notices();
    }

    /// Whether there is a tray, and somebody shows our icon.
    pub fn has_tray(&self) -> bool {
        let presence = self.presence();
        presence.tray.borrow().is_some() && presence.watched.get() && !self.lacks_tray_host()
    }

    pub(super) fn show_tray(&self) {
        let presence = self.presence();
        let wanted = self.session().settings.get().tray_icon;
        if !wanted || presence.tray.borrow().is_some() {
            return;
        }
        if presence.starting.replace(true) {
            // If that fails: by then another watcher is there than the one that was asked.
            presence.again.set(true);
            return;
        }
        let (sender, receiver) = async_channel::bounded(WAITING);
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            while let Ok(told) = receiver.recv().await {
                let Some(app) = app.upgrade() else { return };
                app.told(told);
            }
        });
        let state = self.tray_state();
        presence.sent.replace(Some(state.clone()));
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            let tray = Tray::show(state, pictures::of_states(), sender).await;
            let Some(app) = app.upgrade() else { return };
            let presence = app.presence();
            presence.starting.set(false);
            presence.tray.replace(tray.map(Rc::new));
            app.tray_presence_changed();
            if presence.again.take() && presence.tray.borrow().is_none() {
                app.show_tray();
            }
            app.refresh_tray();
            app.load_names();
        });
    }

    /// The names of apps in the menu are not read before they are needed.
    fn load_names(&self) {
        let session = self.session();
        let has_apps = {
            let values = session.settings.get();
            !values.favourites.is_empty() || !values.recent.is_empty()
        };
        if has_apps && session.catalogue.store.n_items() == 0 {
            glib::spawn_future_local(async move {
                // Without names the menu leads to the picker, which says what is wrong.
                let _ = session.reload_apps().await;
            });
        }
    }

    /// Shows what is so now, once everything that belongs to one event has happened.
    pub(super) fn refresh_tray(&self) {
        let presence = self.presence();
        if presence.tray.borrow().is_none() || presence.pending.replace(true) {
            return;
        }
        let app = self.downgrade();
        glib::idle_add_local_full(glib::Priority::DEFAULT, move || {
            if let Some(app) = app.upgrade() {
                app.presence().pending.set(false);
                app.send_to_tray();
            }
            glib::ControlFlow::Break
        });
    }

    /// One update after the other: a later one must not overtake.
    fn send_to_tray(&self) {
        let presence = self.presence();
        if presence.sending.replace(true) {
            return;
        }
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            loop {
                let Some(app) = app.upgrade() else { return };
                let presence = app.presence();
                let state = app.tray_state();
                let tray = presence.tray.borrow().clone();
                let is_new = presence.sent.borrow().as_ref() != Some(&state);
                let Some(tray) = tray.filter(|_| is_new) else {
                    presence.sending.set(false);
                    return;
                };
                presence.sent.replace(Some(state.clone()));
                tray.update(state).await;
            }
        });
    }

    pub(super) fn tray_state(&self) -> TrayState {
        let session = self.session();
        let values = session.settings.get();
        let mut apps: Vec<AppItem> = Vec::new();
        for entry in values.favourites.iter().chain(&values.recent) {
            if apps.len() == APPS || apps.iter().any(|it| it.entry == *entry) {
                continue;
            }
            // What is no longer installed is not offered.
            let Some(app) = session.catalogue.find(entry) else {
                continue;
            };
            let (icon_name, picture) = self.menu_icon(app.entry().icon.as_deref());
            apps.push(AppItem {
                entry: entry.clone(),
                name: app.entry().name.clone(),
                icon_name,
                picture,
                vpn: values.apps.get(entry).and_then(|it| it.vpn.clone()),
            });
        }
        TrayState {
            vpns: session.vpns.iter().map(|vpn| vpn.facts().clone()).collect(),
            default: session.default_vpn().map(|vpn| vpn.name().to_string()),
            apps,
        }
    }

    fn menu_icon(&self, icon: Option<&str>) -> (String, Vec<u8>) {
        let key = icon.unwrap_or_default().to_owned();
        let mut icons = self.presence().icons.borrow_mut();
        icons
            .entry(key)
            .or_insert_with(|| pictures::of_app(icon))
            .clone()
    }

    fn told(&self, told: Told) {
        match told {
            Told::Watched(watched) => {
                self.presence().watched.set(watched);
                self.tray_presence_changed();
            }
            Told::Wish(wish, token) => self.grant(wish, token.as_deref()),
        }
    }

    /// Whether somebody shows the icon may be different now.
    pub(super) fn tray_presence_changed(&self) {
        if self.presence().watched.get() && !self.lacks_tray_host() {
            self.cancel_grace();
        } else {
            self.begin_grace();
        }
        // Who looks at the settings sees there what they can do.
        for window in self.windows() {
            if let Ok(window) = window.downcast::<Preferences>() {
                window.fill_tray(self);
            }
        }
    }

    /// Nobody shows the icon: waits a little before the app shows itself.
    pub(super) fn begin_grace(&self) {
        let presence = self.presence();
        if presence.grace.borrow().is_some() {
            return;
        }
        let app = self.downgrade();
        let source = glib::timeout_add_local_once(GRACE, move || {
            if let Some(app) = app.upgrade() {
                app.presence().grace.replace(None);
                app.come_back();
            }
        });
        presence.grace.replace(Some(source));
    }

    fn cancel_grace(&self) {
        if let Some(source) = self.presence().grace.take() {
            source.remove();
        }
        self.withdraw_notification(NOTICE);
    }

    /// Never an invisible app without a way back.
    fn come_back(&self) {
        if self.has_tray() {
            return;
        }
        match self.existing_window() {
            Some(window) if window.is_visible() => {}
            Some(window) => window.present(),
            // Started without a window: one that comes up at each login is not wanted either.
            None => {
                let app = self.clone();
                let hold = self.hold();
                glib::spawn_future_local(async move {
                    if super::notifier::is_there().await {
                        app.tell_where_we_are();
                    } else if !app.has_tray() {
                        // Nobody else would tell.
                        app.show_window();
                    }
                    drop(hold);
                });
            }
        }
    }

    fn tell_where_we_are(&self) {
        let notice = gio::Notification::new(&gettext("Per-App VPN Runs in the Background"));
        notice.set_body(Some(&gettext("This desktop shows no tray icon for it.")));
        notice.add_button(&gettext("Show Window"), "app.show-window");
        notice.add_button(&gettext("Quit"), "app.quit");
        notice.set_default_action("app.show-window");
        self.send_notification(Some(NOTICE), &notice);
    }

    /// The VPNs that are up, or on their way.
    pub(super) fn vpns_up(&self) -> Vec<Vpn> {
        let is_up = |vpn: &Vpn| crate::tray::is_up(vpn.presentation().look);
        self.session().vpns.iter().filter(is_up).collect()
    }
}
