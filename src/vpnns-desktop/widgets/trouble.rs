//! A trouble as a dialog: a sentence, what to do, details, and a button that copies all of it.

use adw::prelude::*;

use crate::helper::Trouble;
use crate::i18n::gettext;

/// Shows it above a window.
pub fn present(window: &impl IsA<gtk::Window>, trouble: &Trouble) {
    let mut heading = trouble.message.clone();
    if let Some(first) = heading.get(..1) {
        heading = first.to_uppercase() + &heading[1..];
    }
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), trouble.hint.as_deref());
    if !trouble.causes.is_empty() {
        let details = gtk::Label::builder()
            .label(trouble.causes.join("\n"))
            .wrap(true)
            .selectable(true)
            .xalign(0.0)
            .css_classes(["dim-label", "caption"])
            .build();
        let expander = gtk::Expander::builder()
            .label(gettext("Details"))
            .child(&details)
            .build();
        dialog.set_extra_child(Some(&expander));
    }
    dialog.add_response("copy", &gettext("Copy"));
    dialog.add_response("close", &gettext("Close"));
    dialog.set_default_response(Some("close"));
    dialog.set_close_response("close");
    let text = trouble.text();
    dialog.connect_response(Some("copy"), move |dialog, _| {
        dialog.clipboard().set_text(&text);
    });
    dialog.present();
}
