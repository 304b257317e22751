//! Deleting a VPN: at once with a way back, or after a question where something would be lost.

use adw::prelude::*;
use gtk::glib;
use vpnns_protocol::name::InstanceName;

use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::Vpn;
use crate::secrets;
use crate::widgets::Window;

/// Deletes a VPN.
pub fn delete(window: &Window, vpn: &Vpn) {
    let (window, vpn) = (window.clone(), vpn.clone());
    glib::spawn_future_local(async move {
        let runs = vpn.facts().instance.is_some();
        if !confirm(&window, &vpn).await {
            return;
        }
        // Afterwards nobody knows what it was called.
        let shown = vpn.presentation().name;
        match remove(&vpn, runs).await {
            Ok(text) => offer_undo(&window, &vpn, &shown, text),
            Err(trouble) => window.show_trouble(&trouble),
        }
    });
}

/// Asks; names what is lost.
async fn confirm(window: &Window, vpn: &Vpn) -> bool {
    let shown = vpn.presentation();
    let is_up = vpn
        .facts()
        .instance
        .as_ref()
        .is_some_and(|it| it.tunnel.is_some());
    // What the helper cannot read, it does not take back either.
    let is_broken = vpn
        .facts()
        .listed
        .as_ref()
        .is_some_and(|it| it.error.is_some());
    if !is_up && shown.apps == 0 && !is_broken {
        return true;
    }
    let heading = gettext_f("Delete {vpn}?", &[("vpn", &shown.name)]);
    let mut body = Vec::new();
    if is_broken {
        body.push(gettext(
            "Its settings cannot be read, and cannot be brought back.",
        ));
    }
    if is_up {
        body.push(gettext("It is connected, and will be disconnected."));
    }
    if shown.apps > 0 {
        body.push(ngettext_f(
            "{n} app in it is told to end. What it has not saved may be lost.",
            "{n} apps in it are told to end. What they have not saved may be lost.",
            shown.apps,
            &[],
        ));
    }
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body.join(" ")));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.add_response("delete", &gettext("Delete"));
    dialog.set_response_appearance("delete", adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("cancel");
    let (sender, receiver) = async_channel::bounded(1);
    dialog.connect_response(None, move |_, response| {
        let _ = sender.try_send(response == "delete");
    });
    dialog.present();
    receiver.recv().await.unwrap_or(false)
}

/// Returns the profile's text, should it be wanted back.
async fn remove(vpn: &Vpn, runs: bool) -> Result<String, Trouble> {
    let session = Application::current().session();
    let text = session.export(vpn.name()).await?;
    if runs {
        session.stop(vpn).await?;
    }
    session.remove(vpn.name()).await?;
    Ok(text)
}

fn offer_undo(window: &Window, vpn: &Vpn, shown: &str, text: String) {
    let name = vpn.name();
    let toast = adw::Toast::new(&gettext_f("{vpn} deleted", &[("vpn", shown)]));
    toast.set_button_label(Some(&gettext("Undo")));
    // The way back needs time to be found, also by keyboard and screen reader.
    toast.set_timeout(15);
    let (weak, again) = (window.downgrade(), name.clone());
    toast.connect_button_clicked(move |_| {
        if let Some(window) = weak.upgrade() {
            put_back(window, again.clone(), text.clone());
        }
    });
    // Its passwords go when it can no longer come back.
    toast.connect_dismissed(move |_| {
        let name = name.clone();
        glib::spawn_future_local(async move {
            // Undo makes the toast go as well, and takes a moment.
            glib::timeout_future_seconds(2).await;
            let session = Application::current().session();
            if session.vpns.find(name.as_str()).is_none() {
                secrets::forget_vpn(name.as_str()).await;
            }
        });
    });
    window.add_toast(toast);
}

fn put_back(window: Window, name: InstanceName, text: String) {
    glib::spawn_future_local(async move {
        let session = Application::current().session();
        match session.save(name.clone(), &text, false).await {
            Ok(_) => {
                if let Some(vpn) = session.vpns.find(name.as_str()) {
                    window.select(&vpn);
                }
            }
            Err(trouble) => window.show_trouble(&trouble),
        }
    });
}
