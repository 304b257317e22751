//! The app's own settings: `~/.config/vpnns/desktop.toml`.
//!
//! TOML and not GSettings: a missing schema would end the process, and the file is readable. What
//! cannot be read is moved aside, never overwritten; unknown fields of a newer version stay.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// How many recently opened applications are remembered.
const RECENT: usize = 12;

/// What can be set.
// Each is a switch of its own: no state machine hides in them.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Values {
    /// The VPN that "Open in VPN" means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_vpn: Option<String>,
    /// Whether closing the window leaves the app running.
    pub run_in_background: bool,
    /// Whether the app starts with the session.
    pub start_at_login: bool,
    /// Whether the tray shows an icon.
    pub tray_icon: bool,
    /// Whether it stands among the programs that open links.
    pub opens_links: bool,
    /// Whether notifications are shown.
    pub notifications: bool,
    /// Whether notifications leave out the names of VPNs and apps.
    pub hide_names: bool,
    /// Ids of entries that stand first in the picker.
    pub favourites: Vec<String>,
    /// Ids of entries that were opened last, newest first.
    pub recent: Vec<String>,
    /// The VPN that was shown last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    /// Width and height of the window.
    pub window_size: (i32, i32),
    /// Whether the window was maximised.
    pub maximised: bool,
    /// What is different for single applications, by their entries' ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, AppValues>,
    /// What a newer version has written.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, toml::Value>,
}

/// What is different for one application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AppValues {
    /// The VPN to open it in, in place of the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpn: Option<String>,
    /// Whether it gets a profile of its own; decided by the recipe unless said here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_profile: Option<bool>,
    /// Whether it gets a session bus of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_bus: Option<bool>,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            default_vpn: None,
            run_in_background: true,
            start_at_login: false,
            opens_links: false,
            tray_icon: true,
            notifications: true,
            hide_names: false,
            favourites: Vec::new(),
            recent: Vec::new(),
            selected: None,
            window_size: (1000, 680),
            maximised: false,
            apps: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }
}

impl Values {
    /// Notes that an application was opened.
    pub fn opened(&mut self, entry: &str) {
        self.recent.retain(|known| known != entry);
        self.recent.insert(0, entry.to_owned());
        self.recent.truncate(RECENT);
    }
}

/// The settings, and the file in which they are.
#[derive(Debug)]
pub struct Settings {
    path: PathBuf,
    values: RefCell<Values>,
}

impl Settings {
    /// Reads the settings from a directory; what is not there has its default.
    pub fn load(directory: &Path) -> Self {
        let path = directory.join("desktop.toml");
        let values = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).unwrap_or_else(|error| {
                eprintln!("vpnns-desktop: failed to read {}: {error}", path.display());
                // Somebody wrote it by hand: not ours to throw away.
                let _ = fs::rename(&path, path.with_extension("toml.broken"));
                Values::default()
            }),
            Err(_) => Values::default(),
        };
        Self {
            path,
            values: RefCell::new(values),
        }
    }

    /// The values as they are.
    pub fn get(&self) -> Ref<'_, Values> {
        self.values.borrow()
    }

    /// Changes values, and writes the file if that made a difference.
    pub fn change(&self, change: impl FnOnce(&mut Values)) {
        let before = self.values.borrow().clone();
        change(&mut self.values.borrow_mut());
        if *self.values.borrow() == before {
            return;
        }
        if let Err(error) = self.write() {
            let path = self.path.display();
            eprintln!("vpnns-desktop: failed to write {path}: {error}");
        }
    }

    fn write(&self) -> io::Result<()> {
        let text = toml::to_string_pretty(&*self.values.borrow()).map_err(io::Error::other)?;
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        // Whole or not at all.
        let new = self.path.with_extension("toml.new");
        fs::write(&new, text)?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_there_again() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings::load(directory.path());
        settings.change(|values| {
            values.default_vpn = Some("work".into());
            values.opened("a.desktop");
            values.opened("b.desktop");
            values.opened("a.desktop");
        });
        let again = Settings::load(directory.path());
        assert_eq!(again.get().default_vpn.as_deref(), Some("work"));
        assert_eq!(again.get().recent, ["a.desktop", "b.desktop"]);
    }

    #[test]
    fn fields_of_a_newer_version_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desktop.toml");
        fs::write(&path, "from-the-future = 7\nnotifications = false\n").unwrap();
        let settings = Settings::load(directory.path());
        assert!(!settings.get().notifications);
        settings.change(|values| values.start_at_login = true);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("from-the-future = 7"), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_kept_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desktop.toml");
        fs::write(&path, "default-vpn = [").unwrap();
        let settings = Settings::load(directory.path());
        assert_eq!(*settings.get(), Values::default());
        assert!(path.with_extension("toml.broken").exists());
    }
}
