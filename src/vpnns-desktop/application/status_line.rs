//! What GNOME's list of background apps says about this one: told to the Background portal, and seen where
//! there is no tray.

use std::cell::{Cell, RefCell};

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use super::Application;
use crate::model::time;

/// The portal's bus name, path and interface.
const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const INTERFACE: &str = "org.freedesktop.portal.Background";
/// How many characters the portal takes.
const LENGTH: usize = 96;

/// What the portal was told.
#[derive(Default)]
pub struct StatusLine {
    told: RefCell<String>,
    pending: Cell<bool>,
    /// Set by a portal that does not want it: it takes it from sandboxed apps only, and not before version 2.
    is_refused: Cell<bool>,
}

impl Application {
    /// Tells what is so now, once everything that belongs to one event has happened.
    pub(super) fn refresh_status_line(&self) {
        let line = &self.imp().status_line;
        if line.is_refused.get() || line.pending.replace(true) {
            return;
        }
        let app = self.downgrade();
        glib::idle_add_local_once(move || {
            if let Some(app) = app.upgrade() {
                app.imp().status_line.pending.set(false);
                app.tell_status_line();
            }
        });
    }

    fn tell_status_line(&self) {
        let text = self.tray_state().tooltip(time::now());
        let text: String = text.chars().take(LENGTH).collect();
        let told = &self.imp().status_line.told;
        if *told.borrow() == text {
            return;
        }
        told.replace(text.clone());
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else {
                return;
            };
            let options = glib::VariantDict::new(None);
            options.insert("message", &text);
            let parameters = glib::Variant::tuple_from_iter([options.end()]);
            let answer = bus
                .call_future(
                    Some(PORTAL),
                    PATH,
                    INTERFACE,
                    "SetStatus",
                    Some(&parameters),
                    None,
                    // Where it does not run, nobody shows it.
                    gio::DBusCallFlags::NO_AUTO_START,
                    -1,
                )
                .await;
            let (Err(error), Some(app)) = (answer, app.upgrade()) else {
                return;
            };
            let line = &app.imp().status_line;
            if error.matches(gio::DBusError::ServiceUnknown) {
                // It may come later.
                line.told.take();
            } else {
                line.is_refused.set(true);
            }
        });
    }
}
