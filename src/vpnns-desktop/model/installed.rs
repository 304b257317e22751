//! The installed applications, as `vpnns --apps` lists them.

use std::cell::RefCell;
use std::collections::HashMap;

use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib, prelude::*};
use vpnns_protocol::app::Entry;

mod imp {
    use std::cell::OnceCell;

    use gtk::glib;
    use gtk::glib::subclass::prelude::*;
    use vpnns_protocol::app::Entry;

    /// The fields of [`super::InstalledApp`].
    #[derive(Default)]
    pub struct InstalledApp {
        pub entry: OnceCell<Entry>,
        /// What is searched: name, keywords and executable in lower case.
        pub haystack: OnceCell<String>,
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
        let words = [&entry.name, &entry.executable, &entry.id];
        let more = [&entry.generic_name, &entry.comment];
        let all: Vec<&str> = words
            .into_iter()
            .chain(more.into_iter().flatten())
            .chain(&entry.keywords)
            .map(String::as_str)
            .collect();
        let _ = this.imp().haystack.set(all.join("\n").to_lowercase());
        let _ = this.imp().entry.set(entry);
        this
    }

    /// Its entry.
    pub fn entry(&self) -> &Entry {
        self.imp().entry.get().expect("new() sets the entry")
    }

    /// Its icon; a general one where it names none.
    pub fn icon(&self) -> gio::Icon {
        icon(self.entry().icon.as_deref())
    }

    /// Whether each of the words, which are in lower case, is somewhere in it.
    pub fn matches(&self, words: &[String]) -> bool {
        let haystack = self.imp().haystack.get().map_or("", String::as_str);
        words.iter().all(|word| haystack.contains(word.as_str()))
    }
}

/// An icon by the name or path that an entry gives.
pub fn icon(name: Option<&str>) -> gio::Icon {
    match name {
        Some(path) if path.starts_with('/') => {
            gio::FileIcon::new(&gio::File::for_path(path)).upcast()
        }
        Some(name) => {
            // Entries may name a file of the theme with its ending.
            let name = name.trim_end_matches(".png").trim_end_matches(".svg");
            gio::ThemedIcon::from_names(&[name, "application-x-executable"]).upcast()
        }
        None => gio::ThemedIcon::new("application-x-executable").upcast(),
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
    /// Takes what was listed.
    pub fn set(&self, entries: Vec<Entry>) {
        let apps: Vec<InstalledApp> = entries.into_iter().map(InstalledApp::new).collect();
        let by_id = apps.iter().map(|app| (app.entry().id.clone(), app.clone()));
        *self.by_id.borrow_mut() = by_id.collect();
        self.store.splice(0, self.store.n_items(), &apps);
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
    fn an_application_is_found_by_any_of_its_words() {
        let app = InstalledApp::new(entry("Firefox", &["Internet", "WWW"]));
        let matches = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
            app.matches(&words)
        };
        assert!(matches("fire") && matches("WWW browser") && matches(""));
        assert!(!matches("fire chrom"));
    }

    #[test]
    fn the_catalogue_is_replaced_as_a_whole() {
        let catalogue = Catalogue::default();
        catalogue.set(vec![entry("A", &[]), entry("B", &[])]);
        catalogue.set(vec![entry("B", &[])]);
        assert_eq!(catalogue.store.n_items(), 1);
        assert!(catalogue.find("B.desktop").is_some() && catalogue.find("A.desktop").is_none());
    }
}
