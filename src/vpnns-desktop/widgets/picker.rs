//! Choosing an installed application to open in a VPN.

mod keys;
mod menu;
mod row;
mod strip;
mod tile;

use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use self::row::Row;
use super::Window;
use super::wheel::step_once_a_frame;
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::installed::InstalledApp;
use crate::model::search::Query;
use crate::model::settings::{AppValues, Values};
use crate::model::words::{full_sentence, joined};
use crate::session::Session;

/// The width and height of the window, where there is so much space.
const SIZE: i32 = 640;
/// Below this width, in pixels, one tile less stands in the strip.
const NARROW: i32 = 500;
/// Below this height, in pixels, there is no strip.
const LOW: i32 = 480;
/// What takes longer is shown to be under way.
const NOTICEABLE: Duration = Duration::from_millis(200);

mod imp {
    use std::cell::{Cell, OnceCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, gio, glib};

    use super::{LOW, NARROW};
    use crate::model::Vpn;
    use crate::model::installed::InstalledApp;

    /// The fields of [`super::Picker`].
    #[derive(CompositeTemplate)]
    #[template(file = "picker.ui")]
    pub struct Picker {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub heading: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub search: TemplateChild<gtk::SearchEntry>,
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub strip_part: TemplateChild<adw::Clamp>,
        #[template_child]
        pub strip_heading: TemplateChild<gtk::Label>,
        #[template_child]
        pub strip: TemplateChild<gtk::Box>,
        #[template_child]
        pub scrolled: TemplateChild<gtk::ScrolledWindow>,
        #[template_child]
        pub list: TemplateChild<gtk::ListView>,
        #[template_child]
        pub spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub trouble: TemplateChild<adw::StatusPage>,
        /// What is shown: all, or what was found, best first.
        pub shown: gio::ListStore,
        pub selection: OnceCell<gtk::SingleSelection>,
        pub vpn: OnceCell<Vpn>,
        pub handler: Cell<Option<glib::SignalHandlerId>>,
        pub narrow: Cell<bool>,
        pub low: Cell<bool>,
    }

    impl Default for Picker {
        fn default() -> Self {
            Self {
                toasts: TemplateChild::default(),
                heading: TemplateChild::default(),
                search: TemplateChild::default(),
                stack: TemplateChild::default(),
                strip_part: TemplateChild::default(),
                strip_heading: TemplateChild::default(),
                strip: TemplateChild::default(),
                scrolled: TemplateChild::default(),
                list: TemplateChild::default(),
                spinner: TemplateChild::default(),
                trouble: TemplateChild::default(),
                shown: gio::ListStore::new::<InstalledApp>(),
                selection: OnceCell::default(),
                vpn: OnceCell::default(),
                handler: Cell::default(),
                narrow: Cell::default(),
                low: Cell::default(),
            }
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Picker {
        const NAME: &'static str = "VpnnsPicker";
        type Type = super::Picker;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("picker.open-program", None, |picker, _, _| {
                picker.choose_program();
            });
            klass.install_action("picker.reload", None, |picker, _, _| picker.load());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Picker {
        fn dispose(&self) {
            if let Some(handler) = self.handler.take() {
                super::catalogue_store().disconnect(handler);
            }
        }
    }

    impl WidgetImpl for Picker {
        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            let (narrow, low) = (width < NARROW, height < LOW);
            if narrow != self.narrow.replace(narrow) || low != self.low.replace(low) {
                // Not now: what is being laid out must not change.
                let weak = self.obj().downgrade();
                glib::idle_add_local_once(move || {
                    if let Some(picker) = weak.upgrade() {
                        picker.fit();
                    }
                });
            }
            self.parent_size_allocate(width, height, baseline);
        }
    }

    impl WindowImpl for Picker {}
    impl AdwWindowImpl for Picker {}
}

glib::wrapper! {
    /// The window in which an application is chosen.
    pub struct Picker(ObjectSubclass<imp::Picker>)
        @extends gtk::Widget, gtk::Window, adw::Window,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root,
            gtk::ShortcutManager;
}

/// Shows it.
pub fn present(window: &Window, vpn: &Vpn) {
    let picker = Picker::new(window, vpn);
    picker.present();
    picker.load();
}

/// The options of the helper with which an application is opened, as the settings say.
pub fn options_for(session: &Session, entry: &str) -> Vec<String> {
    let values = session.settings.get();
    values.apps.get(entry).map(options).unwrap_or_default()
}

fn options(app: &AppValues) -> Vec<String> {
    let option = |name: &str, chosen: Option<bool>, yes: &str, no: &str| {
        chosen.map(|chosen| format!("{name}={}", if chosen { yes } else { no }))
    };
    let profile = option("--own-profile", app.own_profile, "yes", "no");
    let bus = option("--session-bus", app.private_bus, "private", "shared");
    profile.into_iter().chain(bus).collect()
}

fn catalogue_store() -> gio::ListStore {
    Application::current().session().catalogue.store.clone()
}

impl Picker {
    fn new(window: &Window, vpn: &Vpn) -> Self {
        let this: Self = glib::Object::new();
        this.set_default_size(SIZE, SIZE);
        // Called by the tray there may be nothing to stand above.
        if window.is_visible() {
            this.set_transient_for(Some(window));
            this.set_modal(true);
            if window.width() < SIZE {
                this.set_default_size(window.width(), window.height());
            }
        }
        let imp = this.imp();
        let _ = imp.vpn.set(vpn.clone());
        let name = vpn.presentation().name;
        imp.heading
            .set_subtitle(&gettext_f("In {vpn}", &[("vpn", &name)]));
        this.show_list();
        this.listen();
        let weak = this.downgrade();
        let handler = catalogue_store().connect_items_changed(move |_, _, _, _| {
            if let Some(this) = weak.upgrade() {
                this.fill();
            }
        });
        imp.handler.set(Some(handler));
        this
    }

    /// Where apps are opened.
    pub fn vpn(&self) -> Vpn {
        self.imp().vpn.get().expect("new() sets the VPN").clone()
    }

    fn show_list(&self) {
        let imp = self.imp();
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(|_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                item.set_child(Some(&Row::new()));
            }
        });
        factory.connect_bind(|_, item| {
            let item = item.downcast_ref::<gtk::ListItem>();
            let row = item.and_then(gtk::ListItem::child).and_downcast::<Row>();
            let app = item
                .and_then(gtk::ListItem::item)
                .and_downcast::<InstalledApp>();
            if let (Some(row), Some(app), Some(item)) = (row, app, item) {
                row.show(&app, item);
            }
        });
        let selection = gtk::SingleSelection::new(Some(imp.shown.clone()));
        selection.set_autoselect(false);
        selection.set_can_unselect(true);
        imp.list.set_factory(Some(&factory));
        imp.list.set_model(Some(&selection));
        let _ = imp.selection.set(selection);
        step_once_a_frame(&imp.scrolled);
        let weak = self.downgrade();
        imp.list.connect_activate(move |_, position| {
            if let Some(this) = weak.upgrade() {
                this.open_at(position);
            }
        });
    }

    fn selection(&self) -> &gtk::SingleSelection {
        self.imp().selection.get().expect("new() sets it")
    }

    fn is_searching(&self) -> bool {
        !Query::new(&self.imp().search.text()).is_empty()
    }

    /// Reads what is installed: what is known is shown at once.
    fn load(&self) {
        let imp = self.imp();
        imp.stack.set_visible_child_name("loading");
        let weak = self.downgrade();
        glib::timeout_add_local_once(NOTICEABLE, move || {
            let Some(this) = weak.upgrade() else { return };
            let imp = this.imp();
            let is_loading = imp.stack.visible_child_name().as_deref() == Some("loading");
            imp.spinner.set_spinning(is_loading);
        });
        let weak = self.downgrade();
        if catalogue_store().n_items() > 0 {
            // After the first frame: a list begins with hundreds of rows.
            glib::idle_add_local_full(glib::Priority::LOW, move || {
                if let Some(this) = weak.upgrade() {
                    this.fill();
                }
                glib::ControlFlow::Break
            });
        }
        let weak = self.downgrade();
        glib::spawn_future_local(async move {
            let session = Application::current().session();
            let reloaded = session.reload_apps().await;
            let Some(this) = weak.upgrade() else { return };
            match reloaded {
                Err(trouble) if catalogue_store().n_items() == 0 => this.show_trouble(&trouble),
                // Nothing is installed, or nothing is different.
                _ => this.fill(),
            }
        });
    }

    fn show_trouble(&self, trouble: &Trouble) {
        let imp = self.imp();
        let hint = trouble.hint.as_deref().unwrap_or_default();
        let text = joined([&*full_sentence(&trouble.message), hint]);
        let text = glib::markup_escape_text(&text);
        imp.trouble.set_description(Some(&text));
        imp.stack.set_visible_child_name("trouble");
        imp.spinner.set_spinning(false);
    }

    /// Shows all apps, or those that are looked for.
    fn fill(&self) {
        let imp = self.imp();
        let session = Application::current().session();
        let query = Query::new(&imp.search.text());
        let found = found(session.catalogue.iter(), &query, &session.settings.get());
        let is_same = found.len() == imp.shown.n_items() as usize
            && found.iter().zip(&imp.shown).all(|(app, shown)| {
                shown.is_ok_and(|shown: glib::Object| shown == *app.upcast_ref::<glib::Object>())
            });
        if !is_same {
            imp.shown.splice(0, imp.shown.n_items(), &found);
            self.update_rows();
        }
        let first = if query.is_empty() || found.is_empty() {
            gtk::INVALID_LIST_POSITION
        } else {
            0
        };
        self.selection().set_selected(first);
        if !is_same && !found.is_empty() {
            let top = 0_u32.to_variant();
            let _ = WidgetExt::activate_action(&imp.list.get(), "list.scroll-to-item", Some(&top));
        }
        let page = if found.is_empty() { "nothing" } else { "apps" };
        imp.stack.set_visible_child_name(page);
        imp.spinner.set_spinning(false);
        self.fill_strip();
    }

    fn open_at(&self, position: u32) {
        if let Some(app) = self
            .imp()
            .shown
            .item(position)
            .and_downcast::<InstalledApp>()
        {
            self.open(&app.entry().id, None);
        }
    }

    /// Opens an application, or one of its actions, and is done.
    fn open(&self, id: &str, action: Option<&str>) {
        let action = action.map(str::to_owned);
        let app = Application::current();
        app.open_action_in_vpn(self.vpn(), id.to_owned(), action, Vec::new());
        self.close();
    }

    /// Opens an application in another VPN, and is done.
    fn open_in(&self, id: &str, vpn: &str) {
        let app = Application::current();
        if let Some(vpn) = app.session().vpns.find(vpn) {
            app.open_in_vpn(vpn, id.to_owned(), Vec::new());
        }
        self.close();
    }

    /// Asks for a program that no menu has.
    fn choose_program(&self) {
        let chooser = gtk::FileChooserNative::builder()
            .title(gettext("Open Program File"))
            .transient_for(self)
            .modal(true)
            .action(gtk::FileChooserAction::Open)
            .accept_label(gettext("_Open"))
            .build();
        let weak = self.downgrade();
        // It lives as long as it is shown.
        let alive = chooser.clone();
        chooser.connect_response(move |_, response| {
            let path = alive.file().and_then(|file| file.path());
            alive.destroy();
            if let (Some(this), Some(path), gtk::ResponseType::Accept) =
                (weak.upgrade(), path, response)
            {
                Application::current().run_in_vpn(this.vpn(), path);
                this.close();
            }
        });
        chooser.show();
    }

    /// Changes what is different for an application.
    fn change(&self, id: &str, change: impl FnOnce(&mut AppValues)) {
        let session = Application::current().session();
        session.settings.change(|values| {
            let mut app = values.apps.remove(id).unwrap_or_default();
            change(&mut app);
            if app != AppValues::default() {
                values.apps.insert(id.to_owned(), app);
            }
        });
        self.update_rows();
    }

    fn toggle_favourite(&self, id: &str) {
        let session = Application::current().session();
        session.settings.change(|values| {
            let before = values.favourites.len();
            values.favourites.retain(|known| known != id);
            if values.favourites.len() == before {
                values.favourites.push(id.to_owned());
            }
        });
        self.update_rows();
        self.fill_strip();
    }

    fn update_rows(&self) {
        let mut item = self.imp().list.first_child();
        while let Some(widget) = item {
            if let Some(row) = widget.first_child().and_downcast::<Row>() {
                row.update();
            }
            item = widget.next_sibling();
        }
    }

    /// How many apps are shown.
    fn count(&self) -> u32 {
        self.imp().shown.n_items()
    }

    /// Says something in passing.
    fn add_toast(&self, toast: adw::Toast) {
        self.imp().toasts.add_toast(toast);
    }
}

/// The apps that are looked for, best first; where several are as good, those that are used first.
fn found(
    apps: impl Iterator<Item = InstalledApp>,
    query: &Query,
    values: &Values,
) -> Vec<InstalledApp> {
    if query.is_empty() {
        return apps.collect();
    }
    let place = |ids: &[String], app: &InstalledApp| {
        let at = ids.iter().position(|id| *id == app.entry().id);
        at.unwrap_or(usize::MAX)
    };
    let ranked = apps.filter_map(|app| Some((app.rank(query)?, app)));
    let mut ranked: Vec<_> = ranked
        .map(|(rank, app)| {
            let used = (place(&values.favourites, &app), place(&values.recent, &app));
            (rank, used, app)
        })
        .collect();
    // Stable: the list is in the order of the names.
    ranked.sort_by_key(|(rank, used, _)| (*rank, *used));
    ranked.into_iter().map(|(_, _, app)| app).collect()
}

#[cfg(test)]
mod tests;
