//! The window in which a VPN is added or edited.

use std::cell::RefCell;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::{Profile, Settings};

use super::form::Form;
use super::kinds::{self, Choice};
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::draft::{Draft, Field};
use crate::secrets;
use crate::widgets::Window;

/// The largest size of the window.
const SIZE: i32 = 640;

/// A profile that is being edited.
struct Original {
    name: InstanceName,
    text: String,
    profile: Profile,
}

/// The window, its pages, and what they lead to.
pub struct Dialog {
    parent: Window,
    window: adw::Window,
    leaflet: adw::Leaflet,
    original: Option<Original>,
    /// The form that was chosen last.
    form_page: RefCell<Option<gtk::Widget>>,
    /// What is to be said of the VPN once it is added.
    notes: RefCell<Vec<String>>,
}

impl Dialog {
    fn new(parent: &Window, title: &str, original: Option<Original>) -> Rc<Self> {
        let leaflet = adw::Leaflet::builder()
            .can_unfold(false)
            .can_navigate_back(true)
            .build();
        let window = adw::Window::builder()
            .transient_for(parent)
            .modal(true)
            .title(title)
            .default_width(SIZE.min(parent.width().max(360)))
            .default_height(SIZE.min(parent.height().max(480)))
            .width_request(340)
            .content(&leaflet)
            .build();
        let escape = gtk::EventControllerKey::new();
        let weak = leaflet.downgrade();
        escape.connect_key_pressed(move |controller, key, _, _| {
            if key != gtk::gdk::Key::Escape {
                return glib::Propagation::Proceed;
            }
            let leaflet = weak.upgrade();
            let is_first = leaflet.is_none_or(|it| {
                it.adjacent_child(adw::NavigationDirection::Back).is_none()
                    || !it.navigate(adw::NavigationDirection::Back)
            });
            if is_first && let Some(window) = controller.widget().and_downcast::<gtk::Window>() {
                window.close();
            }
            glib::Propagation::Stop
        });
        window.add_controller(escape);
        Rc::new(Self {
            parent: parent.clone(),
            window,
            leaflet,
            original,
            form_page: RefCell::default(),
            notes: RefCell::default(),
        })
    }

    /// Asks for the kind first.
    pub fn add(parent: &Window) {
        let title = gettext("Add VPN");
        let this = Self::new(parent, &title, None);
        let weak = Rc::downgrade(&this);
        let content = kinds::page(&this.window, move |choice| {
            let Some(this) = weak.upgrade() else { return };
            match choice {
                Choice::Files(files) => {
                    this.window.close();
                    super::import_all(&this.parent, files);
                }
                Choice::Form(kind) => {
                    let mut draft = Draft::new(kind);
                    draft.taken = Application::current().session().taken_names();
                    this.show_form(draft);
                }
                Choice::Demonstration => {
                    this.window.close();
                    super::add_demonstration(&this.parent);
                }
            }
        });
        this.leaflet
            .append(&page(&this.cancel_header(&title), &content));
        this.present();
    }

    /// The form with what is in it already.
    pub fn add_copy(parent: &Window, mut draft: Draft) {
        draft.taken = Application::current().session().taken_names();
        Self::new(parent, &gettext("Add VPN"), None).show_only_form(draft, false);
    }

    /// The form of a profile.
    pub fn edit(parent: &Window, vpn: &Vpn, profile: Profile, text: String) {
        let name = vpn.name();
        let mut draft = Draft::of(&profile);
        draft.set(Field::Name, name.as_str());
        if draft.get(Field::Title).is_empty() {
            draft.set(Field::Title, name.as_str());
        }
        draft.taken = Application::current().session().taken_names();
        draft.taken.remove(name.as_str());
        let title = gettext_f("Edit {vpn}", &[("vpn", draft.get(Field::Title))]);
        let runs = vpn.facts().instance.is_some();
        let original = Original {
            name,
            text,
            profile,
        };
        Self::new(parent, &title, Some(original)).show_only_form(draft, runs);
    }

    /// Shows it; it lives as long as its window.
    fn present(self: &Rc<Self>) {
        let this = RefCell::new(Some(self.clone()));
        self.window.connect_close_request(move |_| {
            // Whoever still works with it holds it as well.
            this.take();
            glib::Propagation::Proceed
        });
        self.window.present();
    }

    fn cancel_header(&self, title: &str) -> adw::HeaderBar {
        let header = header(title);
        let cancel = gtk::Button::with_label(&gettext("Cancel"));
        let window = self.window.downgrade();
        cancel.connect_clicked(move |_| {
            if let Some(window) = window.upgrade() {
                window.close();
            }
        });
        header.pack_start(&cancel);
        header
    }

    fn show_only_form(self: &Rc<Self>, draft: Draft, runs: bool) {
        let title = self.window.title().unwrap_or_default();
        let header = self.cancel_header(&title);
        self.append_form(draft, &header, runs);
        self.present();
    }

    fn show_form(self: &Rc<Self>, draft: Draft) {
        let header = header(&draft.kind().title());
        let back = gtk::Button::builder()
            .icon_name("go-previous-symbolic")
            .tooltip_text(gettext("Back"))
            .build();
        back.update_property(&[gtk::accessible::Property::Label(&gettext("Back"))]);
        let leaflet = self.leaflet.downgrade();
        back.connect_clicked(move |_| {
            if let Some(leaflet) = leaflet.upgrade() {
                leaflet.navigate(adw::NavigationDirection::Back);
            }
        });
        header.pack_start(&back);
        // The form that was left before is not the one that is wanted now.
        if let Some(old) = self.form_page.take() {
            self.leaflet.remove(&old);
        }
        let page = self.append_form(draft, &header, false);
        self.leaflet.set_visible_child(&page);
        self.form_page.replace(Some(page));
    }

    fn append_form(
        self: &Rc<Self>,
        draft: Draft,
        header: &adw::HeaderBar,
        runs: bool,
    ) -> gtk::Widget {
        let form = Form::new(&self.window, &self.leaflet, draft, runs);
        let label = match self.original {
            Some(_) => gettext("Save"),
            None => gettext("Add"),
        };
        let save = gtk::Button::builder()
            .label(label)
            .css_classes(["suggested-action"])
            .build();
        header.pack_end(&save);
        let button = save.downgrade();
        form.connect_valid(move |valid| {
            if let Some(button) = button.upgrade() {
                button.set_sensitive(valid);
            }
        });
        let page = page(header, form.widget());
        let first = form.clone();
        page.connect_map(move |_| {
            let first = first.clone();
            glib::idle_add_local_once(move || first.focus());
        });
        // The leaflet moves the focus once more when the page has slid in.
        let (weak_page, again) = (page.downgrade(), Rc::downgrade(&form));
        self.leaflet
            .connect_child_transition_running_notify(move |leaflet| {
                let (Some(page), Some(form)) = (weak_page.upgrade(), again.upgrade()) else {
                    return;
                };
                if !leaflet.is_child_transition_running()
                    && leaflet.visible_child().as_ref() == Some(&page)
                    && !form.has_focus()
                {
                    form.focus();
                }
            });
        let (weak, form) = (Rc::downgrade(self), form.clone());
        save.connect_clicked(move |button| {
            let Some(this) = weak.upgrade() else { return };
            let (form, button) = (form.clone(), button.clone());
            glib::spawn_future_local(async move {
                button.set_sensitive(false);
                match this.save(&form).await {
                    Ok(name) => this.done(&name),
                    Err(trouble) => {
                        button.set_sensitive(true);
                        form.show_trouble(&trouble);
                    }
                }
            });
        });
        self.leaflet.append(&page);
        page
    }

    fn done(&self, name: &InstanceName) {
        self.window.close();
        let Some(original) = &self.original else {
            super::added(&self.parent, name.as_str(), &self.notes.take());
            return;
        };
        let session = Application::current().session();
        let Some(vpn) = session.vpns.find(name.as_str()) else {
            return;
        };
        if original.name != *name {
            self.parent.select(&vpn);
        }
        let is_up = vpn
            .facts()
            .instance
            .as_ref()
            .is_some_and(|it| it.tunnel.is_some());
        let text = if is_up {
            gettext("Saved; it takes effect with the next connection")
        } else {
            gettext("Saved")
        };
        self.parent.add_toast(adw::Toast::new(&text));
    }

    /// Makes the profile, or changes it; returns its name.
    async fn save(&self, form: &Form) -> Result<InstanceName, Trouble> {
        let session = Application::current().session();
        let name = {
            let draft = form.draft.borrow();
            draft.name()
        };
        let name = name.ok_or_else(|| Trouble::new(gettext("This name cannot be used")))?;
        let source = form.source.borrow().clone();
        let Some(source) = source else {
            self.write(form, &name, None).await?;
            return Ok(name);
        };
        // The helper takes the file in, with all that it refers to; the form goes over that.
        let target = self.original.as_ref().map_or(&name, |it| &it.name).clone();
        let replace = self.original.is_some();
        let imported = session.import_file(source, target.clone(), replace).await?;
        self.notes.replace(imported.notes);
        let result = self.write(form, &name, Some(&target)).await;
        if result.is_err() {
            // As if nothing had happened.
            let _ = match &self.original {
                Some(original) => session.save(target, &original.text, true).await.map(drop),
                None => session.remove(target).await,
            };
        }
        result.map(|()| name)
    }

    async fn write(
        &self,
        form: &Form,
        name: &InstanceName,
        imported: Option<&InstanceName>,
    ) -> Result<(), Trouble> {
        let session = Application::current().session();
        let mut draft = form.draft.borrow().clone();
        if let Some(imported) = imported {
            let text = session.export(imported.clone()).await?;
            let profile = Profile::parse(&text).map_err(|it| Trouble::new(it.to_string()))?;
            if let Settings::OpenVpn(settings) = profile.settings {
                draft.set(Field::Config, settings.config.unwrap_or_default());
                if draft.get(Field::User).is_empty() {
                    draft.set(Field::User, settings.user.unwrap_or_default());
                }
            }
        }
        let profile = draft.checked().map_err(|it| Trouble::new(it.text))?;
        let before = self.original.as_ref();
        // What says the same keeps the way in which it is written.
        let text = match before.filter(|it| it.profile == profile && imported.is_none()) {
            Some(original) => original.text.clone(),
            None => profile.to_toml(),
        };
        let replace = imported == Some(name) || before.is_some_and(|it| it.name == *name);
        session.save(name.clone(), &text, replace).await?;
        if let Some(old) = before.map(|it| &it.name).filter(|old| *old != name) {
            secrets::rename(old.as_str(), name.as_str()).await;
            session.remove(old.clone()).await?;
        }
        Ok(())
    }
}

fn header(title: &str) -> adw::HeaderBar {
    adw::HeaderBar::builder()
        .title_widget(&adw::WindowTitle::new(title, ""))
        .show_start_title_buttons(false)
        .show_end_title_buttons(false)
        .css_classes(["flat"])
        .build()
}

fn page(header: &adw::HeaderBar, content: &impl IsA<gtk::Widget>) -> gtk::Widget {
    let clamp = adw::Clamp::builder()
        .maximum_size(512)
        .tightening_threshold(400)
        .margin_top(12)
        .margin_bottom(24)
        .margin_start(12)
        .margin_end(12)
        .child(content)
        .build();
    let scrolled = gtk::ScrolledWindow::builder()
        .hscrollbar_policy(gtk::PolicyType::Never)
        .vexpand(true)
        .child(&clamp)
        .build();
    let page = gtk::Box::new(gtk::Orientation::Vertical, 0);
    page.append(header);
    page.append(&scrolled);
    page.upcast()
}
