//! Says that the helper cannot be asked, so that what is shown may not be so.

use adw::subclass::prelude::*;
use gtk::glib;

use super::reveal::{hide_when_shut, reveal};
use crate::helper::Trouble;
use crate::model::words::{full_sentence, joined};

mod imp {
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    /// The fields of [`super::LostBanner`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "lost_banner.ui")]
    pub struct LostBanner {
        #[template_child]
        pub revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub text: TemplateChild<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LostBanner {
        const NAME: &'static str = "VpnnsLostBanner";
        type Type = super::LostBanner;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for LostBanner {
        fn constructed(&self) {
            self.parent_constructed();
            super::hide_when_shut(&self.revealer);
        }
    }

    impl WidgetImpl for LostBanner {}
    impl BinImpl for LostBanner {}
}

glib::wrapper! {
    /// A strip that is there only while the helper is not.
    pub struct LostBanner(ObjectSubclass<imp::LostBanner>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl LostBanner {
    /// Says why the helper is lost, or nothing.
    pub fn show(&self, lost: Option<&Trouble>) {
        let imp = self.imp();
        if let Some(trouble) = lost {
            let hint = trouble.hint.as_deref().unwrap_or_default();
            let text = joined([&*full_sentence(&trouble.message), hint]);
            imp.text.set_label(&text);
        }
        reveal(&imp.revealer, lost.is_some());
    }
}
