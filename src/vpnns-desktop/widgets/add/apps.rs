//! The apps that are opened when a VPN is connected, and the page on which one more is chosen.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use adw::prelude::*;
use gtk::glib;

use super::form::Form;
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::model::draft::Field;
use crate::model::installed::InstalledApp;
use crate::widgets::app_icon::app_icon;
use crate::widgets::wheel::step_once_a_frame;

/// The rows of the chosen apps.
struct Chosen {
    form: Weak<Form>,
    group: glib::WeakRef<adw::PreferencesGroup>,
    rows: RefCell<Vec<adw::ActionRow>>,
}

/// Fills the group of a form that lists them.
pub fn fill(form: &Rc<Form>, group: &adw::PreferencesGroup) {
    let content = adw::ButtonContent::builder()
        .icon_name("list-add-symbolic")
        .label(gettext("Add App…"))
        .build();
    let add = gtk::Button::builder()
        .child(&content)
        .valign(gtk::Align::Center)
        .css_classes(["flat"])
        .build();
    group.set_header_suffix(Some(&add));
    let chosen = Rc::new(Chosen {
        form: Rc::downgrade(form),
        group: group.downgrade(),
        rows: RefCell::default(),
    });
    chosen.show();
    let on_click = chosen.clone();
    add.connect_clicked(move |_| on_click.choose());
    // Names and icons are known as soon as the helper has listed the apps.
    glib::spawn_future_local(async move {
        let session = Application::current().session();
        if session.catalogue.store.n_items() == 0 && session.reload_apps().await.is_ok() {
            chosen.show();
        }
    });
}

impl Chosen {
    fn ids(&self) -> Vec<String> {
        let Some(form) = self.form.upgrade() else {
            return Vec::new();
        };
        let draft = form.draft.borrow();
        let ids = draft.get(Field::Apps).split_whitespace();
        ids.map(str::to_owned).collect()
    }

    fn set(self: &Rc<Self>, ids: &[String]) {
        if let Some(form) = self.form.upgrade() {
            form.changed(Field::Apps, &ids.join(" "));
        }
        self.show();
    }

    fn show(self: &Rc<Self>) {
        let Some(group) = self.group.upgrade() else {
            return;
        };
        for row in self.rows.take() {
            group.remove(&row);
        }
        let rows: Vec<_> = self.ids().iter().map(|id| self.row(id)).collect();
        for row in &rows {
            group.add(row);
        }
        self.rows.replace(rows);
    }

    fn row(self: &Rc<Self>, id: &str) -> adw::ActionRow {
        let app = Application::current().session().catalogue.find(id);
        let name = app.as_ref().map_or(id, |app| app.entry().name.as_str());
        let image = app_icon(app.as_ref().and_then(|it| it.entry().icon.as_deref()));
        let row = adw::ActionRow::builder()
            .title(glib::markup_escape_text(name))
            .build();
        row.add_prefix(&gtk::Image::builder().gicon(&image).pixel_size(32).build());
        let label = gettext_f("Remove {app}", &[("app", name)]);
        let remove = gtk::Button::builder()
            .icon_name("window-close-symbolic")
            .tooltip_text(&label)
            .valign(gtk::Align::Center)
            .css_classes(["flat", "circular"])
            .build();
        remove.update_property(&[gtk::accessible::Property::Label(&label)]);
        row.add_suffix(&remove);
        let (this, id) = (Rc::downgrade(self), id.to_owned());
        remove.connect_clicked(move |_| {
            if let Some(this) = this.upgrade() {
                let left: Vec<String> = this.ids().into_iter().filter(|it| *it != id).collect();
                this.set(&left);
            }
        });
        row
    }

    /// A page with all apps and a search; the one that is chosen is added.
    fn choose(self: &Rc<Self>) {
        let Some(leaflet) = self.form.upgrade().and_then(|form| form.leaflet.upgrade()) else {
            return;
        };
        let search = gtk::SearchEntry::builder()
            .hexpand(true)
            .placeholder_text(gettext("Search apps"))
            .build();
        let back = gtk::Button::builder()
            .icon_name("go-previous-symbolic")
            .tooltip_text(gettext("Back"))
            .build();
        let clamp = adw::Clamp::builder()
            .maximum_size(400)
            .child(&search)
            .build();
        let header = adw::HeaderBar::builder()
            .title_widget(&clamp)
            .css_classes(["flat"])
            .show_end_title_buttons(false)
            .show_start_title_buttons(false)
            .build();
        header.pack_start(&back);
        let (list, filter) = app_list();
        let words: Rc<RefCell<Vec<String>>> = Rc::default();
        filter.set_filter_func(glib::clone!(
            #[strong]
            words,
            move |item| {
                let app = item.downcast_ref::<InstalledApp>();
                app.is_some_and(|app| app.matches(&words.borrow()))
            }
        ));
        search.connect_search_changed(move |search| {
            let text = search.text().to_lowercase();
            words.replace(text.split_whitespace().map(str::to_owned).collect());
            filter.changed(gtk::FilterChange::Different);
        });
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&list)
            .build();
        step_once_a_frame(&scrolled);
        let page = gtk::Box::new(gtk::Orientation::Vertical, 0);
        page.append(&header);
        page.append(&scrolled);
        leaflet.append(&page);
        leaflet.set_visible_child(&page);
        search.grab_focus();
        let close = {
            let (leaflet, page) = (leaflet.downgrade(), page.downgrade());
            move || {
                let (Some(leaflet), Some(page)) = (leaflet.upgrade(), page.upgrade()) else {
                    return;
                };
                leaflet.navigate(adw::NavigationDirection::Back);
                // Not before it has slid away.
                let wait = std::time::Duration::from_millis(400);
                glib::timeout_add_local_once(wait, move || leaflet.remove(&page));
            }
        };
        back.connect_clicked(glib::clone!(
            #[strong]
            close,
            move |_| close()
        ));
        search.connect_stop_search(glib::clone!(
            #[strong]
            close,
            move |_| close()
        ));
        let first = list.downgrade();
        search.connect_activate(move |_| {
            if let Some(list) = first.upgrade() {
                list.emit_by_name::<()>("activate", &[&0u32]);
            }
        });
        let this = self.clone();
        list.connect_activate(move |list, position| {
            let item = list.model().and_then(|model| model.item(position));
            let Some(app) = item.and_downcast::<InstalledApp>() else {
                return;
            };
            let mut ids = this.ids();
            if !ids.contains(&app.entry().id) {
                ids.push(app.entry().id.clone());
            }
            this.set(&ids);
            close();
        });
    }
}

/// All installed apps, and the filter on them.
fn app_list() -> (gtk::ListView, gtk::CustomFilter) {
    let filter = gtk::CustomFilter::new(|_| true);
    let store = Application::current().session().catalogue.store.clone();
    let found = gtk::FilterListModel::new(Some(store), Some(filter.clone()));
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        let line = gtk::Box::builder()
            .spacing(12)
            .margin_top(6)
            .margin_bottom(6)
            .build();
        line.append(&gtk::Image::builder().pixel_size(32).build());
        let label = gtk::Label::builder()
            .xalign(0.0)
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .build();
        line.append(&label);
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_child(Some(&line));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let app = item.item().and_downcast::<InstalledApp>();
        let image = item.child().and_then(|line| line.first_child());
        let label = item.child().and_then(|line| line.last_child());
        if let (Some(app), Some(image), Some(label)) = (
            app,
            image.and_downcast::<gtk::Image>(),
            label.and_downcast::<gtk::Label>(),
        ) {
            image.set_from_gicon(&app_icon(app.entry().icon.as_deref()));
            label.set_label(&app.entry().name);
        }
    });
    let list = gtk::ListView::builder()
        .model(&gtk::NoSelection::new(Some(found)))
        .factory(&factory)
        .single_click_activate(true)
        .css_classes(["navigation-sidebar"])
        .build();
    list.update_property(&[gtk::accessible::Property::Label(&gettext("Apps"))]);
    (list, filter)
}
