//! The first page: import what there is, or choose what to set up by hand.

use adw::prelude::*;
use gtk::{gio, glib};

use super::files;
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::model::draft::Kind;

/// What somebody has chosen.
pub enum Choice {
    /// To import files.
    Files(Vec<gio::File>),
    /// To fill in a form.
    Form(Kind),
    /// The demonstration.
    Demonstration,
}

/// The page.
pub fn page(window: &adw::Window, choose: impl Fn(Choice) + Clone + 'static) -> gtk::Widget {
    let column = gtk::Box::new(gtk::Orientation::Vertical, 24);
    column.append(&import_group(window, choose.clone()));
    column.append(&found_group(choose.clone()));
    let by_hand = adw::PreferencesGroup::builder()
        .title(gettext("Set Up by Hand"))
        .build();
    for kind in [
        Kind::OpenConnect,
        Kind::OpenVpn,
        Kind::WireGuard,
        Kind::Command,
    ] {
        let choose = choose.clone();
        by_hand.add(&row(kind, move || choose(Choice::Form(kind))));
    }
    by_hand.add(&row(Kind::Demo, move || choose(Choice::Demonstration)));
    column.append(&by_hand);
    column.upcast()
}

fn row(kind: Kind, call: impl Fn() + 'static) -> adw::ActionRow {
    let row = adw::ActionRow::builder()
        .title(kind.title())
        .subtitle(kind.subtitle())
        .activatable(true)
        .build();
    row.add_prefix(&gtk::Image::from_icon_name(kind.icon()));
    row.add_suffix(&gtk::Image::from_icon_name("go-next-symbolic"));
    row.connect_activated(move |_| call());
    row
}

fn import_group(
    window: &adw::Window,
    choose: impl Fn(Choice) + Clone + 'static,
) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder()
        .title(gettext("Import"))
        .build();
    let zone = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(6)
        .css_classes(["import-zone"])
        .build();
    let icon = gtk::Image::builder()
        .icon_name("document-open-symbolic")
        .pixel_size(32)
        .accessible_role(gtk::AccessibleRole::Presentation)
        .css_classes(["dim-label"])
        .margin_bottom(6)
        .build();
    zone.append(&icon);
    let heading = gtk::Label::builder()
        .label(gettext("Drop Files Here"))
        .css_classes(["heading"])
        .build();
    zone.append(&heading);
    let endings = gtk::Label::builder()
        .label(gettext(".ovpn, WireGuard .conf, or NetworkManager"))
        .wrap(true)
        .justify(gtk::Justification::Center)
        .css_classes(["caption", "dim-label"])
        .build();
    zone.append(&endings);
    let button = gtk::Button::builder()
        .label(gettext("Choose Files…"))
        .halign(gtk::Align::Center)
        .margin_top(6)
        .build();
    let weak = window.downgrade();
    button.connect_clicked(glib::clone!(
        #[strong]
        choose,
        move |_| {
            let Some(window) = weak.upgrade() else { return };
            let choose = choose.clone();
            files::choose_several(&window, move |files| choose(Choice::Files(files)));
        }
    ));
    zone.append(&button);
    files::take_drops(&zone, move |files| choose(Choice::Files(files)));
    group.add(&zone);
    group
}

/// What NetworkManager has; it appears as it is found to be of use.
fn found_group(choose: impl Fn(Choice) + Clone + 'static) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder()
        .title(gettext("Found in NetworkManager"))
        .visible(false)
        .build();
    let weak = group.downgrade();
    glib::spawn_future_local(async move {
        for path in files::of_network_manager() {
            let session = Application::current().session();
            // Wired networks and the like are none that could be imported.
            let Ok(found) = session.look_at(path.clone()).await else {
                continue;
            };
            let Some(group) = weak.upgrade() else { return };
            let row = adw::ActionRow::builder()
                .title(glib::markup_escape_text(
                    &path.file_stem().unwrap_or_default().to_string_lossy(),
                ))
                .subtitle(gettext_f("{kind} connection", &[("kind", &found.kind)]))
                .build();
            let button = gtk::Button::builder()
                .label(gettext("Import"))
                .valign(gtk::Align::Center)
                .build();
            row.add_suffix(&button);
            row.set_activatable_widget(Some(&button));
            let choose = choose.clone();
            button.connect_clicked(move |_| {
                choose(Choice::Files(vec![gio::File::for_path(&path)]));
            });
            group.add(&row);
            group.set_visible(true);
        }
    });
    group
}
