//! The rows of a form, by what they take.

use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;

use super::files;
use super::form::Form;
use crate::application::Application;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::draft::{Fault, Field};
use crate::model::words::{full_sentence, joined};

/// What rows are put into.
pub trait Place {
    /// Puts one more row into it.
    fn put(&self, row: &gtk::Widget);
}

impl Place for adw::PreferencesGroup {
    fn put(&self, row: &gtk::Widget) {
        self.add(row);
    }
}

impl Place for adw::ExpanderRow {
    fn put(&self, row: &gtk::Widget) {
        self.add_row(row);
    }
}

/// A row, with the place for what is wrong with it.
pub struct Shown {
    /// The row.
    pub row: gtk::Widget,
    /// The row below it.
    pub fault: adw::PreferencesRow,
    label: gtk::Label,
}

impl Shown {
    /// The place for a row's faults.
    pub fn new(row: &gtk::Widget) -> Self {
        let label = fault_label();
        label.set_visible(true);
        let icon = gtk::Image::from_icon_name("dialog-warning-symbolic");
        icon.add_css_class("error");
        icon.set_valign(gtk::Align::Start);
        let line = gtk::Box::builder()
            .spacing(6)
            .margin_start(12)
            .margin_end(12)
            .margin_top(8)
            .margin_bottom(8)
            .build();
        line.append(&icon);
        line.append(&label);
        let fault = adw::PreferencesRow::builder()
            .activatable(false)
            .focusable(false)
            .visible(false)
            .child(&line)
            .build();
        let weak = row.downgrade();
        label.connect_activate_link(move |_, fix| {
            if let Some(row) = weak.upgrade().and_downcast::<adw::EntryRow>() {
                row.set_text(fix);
                row.grab_focus();
            }
            glib::Propagation::Stop
        });
        Self {
            row: row.clone(),
            fault,
            label,
        }
    }

    /// Whether something is said.
    pub fn has_fault(&self) -> bool {
        self.fault.is_visible()
    }

    /// Says what is wrong, or nothing.
    pub fn show(&self, fault: Option<&Fault>) {
        let is_wrong = fault.is_some();
        self.fault.set_visible(is_wrong);
        let state = if is_wrong {
            self.row.add_css_class("error");
            gtk::AccessibleInvalidState::True
        } else {
            self.row.remove_css_class("error");
            gtk::AccessibleInvalidState::False
        };
        self.row
            .update_state(&[gtk::accessible::State::Invalid(state)]);
        let Some(fault) = fault else {
            // GTK 4.8 reads hidden labels to screen readers.
            self.label.set_label("");
            return;
        };
        let mut text = glib::markup_escape_text(&fault.text).to_string();
        if let Some(fix) = &fault.fix {
            let fix = glib::markup_escape_text(fix);
            let link = format!("<a href=\"{fix}\">{fix}</a>");
            text = joined([text, gettext_f("Did you mean {it}?", &[("it", &link)])]);
        }
        self.label.set_markup(&text);
        self.row
            .update_property(&[gtk::accessible::Property::Description(&fault.text)]);
    }
}

/// A label that says what is wrong.
pub fn fault_label() -> gtk::Label {
    gtk::Label::builder()
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::WordChar)
        .use_markup(true)
        .xalign(0.0)
        .hexpand(true)
        .visible(false)
        .css_classes(["caption", "error"])
        .build()
}

/// A row that opens.
pub fn expander(title: &str, subtitle: &str) -> adw::ExpanderRow {
    adw::ExpanderRow::builder()
        .title(title)
        .subtitle(subtitle)
        .build()
}

impl Form {
    /// A text.
    pub(super) fn entry(self: &Rc<Self>, place: &impl Place, field: Field) -> adw::EntryRow {
        let row = adw::EntryRow::new();
        self.set_up(place, field, &row);
        row
    }

    /// A text that is not to be seen.
    pub(super) fn secret(self: &Rc<Self>, place: &impl Place, field: Field) {
        self.set_up(place, field, adw::PasswordEntryRow::new().upcast_ref());
    }

    /// A path, with a button that chooses it.
    pub(super) fn path(self: &Rc<Self>, place: &impl Place, field: Field) {
        let row = self.entry(place, field);
        let button = gtk::Button::builder()
            .icon_name("document-open-symbolic")
            .tooltip_text(gettext("Choose File…"))
            .valign(gtk::Align::Center)
            .css_classes(["flat"])
            .build();
        row.add_suffix(&button);
        let (weak, row) = (Rc::downgrade(self), row.downgrade());
        button.connect_clicked(move |_| {
            let Some(window) = weak.upgrade().and_then(|this| this.window.upgrade()) else {
                return;
            };
            let row = row.clone();
            files::choose_one(&window, &field.title(), None, move |path| {
                if let Some(row) = row.upgrade() {
                    row.set_text(&path.to_string_lossy());
                }
            });
        });
    }

    fn set_up(self: &Rc<Self>, place: &impl Place, field: Field, row: &adw::EntryRow) {
        row.set_title(&field.title());
        row.set_text(self.draft.borrow().get(field));
        let weak = Rc::downgrade(self);
        row.connect_changed(move |row| {
            if let Some(this) = weak.upgrade() {
                this.changed(field, &row.text());
            }
        });
        let focus = gtk::EventControllerFocus::new();
        let weak = Rc::downgrade(self);
        focus.connect_leave(move |_| {
            if let Some(this) = weak.upgrade() {
                this.check(field);
            }
        });
        row.add_controller(focus);
        self.place(place, field, row);
    }

    /// One of several.
    pub(super) fn choice(self: &Rc<Self>, place: &impl Place, field: Field) {
        let (kind, value) = {
            let draft = self.draft.borrow();
            (draft.kind(), draft.get(field).to_owned())
        };
        let choices = field.choices(kind);
        let words: Vec<&str> = choices.iter().map(|(_, word)| word.as_str()).collect();
        let selected = choices.iter().position(|(it, _)| *it == value);
        let row = adw::ComboRow::builder()
            .title(field.title())
            .model(&gtk::StringList::new(&words))
            .selected(selected.and_then(|it| u32::try_from(it).ok()).unwrap_or(0))
            .build();
        let weak = Rc::downgrade(self);
        row.connect_selected_notify(move |row| {
            let chosen = choices.get(row.selected() as usize);
            if let (Some(this), Some((value, _))) = (weak.upgrade(), chosen) {
                this.changed(field, value);
            }
        });
        self.place(place, field, &row);
    }

    /// Yes or no.
    pub(super) fn switch(self: &Rc<Self>, place: &impl Place, field: Field) {
        let switch = gtk::Switch::builder()
            .valign(gtk::Align::Center)
            .active(self.draft.borrow().is_on(field))
            .build();
        let row = adw::ActionRow::builder()
            .title(field.title())
            .activatable_widget(&switch)
            .build();
        row.add_suffix(&switch);
        let weak = Rc::downgrade(self);
        switch.connect_active_notify(move |switch| {
            if let Some(this) = weak.upgrade() {
                this.changed(field, if switch.is_active() { "true" } else { "" });
            }
        });
        self.place(place, field, &row);
    }

    /// OpenVPN's configuration: a file that is taken over, or a text that was.
    pub(super) fn configuration(self: &Rc<Self>, place: &adw::PreferencesGroup) {
        let row = adw::ActionRow::builder()
            .title(Field::Config.title())
            .subtitle(self.configuration_line())
            .build();
        let button = gtk::Button::builder()
            .label(gettext("Choose File…"))
            .valign(gtk::Align::Center)
            .build();
        row.add_suffix(&button);
        row.set_activatable_widget(Some(&button));
        let (weak, shown) = (Rc::downgrade(self), row.downgrade());
        button.connect_clicked(move |_| {
            let Some(this) = weak.upgrade() else { return };
            let Some(window) = this.window.upgrade() else {
                return;
            };
            let shown = shown.clone();
            files::choose_one(&window, &Field::Config.title(), Some("ovpn"), move |path| {
                let (this, shown) = (this.clone(), shown.clone());
                glib::spawn_future_local(async move {
                    this.take_configuration(path).await;
                    if let Some(row) = shown.upgrade() {
                        row.set_subtitle(&this.configuration_line());
                    }
                });
            });
        });
        self.place(place, Field::Config, &row);
    }

    /// The text of OpenVPN's configuration, where there is a copy of it.
    pub(super) fn config_text(self: &Rc<Self>, place: &impl Place) {
        let text = self.draft.borrow().get(Field::Config).to_owned();
        if text.is_empty() || self.source.borrow().is_some() {
            return;
        }
        let row = expander(
            &gettext("Text of the Configuration"),
            &gettext("May hold a private key"),
        );
        let view = gtk::TextView::builder()
            .monospace(true)
            .accepts_tab(false)
            .wrap_mode(gtk::WrapMode::WordChar)
            .top_margin(6)
            .bottom_margin(6)
            .left_margin(12)
            .right_margin(12)
            .build();
        view.update_property(&[gtk::accessible::Property::Label(&row.title())]);
        view.buffer().set_text(&text);
        let weak = Rc::downgrade(self);
        view.buffer().connect_changed(move |buffer| {
            if let Some(this) = weak.upgrade() {
                let (start, end) = buffer.bounds();
                this.changed(Field::Config, &buffer.text(&start, &end, true));
            }
        });
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .height_request(240)
            .child(&view)
            .build();
        row.add_row(&scrolled);
        // A file that is chosen takes its place.
        let text_row = row.downgrade();
        self.hide_text.replace(Some(Box::new(move || {
            if let Some(row) = text_row.upgrade() {
                row.set_visible(false);
            }
        })));
        place.put(row.upcast_ref());
    }

    /// Has the helper look at a file, and notes that it is to be taken.
    async fn take_configuration(self: &Rc<Self>, path: std::path::PathBuf) {
        let session = Application::current().session();
        let fault = match session.look_at(path.clone()).await {
            Ok(found) if found.kind == "openvpn" => {
                // The helper reads the file, with all that it refers to, when the form is done.
                self.source.replace(Some(path));
                if let Some(hide) = self.hide_text.take() {
                    hide();
                }
                self.changed(Field::Config, "client");
                None
            }
            Ok(_) => Some(gettext("This is no configuration of OpenVPN.")),
            Err(trouble) => {
                let hint = trouble.hint.as_deref().map(full_sentence);
                let text = full_sentence(&trouble.message);
                Some(joined([text, hint.unwrap_or_default()]))
            }
        };
        let fault = fault.map(|text| Fault {
            field: Field::Config,
            text,
            fix: None,
        });
        self.show_fault(Field::Config, fault.as_ref());
    }

    fn configuration_line(&self) -> String {
        if let Some(path) = &*self.source.borrow() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return glib::markup_escape_text(&name).into();
        }
        let draft = self.draft.borrow();
        match draft.get(Field::Config).lines().count() {
            0 => gettext("An .ovpn file"),
            lines => ngettext_f("A copy of {n} line", "A copy of {n} lines", lines, &[]),
        }
    }
}
