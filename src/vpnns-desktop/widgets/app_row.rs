//! An app that runs in a VPN.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::app_icon::app_icon;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::installed::InstalledApp;
use crate::model::presentation::AppsSay;
use crate::model::running::Running;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::running::Running;

    /// What a row is asked to do: close this, which has that name.
    pub type Close = Box<dyn Fn(&Running, &str)>;

    /// The fields of [`super::AppRow`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "app_row.ui")]
    pub struct AppRow {
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub state: TemplateChild<gtk::Box>,
        #[template_child]
        pub state_icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub state_text: TemplateChild<gtk::Label>,
        #[template_child]
        pub close: TemplateChild<gtk::Button>,
        pub running: RefCell<Option<Running>>,
        pub on_close: OnceCell<Close>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AppRow {
        const NAME: &'static str = "VpnnsAppRow";
        type Type = super::AppRow;
        type ParentType = adw::ActionRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for AppRow {
        fn constructed(&self) {
            self.parent_constructed();
            let weak = self.obj().downgrade();
            self.close.connect_clicked(move |_| {
                let Some(row) = weak.upgrade() else { return };
                let running = row.imp().running.borrow().clone();
                if let (Some(running), Some(close)) = (running, row.imp().on_close.get()) {
                    close(&running, &row.title());
                }
            });
        }
    }

    impl WidgetImpl for AppRow {}
    impl ListBoxRowImpl for AppRow {}
    impl PreferencesRowImpl for AppRow {}
    impl ActionRowImpl for AppRow {}
}

glib::wrapper! {
    /// An app that runs in a VPN.
    pub struct AppRow(ObjectSubclass<imp::AppRow>)
        @extends gtk::Widget, gtk::ListBoxRow, adw::PreferencesRow, adw::ActionRow,
        @implements gtk::Accessible, gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl AppRow {
    /// A row that calls back when its app is to be closed, with what runs and its name.
    pub fn new(close: impl Fn(&Running, &str) + 'static) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().on_close.set(Box::new(close));
        this
    }

    /// What it is about.
    pub fn running(&self) -> Option<Running> {
        self.imp().running.borrow().clone()
    }

    /// Shows what runs, and how it fares.
    pub fn show(&self, running: &Running, installed: Option<&InstalledApp>, say: AppsSay) {
        let imp = self.imp();
        // A program that nobody has installed is called what it is started by.
        let name = installed.map_or(running.command.as_str(), |app| &app.entry().name);
        let processes = ngettext_f("{n} process", "{n} processes", running.processes, &[]);
        self.set_title(name);
        self.set_subtitle(&processes);
        let shown = app_icon(installed.and_then(|app| app.entry().icon.as_deref()));
        if imp.icon.gicon().is_none_or(|now| !same(&now, &shown)) {
            imp.icon.set_from_gicon(&shown);
        }
        let (word, picture) = match say {
            AppsSay::Offline => (gettext("Offline"), "isolated"),
            // Translators: an app that waits until its VPN is connected again
            AppsSay::Waiting => (gettext("Waiting"), "reconnecting"),
            // Translators: an app that is held still meanwhile
            AppsSay::Paused => (gettext("Paused"), "reconnecting"),
            // What passes is known of the VPN as a whole only.
            AppsSay::Rates => (String::new(), "connected"),
        };
        imp.state.set_visible(!word.is_empty());
        imp.state_text.set_label(&word);
        imp.state_icon
            .set_icon_name(Some(&format!("org.vpnns.PerAppVpn-{picture}-symbolic")));
        let close = gettext_f("Close {app}", &[("app", name)]);
        if imp.close.tooltip_text().as_deref() != Some(&close) {
            imp.close.set_tooltip_text(Some(&close));
            let label = gtk::accessible::Property::Label(&close);
            imp.close.update_property(&[label]);
        }
        imp.running.replace(Some(running.clone()));
    }
}

/// Whether both icons look the same: one that is set anew is looked up anew.
fn same(one: &gio::Icon, other: &gio::Icon) -> bool {
    IconExt::equal(one, Some(other))
}
