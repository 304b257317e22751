//! A row of the picker: an application, what it is for, and what else can be done with it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::{Picker, menu};
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::model::installed::InstalledApp;
use crate::widgets::app_icon::app_icon;

mod imp {
    use std::cell::RefCell;

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{glib, pango};

    use crate::i18n::gettext;
    use crate::model::installed::InstalledApp;

    /// The fields of [`super::Row`].
    #[derive(Default)]
    pub struct Row {
        pub icon: gtk::Image,
        pub name: gtk::Label,
        pub description: gtk::Label,
        pub star: gtk::Image,
        pub more: gtk::MenuButton,
        pub app: RefCell<Option<InstalledApp>>,
        pub item: glib::WeakRef<gtk::ListItem>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Row {
        const NAME: &'static str = "VpnnsPickerRow";
        type Type = super::Row;
        type ParentType = gtk::Box;
    }

    impl ObjectImpl for Row {
        fn constructed(&self) {
            self.parent_constructed();
            let row = self.obj();
            row.set_spacing(12);
            self.icon.set_pixel_size(32);
            let texts = gtk::Box::new(gtk::Orientation::Vertical, 2);
            texts.set_hexpand(true);
            texts.set_valign(gtk::Align::Center);
            for label in [&self.name, &self.description] {
                label.set_xalign(0.0);
                label.set_ellipsize(pango::EllipsizeMode::End);
                texts.append(label);
            }
            self.description.add_css_class("dim-label");
            self.description.add_css_class("caption");
            self.star.set_icon_name(Some("starred-symbolic"));
            self.star.add_css_class("dim-label");
            let words = gettext("Favorite");
            self.star.set_tooltip_text(Some(&words));
            self.star
                .update_property(&[gtk::accessible::Property::Label(&words)]);
            self.more.set_icon_name("view-more-symbolic");
            self.more.set_valign(gtk::Align::Center);
            self.more.add_css_class("flat");
            self.more.add_css_class("circular");
            row.append(&self.icon);
            row.append(&texts);
            row.append(&self.star);
            row.append(&self.more);
        }
    }

    impl WidgetImpl for Row {}
    impl BoxImpl for Row {}
}

glib::wrapper! {
    /// A row of the picker.
    pub struct Row(ObjectSubclass<imp::Row>)
        @extends gtk::Widget, gtk::Box,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Default for Row {
    fn default() -> Self {
        Self::new()
    }
}

impl Row {
    /// A row without an application yet.
    pub fn new() -> Self {
        let this: Self = glib::Object::new();
        let weak = this.downgrade();
        // Made when it is wanted: there may be thousands of rows.
        this.imp().more.set_create_popup_func(move |_| {
            if let Some(this) = weak.upgrade() {
                this.fill_menu();
            }
        });
        // Asked for, as it would take six times as long to tell it as all else of a row does.
        this.imp().more.set_has_tooltip(true);
        let weak = this.downgrade();
        this.imp()
            .more
            .connect_query_tooltip(move |_, _, _, _, tooltip| {
                let app = weak
                    .upgrade()
                    .and_then(|this| this.imp().app.borrow().clone());
                let words = app.as_ref().map(more_actions);
                tooltip.set_text(words.as_deref());
                words.is_some()
            });
        this
    }

    /// Shows an application, in its place of the list.
    pub fn show(&self, app: &InstalledApp, item: &gtk::ListItem) {
        let imp = self.imp();
        imp.item.set(Some(item));
        imp.icon
            .set_from_gicon(&app_icon(app.entry().icon.as_deref()));
        let name = app.entry().name.as_str();
        imp.name.set_label(name);
        let words = more_actions(app);
        imp.more
            .update_property(&[gtk::accessible::Property::Label(&words)]);
        imp.app.replace(Some(app.clone()));
        self.update();
    }

    /// Shows what the settings say now.
    pub fn update(&self) {
        let imp = self.imp();
        let app = imp.app.borrow();
        let Some(app) = app.as_ref() else { return };
        let session = Application::current().session();
        let values = session.settings.get();
        let id = &app.entry().id;
        imp.star.set_visible(values.favourites.contains(id));
        let own = values.apps.get(id).and_then(|app| app.own_profile);
        let text = if own == Some(true) {
            gettext("Opens with a separate profile")
        } else {
            app.description().unwrap_or_default().to_owned()
        };
        imp.description.set_label(&text);
        imp.description.set_visible(!text.is_empty());
        self.place();
    }

    /// The first and the last row have round corners. Selectors such as :last-child do not tell:
    /// the list keeps rows that it does not show.
    fn place(&self) {
        let position = self.imp().item.upgrade().map(|item| item.position());
        let (Some(row), Some(position)) = (self.parent(), position) else {
            return;
        };
        let list = self.root().and_downcast::<Picker>();
        let count = list.map_or(0, |picker| picker.count());
        for (class, wanted) in [("first", position == 0), ("last", position + 1 == count)] {
            if wanted {
                row.add_css_class(class);
            } else {
                row.remove_css_class(class);
            }
        }
    }

    fn fill_menu(&self) {
        let imp = self.imp();
        let picker = self.root().and_downcast::<Picker>();
        let (Some(picker), Some(app)) = (picker, imp.app.borrow().clone()) else {
            return;
        };
        let (menu, actions) = menu::of(&picker, &app);
        imp.more.insert_action_group(menu::GROUP, Some(&actions));
        imp.more.set_menu_model(Some(&menu));
    }

    /// Opens the menu, as a right click does.
    pub fn pop_up(&self) {
        self.imp().more.popup();
    }
}

fn more_actions(app: &InstalledApp) -> String {
    gettext_f("More Actions for {app}", &[("app", &app.entry().name)])
}
