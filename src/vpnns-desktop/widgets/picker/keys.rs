//! The picker's keys: typing searches from anywhere, arrows go between the search and the list.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use super::Picker;
use super::row::Row;

impl Picker {
    /// Keys and typing.
    pub(super) fn listen(&self) {
        let imp = self.imp();
        imp.search.set_key_capture_widget(Some(self));
        let weak = self.downgrade();
        imp.search.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.type_on();
                this.fill();
            }
        });
        let weak = self.downgrade();
        imp.search.connect_activate(move |_| {
            if let Some(this) = weak.upgrade() {
                this.open_at(this.selection().selected());
            }
        });
        let weak = self.downgrade();
        imp.search.connect_stop_search(move |_| {
            if let Some(this) = weak.upgrade() {
                this.close();
            }
        });
        let keys = gtk::EventControllerKey::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        let weak = self.downgrade();
        keys.connect_key_pressed(move |_, key, _, state| {
            let plain = !state.intersects(gdk::ModifierType::ALT_MASK);
            match (weak.upgrade(), key) {
                (Some(this), gdk::Key::Down) if plain => this.go_to_list(),
                (Some(this), gdk::Key::Up) if plain => this.go_to_search(),
                _ => glib::Propagation::Proceed,
            }
        });
        self.add_controller(keys);
        let keys = gtk::EventControllerKey::new();
        let weak = self.downgrade();
        keys.connect_key_pressed(move |_, key, _, state| match (weak.upgrade(), key) {
            (Some(this), gdk::Key::Escape) => {
                this.close();
                glib::Propagation::Stop
            }
            (Some(this), gdk::Key::w) if state.contains(gdk::ModifierType::CONTROL_MASK) => {
                this.close();
                glib::Propagation::Stop
            }
            _ => glib::Propagation::Proceed,
        });
        self.add_controller(keys);
        let clicks = gtk::GestureClick::builder().button(3).build();
        let weak = self.downgrade();
        clicks.connect_pressed(move |clicks, _, x, y| {
            let Some(this) = weak.upgrade() else { return };
            let list = this.imp().list.get();
            let under = list.pick(x, y, gtk::PickFlags::DEFAULT);
            let mut inside = under;
            while let Some(widget) = inside {
                if let Some(row) = widget.downcast_ref::<Row>() {
                    clicks.set_state(gtk::EventSequenceState::Claimed);
                    row.pop_up();
                    return;
                }
                // Beside a row's content is still the row.
                inside = match widget.first_child().and_downcast::<Row>() {
                    Some(row) => Some(row.upcast()),
                    None => widget.parent(),
                };
            }
        });
        imp.list.add_controller(clicks);
        GtkWindowExt::set_focus(self, Some(&imp.search.get()));
    }

    /// Typed elsewhere: from here on, keys are the search's.
    fn type_on(&self) {
        let text = self.imp().search.delegate().and_downcast::<gtk::Text>();
        if let Some(text) = text.filter(|_| !self.search_has_focus()) {
            text.grab_focus_without_selecting();
        }
    }

    /// The Down key in the search: on to the list.
    fn go_to_list(&self) -> glib::Propagation {
        let imp = self.imp();
        if !self.search_has_focus() || imp.shown.n_items() == 0 {
            return glib::Propagation::Proceed;
        }
        let selected = self.selection().selected();
        let next = match selected {
            gtk::INVALID_LIST_POSITION => 0,
            at if at + 1 < imp.shown.n_items() => at + 1,
            at => at,
        };
        self.selection().set_selected(next);
        imp.list.grab_focus();
        let position = next.to_variant();
        // Focus follows where the list scrolls to by its own action.
        let _ = WidgetExt::activate_action(&imp.list.get(), "list.scroll-to-item", Some(&position));
        glib::Propagation::Stop
    }

    /// The Up key on the list's first row: back to the search.
    fn go_to_search(&self) -> glib::Propagation {
        let imp = self.imp();
        let in_list = imp.list.focus_child().is_some();
        if !in_list || self.selection().selected() != 0 {
            return glib::Propagation::Proceed;
        }
        imp.search.grab_focus();
        if !self.is_searching() {
            self.selection().set_selected(gtk::INVALID_LIST_POSITION);
        }
        glib::Propagation::Stop
    }

    fn search_has_focus(&self) -> bool {
        let search = self.imp().search.get();
        GtkWindowExt::focus(self).is_some_and(|focus| focus.is_ancestor(&search) || focus == search)
    }
}
