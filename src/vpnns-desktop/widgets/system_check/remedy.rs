//! What to do about a finding: sentences, and commands in a box that can be copied.

use adw::prelude::*;
use gtk::pango;

use crate::i18n::gettext;
use crate::model::remedy::{Part, parts};

/// The widgets of a remedy; calls back when a command was copied.
pub fn content(remedy: &str, copied: impl Fn() + Clone + 'static) -> gtk::Box {
    let content = gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(6)
        .margin_top(12)
        .margin_bottom(12)
        .margin_start(12)
        .margin_end(12)
        .build();
    let parts = parts(remedy);
    if let Some(Part::Command(command)) = parts.first() {
        let many = command.contains('\n');
        content.append(&sentence(&if many {
            gettext("Run these commands in a terminal, or ask your administrator to:")
        } else {
            gettext("Run this command in a terminal, or ask your administrator to:")
        }));
    }
    for part in &parts {
        match part {
            Part::Text(text) => content.append(&sentence(&capitalised(text))),
            Part::Command(command) => content.append(&command_box(command, copied.clone())),
        }
    }
    content
}

fn sentence(text: &str) -> gtk::Label {
    gtk::Label::builder()
        .label(text)
        .wrap(true)
        .xalign(0.0)
        .build()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn command_box(command: &str, copied: impl Fn() + 'static) -> gtk::Box {
    let attributes = pango::AttrList::new();
    // A hyphen that was copied along would break the command.
    attributes.insert(pango::AttrInt::new_insert_hyphens(false));
    let text = gtk::Label::builder()
        .label(command)
        .attributes(&attributes)
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .selectable(true)
        .xalign(0.0)
        .hexpand(true)
        .css_classes(["monospace"])
        .build();
    let label = gettext("Copy Command");
    let copy = gtk::Button::builder()
        .icon_name("edit-copy-symbolic")
        .tooltip_text(&label)
        .valign(gtk::Align::Center)
        .css_classes(["flat", "circular"])
        .build();
    copy.update_property(&[gtk::accessible::Property::Label(&label)]);
    let all = command.to_owned();
    copy.connect_clicked(move |button| {
        button.clipboard().set_text(&all);
        copied();
    });
    let line = gtk::Box::builder()
        .spacing(6)
        .css_classes(["remedy"])
        .build();
    line.append(&text);
    line.append(&copy);
    line
}
