//! The strip above the picker's list: favourites, and what was opened last.

use adw::prelude::*;
use adw::subclass::prelude::*;

use super::{Picker, tile};
use crate::application::Application;
use crate::i18n::gettext;
use crate::model::installed::InstalledApp;

/// How many tiles a strip has at most.
const TILES: usize = 5;

impl Picker {
    /// Favourites, and then what was opened last.
    pub(super) fn fill_strip(&self) {
        let imp = self.imp();
        while let Some(tile) = imp.strip.first_child() {
            imp.strip.remove(&tile);
        }
        let session = Application::current().session();
        let values = session.settings.get();
        let known = |ids: &[String]| -> Vec<InstalledApp> {
            let apps = ids.iter().filter_map(|id| session.catalogue.find(id));
            apps.collect()
        };
        let (mut apps, mut recent) = (known(&values.favourites), known(&values.recent));
        recent.retain(|app| !apps.contains(app));
        recent.truncate(TILES.saturating_sub(apps.len()));
        let heading = match (apps.is_empty(), recent.is_empty()) {
            (true, _) => gettext("Recent"),
            (false, true) => gettext("Favorites"),
            (false, false) => gettext("Favorites and Recent"),
        };
        apps.extend(recent);
        imp.strip_heading.set_label(&heading);
        for app in apps.iter().take(TILES) {
            imp.strip.append(&tile::of(self, app));
        }
        self.fit();
    }

    /// Shows as many tiles as there is space for.
    pub(super) fn fit(&self) {
        let imp = self.imp();
        let room = TILES - usize::from(imp.narrow.get());
        let mut tile = imp.strip.first_child();
        let mut count = 0;
        while let Some(it) = tile {
            count += 1;
            it.set_visible(count <= room);
            tile = it.next_sibling();
        }
        // A single tile is as wide as one of many.
        let side = if count > 0 && count < room {
            gtk::Align::Start
        } else {
            gtk::Align::Fill
        };
        imp.strip.set_halign(side);
        let wanted = count > 0 && !imp.low.get() && !self.is_searching();
        imp.strip_part.set_visible(wanted);
    }
}
