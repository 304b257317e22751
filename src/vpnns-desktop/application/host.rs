//! Whether anybody behind the tray's watcher shows icons.
//!
//! An icon is registered with a watcher, and seen where a host has told the watcher that it shows what
//! is registered. Mostly both are one process; a watcher that is left alone shows nothing.

use std::cell::{Cell, RefCell};

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use super::Application;

/// The watcher's name and interface.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// The watcher's object.
const PATH: &str = "/StatusNotifierWatcher";
/// Milliseconds that it may take to answer.
const LIMIT: i32 = 10_000;

/// What is known about the hosts of the tray.
#[derive(Default)]
pub struct Hosts {
    /// Set where a watcher has said that there is none. Who does not say is believed to have one.
    is_missing: Cell<bool>,
    followed: Cell<bool>,
    signals: RefCell<Vec<gio::SignalSubscription>>,
}

impl Application {
    /// Whether a watcher has said that nobody shows what it watches.
    pub(super) fn lacks_tray_host(&self) -> bool {
        self.imp().hosts.is_missing.get()
    }

    /// Follows the watcher from now on. Without a session bus there is none.
    pub(super) fn follow_tray_hosts(&self) {
        if self.imp().hosts.followed.replace(true) {
            return;
        }
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            // First the bus: watched without one, gio 0.21 tells of it by a panic.
            let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else {
                return;
            };
            let Some(this) = app.upgrade() else { return };
            let (of_new, of_old) = (app.clone(), app.clone());
            let appeared = move |bus: gio::DBusConnection, _: &str, _: &str| {
                if let Some(app) = of_new.upgrade() {
                    app.ask_for_tray_host(bus);
                    // It may be another one than the one that did not take us.
                    app.show_tray();
                }
            };
            let vanished = move |_: gio::DBusConnection, _: &str| {
                if let Some(app) = of_old.upgrade() {
                    app.set_lacks_tray_host(false);
                }
            };
            let flags = gio::BusNameWatcherFlags::NONE;
            // For as long as the application runs.
            let _ = gio::bus_watch_name_on_connection(&bus, WATCHER, flags, appeared, vanished);
            for signal in [
                "StatusNotifierHostRegistered",
                "StatusNotifierHostUnregistered",
            ] {
                let app = app.clone();
                let subscription = bus.subscribe_to_signal(
                    Some(WATCHER),
                    Some(WATCHER),
                    Some(signal),
                    Some(PATH),
                    None,
                    gio::DBusSignalFlags::NONE,
                    move |signal| {
                        if let Some(app) = app.upgrade() {
                            // Of several hosts one may be left: the property knows.
                            app.ask_for_tray_host(signal.connection.clone());
                        }
                    },
                );
                this.imp().hosts.signals.borrow_mut().push(subscription);
            }
        });
    }

    fn ask_for_tray_host(&self, bus: gio::DBusConnection) {
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            let answer = bus
                .call_future(
                    Some(WATCHER),
                    PATH,
                    "org.freedesktop.DBus.Properties",
                    "Get",
                    Some(&(WATCHER, "IsStatusNotifierHostRegistered").to_variant()),
                    None,
                    gio::DBusCallFlags::NO_AUTO_START,
                    LIMIT,
                )
                .await;
            let Some(app) = app.upgrade() else { return };
            let value = answer.ok().and_then(|it| it.try_child_value(0));
            let value = value.and_then(|it| it.as_variant());
            let is_there = value.and_then(|it| it.get::<bool>());
            app.set_lacks_tray_host(is_there == Some(false));
        });
    }

    fn set_lacks_tray_host(&self, is_missing: bool) {
        if self.imp().hosts.is_missing.replace(is_missing) != is_missing {
            self.tray_presence_changed();
        }
    }
}
