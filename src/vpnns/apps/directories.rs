//! Where the entries are: the data directories in their order, and all the files in them.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::instance::directory;

/// What `XDG_DATA_DIRS` means where it is unset.
const DEFAULT: &str = "/usr/local/share:/usr/share";
/// Where Flatpak exports entries, below the user's data directory and for all users.
const FLATPAK: [&str; 2] = ["flatpak/exports/share", "/var/lib/flatpak/exports/share"];
/// Where snaps have theirs.
pub const SNAP: &str = "/var/lib/snapd/desktop";
/// The part of a data directory that has entries.
const APPLICATIONS: &str = "applications";
/// What an entry's file is called at its end.
pub const SUFFIX: &str = ".desktop";

/// How many files and directories are looked at in all: twenty times the largest system seen.
const MOST: usize = 100_000;

/// The data directories, the most important first, each once.
///
/// Flatpak and snap tell a session about theirs by `XDG_DATA_DIRS`, which one that was not
/// started as they expect does not have. They come last then, so that they hide nothing.
pub fn of_this_process() -> Result<Vec<PathBuf>, directory::Error> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = match set("XDG_DATA_HOME").map(PathBuf::from).filter(absolute) {
        Some(home) => home,
        None => directory::home()?.join(".local/share"),
    };
    let system = set("XDG_DATA_DIRS").unwrap_or_else(|| DEFAULT.into());
    let mut all = vec![home.clone()];
    all.extend(env::split_paths(&system).filter(absolute));
    all.extend(FLATPAK.map(|exports| home.join(exports)));
    all.push(SNAP.into());
    let mut seen = HashSet::new();
    // Compared by components: some end with a slash.
    all.retain(|path| seen.insert(path.clone()));
    Ok(all)
}

/// A file that has an entry's name, the first of its id.
#[derive(Debug)]
pub struct Found {
    /// The desktop file id.
    pub id: String,
    /// The file.
    pub path: PathBuf,
}

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Files {
    /// The first file of each id, in no order.
    pub found: Vec<Found>,
    /// Paths that were left out, each with the reason.
    pub left_out: Vec<(PathBuf, String)>,
}

/// Finds the first file of each id.
pub fn files(directories: &[PathBuf]) -> Files {
    let mut search = Search {
        files: Files::default(),
        ids: HashSet::new(),
        budget: MOST,
    };
    for directory in directories {
        search.look_into(&directory.join(APPLICATIONS), "", &mut Vec::new());
    }
    if search.budget == 0 {
        let reason = format!("there are more than {MOST} files; the rest was not looked at");
        let last = directories.last().cloned().unwrap_or_default();
        search.files.left_out.push((last, reason));
    }
    search.files
}

struct Search {
    files: Files,
    ids: HashSet<String>,
    /// How many more files and directories may be looked at.
    budget: usize,
}

impl Search {
    /// Looks into a directory; `prefix` is the beginning of the ids in it, and `above` the
    /// directories on the way to it.
    fn look_into(&mut self, directory: &Path, prefix: &str, above: &mut Vec<(u64, u64)>) {
        let Ok(entries) = fs::read_dir(directory) else {
            // Most data directories have no entries.
            return;
        };
        let Ok(identity) = fs::metadata(directory).map(|it| (it.dev(), it.ino())) else {
            return;
        };
        if above.contains(&identity) {
            let reason = "it leads in a circle".to_owned();
            self.files.left_out.push((directory.to_owned(), reason));
            return;
        }
        above.push(identity);
        let mut below = Vec::new();
        for entry in entries.flatten() {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            let is_entry = entry
                .file_name()
                .as_encoded_bytes()
                .ends_with(SUFFIX.as_bytes());
            let is_directory = match entry.file_type() {
                Ok(kind) if kind.is_symlink() && !is_entry => entry.path().is_dir(),
                Ok(kind) => kind.is_dir(),
                Err(_) => false,
            };
            if is_directory {
                below.push(entry.file_name());
            } else if is_entry {
                self.add(entry.file_name(), prefix, entry.path());
            }
        }
        for name in below {
            let path = directory.join(&name);
            match name.into_string() {
                Ok(name) => self.look_into(&path, &format!("{prefix}{name}-"), above),
                Err(_) => self.leave_out_name(path),
            }
        }
        above.pop();
    }

    fn add(&mut self, name: OsString, prefix: &str, path: PathBuf) {
        let Ok(name) = name.into_string() else {
            return self.leave_out_name(path);
        };
        let id = format!("{prefix}{name}");
        if !self.ids.contains(&id) {
            self.ids.insert(id.clone());
            self.files.found.push(Found { id, path });
        }
    }

    fn leave_out_name(&mut self, path: PathBuf) {
        let reason = "its name is not a text".to_owned();
        self.files.left_out.push((path, reason));
    }
}
