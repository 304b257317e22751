//! Sends the notifications that [`crate::model::notices`] asks for, and starts what a connection
//! starts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use super::Application;
use crate::model::notices::{self, Change, EXPIRES_SOON, Names, Notice};
use crate::model::vpn::Facts;
use crate::model::{Vpn, time};

/// What was known about each VPN, and which notifications wait for their time.
#[derive(Default)]
pub struct Notices {
    before: RefCell<HashMap<String, Facts>>,
    waiting: RefCell<HashMap<String, glib::SourceId>>,
    /// The end of a session that a timer waits for, by the VPN's name.
    ends: RefCell<HashMap<String, (u64, Option<glib::SourceId>)>>,
}

impl Application {
    /// A VPN has changed: tells what matters about that.
    pub(super) fn notice_change(&self, vpn: &Vpn) {
        let name = vpn.name().to_string();
        let after = vpn.facts().clone();
        let before = {
            let mut known = self.imp().notices.before.borrow_mut();
            if after.instance.is_none() && after.listed.is_none() {
                known.remove(&name)
            } else {
                known.insert(name, after.clone())
            }
        };
        // What was so when we came is no news.
        let Some(before) = before else {
            self.wait_for_end(&after);
            return;
        };
        let focused = self.is_focused();
        let changes =
            self.with_names(|names| notices::changes(&before, &after, time::now(), focused, names));
        for change in changes {
            match change {
                Change::Show(notice) => self.show_notice(notice),
                Change::Withdraw(id) => self.withdraw_notice(&id),
            }
        }
        self.wait_for_end(&after);
        self.open_apps_of(vpn, &before, &after);
    }

    fn with_names<T>(&self, call: impl FnOnce(&Names<'_>) -> T) -> T {
        let session = self.session();
        let app = |entry: &str| Some(session.catalogue.find(entry)?.entry().name.clone());
        let hide = session.settings.get().hide_names;
        call(&Names { app: &app, hide })
    }

    fn is_focused(&self) -> bool {
        self.windows().iter().any(GtkWindowExt::is_active)
    }

    fn show_notice(&self, notice: Notice) {
        self.withdraw_notice(&notice.id);
        if !self.session().settings.get().notifications {
            return;
        }
        if notice.delay == 0 {
            self.send_notice(&notice);
            return;
        }
        let id = notice.id.clone();
        let app = self.downgrade();
        let delay = Duration::from_secs(u64::from(notice.delay));
        let source = glib::timeout_add_local_once(delay, move || {
            if let Some(app) = app.upgrade() {
                app.imp().notices.waiting.borrow_mut().remove(&notice.id);
                app.send_notice(&notice);
            }
        });
        self.imp().notices.waiting.borrow_mut().insert(id, source);
    }

    fn send_notice(&self, notice: &Notice) {
        let message = gio::Notification::new(&notice.title);
        message.set_body(Some(&notice.body));
        message.set_icon(&gio::ThemedIcon::new(crate::config::APP_ID));
        message.add_button(&notice.button.0, &notice.button.1);
        message.set_default_action(&notice.action);
        if notice.urgent {
            message.set_priority(gio::NotificationPriority::High);
        }
        self.send_notification(Some(&notice.id), &message);
    }

    fn withdraw_notice(&self, id: &str) {
        if let Some(source) = self.imp().notices.waiting.borrow_mut().remove(id) {
            source.remove();
        }
        self.withdraw_notification(id);
    }

    /// Whoever looks at the window sees the question there.
    pub(super) fn withdraw_questions(&self) {
        for vpn in self.session().vpns.iter() {
            let [_, id, _] = notices::ids(vpn.name().as_str());
            self.withdraw_notice(&id);
        }
    }

    /// Notifications are not wanted any more.
    pub(super) fn withdraw_unwanted_notices(&self) {
        if self.session().settings.get().notifications {
            return;
        }
        for vpn in self.session().vpns.iter() {
            for id in notices::ids(vpn.name().as_str()) {
                self.withdraw_notice(&id);
            }
        }
    }

    /// Sets one timer for the end of a session, and none without one.
    fn wait_for_end(&self, facts: &Facts) {
        let name = facts.name.to_string();
        let end = notices::expires(facts);
        let ends = &self.imp().notices.ends;
        if ends.borrow().get(&name).map(|(end, _)| *end) == end {
            return;
        }
        if let Some((_, Some(source))) = ends.borrow_mut().remove(&name) {
            source.remove();
        }
        let Some(end) = end else { return };
        let due = end.saturating_sub(EXPIRES_SOON);
        let wait = u32::try_from(due.saturating_sub(time::now())).unwrap_or(u32::MAX);
        let app = self.downgrade();
        let of = name.clone();
        let source = glib::timeout_add_seconds_local_once(wait, move || {
            if let Some(app) = app.upgrade() {
                app.tell_end(&of);
            }
        });
        ends.borrow_mut().insert(name, (end, Some(source)));
    }

    fn tell_end(&self, name: &str) {
        // It stays noted, so that this end is told once.
        if let Some((_, source)) = self.imp().notices.ends.borrow_mut().get_mut(name) {
            *source = None;
        }
        if let Some(vpn) = self.session().vpns.find(name) {
            let facts = vpn.facts().clone();
            let notice = self.with_names(|names| notices::expiring(&facts, time::now(), names));
            if let Some(notice) = notice {
                self.show_notice(notice);
            }
        }
    }
}
