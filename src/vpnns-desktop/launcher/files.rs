//! The launchers' files: `applications` of the user's data directory.

use std::path::{Path, PathBuf};
use std::{fs, io};

use gtk::glib;
use vpnns_protocol::name::InstanceName;

use super::{Wish, badge, file_name, made_for, text};
use crate::config::APP_ID;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use crate::model::installed::{Catalogue, InstalledApp};
use crate::sandbox;

/// Where they are, and what they call.
#[derive(Debug)]
pub struct Launchers {
    directory: PathBuf,
    program: Vec<String>,
    /// Where icons with badges are.
    badges: PathBuf,
}

impl Launchers {
    /// Those of the user.
    pub fn of_the_user() -> Self {
        Self {
            directory: sandbox::data_directory().join("applications"),
            program: our_program(),
            // Ours alone; a Flatpak's has the same path on the host.
            badges: glib::user_data_dir().join("vpnns/badges"),
        }
    }

    /// Whether an app has one for a VPN.
    pub fn has(&self, vpn: &InstanceName, entry: &str) -> bool {
        self.path(vpn, entry).exists()
    }

    /// Makes one.
    pub fn add(&self, vpn: &Vpn, app: &InstalledApp) -> Result<(), Trouble> {
        let failed = |cause: String| {
            let name = app.entry().name.as_str();
            let text = gettext_f(
                "{app} cannot be added to the application menu",
                &[("app", name)],
            );
            Trouble::new(text).caused_by(cause)
        };
        let made = self
            .text_for(&vpn.name(), &vpn.presentation().name, app)
            .map_err(|error| failed(error.to_string()))?;
        let made = made.ok_or_else(|| failed(gettext("Its entry has no command.")))?;
        let path = self.path(&vpn.name(), &app.entry().id);
        write(&path, &made).map_err(|error| failed(error.to_string()))
    }

    /// Removes one.
    pub fn remove(&self, vpn: &InstanceName, entry: &str) -> Result<(), Trouble> {
        // One that was never drawn is not missed.
        let _ = fs::remove_file(self.badge(vpn, entry));
        fs::remove_file(self.path(vpn, entry)).map_err(|error| {
            let text = gettext("The entry of the application menu cannot be removed");
            Trouble::new(text).caused_by(error.to_string())
        })
    }

    /// Brings all of them up to date: with their original, with the VPN's title, and away with the
    /// VPN. One whose original is not there stays: that may be on a disk that is not mounted.
    pub fn update(&self, vpns: &[(InstanceName, String)], catalogue: &Catalogue) {
        for (path, before) in self.ours() {
            let Some((vpn, entry)) = made_for(&before) else {
                continue;
            };
            let Some((name, title)) = vpns.iter().find(|(name, _)| name.as_str() == vpn) else {
                let name = path.with_extension("png");
                let name = name.file_name().unwrap_or_default();
                let _ = fs::remove_file(self.badges.join(name));
                report(&path, fs::remove_file(&path));
                continue;
            };
            let Some(app) = catalogue.find(&entry) else {
                continue;
            };
            // What cannot be read now is no reason to lose what is there.
            if let Ok(Some(made)) = self.text_for(name, title, &app)
                && made != before
            {
                report(&path, write(&path, &made));
            }
        }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.ours().next().is_none()
    }

    /// Files that are named as ours are, with their texts.
    fn ours(&self) -> impl Iterator<Item = (PathBuf, String)> {
        let files = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        files.filter_map(|file| {
            let name = file.file_name();
            let name = name.to_str()?;
            let is_ours = name.starts_with(APP_ID) && name.ends_with(".desktop");
            let path = file.path();
            let text = is_ours.then(|| fs::read_to_string(&path).ok()).flatten()?;
            Some((path, text))
        })
    }

    fn text_for(
        &self,
        vpn: &InstanceName,
        title: &str,
        app: &InstalledApp,
    ) -> io::Result<Option<String>> {
        let original = fs::read_to_string(sandbox::seen(&app.entry().path))?;
        let badge = self.badge(vpn, &app.entry().id);
        let icon = app.entry().icon.as_deref();
        // Drawn once: an icon that changes later keeps its badge of before.
        let icon = if badge.exists() {
            Some(badge)
        } else {
            icon.and_then(|icon| badge::draw(icon, &badge))
        };
        let wish = Wish {
            vpn: vpn.clone(),
            title: title.to_owned(),
            entry: app.entry().id.clone(),
            program: self.program.clone(),
            icon: icon.map(|path| path.to_string_lossy().into_owned()),
        };
        Ok(text(&original, &wish))
    }

    fn path(&self, vpn: &InstanceName, entry: &str) -> PathBuf {
        self.directory.join(file_name(vpn, entry))
    }

    fn badge(&self, vpn: &InstanceName, entry: &str) -> PathBuf {
        self.badges
            .join(file_name(vpn, entry))
            .with_extension("png")
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    // Whole or not at all: the desktop reads it as soon as it is there.
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn report(path: &Path, done: io::Result<()>) {
    if let Err(error) = done {
        eprintln!(
            "vpnns-desktop: failed to update {}: {error}",
            path.display()
        );
    }
}

/// By its name where that is what PATH has, so that an update to another place is followed.
fn our_program() -> Vec<String> {
    const NAME: &str = "vpnns-desktop";
    if let Some(words) = sandbox::start_words() {
        return words;
    }
    let found = glib::find_program_in_path(NAME).and_then(|path| path.canonicalize().ok());
    let own = crate::executable::own().ok();
    let program = match own {
        Some(own) if found != own.canonicalize().ok() => own.to_string_lossy().into_owned(),
        _ => NAME.to_owned(),
    };
    vec![program]
}

#[cfg(test)]
mod tests {
    use vpnns_protocol::app::Entry;

    use super::*;

    struct Place {
        directory: tempfile::TempDir,
        launchers: Launchers,
        catalogue: Catalogue,
        vpn: Vpn,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let launchers = Launchers {
                directory: directory.path().join("share/applications"),
                program: vec!["vpnns-desktop".into()],
                badges: directory.path().join("badges"),
            };
            let vpn = Vpn::new("work".parse().unwrap());
            let place = Self {
                directory,
                launchers,
                catalogue: Catalogue::default(),
                vpn,
            };
            place.write_original("Editor");
            place.catalogue.set(vec![Entry {
                id: "edit.desktop".into(),
                name: "Editor".into(),
                generic_name: None,
                comment: None,
                icon: None,
                keywords: vec![],
                executable: "edit".into(),
                categories: vec![],
                terminal: false,
                actions: vec![],
                startup_wm_class: None,
                path: place.original().to_str().unwrap().into(),
            }]);
            let app = place.catalogue.find("edit.desktop").unwrap();
            place.launchers.add(&place.vpn, &app).unwrap();
            place
        }

        fn original(&self) -> PathBuf {
            self.directory.path().join("edit.desktop")
        }

        fn write_original(&self, name: &str) {
            let text = format!("[Desktop Entry]\nType=Application\nName={name}\nExec=edit %F\n");
            fs::write(self.original(), text).unwrap();
        }

        fn update(&self, vpns: &[(&str, &str)]) {
            let vpns = vpns
                .iter()
                .map(|(name, title)| (name.parse().unwrap(), (*title).into()));
            self.launchers
                .update(&vpns.collect::<Vec<_>>(), &self.catalogue);
        }

        fn launcher(&self) -> Option<String> {
            let path = self.launchers.path(&self.vpn.name(), "edit.desktop");
            fs::read_to_string(path).ok()
        }
    }

    #[test]
    fn a_launcher_follows_its_original_and_its_vpns_title() {
        let place = Place::new();
        assert!(place.launchers.has(&place.vpn.name(), "edit.desktop"));
        assert!(place.launcher().unwrap().contains("Name=Editor (work)\n"));
        place.write_original("Writer");
        place.update(&[("work", "Office")]);
        assert!(place.launcher().unwrap().contains("Name=Writer (Office)\n"));
        // An original that is gone for now is no reason.
        fs::remove_file(place.original()).unwrap();
        place.update(&[("work", "Office")]);
        assert!(place.launcher().unwrap().contains("Name=Writer (Office)\n"));
    }

    #[test]
    fn a_launcher_goes_with_its_vpn_and_what_is_not_ours_stays() {
        let place = Place::new();
        let other = place
            .launchers
            .directory
            .join("org.vpnns.PerAppVpn.mine.desktop");
        fs::write(&other, "[Desktop Entry]\nName=Mine\n").unwrap();
        place.update(&[("other", "Other")]);
        assert_eq!(place.launcher(), None);
        assert!(other.exists());
    }

    #[test]
    fn a_launcher_that_is_removed_is_gone_and_one_that_cannot_be_made_is_told() {
        let place = Place::new();
        let name = place.vpn.name();
        place.launchers.remove(&name, "edit.desktop").unwrap();
        assert!(!place.launchers.has(&name, "edit.desktop"));
        assert!(place.launchers.remove(&name, "edit.desktop").is_err());
        fs::remove_file(place.original()).unwrap();
        let app = place.catalogue.find("edit.desktop").unwrap();
        let trouble = place.launchers.add(&place.vpn, &app).unwrap_err();
        assert!(trouble.message.contains("Editor"), "{trouble:?}");
    }
}
