//! The stored passwords: which there are, and how to be rid of them.

use adw::prelude::*;
use gtk::glib;

use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::secrets::{self, Place};

/// Fills a group once somebody looks at it: a keyring may ask to be unlocked.
pub fn fill_when_seen(group: &adw::PreferencesGroup) {
    let is_filled = std::cell::Cell::new(false);
    group.connect_map(move |group| {
        if !is_filled.replace(true) {
            fill(group);
        }
    });
}

/// A row for each, as soon as the keyring has answered.
fn fill(group: &adw::PreferencesGroup) {
    let waiting = row(&gettext("Asking the Keyring…"), "");
    let spinner = gtk::Spinner::builder().spinning(true).build();
    waiting.add_suffix(&spinner);
    group.add(&waiting);
    let weak = group.downgrade();
    glib::spawn_future_local(async move {
        let listed = secrets::list().await;
        let Some(group) = weak.upgrade() else { return };
        group.remove(&waiting);
        show(&group, listed);
    });
}

fn show(group: &adw::PreferencesGroup, listed: Result<Vec<Place>, Trouble>) {
    match listed {
        Ok(places) if places.is_empty() => group.add(&row(
            &gettext("No Password Is Stored"),
            &gettext("Passwords go into your keyring if you ask for it, and never into a file"),
        )),
        Ok(places) => {
            for place in places {
                group.add(&stored(group, place));
            }
        }
        Err(trouble) => {
            let hint = trouble.hint.or(trouble.causes.into_iter().next());
            group.add(&row(&trouble.message, &hint.unwrap_or_default()));
        }
    }
}

fn row(title: &str, subtitle: &str) -> adw::ActionRow {
    adw::ActionRow::builder()
        .title(glib::markup_escape_text(title))
        .subtitle(glib::markup_escape_text(subtitle))
        .build()
}

fn stored(group: &adw::PreferencesGroup, place: Place) -> adw::ActionRow {
    let vpn = Application::current().session().vpns.find(&place.vpn);
    let vpn = vpn.map_or_else(|| place.vpn.clone(), |vpn| vpn.presentation().name);
    let row = row(&vpn, &format!("{} · {}", place.field, place.server));
    let label = gettext_f("Forget the Password for {vpn}", &[("vpn", &vpn)]);
    let forget = gtk::Button::builder()
        .icon_name("user-trash-symbolic")
        .tooltip_text(&label)
        .valign(gtk::Align::Center)
        .css_classes(["flat", "circular"])
        .build();
    forget.update_property(&[gtk::accessible::Property::Label(&label)]);
    row.add_suffix(&forget);
    let (group, weak) = (group.downgrade(), row.downgrade());
    forget.connect_clicked(move |button| {
        let (group, weak, place) = (group.clone(), weak.clone(), place.clone());
        let button = button.clone();
        button.set_sensitive(false);
        glib::spawn_future_local(async move {
            let result = secrets::forget(&place).await;
            button.set_sensitive(true);
            let (Some(group), Some(row)) = (group.upgrade(), weak.upgrade()) else {
                return;
            };
            match result {
                Ok(()) => {
                    group.remove(&row);
                    fill_if_empty(&group).await;
                }
                Err(trouble) => {
                    if let Some(window) = button.root().and_downcast::<gtk::Window>() {
                        crate::widgets::trouble::present(&window, &trouble);
                    }
                }
            }
        });
    });
    row
}

/// After the last one, the words that there is none.
async fn fill_if_empty(group: &adw::PreferencesGroup) {
    if let Ok(places) = secrets::list().await
        && places.is_empty()
    {
        show(group, Ok(places));
    }
}
