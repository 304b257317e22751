//! Turns of a mouse's wheel over a long list, taken together once a frame.
//!
//! GtkListView (seen with GTK 4.8.3) loses its place where it is moved twice between two frames, as a
//! wheel does that is turned fast: the second move may take a long list hundreds of rows on. And GTK goes
//! on believing that the mouse is over the row that it was over before the list moved, and takes the next
//! click for that one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gdk, glib};

/// After so long without a turn it is looked what the mouse is over: no finger goes from the wheel to
/// the button faster, and a wheel that turns on is not held up by marks of rows.
const REST: Duration = Duration::from_millis(80);

/// What the wheel has done that the list has not.
#[derive(Default)]
struct Wheel {
    /// Clicks; a fine wheel tells of parts of one.
    turned: Cell<Option<f64>>,
    rest: RefCell<Option<glib::SourceId>>,
}

/// Takes the turns of a wheel before the scrolled window does. A touchpad's strokes stay with it: GDK
/// makes one of all those between two frames, and the finger that clicks moves the pointer first.
pub fn step_once_a_frame(scrolled: &gtk::ScrolledWindow) {
    let controller = gtk::EventControllerScroll::new(gtk::EventControllerScrollFlags::VERTICAL);
    controller.set_propagation_phase(gtk::PropagationPhase::Capture);
    let weak = scrolled.downgrade();
    let wheel = Rc::new(Wheel::default());
    controller.connect_scroll(move |controller, _, turns| {
        let state = controller.current_event_state();
        let is_sideways = state.contains(gdk::ModifierType::SHIFT_MASK);
        let Some(scrolled) = weak.upgrade() else {
            return glib::Propagation::Proceed;
        };
        if controller.unit() != gdk::ScrollUnit::Wheel || is_sideways {
            return glib::Propagation::Proceed;
        }
        let waiting = wheel.turned.get();
        wheel.turned.set(Some(waiting.unwrap_or(0.0) + turns));
        if waiting.is_none() {
            let wheel = wheel.clone();
            scrolled.add_tick_callback(move |scrolled, _| {
                turn(scrolled, wheel.turned.take().unwrap_or(0.0));
                wait_for_rest(&wheel, scrolled);
                glib::ControlFlow::Break
            });
        }
        glib::Propagation::Stop
    });
    scrolled.add_controller(controller);
}

/// Moves on by so many clicks of the wheel; each is as far as GtkScrolledWindow goes for one.
fn turn(scrolled: &gtk::ScrolledWindow, turns: f64) {
    let adjustment = scrolled.vadjustment();
    let step = adjustment.page_size().powf(2.0 / 3.0);
    adjustment.set_value(adjustment.value() + turns * step);
}

fn wait_for_rest(wheel: &Rc<Wheel>, scrolled: &gtk::ScrolledWindow) {
    let (at_rest, weak) = (wheel.clone(), scrolled.downgrade());
    let source = glib::timeout_add_local_once(REST, move || {
        at_rest.rest.take();
        if let Some(scrolled) = weak.upgrade() {
            look_for_mouse(&scrolled);
        }
    });
    if let Some(before) = wheel.rest.replace(Some(source)) {
        before.remove();
    }
}

/// A window that is laid out anew wants to know where the mouse is, and GDK tells when it lets events
/// through again. Neither happens for a moved list alone.
fn look_for_mouse(scrolled: &gtk::ScrolledWindow) {
    if let Some(root) = scrolled.root() {
        root.queue_allocate();
    }
    scrolled.add_tick_callback(|scrolled, _| {
        if let Some(clock) = scrolled.frame_clock() {
            clock.request_phase(gdk::FrameClockPhase::FLUSH_EVENTS);
        }
        glib::ControlFlow::Break
    });
}
