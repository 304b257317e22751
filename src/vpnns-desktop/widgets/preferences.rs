//! The settings window: few, real choices.

mod app_row;
mod passwords;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::application::{Application, notifier};
use crate::i18n::{gettext, ngettext_f};
use crate::model::settings::Values;

mod imp {
    use std::cell::RefCell;

    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    /// The fields of [`super::Preferences`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "preferences.ui")]
    pub struct Preferences {
        #[template_child]
        pub start_at_login: TemplateChild<gtk::Switch>,
        #[template_child]
        pub run_in_background: TemplateChild<gtk::Switch>,
        #[template_child]
        pub background_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub tray_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub tray_icon: TemplateChild<gtk::Switch>,
        #[template_child]
        pub notifications_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub notifications: TemplateChild<gtk::Switch>,
        #[template_child]
        pub default_vpn: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub opens_links: TemplateChild<gtk::Switch>,
        #[template_child]
        pub apps: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub add_app: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub passwords: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub hide_names: TemplateChild<gtk::Switch>,
        #[template_child]
        pub recent_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub forget_recent: TemplateChild<gtk::Button>,
        /// The rows of single apps, or the one that says that there is none.
        pub rows: RefCell<Vec<gtk::Widget>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Preferences {
        const NAME: &'static str = "VpnnsPreferences";
        type Type = super::Preferences;
        type ParentType = adw::PreferencesWindow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("preferences.add-app", Some(glib::VariantTy::STRING), {
                |window, _, parameter| {
                    if let Some(entry) = parameter.and_then(glib::Variant::str) {
                        window.add_app(entry);
                    }
                }
            });
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Preferences {}
    impl WidgetImpl for Preferences {}
    impl WindowImpl for Preferences {}
    impl AdwWindowImpl for Preferences {}
    impl PreferencesWindowImpl for Preferences {}
}

glib::wrapper! {
    /// The settings window.
    pub struct Preferences(ObjectSubclass<imp::Preferences>)
        @extends gtk::Widget, gtk::Window, adw::Window, adw::PreferencesWindow,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

/// Shows it.
pub fn present(window: &Window) {
    let app = Application::current();
    let open = app
        .windows()
        .into_iter()
        .find_map(|it| it.downcast::<Preferences>().ok());
    if let Some(open) = open {
        open.present();
        return;
    }
    let this: Preferences = glib::Object::builder()
        .property("application", &app)
        .build();
    if window.is_visible() {
        this.set_transient_for(Some(window));
        this.set_modal(true);
    }
    this.fill(&app);
    this.present();
}

impl Preferences {
    fn fill(&self, app: &Application) {
        let imp = self.imp();
        let values = app.session().settings.get().clone();
        let switch = |widget: &gtk::Switch, on: bool, set: fn(&mut Values, bool)| {
            widget.set_active(on);
            let app = app.clone();
            widget.connect_active_notify(move |widget| {
                let on = widget.is_active();
                app.session().settings.change(|values| set(values, on));
                app.settings_changed();
            });
        };
        switch(
            &imp.run_in_background,
            values.run_in_background,
            |it, on| {
                it.run_in_background = on;
            },
        );
        switch(&imp.tray_icon, values.tray_icon, |it, on| it.tray_icon = on);
        switch(&imp.notifications, values.notifications, |it, on| {
            it.notifications = on;
        });
        switch(&imp.hide_names, values.hide_names, |it, on| {
            it.hide_names = on;
        });
        self.fill_start(app, values.start_at_login);
        self.fill_links(app, values.opens_links);
        self.fill_tray(app);
        self.fill_notifications();
        self.fill_vpns(app);
        self.fill_apps(app);
        self.fill_recent(app);
        self.load_apps(app);
        passwords::fill_when_seen(&self.imp().passwords);
    }

    /// The session has to agree: the switch goes back where it does not.
    fn fill_start(&self, app: &Application, on: bool) {
        let switch = self.imp().start_at_login.get();
        switch.set_active(on);
        let (app, weak) = (app.clone(), self.downgrade());
        switch.connect_state_set(move |switch, on| {
            let (app, weak, switch) = (app.clone(), weak.clone(), switch.clone());
            if app.session().settings.get().start_at_login == on {
                return glib::Propagation::Proceed;
            }
            glib::spawn_future_local(async move {
                match app.set_start_at_login(on).await {
                    Ok(()) => switch.set_state(on),
                    Err(trouble) => {
                        switch.set_active(!on);
                        if let Some(this) = weak.upgrade() {
                            super::trouble::present(&this, &trouble);
                        }
                    }
                }
            });
            glib::Propagation::Stop
        });
    }

    fn fill_links(&self, app: &Application, on: bool) {
        let switch = self.imp().opens_links.get();
        switch.set_active(on);
        let (app, weak) = (app.clone(), self.downgrade());
        switch.connect_active_notify(move |switch| {
            if let Err(trouble) = app.set_opens_links(switch.is_active())
                && let Some(this) = weak.upgrade()
            {
                super::trouble::present(&this, &trouble);
            }
        });
    }

    /// Says where there is no tray: then these choices cannot do what they say.
    pub fn fill_tray(&self, app: &Application) {
        let imp = self.imp();
        let is_wanted = app.session().settings.get().tray_icon;
        let background = if app.has_tray() {
            gettext("Closing the window leaves the tray icon")
        } else {
            gettext("Needs the tray icon; without one, closing the window quits")
        };
        let tray = if app.has_tray() || !is_wanted {
            gettext("State and apps, one click away")
        } else {
            gettext("This desktop shows no tray at the moment")
        };
        imp.background_row.set_subtitle(&background);
        imp.tray_row.set_subtitle(&tray);
    }

    /// Says where nobody shows notifications.
    fn fill_notifications(&self) {
        let row = self.imp().notifications_row.downgrade();
        glib::spawn_future_local(async move {
            let is_there = notifier::is_there().await;
            if let Some(row) = row.upgrade().filter(|_| !is_there) {
                row.set_subtitle(&gettext("Nothing on this desktop shows notifications"));
            }
        });
    }

    fn fill_vpns(&self, app: &Application) {
        let session = app.session();
        let (names, labels) = app_row::vpns(app);
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let row = self.imp().default_vpn.get();
        row.set_model(Some(&gtk::StringList::new(&labels)));
        row.set_sensitive(!names.is_empty());
        let chosen = session.default_vpn().map(|vpn| vpn.name().to_string());
        let index = chosen.and_then(|chosen| names.iter().position(|name| *name == chosen));
        row.set_selected(index.map_or(gtk::INVALID_LIST_POSITION, |it| {
            u32::try_from(it).unwrap_or(0)
        }));
        let app = app.clone();
        row.connect_selected_notify(move |row| {
            let name = names.get(row.selected() as usize).cloned();
            app.session()
                .settings
                .change(|values| values.default_vpn = name);
            app.settings_changed();
        });
    }

    /// A row for each app that differs.
    fn fill_apps(&self, app: &Application) {
        let imp = self.imp();
        for row in imp.rows.take() {
            imp.apps.remove(&row);
        }
        let entries: Vec<String> = app.session().settings.get().apps.keys().cloned().collect();
        let mut rows: Vec<gtk::Widget> = Vec::new();
        for entry in &entries {
            let weak = self.downgrade();
            let row = app_row::new(app, entry, move || {
                if let Some(this) = weak.upgrade() {
                    this.fill_apps(&Application::current());
                }
            });
            rows.push(row.upcast());
        }
        if rows.is_empty() {
            let row = adw::ActionRow::builder()
                .title(gettext("No App Differs"))
                .subtitle(gettext("Each opens as is best for it"))
                .css_classes(["dim-label"])
                .build();
            rows.push(row.upcast());
        }
        for row in &rows {
            imp.apps.add(row);
        }
        imp.rows.replace(rows);
        self.fill_add_menu(app);
    }

    /// The apps that were opened last are the ones to choose from: the picker's menu of an app
    /// leads here for every other.
    fn fill_add_menu(&self, app: &Application) {
        let session = app.session();
        let menu = gio::Menu::new();
        let values = session.settings.get();
        let known = values.favourites.iter().chain(&values.recent);
        let mut seen = std::collections::BTreeSet::new();
        for entry in known.filter(|entry| !values.apps.contains_key(*entry)) {
            if seen.insert(entry) {
                let item = gio::MenuItem::new(Some(&app_row::title(app, entry)), None);
                item.set_action_and_target_value(
                    Some("preferences.add-app"),
                    Some(&entry.to_variant()),
                );
                menu.append_item(&item);
            }
        }
        let button = &self.imp().add_app;
        button.set_sensitive(menu.n_items() > 0);
        button.set_menu_model(Some(&menu));
    }

    fn add_app(&self, entry: &str) {
        let app = Application::current();
        app.session().settings.change(|values| {
            values.apps.entry(entry.to_owned()).or_default();
        });
        self.fill_apps(&app);
    }

    fn fill_recent(&self, app: &Application) {
        let imp = self.imp();
        let weak = self.downgrade();
        self.show_recent(app);
        imp.forget_recent.connect_clicked(move |_| {
            if let Some(this) = weak.upgrade() {
                let app = Application::current();
                app.session()
                    .settings
                    .change(|values| values.recent.clear());
                app.settings_changed();
                this.show_recent(&app);
                this.fill_add_menu(&app);
            }
        });
    }

    fn show_recent(&self, app: &Application) {
        let count = app.session().settings.get().recent.len();
        let imp = self.imp();
        let text = match count {
            0 => gettext("None"),
            n => ngettext_f("{n} app", "{n} apps", n, &[]),
        };
        imp.recent_row.set_subtitle(&text);
        imp.forget_recent.set_sensitive(count > 0);
    }

    /// Names and icons of apps come late, if nobody has needed them yet.
    fn load_apps(&self, app: &Application) {
        if app.session().catalogue.store.n_items() > 0 {
            return;
        }
        let (app, weak) = (app.clone(), self.downgrade());
        glib::spawn_future_local(async move {
            // Ids are shown where names cannot be had.
            let _ = app.session().reload_apps().await;
            if let Some(this) = weak.upgrade() {
                this.fill_apps(&app);
            }
        });
    }
}
