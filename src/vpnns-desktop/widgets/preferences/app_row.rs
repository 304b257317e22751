//! One app that differs: its VPN, its profile, its session bus.

use adw::prelude::*;
use gtk::glib;

use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::model::settings::AppValues;
use crate::widgets::app_icon::app_icon;

/// The names of all VPNs, and what people call them.
pub fn vpns(app: &Application) -> (Vec<String>, Vec<String>) {
    let session = app.session();
    session
        .vpns
        .iter()
        .map(|vpn| (vpn.name().to_string(), vpn.presentation().name))
        .unzip()
}

/// What people call an app.
pub fn title(app: &Application, entry: &str) -> String {
    let found = app.session().catalogue.find(entry);
    found.map_or_else(
        || entry.trim_end_matches(".desktop").to_owned(),
        |it| it.entry().name.clone(),
    )
}

/// A row; calls back once the app was removed.
pub fn new(app: &Application, entry: &str, removed: impl Fn() + 'static) -> adw::ExpanderRow {
    let name = title(app, entry);
    let row = adw::ExpanderRow::builder()
        .title(glib::markup_escape_text(&name))
        .build();
    let known = app.session().catalogue.find(entry);
    let icon = app_icon(known.as_ref().and_then(|it| it.entry().icon.as_deref()));
    let image = gtk::Image::builder()
        .gicon(&icon)
        .pixel_size(32)
        .accessible_role(gtk::AccessibleRole::Presentation)
        .build();
    row.add_prefix(&image);
    row.add_action(&remove_button(app, entry, &name, removed));
    row.add_row(&vpn_row(app, entry, &row));
    row.add_row(&choice_row(
        app,
        entry,
        &gettext("Own Profile"),
        &gettext("Settings and history apart from the copy outside the VPN"),
        |values| values.own_profile,
        |values, choice| values.own_profile = choice,
    ));
    row.add_row(&choice_row(
        app,
        entry,
        &gettext("Private Session Bus"),
        &gettext("Keeps it from talking to apps outside the VPN"),
        |values| values.private_bus,
        |values, choice| values.private_bus = choice,
    ));
    row
}

fn remove_button(
    app: &Application,
    entry: &str,
    name: &str,
    removed: impl Fn() + 'static,
) -> gtk::Button {
    let label = gettext_f("Remove {app}", &[("app", name)]);
    let button = gtk::Button::builder()
        .icon_name("user-trash-symbolic")
        .tooltip_text(&label)
        .valign(gtk::Align::Center)
        .css_classes(["flat", "circular"])
        .build();
    button.update_property(&[gtk::accessible::Property::Label(&label)]);
    let (app, entry) = (app.clone(), entry.to_owned());
    button.connect_clicked(move |_| {
        app.session().settings.change(|values| {
            values.apps.remove(&entry);
        });
        removed();
    });
    button
}

fn change(app: &Application, entry: &str, set: impl FnOnce(&mut AppValues)) {
    app.session().settings.change(|values| {
        set(values.apps.entry(entry.to_owned()).or_default());
    });
}

fn current(app: &Application, entry: &str) -> AppValues {
    let session = app.session();
    let values = session.settings.get();
    values.apps.get(entry).cloned().unwrap_or_default()
}

fn vpn_row(app: &Application, entry: &str, parent: &adw::ExpanderRow) -> adw::ComboRow {
    let (names, mut labels) = vpns(app);
    labels.insert(0, gettext("Default VPN"));
    let words: Vec<&str> = labels.iter().map(String::as_str).collect();
    let row = adw::ComboRow::builder()
        .title(gettext("VPN"))
        .model(&gtk::StringList::new(&words))
        .build();
    let chosen = current(app, entry).vpn;
    let index = chosen.and_then(|vpn| names.iter().position(|name| *name == vpn));
    row.set_selected(index.map_or(0, |it| u32::try_from(it + 1).unwrap_or(0)));
    let show = {
        let parent = parent.clone();
        move |row: &adw::ComboRow| {
            let label = labels.get(row.selected() as usize);
            let text = gettext_f(
                "Opens in {vpn}",
                &[("vpn", label.map_or("", String::as_str))],
            );
            parent.set_subtitle(&glib::markup_escape_text(&text));
        }
    };
    show(&row);
    let (app, entry) = (app.clone(), entry.to_owned());
    row.connect_selected_notify(move |row| {
        let vpn = (row.selected() as usize)
            .checked_sub(1)
            .and_then(|index| names.get(index).cloned());
        change(&app, &entry, |values| values.vpn = vpn);
        show(row);
    });
    row
}

/// Automatic, always or never.
fn choice_row(
    app: &Application,
    entry: &str,
    title: &str,
    subtitle: &str,
    get: fn(&AppValues) -> Option<bool>,
    set: fn(&mut AppValues, Option<bool>),
) -> adw::ComboRow {
    let words = [gettext("Automatic"), gettext("Always"), gettext("Never")];
    let words = words.each_ref().map(String::as_str);
    let row = adw::ComboRow::builder()
        .title(title)
        .subtitle(subtitle)
        .model(&gtk::StringList::new(&words))
        .build();
    row.set_selected(match get(&current(app, entry)) {
        None => 0,
        Some(true) => 1,
        Some(false) => 2,
    });
    let (app, entry) = (app.clone(), entry.to_owned());
    row.connect_selected_notify(move |row| {
        let choice = match row.selected() {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        };
        change(&app, &entry, |values| set(values, choice));
    });
    row
}
