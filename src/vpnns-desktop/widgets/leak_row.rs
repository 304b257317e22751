//! One check for leaks as a row, with what to do below it.

use adw::prelude::*;
use gtk::glib;

use crate::i18n::gettext_f;
use crate::model::leaks::{Mark, Row};

/// The row, and its parts that change.
pub struct LeakRow {
    /// What was seen.
    pub row: adw::ActionRow,
    /// What to do, where something is to be done.
    pub remedy: Option<adw::PreferencesRow>,
    icon: gtk::Image,
    stack: gtk::Stack,
    spinner: gtk::Spinner,
    shown: Row,
}

impl LeakRow {
    /// A row for a check.
    pub fn new(check: &Row) -> Self {
        let row = adw::ActionRow::builder()
            .use_markup(false)
            .activatable(false)
            .build();
        let icon = gtk::Image::builder()
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        let spinner = gtk::Spinner::builder()
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        let stack = gtk::Stack::builder()
            .transition_type(gtk::StackTransitionType::Crossfade)
            .transition_duration(200)
            .valign(gtk::Align::Center)
            .build();
        stack.add_child(&spinner);
        stack.add_child(&icon);
        row.add_prefix(&stack);
        let mut this = Self {
            row,
            remedy: check.remedy.as_deref().map(remedy),
            icon,
            stack,
            spinner,
            shown: check.clone(),
        };
        this.update(check);
        this
    }

    /// The check that it shows.
    pub fn id(&self) -> &str {
        &self.shown.id
    }

    /// Shows how the check stands now.
    pub fn update(&mut self, check: &Row) {
        self.row.set_title(&check.title);
        self.row.set_subtitle(&check.text);
        let waits = check.mark == Mark::Waiting;
        self.spinner.set_spinning(waits);
        let (name, class) = match check.mark {
            Mark::Waiting => ("", ""),
            Mark::Passed => ("object-select-symbolic", "success"),
            Mark::Note => ("dialog-information-symbolic", "accent"),
            Mark::Leak => ("dialog-error-symbolic", "error"),
        };
        if waits {
            self.stack.set_visible_child(&self.spinner);
        } else {
            self.icon.set_icon_name(Some(name));
            self.icon.set_css_classes(&[class]);
            self.stack.set_visible_child(&self.icon);
        }
        let title = [("title", check.title.as_str())];
        let words = match check.mark {
            Mark::Waiting => gettext_f("Not made yet: {title}", &title),
            Mark::Passed => gettext_f("Passed: {title}", &title),
            Mark::Note => gettext_f("Good to know: {title}", &title),
            Mark::Leak => gettext_f("Leak: {title}", &title),
        };
        self.row
            .update_property(&[gtk::accessible::Property::Label(&words)]);
        self.shown = check.clone();
    }
}

fn remedy(text: &str) -> adw::PreferencesRow {
    let label = gtk::Label::builder()
        .label(text)
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::WordChar)
        .xalign(0.0)
        .selectable(true)
        .margin_top(12)
        .margin_bottom(12)
        .margin_start(14)
        .margin_end(14)
        .build();
    // A command that is copied must not have gained hyphens.
    let attributes = gtk::pango::AttrList::new();
    attributes.insert(gtk::pango::AttrInt::new_insert_hyphens(false));
    label.set_attributes(Some(&attributes));
    let row = adw::PreferencesRow::builder()
        .activatable(false)
        .focusable(false)
        .child(&label)
        .build();
    row.set_property("title", glib::Value::from(text));
    row
}
