//! A sign-in in the user's browser, which is outside of every VPN.

use adw::prelude::*;
use gtk::gdk;
use vpnns_protocol::question::{Question, Reply};

use super::answer;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::widgets::Window;

/// The dialog; the browser opens with it.
pub fn dialog(window: &Window, vpn: &Vpn, question: &Question, url: &str) -> adw::MessageDialog {
    let shown = vpn.presentation().name;
    let heading = gettext_f("Sign In to {vpn}", &[("vpn", &shown)]);
    let body = match question.message.trim() {
        "" => gettext("Sign in on the page that your browser shows. It opens outside of the VPN."),
        said => said.to_owned(),
    };
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("later");
    let waiting = gtk::Box::builder()
        .spacing(12)
        .halign(gtk::Align::Center)
        .build();
    let spinner = gtk::Spinner::builder()
        .spinning(true)
        .accessible_role(gtk::AccessibleRole::Presentation)
        .build();
    waiting.append(&spinner);
    waiting.append(&gtk::Label::new(Some(&gettext("Waiting for the browser…"))));
    let open = gtk::Button::builder()
        .label(gettext("Open Browser Again"))
        .halign(gtk::Align::Center)
        .css_classes(["pill"])
        .build();
    let address = gtk::Label::builder()
        .label(url)
        .selectable(true)
        .can_focus(false)
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::Char)
        .max_width_chars(36)
        .lines(3)
        .ellipsize(gtk::pango::EllipsizeMode::End)
        .justify(gtk::Justification::Center)
        .css_classes(["caption", "dim-label"])
        .build();
    let column = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(18)
        .margin_top(12)
        .build();
    column.append(&waiting);
    column.append(&open);
    column.append(&address);
    dialog.set_extra_child(Some(&column));
    let (parent, page) = (dialog.downgrade(), url.to_owned());
    open.connect_clicked(move |_| {
        if let Some(dialog) = parent.upgrade() {
            open_page(dialog.upcast_ref(), &page);
        }
    });
    open_page(window.upcast_ref(), url);
    let (window, vpn, id) = (window.clone(), vpn.clone(), question.id);
    dialog.connect_response(Some("cancel"), move |_, _| {
        let again = window.clone();
        answer(&window, &vpn, id, Reply::Cancel, move |trouble| {
            again.show_trouble(&trouble);
        });
    });
    dialog
}

/// Opens a page that a server has named: pages of the web, and nothing else that a desktop may open.
fn open_page(window: &gtk::Window, url: &str) {
    if is_page(url) {
        gtk::show_uri(Some(window), url, gdk::CURRENT_TIME);
        return;
    }
    let trouble = Trouble::new(gettext(
        "The server asks to open something that is no web page",
    ))
    .caused_by(url);
    crate::widgets::trouble::present(window, &trouble);
}

fn is_page(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_web_are_opened() {
        assert!(is_page("https://sso.example.com/a?b") && is_page("HTTP://127.0.0.1:1/"));
        for url in [
            "file:///etc/passwd",
            "javascript:1",
            "ssh://a",
            "/bin/sh",
            "",
        ] {
            assert!(!is_page(url), "{url}");
        }
    }
}
