//! Pages that stand differently in a narrow window.
//!
//! What a page is made of cannot change while it is given its place: GTK would not lay it out anew.
//! So it changes just after that, and one that is made anew begins with what the window suggests.
//! A bin's layout manager would never tell the page its size, so the page does without one: its parts
//! are [`measure`]d and given their [`place`] here.

use adw::{prelude::*, subclass::prelude::*};
use gtk::glib;

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

/// How much room the one child of a page wants. What stands side by side may be wider than a narrow
/// page, and must not keep the window from becoming one.
pub fn measure<B: BinImpl>(
    page: &B,
    orientation: gtk::Orientation,
    for_size: i32,
) -> (i32, i32, i32, i32)
where
    B::Type: IsA<adw::Bin>,
{
    let Some(child) = page.obj().upcast_ref::<adw::Bin>().child() else {
        return (0, 0, -1, -1);
    };
    let for_size = match orientation {
        gtk::Orientation::Vertical if for_size >= 0 => fitting(&child, for_size),
        _ => for_size,
    };
    let (minimum, natural, above, below) = child.measure(orientation, for_size);
    match orientation {
        gtk::Orientation::Horizontal => (minimum.min(NARROW - 1), natural, above, below),
        _ => (minimum, natural, above, below),
    }
}

/// Gives the one child of a page its place.
pub fn place<B: BinImpl>(page: &B, width: i32, height: i32, baseline: i32)
where
    B::Type: IsA<adw::Bin>,
{
    if let Some(child) = page.obj().upcast_ref::<adw::Bin>().child() {
        child.allocate(fitting(&child, width), height, baseline, None);
    }
}

/// The width, or what the child needs at least until it has changed.
fn fitting(child: &gtk::Widget, width: i32) -> i32 {
    width.max(child.measure(gtk::Orientation::Horizontal, -1).0)
}
