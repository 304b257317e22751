//! The apps in a VPN. Rows stay the same widgets while their apps run: focus must not jump.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::app_row::AppRow;
use super::close_app;
use crate::application::Application;
use crate::i18n::gettext;
use crate::model::presentation::Look;
use crate::model::running::{self, Running};
use crate::model::{Presentation, Vpn};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use super::AppRow;
    use crate::application::Application;
    use crate::model::Vpn;

    /// The fields of [`super::AppGroup`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "app_group.ui")]
    pub struct AppGroup {
        #[template_child]
        pub open: TemplateChild<gtk::Button>,
        #[template_child]
        pub list: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub none: TemplateChild<adw::ActionRow>,
        pub rows: RefCell<Vec<AppRow>>,
        pub vpn: OnceCell<Vpn>,
        pub narrow: Cell<bool>,
        pub catalogue: RefCell<Option<glib::SignalHandlerId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AppGroup {
        const NAME: &'static str = "VpnnsAppGroup";
        type Type = super::AppGroup;
        type ParentType = adw::PreferencesGroup;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for AppGroup {
        fn dispose(&self) {
            if let Some(handler) = self.catalogue.take() {
                let session = Application::current().session();
                session.catalogue.store.disconnect(handler);
            }
        }
    }

    impl WidgetImpl for AppGroup {}
    impl PreferencesGroupImpl for AppGroup {}
}

glib::wrapper! {
    /// The apps in a VPN.
    pub struct AppGroup(ObjectSubclass<imp::AppGroup>)
        @extends gtk::Widget, adw::PreferencesGroup,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl AppGroup {
    /// Is about this VPN from now on.
    pub fn set_vpn(&self, vpn: &Vpn) {
        let imp = self.imp();
        if imp.vpn.set(vpn.clone()).is_err() {
            return;
        }
        imp.open
            .set_detailed_action_name(&format!("app.open-app::{}", vpn.name()));
        let weak = self.downgrade();
        let session = Application::current().session();
        // Names and icons may come later than what runs.
        let handler = session
            .catalogue
            .store
            .connect_items_changed(move |_, _, _, _| {
                if let Some(this) = weak.upgrade()
                    && let Some(vpn) = this.imp().vpn.get()
                {
                    this.show(&vpn.presentation());
                }
            });
        imp.catalogue.replace(Some(handler));
    }

    /// Leaves the description out where there is little room.
    pub fn set_narrow(&self, narrow: bool) {
        self.imp().narrow.set(narrow);
        self.describe();
    }

    /// Shows the apps that run now.
    pub fn show(&self, shown: &Presentation) {
        let imp = self.imp();
        let Some(vpn) = imp.vpn.get() else { return };
        let running = {
            let facts = vpn.facts();
            let instance = facts.instance.as_ref();
            instance.map_or_else(Vec::new, |it| running::group(&it.apps))
        };
        self.drop_ended(&running);
        let session = Application::current().session();
        if running.iter().any(|app| app.entry.is_some()) {
            session.want_apps();
        }
        for app in &running {
            let installed = app.entry.as_deref();
            let installed = installed.and_then(|id| session.catalogue.find(id));
            self.row_of(app)
                .show(app, installed.as_ref(), shown.apps_say);
        }
        imp.none.set_visible(running.is_empty());
        imp.none.set_subtitle(&if shown.look == Look::Connected {
            gettext("Open an app, and only that app uses this VPN")
        } else {
            gettext("Open an app now; it goes online when the VPN connects")
        });
        let connected = shown.look == Look::Connected;
        let (add, remove) = if connected {
            ("suggested-action", "flat")
        } else {
            ("flat", "suggested-action")
        };
        imp.open.remove_css_class(remove);
        imp.open.add_css_class(add);
        self.describe();
    }

    fn describe(&self) {
        let imp = self.imp();
        let wanted = !imp.narrow.get() && !imp.rows.borrow().is_empty();
        let text =
            wanted.then(|| gettext("Only these apps use it. When it is down, they are offline."));
        if self.description().map(String::from) != text {
            self.set_description(text.as_deref());
        }
    }

    fn row_of(&self, app: &Running) -> AppRow {
        let imp = self.imp();
        let is_it = |row: &&AppRow| row.running().is_some_and(|it| it.is_same(app));
        if let Some(row) = imp.rows.borrow().iter().find(is_it) {
            return row.clone();
        }
        let vpn = imp.vpn.get().cloned();
        let row = AppRow::new(move |running, name| {
            if let Some(vpn) = &vpn {
                close_app::begin(vpn, running, name);
            }
        });
        imp.list.append(&row);
        imp.rows.borrow_mut().push(row.clone());
        row
    }

    /// Takes rows out whose apps have ended; the focus goes to a neighbour.
    fn drop_ended(&self, running: &[Running]) {
        let imp = self.imp();
        let is_ended = |row: &AppRow| {
            let it = row.running();
            it.is_none_or(|it| running.iter().all(|other| !other.is_same(&it)))
        };
        let ended: Vec<AppRow> = {
            let mut rows = imp.rows.borrow_mut();
            let ended = rows.iter().filter(|row| is_ended(row)).cloned().collect();
            rows.retain(|row| !is_ended(row));
            ended
        };
        for row in ended {
            let had_focus = row.focus_child().is_some() || row.has_focus();
            let index = usize::try_from(row.index()).unwrap_or(0);
            imp.list.remove(&row);
            if had_focus {
                let rows = imp.rows.borrow();
                let next = rows.get(index.saturating_sub(1)).or(rows.last());
                match next {
                    Some(row) => row.imp().close.grab_focus(),
                    None => imp.open.grab_focus(),
                };
            }
        }
    }
}
