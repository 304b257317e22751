//! A VPN in the sidebar: state, name, one line.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::model::words::{listed, spoken};
use crate::model::{Presentation, Vpn};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::Vpn;

    /// The fields of [`super::SidebarRow`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "sidebar_row.ui")]
    pub struct SidebarRow {
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub name: TemplateChild<gtk::Label>,
        #[template_child]
        pub line: TemplateChild<gtk::Label>,
        pub vpn: OnceCell<Vpn>,
        pub handler: RefCell<Option<glib::SignalHandlerId>>,
        pub class: Cell<&'static str>,
        pub ticker: RefCell<crate::widgets::ticker::Ticker>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SidebarRow {
        const NAME: &'static str = "VpnnsSidebarRow";
        type Type = super::SidebarRow;
        type ParentType = gtk::ListBoxRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for SidebarRow {
        fn dispose(&self) {
            if let (Some(vpn), Some(handler)) = (self.vpn.get(), self.handler.take()) {
                vpn.disconnect(handler);
            }
        }
    }

    impl WidgetImpl for SidebarRow {
        fn map(&self) {
            self.parent_map();
            self.obj().update();
        }

        fn unmap(&self) {
            self.ticker.borrow_mut().stop();
            self.parent_unmap();
        }
    }

    impl ListBoxRowImpl for SidebarRow {}
}

glib::wrapper! {
    /// A VPN in the sidebar.
    pub struct SidebarRow(ObjectSubclass<imp::SidebarRow>)
        @extends gtk::Widget, gtk::ListBoxRow,
        @implements gtk::Accessible, gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl SidebarRow {
    /// A row that follows its VPN.
    pub fn new(vpn: &Vpn) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().vpn.set(vpn.clone());
        let weak = this.downgrade();
        let handler = vpn.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
        this.imp().handler.replace(Some(handler));
        this.update();
        this
    }

    /// The row's VPN.
    pub fn vpn(&self) -> Vpn {
        self.imp().vpn.get().expect("new() sets the VPN").clone()
    }

    fn update(&self) {
        let imp = self.imp();
        let shown: Presentation = self.vpn().presentation();
        imp.icon.set_icon_name(Some(shown.look.icon()));
        let class = imp.class.replace(shown.look.class());
        if !class.is_empty() {
            imp.icon.remove_css_class(class);
        }
        imp.icon.add_css_class(shown.look.class());
        imp.name.set_label(&shown.name);
        imp.line.set_label(&shown.line);
        let words = listed(&[&shown.name, &spoken(&shown.line)]);
        self.update_property(&[gtk::accessible::Property::Label(&words)]);
        let weak = self.downgrade();
        let ticks = shown.ticks.filter(|_| self.is_mapped());
        imp.ticker.borrow_mut().set(ticks, move || {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
    }
}
