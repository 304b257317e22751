//! Parts that slide in and out, and are not there in between.

use gtk::prelude::*;

/// Shows or hides a revealer's child. What is concealed must not be found by a screen reader either,
/// so the revealer itself goes as soon as its child is gone.
pub fn reveal(revealer: &gtk::Revealer, wanted: bool) {
    if wanted {
        revealer.set_visible(true);
    }
    revealer.set_reveal_child(wanted);
    if !wanted && !revealer.is_child_revealed() {
        revealer.set_visible(false);
    }
}

/// Lets a revealer go whenever it has slid shut. Once for each, before anything is revealed.
pub fn hide_when_shut(revealer: &gtk::Revealer) {
    revealer.set_visible(revealer.reveals_child());
    revealer.connect_child_revealed_notify(|revealer| {
        if !revealer.is_child_revealed() && !revealer.reveals_child() {
            revealer.set_visible(false);
        }
    });
}
