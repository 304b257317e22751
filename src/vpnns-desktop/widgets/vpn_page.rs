//! One VPN: its state, its traffic, the apps in it, and everything else one click away.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::model::Vpn;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::Vpn;
    use crate::widgets::hero::Hero;
    use crate::widgets::ticker::Ticker;

    /// The fields of [`super::VpnPage`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "vpn_page.ui")]
    pub struct VpnPage {
        #[template_child]
        pub column: TemplateChild<gtk::Box>,
        #[template_child]
        pub card: TemplateChild<gtk::Box>,
        #[template_child]
        pub hero: TemplateChild<Hero>,
        pub vpn: OnceCell<Vpn>,
        pub handlers: RefCell<Vec<glib::SignalHandlerId>>,
        pub ticker: RefCell<Ticker>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for VpnPage {
        const NAME: &'static str = "VpnnsVpnPage";
        type Type = super::VpnPage;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            Hero::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for VpnPage {
        fn dispose(&self) {
            if let Some(vpn) = self.vpn.get() {
                for handler in self.handlers.take() {
                    vpn.disconnect(handler);
                }
            }
        }
    }

    impl WidgetImpl for VpnPage {
        fn map(&self) {
            self.parent_map();
            self.obj().update();
        }

        fn unmap(&self) {
            self.ticker.borrow_mut().stop();
            self.parent_unmap();
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            self.hero.set_narrow(width < super::NARROW);
            self.parent_size_allocate(width, height, baseline);
        }
    }

    impl BinImpl for VpnPage {}
}

/// Below this width, in pixels, buttons stand below the text.
const NARROW: i32 = 500;

glib::wrapper! {
    /// The page of one VPN.
    pub struct VpnPage(ObjectSubclass<imp::VpnPage>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl VpnPage {
    /// A page that follows its VPN.
    pub fn new(vpn: &Vpn) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().vpn.set(vpn.clone());
        let weak = this.downgrade();
        let handler = vpn.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
        this.imp().handlers.borrow_mut().push(handler);
        this.update();
        this
    }

    fn vpn(&self) -> &Vpn {
        self.imp().vpn.get().expect("new() sets the VPN")
    }

    /// Shows what is so now.
    fn update(&self) {
        let imp = self.imp();
        let vpn = self.vpn();
        let shown = vpn.presentation();
        imp.hero.show(vpn, &shown);
        let weak = self.downgrade();
        let ticks = shown.ticks.filter(|_| self.is_mapped());
        imp.ticker.borrow_mut().set(ticks, move || {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
    }

    /// Shows the leak check.
    pub fn show_leaks(&self) {}
}
