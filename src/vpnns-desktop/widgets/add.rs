//! Adding, editing, duplicating and deleting a VPN.

mod apps;
mod deleting;
mod dialog;
mod files;
mod form;
mod kinds;
mod raw;
mod rows;

use adw::prelude::*;
use gtk::{gio, glib};
use vpnns_protocol::profile::{Profile, Settings};

use self::dialog::Dialog;
use super::Window;
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::draft::{Draft, Field, name_for};

pub use self::deleting::delete;

/// Asks for the kind, then for the rest.
pub fn present(window: &Window) {
    Dialog::add(window);
}

/// Asks for a file to import.
pub fn import_file(window: &Window) {
    let parent = window.clone();
    files::choose_several(window, move |files| import_all(&parent, files));
}

/// Imports a file.
pub fn import(window: &Window, file: &gio::File) {
    import_all(window, vec![file.clone()]);
}

/// Imports files one after the other.
fn import_all(window: &Window, files: Vec<gio::File>) {
    let window = window.clone();
    glib::spawn_future_local(async move {
        for file in files {
            if let Err(trouble) = import_one(&window, &file).await {
                window.show_trouble(&trouble);
                return;
            }
        }
    });
}

async fn import_one(window: &Window, file: &gio::File) -> Result<(), Trouble> {
    let session = Application::current().session();
    let path = file.path().ok_or_else(|| {
        Trouble::new(gettext("Only files of this computer can be imported")).hint(gettext(
            "Save the file in your home folder, and import it from there.",
        ))
    })?;
    let found = session.look_at(path.clone()).await?;
    let name = name_for(found.name.as_str(), &session.taken_names());
    let imported = session.import_file(path, name, false).await?;
    added(window, imported.name.as_str(), &imported.notes);
    Ok(())
}

/// Shows a VPN that has just been added, and what is to be known about it.
fn added(window: &Window, name: &str, notes: &[String]) {
    let Some(vpn) = Application::current().session().vpns.find(name) else {
        return;
    };
    window.select(&vpn);
    window.present();
    let title = vpn.presentation().name;
    if notes.is_empty() {
        let text = gettext_f("{vpn} added", &[("vpn", &title)]);
        let toast = adw::Toast::new(&text);
        toast.set_button_label(Some(&gettext("Connect")));
        toast.set_detailed_action_name(Some(&format!("app.connect-vpn::{name}")));
        window.add_toast(toast);
        return;
    }
    let heading = gettext_f("{vpn} Was Added", &[("vpn", &title)]);
    let body = gettext("Not everything in the file has a meaning here:");
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body));
    let list = gtk::Label::builder()
        .label(notes.join("\n\n"))
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::WordChar)
        .selectable(true)
        .xalign(0.0)
        .margin_top(12)
        .margin_bottom(12)
        .margin_start(12)
        .margin_end(12)
        .build();
    let scrolled = gtk::ScrolledWindow::builder()
        .hscrollbar_policy(gtk::PolicyType::Never)
        .propagate_natural_height(true)
        .max_content_height(240)
        .child(&list)
        .css_classes(["card"])
        .build();
    dialog.set_extra_child(Some(&scrolled));
    dialog.add_response("close", &gettext("Close"));
    dialog.add_response("connect", &gettext("Connect"));
    dialog.set_response_appearance("connect", adw::ResponseAppearance::Suggested);
    dialog.set_default_response(Some("connect"));
    dialog.set_close_response("close");
    dialog.connect_response(Some("connect"), move |_, _| {
        Application::current().connect_vpn(vpn.clone());
    });
    dialog.present();
}

/// Adds the demonstration, and connects it.
pub fn add_demonstration(window: &Window) {
    let window = window.clone();
    glib::spawn_future_local(async move {
        let app = Application::current();
        let session = app.session();
        let is_demo = |vpn: &Vpn| {
            let facts = vpn.facts();
            let listed = facts.listed.as_ref();
            listed.is_some_and(|it| it.kind.as_deref() == Some("demo"))
        };
        let known = session.vpns.iter().find(is_demo);
        let name = if let Some(vpn) = known {
            vpn.name()
        } else {
            let title = gettext("Demonstration");
            let name = name_for(&title, &session.taken_names());
            let mut profile = Profile::new(Settings::Demo);
            profile.title = Some(title);
            let saved = session.save(name.clone(), &profile.to_toml(), false).await;
            if let Err(trouble) = saved {
                window.show_trouble(&trouble);
                return;
            }
            name
        };
        if let Some(vpn) = session.vpns.find(name.as_str()) {
            window.select(&vpn);
            app.connect_vpn(vpn);
        }
    });
}

/// Edits a VPN.
pub fn edit(window: &Window, vpn: &Vpn) {
    let (window, vpn) = (window.clone(), vpn.clone());
    glib::spawn_future_local(async move {
        let session = Application::current().session();
        match session.export(vpn.name()).await {
            Ok(text) => match Profile::parse(&text) {
                Ok(profile) => Dialog::edit(&window, &vpn, profile, text),
                // Its file has to be put in order before it fits into a form.
                Err(_) => raw::present(&window, &vpn, &text),
            },
            Err(trouble) => window.show_trouble(&trouble),
        }
    });
}

/// Adds a copy of a VPN.
pub fn duplicate(window: &Window, vpn: &Vpn) {
    let (window, vpn) = (window.clone(), vpn.clone());
    glib::spawn_future_local(async move {
        let session = Application::current().session();
        let text = match session.export(vpn.name()).await {
            Ok(text) => text,
            Err(trouble) => return window.show_trouble(&trouble),
        };
        match Profile::parse(&text) {
            Ok(profile) => {
                let mut draft = Draft::of(&profile);
                let title = vpn.presentation().name;
                let title = gettext_f("{vpn} Copy", &[("vpn", &title)]);
                draft.set(Field::Title, title);
                Dialog::add_copy(&window, draft);
            }
            Err(_) => raw::present(&window, &vpn, &text),
        }
    });
}
