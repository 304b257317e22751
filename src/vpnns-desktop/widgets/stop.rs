//! The question before every app of a VPN is closed.

use adw::prelude::*;

use super::Window;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::Vpn;

/// Asks; true if it is to be done.
pub async fn confirm(window: &Window, vpn: &Vpn) -> bool {
    let shown = vpn.presentation();
    let heading = gettext_f(
        "Disconnect and Close Apps in {vpn}?",
        &[("vpn", &shown.name)],
    );
    let body = ngettext_f(
        "{n} app is told to end. What it has not saved may be lost.",
        "{n} apps are told to end. What they have not saved may be lost.",
        shown.apps,
        &[],
    );
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.add_response("stop", &gettext("Disconnect and Close"));
    dialog.set_response_appearance("stop", adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("cancel");
    let (sender, receiver) = async_channel::bounded(1);
    dialog.connect_response(None, move |_, response| {
        let _ = sender.try_send(response == "stop");
    });
    dialog.present();
    receiver.recv().await.unwrap_or(false)
}
