//! What the window shows while there is no VPN. Made only then: few starts need it.

use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::lost_banner::LostBanner;
use crate::helper::Trouble;

mod imp {
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use super::LostBanner;

    /// The fields of [`super::Welcome`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "welcome.ui")]
    pub struct Welcome {
        #[template_child]
        pub menu: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub lost: TemplateChild<LostBanner>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Welcome {
        const NAME: &'static str = "VpnnsWelcome";
        type Type = super::Welcome;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            LostBanner::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Welcome {}
    impl WidgetImpl for Welcome {}
    impl BoxImpl for Welcome {}
}

glib::wrapper! {
    /// The first page: how to get a VPN.
    pub struct Welcome(ObjectSubclass<imp::Welcome>)
        @extends gtk::Widget, gtk::Box,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Welcome {
    /// A page with the window's menu.
    pub fn new(menu: &gio::MenuModel) -> Self {
        let this: Self = glib::Object::new();
        this.imp().menu.set_menu_model(Some(menu));
        this
    }

    /// Says why the helper is lost, or nothing.
    pub fn show_lost(&self, lost: Option<&Trouble>) {
        self.imp().lost.show(lost);
    }
}
