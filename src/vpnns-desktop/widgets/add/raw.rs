//! The text of a profile that does not fit into a form: its file is broken.

use adw::prelude::*;
use gtk::glib;

use super::rows::fault_label;
use crate::application::Application;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::words::{full_sentence, joined};
use crate::widgets::Window;

/// Shows it, with what the helper has against it.
pub fn present(parent: &Window, vpn: &Vpn, text: &str) {
    let shown = vpn.presentation().name;
    let title = gettext_f("Edit {vpn}", &[("vpn", &shown)]);
    let window = adw::Window::builder()
        .transient_for(parent)
        .modal(true)
        .title(&title)
        .default_width(640.min(parent.width().max(360)))
        .default_height(640.min(parent.height().max(480)))
        .build();
    let header = adw::HeaderBar::builder()
        .title_widget(&adw::WindowTitle::new(&title, ""))
        .show_start_title_buttons(false)
        .show_end_title_buttons(false)
        .css_classes(["flat"])
        .build();
    let cancel = gtk::Button::with_label(&gettext("Cancel"));
    let save = gtk::Button::builder()
        .label(gettext("Save"))
        .css_classes(["suggested-action"])
        .build();
    header.pack_start(&cancel);
    header.pack_end(&save);
    let fault = fault_label();
    fault.set_margin_start(18);
    fault.set_margin_end(18);
    fault.set_margin_bottom(12);
    if let Some(error) = vpn.facts().listed.as_ref().and_then(|it| it.error.clone()) {
        let mut message = error.message.clone();
        if let (Some(line), Some(column)) = (error.line, error.column) {
            // Which file it is, the title says.
            let place = format!(":{line}:{column}: ");
            let sentence = message.split_once(&place).map_or(&*message, |it| it.1);
            message = gettext_f(
                "Line {line}, column {column}: {message}",
                &[
                    ("line", &line.to_string()),
                    ("column", &column.to_string()),
                    ("message", sentence),
                ],
            );
        }
        say(&fault, &message, error.hint.as_deref());
    }
    let view = gtk::TextView::builder()
        .monospace(true)
        .top_margin(12)
        .bottom_margin(12)
        .left_margin(18)
        .right_margin(18)
        .accepts_tab(false)
        .wrap_mode(gtk::WrapMode::WordChar)
        .build();
    view.update_property(&[gtk::accessible::Property::Label(&gettext("Settings"))]);
    view.buffer().set_text(text);
    let scrolled = gtk::ScrolledWindow::builder()
        .vexpand(true)
        .child(&view)
        .build();
    let column = gtk::Box::new(gtk::Orientation::Vertical, 0);
    column.append(&header);
    column.append(&fault);
    column.append(&scrolled);
    window.set_content(Some(&column));
    let weak = window.downgrade();
    cancel.connect_clicked(move |_| {
        if let Some(window) = weak.upgrade() {
            window.close();
        }
    });
    let name = vpn.name();
    let weak = window.downgrade();
    save.connect_clicked(move |_| {
        let buffer = view.buffer();
        let (start, end) = buffer.bounds();
        let text = buffer.text(&start, &end, true);
        let (weak, fault, name) = (weak.clone(), fault.clone(), name.clone());
        glib::spawn_future_local(async move {
            let session = Application::current().session();
            match session.save(name, &text, true).await {
                Ok(_) => {
                    if let Some(window) = weak.upgrade() {
                        window.close();
                    }
                }
                Err(trouble) => say(&fault, &trouble.message, trouble.hint.as_deref()),
            }
        });
    });
    window.present();
}

fn say(label: &gtk::Label, message: &str, hint: Option<&str>) {
    let hint = hint.map(full_sentence).unwrap_or_default();
    let text = joined([full_sentence(message), hint]);
    label.set_markup(&glib::markup_escape_text(&text));
    label.set_visible(true);
}
