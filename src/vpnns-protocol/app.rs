//! The installed applications: what `--apps` tells.

use serde::{Deserialize, Serialize};

/// One launcher entry: an application as the menus of a desktop show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Its desktop file id, such as `org.example.Editor.desktop`: what `--open` takes.
    pub id: String,
    /// Its name, in the user's language.
    pub name: String,
    /// What kind of application it is, in the user's language.
    pub generic_name: Option<String>,
    /// What it is for, in the user's language.
    pub comment: Option<String>,
    /// Its icon: a name in the icon theme, or a path.
    pub icon: Option<String>,
    /// More words to find it by, in the user's language.
    pub keywords: Vec<String>,
    /// The program that it starts, as the entry names it.
    pub executable: String,
    /// Where menus put it.
    pub categories: Vec<String>,
    /// Whether it runs in a terminal.
    pub terminal: bool,
    /// What else it can be started for, in the entry's order.
    pub actions: Vec<Action>,
    /// The class of its windows, where the entry names it.
    pub startup_wm_class: Option<String>,
    /// The entry's file.
    pub path: String,
}

/// One of the other things that an application can be started for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its identifier: what `--action` takes.
    pub id: String,
    /// Its name, in the user's language.
    pub name: String,
    /// Its icon: a name in the icon theme, or a path.
    pub icon: Option<String>,
}

/// A file that should be an entry, and is none that could be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The file.
    pub path: String,
    /// What is wrong with it, in a few words.
    pub reason: String,
}

/// The document that `--apps --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// The applications, sorted by name.
    pub apps: Vec<Entry>,
    /// What was left out; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Vec<Broken>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_broken_files_is_read_as_well() {
        let json = r#"{"version":1,"apps":[{"id":"a.desktop","name":"A","executable":"a",
            "keywords":[],"categories":[],"terminal":false,"actions":[],"path":"/a.desktop",
            "from the future":1}]}"#;
        let read: Option<Entries> = serde_json::from_str(json).ok();
        let apps = read.map(|entries| (entries.apps.len(), entries.broken));
        assert_eq!(apps, Some((1, None)));
    }
}
