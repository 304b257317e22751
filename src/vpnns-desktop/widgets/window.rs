//! The main window: the VPNs at the left, the chosen one at the right.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::sidebar_row::SidebarRow;
use super::welcome::Welcome;
use super::{VpnPage, trouble};
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::gettext;
use crate::model::Vpn;
use crate::model::presentation::Act;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, gio, glib};

    use super::{VpnPage, Welcome};
    use crate::model::Vpn;
    use crate::widgets::lost_banner::LostBanner;

    /// The fields of [`super::Window`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "window.ui")]
    pub struct Window {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub leaflet: TemplateChild<adw::Leaflet>,
        #[template_child]
        pub sidebar: TemplateChild<gtk::Box>,
        #[template_child]
        pub content: TemplateChild<gtk::Box>,
        #[template_child]
        pub list: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub content_title: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub back: TemplateChild<gtk::Button>,
        #[template_child]
        pub vpn_menu_button: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub lost: TemplateChild<LostBanner>,
        #[template_child]
        pub main_menu: TemplateChild<gio::MenuModel>,
        #[template_child]
        pub main_menu_button: TemplateChild<gtk::MenuButton>,
        pub welcome: OnceCell<Welcome>,
        #[template_child]
        pub pages: TemplateChild<gtk::Stack>,
        pub page: RefCell<Option<VpnPage>>,
        pub selected: RefCell<Option<(Vpn, glib::SignalHandlerId)>>,
        /// Whether nobody has chosen what is shown: the one of the last time may be yet to come.
        pub is_automatic: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "VpnnsWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(klass: &mut Self::Class) {
            LostBanner::ensure_type();
            klass.bind_template();
            klass.install_action("win.back", None, |window, _, _| window.back());
            klass.install_action("win.open-app", None, |window, _, _| {
                window.activate_for_selected("app.open-app");
            });
            klass.install_action("win.toggle-connection", None, |window, _, _| {
                window.toggle_connection();
            });
            klass.install_action("win.toggle-sidebar", None, |window, _, _| {
                window.toggle_sidebar();
            });
            let number = Some(glib::VariantTy::UINT32);
            klass.install_action("win.select-vpn", number, |window, _, parameter| {
                let vpns = super::Application::current().session().vpns.clone();
                let number = parameter.and_then(glib::Variant::get::<u32>);
                let vpn = number.and_then(|it| vpns.iter().nth(it as usize));
                if let Some(vpn) = vpn {
                    window.select(&vpn);
                    window
                        .imp()
                        .leaflet
                        .set_visible_child(&window.imp().content.get());
                }
            });
            for number in 0..9_u32 {
                let key = gtk::gdk::Key::from_name((number + 1).to_string());
                if let Some(key) = key {
                    let shortcut = gtk::Shortcut::builder()
                        .trigger(&gtk::KeyvalTrigger::new(
                            key,
                            gtk::gdk::ModifierType::ALT_MASK,
                        ))
                        .action(&gtk::NamedAction::new("win.select-vpn"))
                        .arguments(&glib::Variant::from(number))
                        .build();
                    klass.add_shortcut(&shortcut);
                }
            }
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Window {}

    impl WidgetImpl for Window {
        fn map(&self) {
            self.parent_map();
            super::watch_traffic(true);
            crate::widgets::question::present_pending(&self.obj());
        }

        fn unmap(&self) {
            super::watch_traffic(false);
            self.parent_unmap();
        }
    }

    impl WindowImpl for Window {
        fn close_request(&self) -> glib::Propagation {
            let window = self.obj();
            window.remember();
            super::Application::current().close_window(&window)
        }
    }

    impl ApplicationWindowImpl for Window {}
    impl AdwApplicationWindowImpl for Window {}
}

glib::wrapper! {
    /// The main window.
    pub struct Window(ObjectSubclass<imp::Window>)
        @extends gtk::Widget, gtk::Window, gtk::ApplicationWindow, adw::ApplicationWindow,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Accessible, gtk::Buildable,
            gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

/// A plot that nobody sees needs no wake-ups.
fn watch_traffic(wanted: bool) {
    if let Some(app) = gio::Application::default().and_downcast::<Application>() {
        app.session().watch_traffic(wanted);
    }
}

impl Window {
    /// A window on the application's session, as large as it was the last time.
    pub fn new(app: &Application) -> Self {
        let this: Self = glib::Object::builder().property("application", app).build();
        let session = app.session();
        let (width, height) = session.settings.get().window_size;
        this.set_default_size(width.clamp(360, 8192), height.clamp(480, 8192));
        if session.settings.get().maximised {
            this.maximize();
        }
        super::drop::take_files(&this, &this.imp().toasts);
        this.make_menus_late();
        this.show_list(app);
        this.fold();
        let weak = this.downgrade();
        session.connect_lost(move |lost| {
            if let Some(this) = weak.upgrade() {
                this.show_lost(lost);
            }
        });
        this
    }

    fn show_list(&self, app: &Application) {
        let imp = self.imp();
        let vpns = app.session().vpns.clone();
        imp.list.bind_model(Some(vpns.model()), |item| {
            let vpn = item.downcast_ref::<Vpn>().expect("the list holds VPNs");
            SidebarRow::new(vpn).upcast()
        });
        let weak = self.downgrade();
        imp.list.connect_row_selected(move |_, row| {
            if let Some(this) = weak.upgrade()
                && let Some(row) = row.and_then(|row| row.downcast_ref::<SidebarRow>())
            {
                let vpn = row.vpn();
                if this.selected().as_ref() != Some(&vpn) {
                    this.imp().is_automatic.set(false);
                    this.show(&vpn);
                }
            }
        });
        let weak = self.downgrade();
        imp.list.connect_row_activated(move |_, _| {
            if let Some(this) = weak.upgrade() {
                this.imp()
                    .leaflet
                    .navigate(adw::NavigationDirection::Forward);
            }
        });
        let weak = self.downgrade();
        vpns.model().connect_items_changed(move |_, _, _, _| {
            if let Some(this) = weak.upgrade() {
                this.list_changed();
            }
        });
        self.list_changed();
    }

    /// VPNs have come or gone: the welcome, or a selection.
    fn list_changed(&self) {
        let imp = self.imp();
        let vpns = &Application::current().session().vpns;
        // The first frame does not wait for the helper, and must not say what is wrong a moment later.
        let is_empty = vpns.model().n_items() == 0;
        let welcomes = is_empty && vpns.is_known();
        // GTK 4.8 tells screen readers nothing of which page is in front; and a page that is
        // hidden cannot be brought there, so this comes first.
        if let Some(welcome) = imp.welcome.get() {
            welcome.set_visible(welcomes);
        }
        if welcomes {
            imp.stack.set_visible_child(self.welcome());
        } else {
            imp.stack.set_visible_child(&imp.leaflet.get());
        }
        let shown = self.selected();
        let still_there = shown.is_some_and(|vpn| vpns.model().find(&vpn).is_some());
        if is_empty {
            self.let_go();
        } else if !still_there || imp.is_automatic.get() {
            let last = Application::current()
                .session()
                .settings
                .get()
                .selected
                .clone();
            let last = last.and_then(|name| vpns.find(&name));
            let wanted = if still_there {
                last
            } else {
                last.or_else(|| vpns.iter().next())
            };
            if let Some(vpn) = wanted {
                imp.is_automatic.set(true);
                self.show(&vpn);
                self.select_row(&vpn);
            }
        }
    }

    /// The page that is there while there is no VPN.
    fn welcome(&self) -> &Welcome {
        let imp = self.imp();
        imp.welcome.get_or_init(|| {
            let welcome = Welcome::new(&imp.main_menu);
            welcome.show_lost(Application::current().session().lost().as_ref());
            imp.stack.add_child(&welcome);
            welcome
        })
    }

    /// Menus that are made when they are opened: most never are, and they cost a tenth of the start.
    fn make_menus_late(&self) {
        let imp = self.imp();
        let menu = imp.main_menu.get();
        imp.main_menu_button
            .set_create_popup_func(move |button| button.set_menu_model(Some(&menu)));
        let weak = self.downgrade();
        imp.vpn_menu_button.set_create_popup_func(move |button| {
            let vpn = weak.upgrade().and_then(|this| this.selected());
            button.set_menu_model(vpn.as_ref().map(vpn_menu).as_ref());
        });
    }

    /// Adapts what must differ between a narrow and a wide window.
    fn fold(&self) {
        let imp = self.imp();
        let leaflet = imp.leaflet.get();
        leaflet
            .bind_property("folded", &imp.list.get(), "selection-mode")
            .transform_to(|_, folded: bool| {
                Some(if folded {
                    gtk::SelectionMode::None
                } else {
                    gtk::SelectionMode::Browse
                })
            })
            .sync_create()
            .build();
        let weak = self.downgrade();
        let update = move || {
            let Some(this) = weak.upgrade() else { return };
            this.update_back();
            // The selection is lost where rows only lead somewhere.
            if !this.imp().leaflet.is_folded()
                && let Some(vpn) = this.selected()
            {
                this.select_row(&vpn);
            }
        };
        leaflet.connect_folded_notify({
            let update = update.clone();
            move |_| update()
        });
        imp.pages.connect_visible_child_notify(move |_| update());
        self.update_back();
    }

    fn update_back(&self) {
        let imp = self.imp();
        let on_subpage = imp
            .pages
            .visible_child_name()
            .is_some_and(|name| name != "vpn");
        imp.back.set_visible(on_subpage || imp.leaflet.is_folded());
    }

    /// The VPN at the right.
    pub fn selected(&self) -> Option<Vpn> {
        self.imp()
            .selected
            .borrow()
            .as_ref()
            .map(|(vpn, _)| vpn.clone())
    }

    /// Shows a VPN at the right.
    pub fn select(&self, vpn: &Vpn) {
        self.imp().is_automatic.set(false);
        self.show(vpn);
        self.select_row(vpn);
        // In a narrow window it would stay behind the list.
        let imp = self.imp();
        imp.leaflet.set_visible_child(&imp.content.get());
    }

    fn select_row(&self, vpn: &Vpn) {
        let imp = self.imp();
        let vpns = &Application::current().session().vpns;
        if let Some(index) = vpns.model().find(vpn) {
            let row = imp.list.row_at_index(i32::try_from(index).unwrap_or(0));
            imp.list.select_row(row.as_ref());
        }
    }

    fn show(&self, vpn: &Vpn) {
        if self.selected().as_ref() == Some(vpn) {
            return;
        }
        self.let_go();
        let imp = self.imp();
        let page = VpnPage::new(vpn);
        imp.pages.add_named(&page, Some("vpn"));
        imp.pages.set_visible_child(&page);
        imp.page.replace(Some(page));
        // Where both are seen, a window that gets narrow shows what somebody is looking at.
        if !imp.leaflet.is_folded() {
            imp.leaflet.set_visible_child(&imp.content.get());
        }
        let weak = self.downgrade();
        let handler = vpn.connect_changed(move |vpn| {
            if let Some(this) = weak.upgrade() {
                this.update_title(vpn);
            }
        });
        imp.selected.replace(Some((vpn.clone(), handler)));
        self.update_title(vpn);
        if !imp.is_automatic.get() {
            let name = vpn.name().to_string();
            let session = Application::current().session();
            session
                .settings
                .change(|values| values.selected = Some(name));
        }
    }

    fn let_go(&self) {
        let imp = self.imp();
        if let Some((vpn, handler)) = imp.selected.take() {
            vpn.disconnect(handler);
        }
        while let Some(page) = imp.pages.first_child() {
            imp.pages.remove(&page);
        }
        imp.page.replace(None);
    }

    fn update_title(&self, vpn: &Vpn) {
        let imp = self.imp();
        let name = vpn.presentation().name;
        let on_subpage = imp.pages.child_by_name("sub").is_some();
        if on_subpage {
            imp.content_title.set_subtitle(&name);
        } else {
            imp.content_title.set_title(&name);
            imp.content_title.set_subtitle("");
        }
        imp.vpn_menu_button.set_visible(!on_subpage);
    }

    /// A page above the VPN's own, with a title and the way back.
    pub fn push(&self, page: &impl IsA<gtk::Widget>, title: &str) {
        let imp = self.imp();
        if let Some(old) = imp.pages.child_by_name("sub") {
            imp.pages.remove(&old);
        }
        imp.pages.add_named(page, Some("sub"));
        imp.pages.set_visible_child(page);
        imp.content_title.set_title(title);
        if let Some(vpn) = self.selected() {
            self.update_title(&vpn);
        }
        imp.leaflet.set_visible_child(&imp.content.get());
    }

    /// Back from a page above, else to the list.
    fn back(&self) {
        let imp = self.imp();
        if let Some(page) = imp.pages.child_by_name("sub") {
            imp.pages.set_visible_child_name("vpn");
            imp.pages.remove(&page);
            if let Some(vpn) = self.selected() {
                self.update_title(&vpn);
            }
            self.update_back();
        } else {
            imp.leaflet.navigate(adw::NavigationDirection::Back);
        }
    }

    /// Shows the leak check of the chosen VPN.
    pub fn show_leaks(&self) {
        if let Some(page) = self.imp().page.borrow().as_ref() {
            page.show_leaks();
        }
    }

    fn activate_for_selected(&self, action: &str) {
        if let Some(vpn) = self.selected() {
            let name = vpn.name().to_string().to_variant();
            // Fails only for an action that nobody has added.
            let _ = WidgetExt::activate_action(self, action, Some(&name));
        }
    }

    /// What the hero's most important button would do.
    fn toggle_connection(&self) {
        let Some(vpn) = self.selected() else { return };
        let buttons = vpn.presentation().buttons;
        let first = buttons.iter().find(|it| it.suggested).or(buttons.first());
        if let Some(act) = first.map(|it| it.act).filter(|act| *act != Act::Edit) {
            self.activate_for_selected(act.action());
        }
    }

    fn toggle_sidebar(&self) {
        let leaflet = &self.imp().leaflet;
        let is_content = leaflet.visible_child() == Some(self.imp().content.get().upcast());
        leaflet.navigate(if is_content {
            adw::NavigationDirection::Back
        } else {
            adw::NavigationDirection::Forward
        });
    }

    fn show_lost(&self, lost: Option<&Trouble>) {
        self.imp().lost.show(lost);
        if let Some(welcome) = self.imp().welcome.get() {
            welcome.show_lost(lost);
        }
    }

    /// Says something in passing.
    pub fn add_toast(&self, toast: adw::Toast) {
        self.imp().toasts.add_toast(toast);
    }

    /// Says what went wrong.
    pub fn show_trouble(&self, what: &Trouble) {
        trouble::present(self, what);
    }

    /// Goes away; the tray icon leads back.
    pub fn close_to_tray(&self) {
        self.remember();
        self.set_visible(false);
    }

    /// Keeps the size for the next time.
    fn remember(&self) {
        let size = self.default_size();
        let maximised = self.is_maximized();
        let session = Application::current().session();
        session.settings.change(|values| {
            values.window_size = size;
            values.maximised = maximised;
        });
    }
}

/// What is rarely done with a VPN.
fn vpn_menu(vpn: &Vpn) -> gio::Menu {
    let name = vpn.name();
    let item = |label: &str, action: &str| {
        gio::MenuItem::new(Some(label), Some(&format!("{action}::{name}")))
    };
    let has_profile = vpn.facts().listed.is_some();
    let runs = vpn.facts().instance.is_some();
    let menu = gio::Menu::new();
    let first = gio::Menu::new();
    first.append_item(&item(&gettext("_Open App…"), "app.open-app"));
    first.append_item(&item(&gettext("Check for _Leaks"), "app.check-vpn"));
    first.append_item(&item(&gettext("Show _Log"), "app.log-vpn"));
    menu.append_section(None, &first);
    if has_profile {
        let second = gio::Menu::new();
        second.append_item(&item(&gettext("_Edit…"), "app.edit-vpn"));
        second.append_item(&item(&gettext("D_uplicate…"), "app.duplicate-vpn"));
        second.append_item(&item(&gettext("_Delete…"), "app.delete-vpn"));
        menu.append_section(None, &second);
    }
    if runs {
        let third = gio::Menu::new();
        third.append_item(&item(
            &gettext("Disconnect and _Close Apps…"),
            "app.stop-vpn",
        ));
        menu.append_section(None, &third);
    }
    menu
}
