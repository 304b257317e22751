//! A form as the server sends it: its fields, in its order, with its words.

use std::collections::BTreeMap;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;
use oo7::Secret;
use vpnns_protocol::question::{Field, FieldKind, Question, Reply};

use super::{Known, answer, place, rows_width};
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::sign_in::{is_complete, name_of, passwords};
use crate::model::words::{full_sentence, joined};
use crate::secrets;
use crate::widgets::Window;

/// The longest message in characters: a server may send anything.
const LONGEST: usize = 1000;

/// The rows of a form, and what they hold.
struct Form {
    fields: Vec<Field>,
    rows: Vec<gtk::Widget>,
    remember: Option<gtk::Switch>,
}

impl Form {
    fn values(&self) -> BTreeMap<String, String> {
        let fields = self.fields.iter().zip(&self.rows);
        let text = |(field, row): (&Field, &gtk::Widget)| {
            let text = match row.downcast_ref::<adw::ComboRow>() {
                Some(row) => field.options.get(row.selected() as usize).cloned(),
                None => row
                    .downcast_ref::<adw::EntryRow>()
                    .map(|row| row.text().into()),
            };
            (field.name.clone(), text.unwrap_or_default())
        };
        fields.map(text).collect()
    }

    fn is_complete(&self) -> bool {
        is_complete(&self.fields, &self.values())
    }

    /// The first row in which nothing is.
    fn first_empty(&self) -> Option<&adw::EntryRow> {
        let entries = self.rows.iter().filter_map(|row| row.downcast_ref());
        entries
            .into_iter()
            .find(|row: &&adw::EntryRow| row.text().is_empty())
    }
}

/// The dialog.
pub fn dialog(
    window: &Window,
    vpn: &Vpn,
    question: &Question,
    fields: &[Field],
    known: Known,
) -> adw::MessageDialog {
    let shown = vpn.presentation().name;
    let heading = gettext_f("Sign In to {vpn}", &[("vpn", &shown)]);
    let body = message(vpn, question, fields);
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.add_response("answer", &gettext("Sign In"));
    dialog.set_response_appearance("answer", adw::ResponseAppearance::Suggested);
    dialog.set_default_response(Some("answer"));
    // Not an answer: the hero has a button that shows it again.
    dialog.set_close_response("later");
    let group = adw::PreferencesGroup::builder()
        .width_request(rows_width(window))
        .build();
    let rows: Vec<gtk::Widget> = fields.iter().map(|field| row(field, &known)).collect();
    for row in &rows {
        group.add(row);
    }
    let has_password = passwords(fields).next().is_some();
    let remember = has_password.then(|| remember_row(&group, &known));
    let column = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(12)
        .margin_top(12)
        .build();
    if let Some(trouble) = &known.trouble {
        column.append(&fault(trouble));
    }
    column.append(&group);
    dialog.set_extra_child(Some(&column));
    let form = Rc::new(Form {
        fields: fields.to_vec(),
        rows,
        remember,
    });
    follow(&dialog, &form);
    fill_when_unlocked(&form, &known);
    let (window, vpn, id) = (window.clone(), vpn.clone(), question.id);
    let question = question.clone();
    dialog.connect_response(None, move |_, response| match response {
        "answer" => send(&window, &vpn, &question, &form, &known),
        "cancel" => answer(&window, &vpn, id, Reply::Cancel, {
            let window = window.clone();
            move |trouble| window.show_trouble(&trouble)
        }),
        _ => {}
    });
    dialog
}

fn row(field: &Field, known: &Known) -> gtk::Widget {
    let title = name_of(field);
    let text = known.values.get(&field.name);
    if field.kind == FieldKind::Choice && !field.options.is_empty() {
        let options: Vec<&str> = field.options.iter().map(String::as_str).collect();
        let selected = text.and_then(|text| options.iter().position(|it| it == text));
        let row = adw::ComboRow::builder()
            .use_markup(false)
            .title(title)
            .model(&gtk::StringList::new(&options))
            .selected(selected.and_then(|it| u32::try_from(it).ok()).unwrap_or(0))
            .build();
        return row.upcast();
    }
    let row: adw::EntryRow = match field.kind {
        FieldKind::Password => adw::PasswordEntryRow::new().upcast(),
        _ => adw::EntryRow::new(),
    };
    row.set_use_markup(false);
    row.set_title(&title);
    row.set_text(text.map_or("", String::as_str));
    if field.kind == FieldKind::Code {
        row.set_input_hints(gtk::InputHints::NO_SPELLCHECK | gtk::InputHints::NO_EMOJI);
    }
    row.upcast()
}

fn remember_row(group: &adw::PreferencesGroup, known: &Known) -> gtk::Switch {
    let default = !known.stored.is_empty() || !known.locked.is_empty();
    let switch = gtk::Switch::builder()
        .valign(gtk::Align::Center)
        .active(known.keyring && known.remember.unwrap_or(default))
        .build();
    let subtitle = if known.keyring {
        gettext("In your keyring; codes are never stored")
    } else {
        gettext("There is no keyring to store it in")
    };
    let row = adw::ActionRow::builder()
        .title(gettext("Remember Password"))
        .subtitle(subtitle)
        .activatable_widget(&switch)
        .sensitive(known.keyring)
        .build();
    row.add_suffix(&switch);
    group.add(&row);
    switch
}

fn fault(trouble: &Trouble) -> gtk::Label {
    let more = trouble.causes.iter().chain(&trouble.hint);
    let text = joined(
        std::iter::once(&trouble.message)
            .chain(more)
            .map(|it| full_sentence(it)),
    );
    gtk::Label::builder()
        .label(text)
        .wrap(true)
        .max_width_chars(40)
        .css_classes(["error"])
        .build()
}

/// Keeps the button as it has to be, and lets Enter go on.
fn follow(dialog: &adw::MessageDialog, form: &Rc<Form>) {
    dialog.set_response_enabled("answer", form.is_complete());
    for row in &form.rows {
        let Some(row) = row.downcast_ref::<adw::EntryRow>() else {
            continue;
        };
        let (weak, of) = (dialog.downgrade(), Rc::downgrade(form));
        row.connect_changed(move |_| {
            if let (Some(dialog), Some(form)) = (weak.upgrade(), of.upgrade()) {
                dialog.set_response_enabled("answer", form.is_complete());
            }
        });
        let (weak, of) = (dialog.downgrade(), Rc::downgrade(form));
        row.connect_entry_activated(move |_| {
            let (Some(dialog), Some(form)) = (weak.upgrade(), of.upgrade()) else {
                return;
            };
            if let Some(row) = form.first_empty() {
                row.grab_focus();
            } else {
                dialog.response("answer");
                // The button would have closed it; this does not by itself.
                dialog.close();
            }
        });
    }
    let of = Rc::downgrade(form);
    dialog.connect_map(move |_| {
        // After the dialog itself has chosen where the focus is.
        let of = of.clone();
        glib::idle_add_local_once(move || {
            if let Some(form) = of.upgrade() {
                let entries = form.rows.iter().filter_map(|it| it.downcast_ref());
                let first: Option<&adw::EntryRow> =
                    form.first_empty().or(entries.into_iter().next());
                if let Some(row) = first {
                    row.grab_focus();
                }
            }
        });
    });
}

fn fill_when_unlocked(form: &Rc<Form>, known: &Known) {
    for (name, place) in known.locked.clone() {
        let of = Rc::downgrade(form);
        glib::spawn_future_local(async move {
            let Some(secret) = secrets::unlock_and_find(&place).await else {
                return;
            };
            let Some(form) = of.upgrade() else { return };
            let row = form.fields.iter().zip(&form.rows);
            let row = row
                .filter(|(field, _)| field.name == name)
                .map(|(_, row)| row);
            for row in row.filter_map(|row| row.downcast_ref::<adw::EntryRow>()) {
                if row.text().is_empty() {
                    row.set_text(&String::from_utf8_lossy(secret.as_bytes()));
                }
            }
        });
    }
}

fn send(window: &Window, vpn: &Vpn, question: &Question, form: &Rc<Form>, known: &Known) {
    let values = form.values();
    let remember = form.remember.as_ref().is_some_and(gtk::Switch::is_active);
    for field in passwords(&form.fields) {
        let label = name_of(field);
        let text = values.get(&field.name).cloned().unwrap_or_default();
        let is_stored =
            known.stored.contains(&field.name) && known.values.get(&field.name) == Some(&text);
        if is_stored && remember {
            vpn.sign_in().gave_stored(&label);
        } else if remember {
            vpn.sign_in().gave_typed(&label, Secret::text(&text));
        } else if known.keyring {
            let place = place(vpn, field);
            glib::spawn_future_local(async move {
                // What is not there is forgotten already.
                let _ = secrets::forget(&place).await;
            });
        }
    }
    let again = {
        let (window, vpn, question) = (window.clone(), vpn.clone(), question.clone());
        let known = Known {
            values: values.clone(),
            keyring: known.keyring,
            remember: Some(remember),
            ..Known::default()
        };
        move |trouble| {
            let known = Known {
                trouble: Some(trouble),
                ..known
            };
            glib::spawn_future_local(async move {
                super::show(&window, &vpn, &question, known).await;
            });
        }
    };
    answer(window, vpn, question.id, Reply::Form { values }, again);
}

/// What the server says; what it asks for, where it says nothing.
fn message(vpn: &Vpn, question: &Question, fields: &[Field]) -> String {
    let said: String = question
        .message
        .trim()
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .take(LONGEST)
        .collect();
    if !said.is_empty() {
        return said;
    }
    let server = {
        let facts = vpn.facts();
        facts.listed.as_ref().and_then(|it| it.server.clone())
    };
    let server = server.unwrap_or_else(|| gettext("The server"));
    let has = |kind| fields.iter().any(|field| field.kind == kind);
    let values = [("server", server.as_str())];
    match (has(FieldKind::Password), has(FieldKind::Code)) {
        (true, true) => gettext_f("{server} asks for your password and a code.", &values),
        (true, false) => gettext_f("{server} asks for your password.", &values),
        (false, true) => gettext_f("{server} asks for a code.", &values),
        (false, false) => gettext_f("{server} asks for this:", &values),
    }
}
