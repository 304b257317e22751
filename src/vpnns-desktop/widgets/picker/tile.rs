//! A large button of the picker's strip: an app that is used often.

use adw::prelude::*;
use gtk::pango;

use super::Picker;
use crate::model::installed::InstalledApp;
use crate::widgets::app_icon::app_icon;

/// The tile of an application.
pub fn of(picker: &Picker, app: &InstalledApp) -> gtk::Button {
    let entry = app.entry();
    let icon = gtk::Image::from_gicon(&app_icon(app.entry().icon.as_deref()));
    icon.set_pixel_size(64);
    let name = gtk::Label::builder()
        .label(&entry.name)
        .ellipsize(pango::EllipsizeMode::End)
        .width_chars(8)
        .max_width_chars(12)
        .css_classes(["caption"])
        .build();
    let content = gtk::Box::new(gtk::Orientation::Vertical, 8);
    content.append(&icon);
    content.append(&name);
    let tile = gtk::Button::builder()
        .child(&content)
        .tooltip_text(&entry.name)
        .css_classes(["flat", "picker-tile"])
        .build();
    tile.update_property(&[gtk::accessible::Property::Label(&entry.name)]);
    let (weak, id) = (picker.downgrade(), entry.id.clone());
    tile.connect_clicked(move |_| {
        if let Some(picker) = weak.upgrade() {
            picker.open(&id, None);
        }
    });
    tile
}
