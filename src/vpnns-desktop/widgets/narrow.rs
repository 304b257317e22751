//! Pages that stand differently in a narrow window.
//!
//! What a page is made of cannot change while it is given its place: GTK would not lay it out anew.
//! So it changes just after that, and one that is made anew begins with what the window suggests.

use gtk::{glib, prelude::*};

use crate::application::Application;

/// Below this width, in pixels, a page is narrow.
pub const NARROW: i32 = 500;

/// Whether a page that has no place yet will be narrow.
pub fn expected() -> bool {
    let window = Application::current().existing_window();
    window.is_some_and(|window| {
        let width = match window.width() {
            0 => window.default_width(),
            width => width,
        };
        width < NARROW
    })
}

/// Calls back with the widget after its place has been given.
pub fn settle<W: IsA<gtk::Widget>>(widget: &W, change: impl Fn(&W) + 'static) {
    let weak = widget.downgrade();
    glib::idle_add_local_full(glib::Priority::HIGH_IDLE, move || {
        if let Some(widget) = weak.upgrade() {
            change(&widget);
        }
        glib::ControlFlow::Break
    });
}
