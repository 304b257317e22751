//! What else can be done with an application of the picker.

use adw::prelude::*;
use gtk::{gio, glib};

use super::Picker;
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::launcher::files::Launchers;
use crate::model::installed::InstalledApp;
use crate::model::settings::AppValues;

/// The name of the group in which the menu's actions are.
pub const GROUP: &str = "entry";

/// The menu of an application, and its actions.
pub fn of(picker: &Picker, app: &InstalledApp) -> (gio::Menu, gio::SimpleActionGroup) {
    let group = gio::SimpleActionGroup::new();
    let menu = gio::Menu::new();
    menu.append_section(None, &openings(picker, app, &group));
    menu.append_section(None, &manners(picker, app, &group));
    menu.append_section(None, &places(picker, app, &group));
    (menu, group)
}

/// Ways to open it.
fn openings(picker: &Picker, app: &InstalledApp, group: &gio::SimpleActionGroup) -> gio::Menu {
    let section = gio::Menu::new();
    let id = app.entry().id.clone();
    section.append(Some(&gettext("Open")), Some("entry.open"));
    add(group, "open", None, picker, {
        let id = id.clone();
        move |picker, _| picker.open(&id, None)
    });
    for action in &app.entry().actions {
        let item = gio::MenuItem::new(Some(&mnemonics_off(&action.name)), None);
        item.set_action_and_target_value(Some("entry.action"), Some(&action.id.to_variant()));
        section.append_item(&item);
    }
    add(group, "action", Some(glib::VariantTy::STRING), picker, {
        let id = id.clone();
        move |picker, action| picker.open(&id, action.and_then(glib::Variant::str))
    });
    let others = gio::Menu::new();
    let here = picker.vpn().name();
    for vpn in Application::current().session().vpns.iter() {
        if vpn.name() != here {
            let item = gio::MenuItem::new(Some(&mnemonics_off(&vpn.presentation().name)), None);
            let target = vpn.name().as_str().to_variant();
            item.set_action_and_target_value(Some("entry.open-in"), Some(&target));
            others.append_item(&item);
        }
    }
    if others.n_items() > 0 {
        section.append_submenu(Some(&gettext("Open In")), &others);
    }
    add(group, "open-in", Some(glib::VariantTy::STRING), picker, {
        move |picker, vpn| picker.open_in(&id, vpn.and_then(glib::Variant::str).unwrap_or_default())
    });
    section
}

/// How it is opened from now on.
fn manners(picker: &Picker, app: &InstalledApp, group: &gio::SimpleActionGroup) -> gio::Menu {
    let section = gio::Menu::new();
    let id = app.entry().id.clone();
    let settings = values_of(&id);
    let profile = match settings.own_profile {
        None => "automatic",
        Some(true) => "own",
        Some(false) => "usual",
    };
    let action = gio::SimpleAction::new_stateful(
        "profile",
        Some(glib::VariantTy::STRING),
        &profile.to_variant(),
    );
    on_activate(&action, picker, {
        let id = id.clone();
        move |picker, chosen| {
            let own = match chosen.and_then(glib::Variant::str) {
                Some("own") => Some(true),
                Some("usual") => Some(false),
                _ => None,
            };
            picker.change(&id, |values| values.own_profile = own);
        }
    });
    group.add_action(&action);
    let profiles = gio::Menu::new();
    for (label, value) in [
        (gettext("Automatic"), "automatic"),
        // Translators: the profile of a browser: one of its own, or the one that it has outside
        (gettext("Separate From Other Copies"), "own"),
        (gettext("The Usual One"), "usual"),
    ] {
        profiles.append(Some(&label), Some(&format!("entry.profile::{value}")));
    }
    // Translators: where a browser keeps its settings and history
    section.append_submenu(Some(&gettext("Profile")), &profiles);
    let is_private = settings.private_bus == Some(true);
    let action = gio::SimpleAction::new_stateful("private-bus", None, &is_private.to_variant());
    on_activate(&action, picker, move |picker, _| {
        let wanted = (!is_private).then_some(true);
        picker.change(&id, |values| values.private_bus = wanted);
    });
    group.add_action(&action);
    section.append(
        Some(&gettext("Private Session Bus")),
        Some("entry.private-bus"),
    );
    section
}

/// Where it is found from now on.
fn places(picker: &Picker, app: &InstalledApp, group: &gio::SimpleActionGroup) -> gio::Menu {
    let section = gio::Menu::new();
    let id = app.entry().id.clone();
    let session = Application::current().session();
    let label = if session.settings.get().favourites.contains(&id) {
        gettext("Remove From Favorites")
    } else {
        gettext("Add to Favorites")
    };
    section.append(Some(&label), Some("entry.favourite"));
    add(group, "favourite", None, picker, move |picker, _| {
        picker.toggle_favourite(&id);
    });
    let app = app.clone();
    let has_launcher = Launchers::of_the_user().has(&picker.vpn().name(), &app.entry().id);
    let label = if has_launcher {
        gettext("Remove From Application Menu")
    } else {
        gettext("Add to Application Menu")
    };
    section.append(Some(&label), Some("entry.launcher"));
    add(group, "launcher", None, picker, move |picker, _| {
        change_launcher(picker, &app, !has_launcher);
    });
    section
}

/// Makes or removes the entry of the application menu, and says so.
fn change_launcher(picker: &Picker, app: &InstalledApp, wanted: bool) {
    let (launchers, vpn) = (Launchers::of_the_user(), picker.vpn());
    let done = if wanted {
        launchers.add(&vpn, app)
    } else {
        launchers.remove(&vpn.name(), &app.entry().id)
    };
    if let Err(trouble) = done {
        super::super::trouble::present(picker, &trouble);
        return;
    }
    let values = [("app", app.entry().name.as_str())];
    let text = if wanted {
        gettext_f("{app} added to the menu", &values)
    } else {
        gettext_f("{app} removed from the menu", &values)
    };
    picker.add_toast(adw::Toast::new(&glib::markup_escape_text(&text)));
}

/// What is different for an application.
fn values_of(id: &str) -> AppValues {
    let session = Application::current().session();
    let values = session.settings.get();
    values.apps.get(id).cloned().unwrap_or_default()
}

fn add(
    group: &gio::SimpleActionGroup,
    name: &str,
    parameter: Option<&glib::VariantTy>,
    picker: &Picker,
    call: impl Fn(&Picker, Option<&glib::Variant>) + 'static,
) {
    let action = gio::SimpleAction::new(name, parameter);
    on_activate(&action, picker, call);
    group.add_action(&action);
}

fn on_activate(
    action: &gio::SimpleAction,
    picker: &Picker,
    call: impl Fn(&Picker, Option<&glib::Variant>) + 'static,
) {
    let weak = picker.downgrade();
    action.connect_activate(move |_, parameter| {
        if let Some(picker) = weak.upgrade() {
            call(&picker, parameter);
        }
    });
}

/// A name as a menu's label: an underscore of it is none that marks a key.
fn mnemonics_off(name: &str) -> String {
    name.replace('_', "__")
}
