//! Questions of the server as dialogs; answered at once where everything is known.

mod browser;
mod certificate;
mod form;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use adw::prelude::*;
use gtk::glib;
use vpnns_protocol::instance::State;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::question::{Ask, Field, Question, Reply};

use super::Window;
use crate::application::Application;
use crate::helper::Trouble;
use crate::model::Vpn;
use crate::model::sign_in::{is_complete, name_of, passwords};
use crate::secrets::{self, Found, Place};

/// What is in a form before somebody has typed.
#[derive(Default)]
struct Known {
    /// Texts by the fields' names.
    values: BTreeMap<String, String>,
    /// The fields, by name, whose text is the stored one.
    stored: Vec<String>,
    /// A password that can be had as soon as the keyring is unlocked: the field's name.
    locked: Vec<(String, Place)>,
    /// Whether there is a keyring.
    keyring: bool,
    /// Whether the passwords are to be remembered, where somebody has chosen already.
    remember: Option<bool>,
    /// Why the answer was not taken.
    trouble: Option<Trouble>,
}

thread_local! {
    /// The dialogs on the screen, by the VPN.
    static OPEN: RefCell<HashMap<InstanceName, adw::MessageDialog>> = RefCell::default();
    static FOLLOWED: RefCell<Vec<glib::WeakRef<Vpn>>> = RefCell::default();
}

/// Shows or answers every question from now on.
pub fn follow(app: &Application) {
    let model = app.session().vpns.model().clone();
    let update = |model: &gtk::gio::ListStore| {
        for index in 0..model.n_items() {
            if let Some(vpn) = model.item(index).and_downcast::<Vpn>() {
                follow_one(&vpn);
            }
        }
    };
    update(&model);
    model.connect_items_changed(move |model, _, _, _| update(model));
}

fn follow_one(vpn: &Vpn) {
    let is_new = FOLLOWED.with_borrow_mut(|followed| {
        followed.retain(|it| it.upgrade().is_some());
        let is_new = !followed.iter().any(|it| it.upgrade().as_ref() == Some(vpn));
        if is_new {
            followed.push(vpn.downgrade());
        }
        is_new
    });
    if is_new {
        vpn.connect_changed(changed);
        changed(vpn);
    }
}

fn question_of(vpn: &Vpn) -> Option<Question> {
    let facts = vpn.facts();
    facts.instance.as_ref().and_then(|it| it.question.clone())
}

fn changed(vpn: &Vpn) {
    let Some(question) = question_of(vpn) else {
        vpn.end_question();
        close(&vpn.name());
        let is_connected = {
            let facts = vpn.facts();
            let state = facts.instance.as_ref().map(|it| &it.state);
            matches!(state, Some(State::Connected))
        };
        if is_connected {
            keep_what_was_right(vpn);
        }
        return;
    };
    if vpn.begin_question(question.id) {
        close(&vpn.name());
        let vpn = vpn.clone();
        glib::spawn_future_local(async move { begin(&vpn, &question).await });
    }
}

/// A question is there: answers it if all is known, else shows it.
async fn begin(vpn: &Vpn, question: &Question) {
    let mut known = Known::default();
    if let Ask::Form { fields } = &question.ask {
        known = look_up(vpn, fields).await;
        if question_of(vpn).as_ref() != Some(question) {
            return;
        }
        if !known.stored.is_empty() && is_complete(fields, &known.values) {
            let values = known.values.clone();
            for field in passwords(fields).filter(|it| known.stored.contains(&it.name)) {
                vpn.sign_in().gave_stored(&name_of(field));
            }
            let session = Application::current().session();
            match session
                .answer(vpn, question.id, Reply::Form { values })
                .await
            {
                Ok(()) => return,
                Err(trouble) => known.trouble = Some(trouble),
            }
        }
    }
    let window = Application::current().existing_window();
    if let Some(window) = window.filter(WidgetExt::is_visible) {
        show(&window, vpn, question, known).await;
    }
}

fn place(vpn: &Vpn, field: &Field) -> Place {
    let facts = vpn.facts();
    let server = facts.listed.as_ref().and_then(|it| it.server.clone());
    Place {
        vpn: facts.name.to_string(),
        field: name_of(field),
        server: server.unwrap_or_default(),
    }
}

/// What can be filled in: what the server has put there, and stored passwords.
async fn look_up(vpn: &Vpn, fields: &[Field]) -> Known {
    let mut known = Known::default();
    for field in fields {
        if let Some(value) = &field.value {
            known.values.insert(field.name.clone(), value.clone());
        }
    }
    let (usable, refused) = vpn.sign_in().asked(fields);
    for field in passwords(fields) {
        let place = place(vpn, field);
        // In a form with a code, that may be what was wrong.
        let only_passwords = passwords(fields).count() == fields.len();
        if refused.contains(&place.field) && only_passwords {
            let _ = secrets::forget(&place).await;
        }
        match secrets::find(&place).await {
            Found::Unavailable => return known,
            Found::Secret(secret) if usable.contains(&place.field) => {
                if let Ok(text) = std::str::from_utf8(secret.as_bytes()) {
                    known.values.insert(field.name.clone(), text.to_owned());
                    known.stored.push(field.name.clone());
                }
            }
            Found::Locked if usable.contains(&place.field) => {
                known.locked.push((field.name.clone(), place));
            }
            Found::Secret(_) | Found::Locked | Found::Nothing => {}
        }
        known.keyring = true;
    }
    known
}

fn keep_what_was_right(vpn: &Vpn) {
    let wanted = vpn.sign_in().connected();
    if wanted.is_empty() {
        return;
    }
    let vpn = vpn.clone();
    glib::spawn_future_local(async move {
        let shown = vpn.presentation().name;
        let server = {
            let facts = vpn.facts();
            facts.listed.as_ref().and_then(|it| it.server.clone())
        };
        for (field, secret) in wanted {
            let place = Place {
                vpn: vpn.name().to_string(),
                field,
                server: server.clone().unwrap_or_default(),
            };
            let result = secrets::keep(&place, &shown, secret).await;
            if let (Err(trouble), Some(window)) = (result, Application::current().existing_window())
            {
                window.show_trouble(&trouble);
            }
        }
    });
}

/// Shows the question of a VPN, if it has one.
pub fn present(window: &Window, vpn: &Vpn) {
    let Some(question) = question_of(vpn) else {
        return;
    };
    let known = OPEN.with_borrow(|open| open.get(&vpn.name()).cloned());
    if let Some(dialog) = known {
        dialog.present();
        return;
    }
    vpn.begin_question(question.id);
    let (window, vpn) = (window.clone(), vpn.clone());
    glib::spawn_future_local(async move {
        let known = match &question.ask {
            Ask::Form { fields } => look_up(&vpn, fields).await,
            _ => Known::default(),
        };
        if question_of(&vpn).as_ref() == Some(&question) {
            window.present();
            show(&window, &vpn, &question, known).await;
        }
    });
}

/// Shows what was asked while there was no window.
pub fn present_pending(window: &Window) {
    let waiting: Vec<Vpn> = Application::current()
        .session()
        .vpns
        .iter()
        .filter(|vpn| question_of(vpn).is_some())
        .collect();
    for vpn in waiting {
        present(window, &vpn);
    }
}

async fn show(window: &Window, vpn: &Vpn, question: &Question, known: Known) {
    let dialog = match &question.ask {
        Ask::Form { fields } => form::dialog(window, vpn, question, fields, known),
        Ask::Certificate {
            server,
            reason,
            fingerprint,
        } => {
            let before = trusted_before(vpn).await;
            if question_of(vpn).as_ref() != Some(question) {
                return;
            }
            let asked = certificate::Asked {
                id: question.id,
                server,
                reason,
                fingerprint,
                before: before.as_deref(),
            };
            certificate::dialog(window, vpn, &asked)
        }
        Ask::Browser { url } => browser::dialog(window, vpn, question, url),
    };
    close(&vpn.name());
    let name = vpn.name();
    OPEN.with_borrow_mut(|open| open.insert(name.clone(), dialog.clone()));
    dialog.connect_response(None, move |dialog, _| {
        OPEN.with_borrow_mut(|open| {
            if open.get(&name) == Some(dialog) {
                open.remove(&name);
            }
        });
    });
    dialog.present();
}

/// The fingerprint that the profile trusts, if it has one.
async fn trusted_before(vpn: &Vpn) -> Option<String> {
    let session = Application::current().session();
    let text = session.export(vpn.name()).await.ok()?;
    match vpnns_protocol::profile::Profile::parse(&text)
        .ok()?
        .settings
    {
        vpnns_protocol::profile::Settings::OpenConnect(settings) => settings.fingerprint,
        _ => None,
    }
}

/// Closes the dialog of a VPN: it is answered elsewhere, or there is another question.
fn close(name: &InstanceName) {
    let open = OPEN.with_borrow_mut(|open| open.remove(name));
    if let Some(dialog) = open {
        dialog.close();
    }
}

/// Gives an answer; if it is not taken, the question is shown again with why.
fn answer(
    window: &Window,
    vpn: &Vpn,
    id: u64,
    reply: Reply,
    again: impl FnOnce(Trouble) + 'static,
) {
    let (window, vpn) = (window.clone(), vpn.clone());
    glib::spawn_future_local(async move {
        let session = Application::current().session();
        let Err(trouble) = session.answer(&vpn, id, reply).await else {
            return;
        };
        // Answered by somebody else, or no longer asked: then nothing is wrong.
        if question_of(&vpn).is_some_and(|it| it.id == id) && window.is_visible() {
            again(trouble);
        }
    });
}

/// The width of a dialog's rows.
fn rows_width(window: &Window) -> i32 {
    if window.width() < 500 { 300 } else { 360 }
}
