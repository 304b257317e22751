//! The icon of an application, as it is drawn.

use gtk::{gdk, gio, prelude::*};

use crate::sandbox;

/// What is shown for a program that names no icon, or one that nobody has.
const GENERAL: &str = "application-x-executable";

/// An icon by the name or path that an entry gives.
///
/// A list of two names would not do: GTK looks for both in the chosen theme before it looks for the
/// first in the theme where applications put theirs (hicolor), and so finds the general one.
pub fn app_icon(name: Option<&str>) -> gio::Icon {
    let named = match name {
        Some(path) if path.starts_with('/') => {
            return gio::FileIcon::new(&gio::File::for_path(sandbox::seen(path))).upcast();
        }
        // Entries may name a file of the theme with its ending.
        Some(name) => name.trim_end_matches(".png").trim_end_matches(".svg"),
        None => GENERAL,
    };
    let theme = gdk::Display::default().map(|display| gtk::IconTheme::for_display(&display));
    let is_there = theme.is_none_or(|theme| theme.has_icon(named));
    gio::ThemedIcon::new(if is_there { named } else { GENERAL }).upcast()
}
