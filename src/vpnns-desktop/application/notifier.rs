//! Whether this desktop shows notifications: nobody tells who sends one.

use gtk::prelude::*;
use gtk::{gio, glib};

/// Milliseconds that whoever shows notifications may take to say who it is.
const LIMIT: i32 = 5_000;

/// Whether somebody who shows notifications answers. GIO gives them to GNOME's shell or to the portal where
/// they are, and else to whoever has the name of the Desktop Notifications Specification.
pub async fn is_there() -> bool {
    let Ok(bus) = gio::bus_get_future(gio::BusType::Session).await else {
        return false;
    };
    let others: &[&str] = if crate::sandbox::is_here() {
        &["org.freedesktop.portal.Desktop"]
    } else {
        &["org.gtk.Notifications"]
    };
    for name in others {
        let parameters = (*name,).to_variant();
        let owned = call(
            &bus,
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "NameHasOwner",
            Some(&parameters),
        );
        let owned = owned.await.and_then(|it| it.try_child_get::<bool>(0).ok());
        if owned.flatten() == Some(true) {
            return true;
        }
    }
    let name = "org.freedesktop.Notifications";
    let path = "/org/freedesktop/Notifications";
    let server = call(&bus, name, path, "GetServerInformation", None);
    server.await.is_some()
}

/// The answer of an object whose interface has the name of its service.
async fn call(
    bus: &gio::DBusConnection,
    name: &str,
    path: &str,
    method: &str,
    parameters: Option<&glib::Variant>,
) -> Option<glib::Variant> {
    let flags = gio::DBusCallFlags::NONE;
    bus.call_future(
        Some(name),
        path,
        name,
        method,
        parameters,
        None,
        flags,
        LIMIT,
    )
    .await
    .ok()
}
