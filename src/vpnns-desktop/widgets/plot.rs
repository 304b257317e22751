//! The plot of a VPN's last minute: legend, curves, time.
//!
//! It is drawn anew once a second, when the counters are told, and never by itself.

mod area;
mod swatch;

use std::time::{Duration, Instant};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::i18n::{gettext, gettext_f};
use crate::model::time;
use crate::model::traffic::Traffic;

/// How long the description for a screen reader stays: one that changes each second is noise.
const DESCRIBED_EVERY: Duration = Duration::from_secs(10);

mod imp {
    use std::cell::Cell;
    use std::time::Instant;

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use super::area::PlotArea;
    use super::swatch::Swatch;

    /// The fields of [`super::Plot`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "plot.ui")]
    pub struct Plot {
        #[template_child]
        pub down: TemplateChild<gtk::Label>,
        #[template_child]
        pub up: TemplateChild<gtk::Label>,
        #[template_child]
        pub top: TemplateChild<gtk::Label>,
        #[template_child]
        pub area: TemplateChild<PlotArea>,
        /// When the description was written.
        pub described: Cell<Option<Instant>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Plot {
        const NAME: &'static str = "VpnnsPlot";
        type Type = super::Plot;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            PlotArea::ensure_type();
            Swatch::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Plot {}
    impl WidgetImpl for Plot {}
    impl BoxImpl for Plot {}
}

glib::wrapper! {
    /// What passed in the last minute.
    pub struct Plot(ObjectSubclass<imp::Plot>)
        @extends gtk::Widget, gtk::Box,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Plot {
    /// Shows the traffic as it is now.
    pub fn show(&self, traffic: &Traffic) {
        let imp = self.imp();
        // Nothing passes in silence; at the very beginning nothing is known.
        let silent = traffic.points().next().map(|_| (0.0, 0.0));
        let now = traffic.current().or(silent);
        let [down, up] = match now {
            Some((down, up)) => [down, up].map(time::rate),
            None => Default::default(),
        };
        imp.down.set_label(&down);
        imp.up.set_label(&up);
        // A scale is a round number.
        imp.top.set_label(&time::round_rate(traffic.top()));
        imp.area.set_traffic(traffic.clone());
        let is_due = |at: Instant| at.elapsed() >= DESCRIBED_EVERY;
        if imp.described.get().is_none_or(is_due) {
            imp.described.set(Some(Instant::now()));
            let text = match traffic.current() {
                Some(_) => gettext_f(
                    "Traffic of the last minute, receiving {down}, sending {up}",
                    &[("down", &down), ("up", &up)],
                ),
                None => gettext("Traffic of the last minute, nothing passes now"),
            };
            imp.area
                .update_property(&[gtk::accessible::Property::Label(&text)]);
        }
    }
}
