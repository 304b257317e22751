//! One entry: what its file says, and whether that makes an application.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use vpnns_protocol::app;

use super::directories::{SNAP, SUFFIX};
use super::exec::{self, Exec, Facts};
use super::file::{self, File, Group};
use super::handoff::Origin;
use super::locale::Locales;
use crate::text_file;

/// Why a file is no entry that could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] text_file::Error),
    /// It has bytes that no text has.
    #[error("it is not a text (byte {0})")]
    Binary(usize),
    /// It is not written as an entry is.
    #[error(transparent)]
    File(#[from] file::Error),
    /// It says that there is no such application, whatever other directories have.
    #[error("it says that the application does not exist (Hidden=true)")]
    Hidden,
    /// It is a link, a directory of menus, or something new.
    #[error("its type is {0:?}, which is not an application")]
    Type(String),
    /// A key without which there is nothing to show, or to start.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// The host's session bus would start it, outside of every instance.
    #[error("it has no Exec line and could only be started by the session bus, outside")]
    Bus,
    /// Its command is none.
    #[error(transparent)]
    Exec(#[from] exec::Error),
}

impl Error {
    /// Whether the file is as it should be, and only no application.
    pub fn is_meant(&self) -> bool {
        matches!(self, Self::Hidden | Self::Type(_))
    }
}

/// An application's entry, understood.
#[derive(Debug)]
pub struct Entry {
    /// What is told about it. Only actions that can be started are in it.
    pub shown: app::Entry,
    /// Whether menus leave it out.
    pub is_internal: bool,
    /// The only desktops that show it, if it names some.
    only_in: Vec<String>,
    /// The desktops that do not.
    not_in: Vec<String>,
    /// A program without which it counts as not installed.
    pub needs: Option<String>,
    /// Where it runs.
    pub directory: Option<PathBuf>,
    /// Whether it is a snap's.
    pub is_snap: bool,
    /// Whether the session bus could start it as well.
    pub is_activatable: bool,
    /// Its file.
    pub path: PathBuf,
    /// Its command.
    pub exec: Exec,
    actions: Vec<Exec>,
}

impl Entry {
    /// Reads a file.
    pub fn read(id: &str, path: &Path, locales: &Locales) -> Result<Self, Error> {
        let bytes = text_file::read_bytes(path)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|error| Error::Binary(error.valid_up_to()))?;
        if let Some(at) = memchr::memchr(0, text.as_bytes()) {
            return Err(Error::Binary(at));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::understand(id, path, &File::parse(text, locales)?)
    }

    fn understand(id: &str, path: &Path, file: &File) -> Result<Self, Error> {
        let entry = file.entry();
        if entry.is_true("Hidden") {
            return Err(Error::Hidden);
        }
        let kind = entry.filled("Type").ok_or(Error::Missing("Type"))?;
        if kind != "Application" {
            return Err(Error::Type(kind));
        }
        let exec = match entry.filled("Exec") {
            Some(line) => Exec::parse(&line)?,
            None if entry.is_true("DBusActivatable") => return Err(Error::Bus),
            None => return Err(Error::Missing("Exec line")),
        };
        let found = entry.list("Actions");
        let found = found.iter().filter_map(|name| {
            let group = file.action(name)?;
            action(name, group)
        });
        let (shown, actions) = found.unzip();
        Ok(Self {
            shown: app::Entry {
                id: id.to_owned(),
                name: entry.filled("Name").ok_or(Error::Missing("Name"))?,
                generic_name: entry.filled("GenericName"),
                comment: entry.filled("Comment"),
                icon: entry.filled("Icon"),
                keywords: entry.list("Keywords"),
                executable: exec.program().to_owned(),
                categories: entry.list("Categories"),
                terminal: entry.is_true("Terminal"),
                actions: shown,
                startup_wm_class: entry.filled("StartupWMClass"),
                path: path.to_string_lossy().into_owned(),
            },
            is_internal: entry.is_true("NoDisplay"),
            only_in: entry.list("OnlyShowIn"),
            not_in: entry.list("NotShowIn"),
            needs: entry.filled("TryExec"),
            directory: entry.filled("Path").map(PathBuf::from),
            is_snap: path.starts_with(SNAP)
                || entry.has("X-SnapInstanceName")
                || entry.has("X-SnapAppName"),
            is_activatable: entry.is_true("DBusActivatable"),
            path: path.to_owned(),
            exec,
            actions,
        })
    }

    /// Whether a desktop of these names shows it.
    pub fn is_shown_in(&self, desktops: &[String]) -> bool {
        for desktop in desktops {
            if self.only_in.contains(desktop) {
                return true;
            }
            if self.not_in.contains(desktop) {
                return false;
            }
        }
        self.only_in.is_empty()
    }

    /// The command of an action.
    pub fn action(&self, name: &str) -> Option<&Exec> {
        let at = self.shown.actions.iter().position(|it| it.id == name)?;
        self.actions.get(at)
    }

    /// What recipes may know it by.
    pub fn origin(&self) -> Origin {
        let id = &self.shown.id;
        Origin {
            id: id.strip_suffix(SUFFIX).unwrap_or(id).to_owned(),
            class: self.shown.startup_wm_class.clone(),
        }
    }

    /// What its field codes stand for.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            icon: self.shown.icon.as_deref(),
            name: &self.shown.name,
            location: OsStr::new(&self.path),
        }
    }
}

fn action(name: &str, group: &Group) -> Option<(app::Action, Exec)> {
    let exec = Exec::parse(&group.filled("Exec")?).ok()?;
    let shown = app::Action {
        id: name.to_owned(),
        name: group.filled("Name")?,
        icon: group.filled("Icon"),
    };
    Some((shown, exec))
}
