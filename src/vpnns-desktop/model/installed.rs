//! The installed applications, as `vpnns --apps` lists them.

use std::cell::RefCell;
use std::collections::HashMap;

use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib, prelude::*};
use vpnns_protocol::app::Entry;

use super::search::{Query, Searched};
use crate::config::APP_ID;

mod imp {
    use std::cell::OnceCell;

    use gtk::glib;
    use gtk::glib::subclass::prelude::*;
    use vpnns_protocol::app::Entry;

    use crate::model::search::Searched;

    /// The fields of [`super::InstalledApp`].
    #[derive(Default)]
    pub struct InstalledApp {
        pub entry: OnceCell<Entry>,
        pub searched: OnceCell<Searched>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for InstalledApp {
        const NAME: &'static str = "VpnnsInstalledApp";
        type Type = super::InstalledApp;
    }

    impl ObjectImpl for InstalledApp {}
}

glib::wrapper! {
    /// One installed application.
    pub struct InstalledApp(ObjectSubclass<imp::InstalledApp>);
}

impl InstalledApp {
    /// The application of an entry.
    pub fn new(entry: Entry) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().searched.set(Searched::of(&entry));
        let _ = this.imp().entry.set(entry);
        this
    }

    /// Its entry.
    pub fn entry(&self) -> &Entry {
        self.imp().entry.get().expect("new() sets the entry")
    }

    /// How well it is what is looked for, best is smallest; nothing if it is not.
    pub fn rank(&self, query: &Query) -> Option<u8> {
        self.imp().searched.get()?.rank(query)
    }

    /// Whether each of the words is somewhere in it.
    pub fn matches(&self, words: &[String]) -> bool {
        self.rank(&Query::new(&words.join(" "))).is_some()
    }

    /// Its name as it is compared.
    pub fn folded_name(&self) -> &str {
        self.imp().searched.get().map_or("", Searched::name)
    }

    /// What it is for, or what kind of application it is.
    pub fn description(&self) -> Option<&str> {
        let entry = self.entry();
        entry.comment.as_deref().or(entry.generic_name.as_deref())
    }
}

/// All of them: a list for views, and a way to find one by its id.
#[derive(Debug)]
pub struct Catalogue {
    /// The applications in the order of their names; [`InstalledApp`]s.
    pub store: gio::ListStore,
    by_id: RefCell<HashMap<String, InstalledApp>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            store: gio::ListStore::new::<InstalledApp>(),
            by_id: RefCell::default(),
        }
    }
}

impl Catalogue {
    /// Takes what was listed. Views keep their place where nothing is different.
    pub fn set(&self, mut entries: Vec<Entry>) {
        // The app itself, and the launchers that it has made: they would open VPNs in VPNs.
        entries.retain(|entry| !entry.id.starts_with(APP_ID));
        if self.is(&entries) {
            return;
        }
        let apps: Vec<InstalledApp> = entries.into_iter().map(InstalledApp::new).collect();
        let by_id = apps.iter().map(|app| (app.entry().id.clone(), app.clone()));
        *self.by_id.borrow_mut() = by_id.collect();
        self.store.splice(0, self.store.n_items(), &apps);
    }

    fn is(&self, entries: &[Entry]) -> bool {
        let apps = self.iter().zip(entries);
        self.store.n_items() as usize == entries.len()
            && apps.fold(true, |same, (app, entry)| same && app.entry() == entry)
    }

    /// Each application.
    pub fn iter(&self) -> impl Iterator<Item = InstalledApp> + '_ {
        let items = (0..self.store.n_items()).map(|index| self.store.item(index));
        items.filter_map(CastNone::and_downcast)
    }

    /// The application of an entry's id.
    pub fn find(&self, id: &str) -> Option<InstalledApp> {
        self.by_id.borrow().get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, keywords: &[&str]) -> Entry {
        Entry {
            id: format!("{name}.desktop"),
            name: name.into(),
            generic_name: Some("Web Browser".into()),
            comment: None,
            icon: None,
            keywords: keywords.iter().map(|it| (*it).to_owned()).collect(),
            executable: "/usr/bin/x".into(),
            categories: vec![],
            terminal: false,
            actions: vec![],
            startup_wm_class: None,
            path: String::new(),
        }
    }

    #[test]
    fn the_catalogue_is_replaced_as_a_whole() {
        let catalogue = Catalogue::default();
        catalogue.set(vec![entry("A", &[]), entry("B", &[])]);
        catalogue.set(vec![entry("B", &[])]);
        assert_eq!(catalogue.store.n_items(), 1);
        assert!(catalogue.find("B.desktop").is_some() && catalogue.find("A.desktop").is_none());
    }

    #[test]
    fn a_catalogue_without_a_change_is_left_alone_and_our_own_entries_are_left_out() {
        let catalogue = Catalogue::default();
        let listed = || vec![entry("A", &[]), entry("org.vpnns.PerAppVpn.work.A", &[])];
        catalogue.set(listed());
        let before = catalogue.find("A.desktop").unwrap();
        catalogue.set(listed());
        assert_eq!(catalogue.find("A.desktop"), Some(before));
        assert_eq!(catalogue.store.n_items(), 1);
    }
}
