//! The window of keyboard shortcuts.

use gtk::prelude::*;

use super::Window;

/// Shows it.
pub fn present(window: &Window) {
    let builder = gtk::Builder::from_string(include_str!("shortcuts.ui"));
    let Some(shortcuts) = builder.object::<gtk::ShortcutsWindow>("shortcuts") else {
        return;
    };
    shortcuts.set_transient_for(Some(window));
    shortcuts.present();
}
