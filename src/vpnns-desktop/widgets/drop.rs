//! Files that are dragged onto the window: apps are opened, VPNs are imported.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use adw::prelude::*;
use gtk::{gdk, gio, glib};

use super::{Window, add};
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};

/// What a file is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The entry of an app.
    Entry,
    /// A file that describes a VPN.
    Vpn,
    /// A program.
    Program,
    /// Nothing that we could do something with.
    Other,
}

impl Kind {
    fn of(path: &Path) -> Self {
        let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        match ending.as_deref().and_then(std::ffi::OsStr::to_str) {
            Some("desktop") => Self::Entry,
            Some("ovpn" | "conf" | "nmconnection") => Self::Vpn,
            _ => {
                let facts = std::fs::metadata(path);
                let is_program =
                    facts.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
                if is_program {
                    Self::Program
                } else {
                    Self::Other
                }
            }
        }
    }
}

/// Makes a window take files.
pub fn take_files(window: &Window, toasts: &adw::ToastOverlay) {
    let overlay = gtk::Overlay::new();
    let content = toasts.child();
    toasts.set_child(gtk::Widget::NONE);
    overlay.set_child(content.as_ref());
    let text = gtk::Label::builder()
        .wrap(true)
        .justify(gtk::Justification::Center)
        .css_classes(["title-2"])
        .build();
    let zone = zone(&text);
    overlay.add_overlay(&zone);
    toasts.set_child(Some(&overlay));

    let target = gtk::DropTarget::new(gdk::FileList::static_type(), gdk::DragAction::COPY);
    // Without it, what is dragged is only known when it is dropped.
    target.set_preload(true);
    let weak = window.downgrade();
    target.connect_value_notify(move |target| {
        if let Some(window) = weak.upgrade() {
            text.set_label(&invitation(&window, &files(target.value().as_ref())));
        }
    });
    target.connect_enter({
        let zone = zone.clone();
        move |target, _, _| {
            target.notify("value");
            zone.set_visible(true);
            gdk::DragAction::COPY
        }
    });
    target.connect_leave({
        let zone = zone.clone();
        move |_| zone.set_visible(false)
    });
    let weak = window.downgrade();
    target.connect_drop(move |_, value, _, _| {
        zone.set_visible(false);
        if let Some(window) = weak.upgrade() {
            let files = files(Some(value));
            // Whoever drags waits for the end of this.
            glib::idle_add_local_once(move || take(&window, &files));
        }
        true
    });
    window.add_controller(target);
}

/// What covers the window while something is dragged over it.
fn zone(text: &gtk::Label) -> gtk::Box {
    let icon = gtk::Image::from_icon_name("folder-open-symbolic");
    icon.set_pixel_size(64);
    let middle = gtk::Box::new(gtk::Orientation::Vertical, 12);
    middle.set_valign(gtk::Align::Center);
    middle.set_vexpand(true);
    middle.set_hexpand(true);
    middle.append(&icon);
    middle.append(text);
    let inner = gtk::Box::builder().css_classes(["drop-zone"]).build();
    inner.append(&middle);
    let outer = gtk::Box::builder()
        .css_classes(["background", "drop-cover"])
        .visible(false)
        // The drag goes on to what is below.
        .can_target(false)
        .build();
    outer.append(&inner);
    outer
}

fn files(value: Option<&glib::Value>) -> Vec<gio::File> {
    let list = value.and_then(|value| value.get::<gdk::FileList>().ok());
    list.map(|list| list.files()).unwrap_or_default()
}

/// What happens if they are dropped.
fn invitation(window: &Window, files: &[gio::File]) -> String {
    let paths: Vec<_> = files.iter().filter_map(FileExt::path).collect();
    let kinds: Vec<Kind> = paths.iter().map(|path| Kind::of(path)).collect();
    let is_app = |kind: &Kind| matches!(kind, Kind::Entry | Kind::Program);
    match window.selected() {
        Some(vpn) if !kinds.is_empty() && kinds.iter().all(is_app) => {
            let name = vpn.presentation().name;
            gettext_f("Drop to Open in {vpn}", &[("vpn", &name)])
        }
        Some(_) if kinds.is_empty() => gettext("Drop to Open or Import"),
        _ => gettext("Drop to Import"),
    }
}

fn take(window: &Window, files: &[gio::File]) {
    let app = Application::current();
    for file in files {
        let Some(path) = file.path() else { continue };
        match (Kind::of(&path), window.selected()) {
            (Kind::Vpn, _) => add::import(window, file),
            (Kind::Entry, Some(vpn)) => {
                app.open_in_vpn(vpn, path.to_string_lossy().into_owned(), Vec::new());
            }
            (Kind::Program, Some(vpn)) => app.run_in_vpn(vpn, path),
            (Kind::Entry | Kind::Program, None) => {
                say(
                    window,
                    &gettext("Add a VPN first, then apps can be opened in it"),
                );
            }
            (Kind::Other, _) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let text = gettext_f(
                    "“{file}” is neither an app nor the file of a VPN",
                    &[("file", &name)],
                );
                say(window, &text);
            }
        }
    }
}

fn say(window: &Window, text: &str) {
    window.add_toast(adw::Toast::new(&glib::markup_escape_text(text)));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_known_by_its_ending_and_a_program_by_its_permission() {
        let directory = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Kind::of(&path)
        };
        assert_eq!(make("a.desktop", 0o755), Kind::Entry);
        assert_eq!(make("a.OVPN", 0o644), Kind::Vpn);
        assert_eq!(make("wg0.conf", 0o600), Kind::Vpn);
        assert_eq!(make("home.nmconnection", 0o600), Kind::Vpn);
        assert_eq!(make("Some.AppImage", 0o755), Kind::Program);
        assert_eq!(make("notes.txt", 0o644), Kind::Other);
        assert_eq!(Kind::of(directory.path()), Kind::Other);
        assert_eq!(Kind::of(&directory.path().join("gone")), Kind::Other);
    }
}
