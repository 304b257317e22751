//! A server that nobody vouches for: its fingerprint, to be compared with the expected one.

use adw::prelude::*;
use vpnns_protocol::question::Reply;

use super::{answer, rows_width};
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::fingerprint::{Comparison, Fingerprint};
use crate::model::words::full_sentence;
use crate::widgets::Window;

/// What is asked.
pub struct Asked<'a> {
    /// The question's number.
    pub id: u64,
    /// The server.
    pub server: &'a str,
    /// Why it is not trusted.
    pub reason: &'a str,
    /// Its fingerprint.
    pub fingerprint: &'a str,
    /// The one that was trusted until now.
    pub before: Option<&'a str>,
}

/// The dialog.
pub fn dialog(window: &Window, vpn: &Vpn, asked: &Asked<'_>) -> adw::MessageDialog {
    let fingerprint = Fingerprint::new(asked.fingerprint);
    let before = asked.before.map(Fingerprint::new);
    let changed = before.filter(|before| fingerprint.compare(&before.text) != Comparison::Same);
    let server = [("server", asked.server)];
    let (heading, body) = if changed.is_some() {
        (
            gettext("The Server Has Changed"),
            gettext_f(
                "{server} shows another fingerprint than the one you trusted. Connect only if your \
                 administrator confirms the new one.",
                &server,
            ),
        )
    } else {
        (
            gettext("Is This Your Server?"),
            gettext_f(
                "The identity of {server} cannot be verified. Compare this fingerprint with the one \
                 from your administrator.",
                &server,
            ),
        )
    };
    let dialog = adw::MessageDialog::new(Some(window), Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.add_response("trust", &gettext("Trust"));
    dialog.set_response_appearance("trust", adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("later");
    let column = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(12)
        .margin_top(12)
        .width_request(rows_width(window))
        .build();
    if let Some(before) = &changed {
        column.append(&block(&gettext("Trusted Until Now"), before, false));
        column.append(&block(&gettext("Shown Now"), &fingerprint, true));
    } else {
        column.append(&block(
            &gettext("SHA-256 Fingerprint of Its Key"),
            &fingerprint,
            true,
        ));
    }
    let (field, mark) = field();
    let always = gtk::Switch::builder()
        .valign(gtk::Align::Center)
        .active(true)
        .build();
    let always_row = adw::ActionRow::builder()
        .title(gettext("Always Trust This Server"))
        .activatable_widget(&always)
        .build();
    always_row.add_suffix(&always);
    let group = adw::PreferencesGroup::new();
    group.add(&field);
    group.add(&always_row);
    column.append(&group);
    let verdict = gtk::Label::builder()
        .wrap(true)
        .justify(gtk::Justification::Center)
        .css_classes(["heading"])
        .visible(false)
        .build();
    column.append(&verdict);
    let reason = gtk::Label::builder()
        .label(full_sentence(asked.reason))
        .wrap(true)
        .max_width_chars(40)
        .justify(gtk::Justification::Center)
        .css_classes(["caption", "dim-label"])
        .build();
    column.append(&reason);
    dialog.set_extra_child(Some(&column));
    let weak = dialog.downgrade();
    field.connect_changed(move |field| {
        let Some(dialog) = weak.upgrade() else { return };
        let comparison = fingerprint.compare(&field.text());
        show(&dialog, field, &verdict, comparison);
        mark.set_visible(comparison == Comparison::Same);
    });
    let (window, vpn, id) = (window.clone(), vpn.clone(), asked.id);
    dialog.connect_response(None, move |_, response| {
        let reply = match response {
            "trust" => Reply::Trust {
                remember: always.is_active(),
            },
            "cancel" => Reply::Cancel,
            _ => return,
        };
        let again = window.clone();
        answer(&window, &vpn, id, reply, move |trouble| {
            again.show_trouble(&trouble);
        });
    });
    dialog
}

/// The field that compares, with the mark that both are the same.
fn field() -> (adw::EntryRow, gtk::Image) {
    let field = adw::EntryRow::builder()
        .title(gettext("Paste the Expected Fingerprint"))
        .build();
    let mark = gtk::Image::from_icon_name("object-select-symbolic");
    mark.add_css_class("success");
    mark.set_visible(false);
    field.add_suffix(&mark);
    (field, mark)
}

/// Says how the comparison came out.
fn show(
    dialog: &adw::MessageDialog,
    field: &adw::EntryRow,
    verdict: &gtk::Label,
    comparison: Comparison,
) {
    use adw::ResponseAppearance::{Destructive, Suggested};
    let (text, class) = match comparison {
        Comparison::Nothing => (String::new(), ""),
        Comparison::Same => (gettext("The fingerprints match"), "success"),
        Comparison::Different => (gettext("The fingerprints differ. Do not connect."), "error"),
        Comparison::Incomplete => (gettext("This is not a whole SHA-256 fingerprint."), "error"),
    };
    let usable = matches!(comparison, Comparison::Nothing | Comparison::Same);
    dialog.set_response_enabled("trust", usable);
    let is_same = comparison == Comparison::Same;
    dialog.set_response_appearance("trust", if is_same { Suggested } else { Destructive });
    verdict.set_label(&text);
    verdict.set_visible(!text.is_empty());
    verdict.set_css_classes(&["heading", class]);
    if class == "error" {
        field.add_css_class("error");
    } else {
        field.remove_css_class("error");
    }
}

fn block(title: &str, fingerprint: &Fingerprint, with_text: bool) -> gtk::Box {
    let block = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(6)
        .css_classes(["fingerprint"])
        .build();
    let title = gtk::Label::builder()
        .label(title)
        .css_classes(["caption", "dim-label"])
        .build();
    let digits = gtk::Label::builder()
        .label(fingerprint.lines())
        .selectable(true)
        .can_focus(false)
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::Char)
        .justify(gtk::Justification::Center)
        .css_classes(["monospace"])
        .build();
    block.append(&title);
    block.append(&digits);
    // As openconnect and ocserv print it.
    if with_text && fingerprint.lines() != fingerprint.text {
        let text = gtk::Label::builder()
            .label(&fingerprint.text)
            .selectable(true)
            .can_focus(false)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::Char)
            .max_width_chars(32)
            .justify(gtk::Justification::Center)
            .css_classes(["caption", "dim-label"])
            .build();
        // A hyphen at the end of a line would be taken for a part of it.
        let attributes = gtk::pango::AttrList::new();
        attributes.insert(gtk::pango::AttrInt::new_insert_hyphens(false));
        text.set_attributes(Some(&attributes));
        block.append(&text);
    }
    block
}
