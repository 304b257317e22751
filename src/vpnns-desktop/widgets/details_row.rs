//! The facts of a tunnel, folded away below a row that tells the two that matter.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::model::details::{self, Detail};
use crate::model::vpn::Facts;

mod imp {
    use std::cell::RefCell;

    use adw::subclass::prelude::*;
    use gtk::glib;

    /// The fields of [`super::DetailsRow`].
    #[derive(Default)]
    pub struct DetailsRow {
        /// Each row with the label of its value.
        pub rows: RefCell<Vec<(adw::ActionRow, gtk::Label)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DetailsRow {
        const NAME: &'static str = "VpnnsDetailsRow";
        type Type = super::DetailsRow;
        type ParentType = adw::ExpanderRow;
    }

    impl ObjectImpl for DetailsRow {}
    impl WidgetImpl for DetailsRow {}
    impl ListBoxRowImpl for DetailsRow {}
    impl PreferencesRowImpl for DetailsRow {}
    impl ExpanderRowImpl for DetailsRow {}
}

glib::wrapper! {
    /// The facts of a tunnel.
    pub struct DetailsRow(ObjectSubclass<imp::DetailsRow>)
        @extends gtk::Widget, gtk::ListBoxRow, adw::PreferencesRow, adw::ExpanderRow,
        @implements gtk::Accessible, gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl DetailsRow {
    /// Shows what is known; absent where there is no tunnel.
    pub fn show(&self, facts: &Facts, now: u64) {
        let instance = facts.instance.as_ref();
        let known = instance.and_then(|it| Some((it.tunnel.as_ref()?, &it.ports)));
        self.set_visible(known.is_some());
        let Some((tunnel, ports)) = known else {
            self.set_expanded(false);
            return;
        };
        self.set_subtitle(&details::summary(tunnel, now));
        let details = details::details(tunnel, ports, now);
        let is_same = {
            let rows = self.imp().rows.borrow();
            let names = rows.iter().map(|(row, _)| row.title().to_string());
            names.eq(details.iter().map(|detail| detail.name.clone()))
        };
        if !is_same {
            self.make(&details);
        }
        for ((_, label), detail) in self.imp().rows.borrow().iter().zip(&details) {
            // What is selected stays so while it says the same.
            if label.label() != detail.value {
                label.set_label(&detail.value);
            }
        }
    }

    fn make(&self, details: &[Detail]) {
        for (row, _) in self.imp().rows.take() {
            self.remove(&row);
        }
        let rows = details.iter().map(|detail| {
            let label = gtk::Label::builder()
                .wrap(true)
                .wrap_mode(gtk::pango::WrapMode::WordChar)
                .xalign(1.0)
                .justify(gtk::Justification::Right)
                .selectable(true)
                .hexpand(true)
                .halign(gtk::Align::End)
                .margin_top(12)
                .margin_bottom(12)
                .css_classes(["numeric", "dim-label"])
                .build();
            let row = adw::ActionRow::builder()
                .title(&detail.name)
                .use_markup(false)
                .activatable(false)
                .build();
            row.add_suffix(&label);
            label.update_relation(&[gtk::accessible::Relation::LabelledBy(&[row.upcast_ref()])]);
            self.add_row(&row);
            (row, label)
        });
        self.imp().rows.replace(rows.collect());
    }
}
