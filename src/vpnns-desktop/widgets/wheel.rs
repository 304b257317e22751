//! Turns of a mouse's wheel over a long list, taken together once a frame.
//!
//! GtkListView before GTK 4.12 looks for the row at a new position before it has given their heights to
//! the rows that the last move let go. So two steps between two frames, as a wheel makes that is turned
//! fast, could take a list hundreds of rows on. And GTK went on believing that the mouse is over the row
//! that it was over before, and took the next click for that one.

use std::cell::Cell;
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib};

/// Takes the turns of a wheel before the scrolled window does. A touchpad's strokes stay with it: GDK
/// makes one of all those between two frames, and the finger that clicks moves the pointer first.
pub fn step_once_a_frame(scrolled: &gtk::ScrolledWindow) {
    let wheel = gtk::EventControllerScroll::new(gtk::EventControllerScrollFlags::VERTICAL);
    wheel.set_propagation_phase(gtk::PropagationPhase::Capture);
    let weak = scrolled.downgrade();
    let turned = Rc::new(Cell::new(None));
    wheel.connect_scroll(move |wheel, _, turns| {
        let state = wheel.current_event_state();
        let is_sideways = state.contains(gdk::ModifierType::SHIFT_MASK);
        let Some(scrolled) = weak.upgrade() else {
            return glib::Propagation::Proceed;
        };
        if wheel.unit() != gdk::ScrollUnit::Wheel || is_sideways {
            return glib::Propagation::Proceed;
        }
        let waiting = turned.get();
        turned.set(Some(waiting.unwrap_or(0.0) + turns));
        if waiting.is_none() {
            let turned = turned.clone();
            scrolled.add_tick_callback(move |scrolled, _| {
                turn(scrolled, turned.take().unwrap_or(0.0));
                glib::ControlFlow::Break
            });
        }
        glib::Propagation::Stop
    });
    scrolled.add_controller(wheel);
}

/// Moves on by so many clicks of the wheel; each is as far as GtkScrolledWindow goes for one.
fn turn(scrolled: &gtk::ScrolledWindow, turns: f64) {
    let adjustment = scrolled.vadjustment();
    let step = adjustment.page_size().powf(2.0 / 3.0);
    adjustment.set_value(adjustment.value() + turns * step);
    // A window that is laid out anew wants to know where the mouse is, and GDK tells when it lets
    // events through again. Neither happens for a moved list alone.
    if let Some(root) = scrolled.root() {
        root.queue_allocate();
    }
    if let Some(clock) = scrolled.frame_clock() {
        clock.request_phase(gdk::FrameClockPhase::FLUSH_EVENTS);
    }
}
