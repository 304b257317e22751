//! The window about the app.

use adw::prelude::*;

use super::Window;
use crate::config::{APP_ID, VERSION};
use crate::i18n::gettext;

/// Shows it.
pub fn present(window: &Window) {
    adw::AboutWindow::builder()
        .transient_for(window)
        .modal(true)
        .application_name(gettext("Per-App VPN"))
        .application_icon(APP_ID)
        .version(VERSION)
        .developer_name(gettext("The vpnns developers"))
        .license_type(gtk::License::MitX11)
        .comments(gettext(
            "Runs single apps in a VPN, without root. The rest of the system never sees it, and an app whose VPN drops is offline instead of leaking.",
        ))
        // Translators: your name, and perhaps your address, one line for each translator
        .translator_credits(gettext("translator-credits"))
        .build()
        .present();
}
