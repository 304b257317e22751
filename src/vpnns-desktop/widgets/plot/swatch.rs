//! A piece of a curve, for the legend.

use gtk::glib;

mod imp {
    use std::cell::Cell;

    use adw::subclass::prelude::*;
    use gtk::{glib, graphene, prelude::*};

    use crate::widgets::plot::area::{dots, faint, line, themed};

    const WIDTH: f32 = 18.0;
    const HEIGHT: f32 = 12.0;

    /// The fields of [`super::Swatch`].
    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::Swatch)]
    pub struct Swatch {
        /// Whether it is of what goes out.
        #[property(get, set)]
        pub dotted: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Swatch {
        const NAME: &'static str = "VpnnsSwatch";
        type Type = super::Swatch;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_accessible_role(gtk::AccessibleRole::Presentation);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for Swatch {
        fn constructed(&self) {
            self.parent_constructed();
            let widget = self.obj();
            widget.set_size_request(18, 12);
            widget.set_valign(gtk::Align::Center);
        }
    }

    impl WidgetImpl for Swatch {
        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            let widget = self.obj();
            if !self.dotted.get() {
                let below = graphene::Rect::new(0.0, HEIGHT / 2.0, WIDTH, HEIGHT / 4.0);
                snapshot.append_color(&themed(&*widget, "accent_color", 0.16), &below);
            }
            let whole = graphene::Rect::new(0.0, 0.0, WIDTH, HEIGHT);
            let context = snapshot.append_cairo(&whole);
            context.move_to(1.0, f64::from(HEIGHT) / 2.0);
            context.line_to(f64::from(WIDTH) - 1.0, f64::from(HEIGHT) / 2.0);
            // Cairo fails only where memory does.
            let _ = if self.dotted.get() {
                dots(&context, &faint(&*widget, 0.55))
            } else {
                line(&context, &themed(&*widget, "accent_color", 1.0))
            };
        }
    }
}

glib::wrapper! {
    /// A piece of a curve.
    pub struct Swatch(ObjectSubclass<imp::Swatch>)
        @extends gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}
