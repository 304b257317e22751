//! A coloured circle with an icon, or a spinner, that says how something stands.
//!
//! It is for the eye only: the words beside it say the same.

use adw::subclass::prelude::*;
use gtk::{glib, prelude::*};

mod imp {
    use std::cell::Cell;

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    /// The fields of [`super::Badge`].
    #[derive(Default, CompositeTemplate, glib::Properties)]
    #[template(file = "badge.ui")]
    #[properties(wrapper_type = super::Badge)]
    pub struct Badge {
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub first: TemplateChild<gtk::Image>,
        #[template_child]
        pub second: TemplateChild<gtk::Image>,
        #[template_child]
        pub spinner: TemplateChild<gtk::Spinner>,
        /// The size of the icon in pixels.
        #[property(get, set = Self::set_icon_size)]
        pub icon_size: Cell<i32>,
        pub class: Cell<&'static str>,
    }

    impl Badge {
        fn set_icon_size(&self, size: i32) {
            self.icon_size.set(size);
            self.first.set_pixel_size(size);
            self.second.set_pixel_size(size);
            self.spinner.set_size_request(size, size);
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Badge {
        const NAME: &'static str = "VpnnsBadge";
        type Type = super::Badge;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.set_accessible_role(gtk::AccessibleRole::Presentation);
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for Badge {}
    impl WidgetImpl for Badge {}
    impl BinImpl for Badge {}
}

glib::wrapper! {
    /// A circle with an icon.
    pub struct Badge(ObjectSubclass<imp::Badge>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl Badge {
    /// Shows an icon in the colour of a style class; a spinner in its place where there is none.
    pub fn show(&self, icon: Option<&str>, class: &'static str) {
        let imp = self.imp();
        imp.spinner.set_spinning(icon.is_none());
        let is_first = imp.stack.visible_child_name().as_deref() == Some("first");
        match icon {
            None => imp.stack.set_visible_child_name("spinner"),
            Some(name) => {
                let (now, other, of_other) = if is_first {
                    (&imp.first, &imp.second, "second")
                } else {
                    (&imp.second, &imp.first, "first")
                };
                let shows_icon = imp.stack.visible_child_name().as_deref() != Some("spinner");
                if !shows_icon || now.icon_name().as_deref() != Some(name) {
                    other.set_icon_name(Some(name));
                    imp.stack.set_visible_child_name(of_other);
                }
            }
        }
        let before = imp.class.replace(class);
        if before != class {
            if !before.is_empty() {
                self.remove_css_class(before);
            }
            self.add_css_class(class);
        }
    }
}
