//! Where the entries are: the data directories in their order, and all the files in them.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::links;
use crate::instance::directory;

/// The variable with the data directories of all users.
pub const SYSTEM: &str = "XDG_DATA_DIRS";
/// What it means where it is unset.
const DEFAULT: &str = "/usr/local/share:/usr/share";
/// Where Flatpak exports entries, below the user's data directory and for all users.
const FLATPAK: [&str; 2] = ["flatpak/exports/share", "/var/lib/flatpak/exports/share"];
/// Where snaps have theirs.
pub const SNAP: &str = "/var/lib/snapd/desktop";
/// The part of a data directory that has entries.
pub const APPLICATIONS: &str = "applications";
/// What an entry's file is called at its end.
pub const SUFFIX: &str = ".desktop";

/// How many files and directories are looked at in all: twenty times the largest system seen.
const MOST: usize = 100_000;

/// The data directories, the most important first, each once.
///
/// Flatpak and snap tell a session about theirs by `XDG_DATA_DIRS`, which one that was not
/// started as they expect does not have. They come last then, so that they hide nothing.
pub fn of_this_process() -> Result<Vec<PathBuf>, directory::Error> {
    let home = home()?;
    let mut all = vec![home.clone()];
    all.extend(system());
    all.extend(FLATPAK.map(|exports| home.join(exports)));
    all.push(SNAP.into());
    let mut seen = HashSet::new();
    // Compared by components: some end with a slash.
    all.retain(|path| seen.insert(path.clone()));
    Ok(all)
}

/// The user's own data directory.
pub fn home() -> Result<PathBuf, directory::Error> {
    let set = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    match set.filter(|path| path.is_absolute()) {
        Some(home) => Ok(home),
        None => Ok(directory::home()?.join(".local/share")),
    }
}

/// The data directories of all users, without the one that stands before them in an instance.
pub fn system() -> Vec<PathBuf> {
    let set = env::var_os(SYSTEM).filter(|value| !value.is_empty());
    let paths = set.unwrap_or_else(|| DEFAULT.into());
    let ours = links::directory();
    let mut all: Vec<PathBuf> = env::split_paths(&paths).collect();
    all.retain(|path| path.is_absolute() && Some(path) != ours.as_ref());
    all
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
        seen: HashSet::new(),
        links: Vec::new(),
        budget: MOST,
    };
    for directory in directories {
        search.seen.clear();
        search.look_into(&directory.join(APPLICATIONS), "");
        // Each directory is looked at once, and under its own name if it has one.
        while let Some((path, prefix)) = search.links.pop() {
            search.look_into(&path, &prefix);
        }
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
    /// The directories of this data directory that have been looked at, by device and number.
    seen: HashSet<(u64, u64)>,
    /// Links to directories, each with the beginning of the ids in it.
    links: Vec<(PathBuf, String)>,
    /// How many more files and directories may be looked at.
    budget: usize,
}

impl Search {
    /// Looks into a directory; `prefix` is the beginning of the ids in it.
    fn look_into(&mut self, directory: &Path, prefix: &str) {
        let looked = fs::metadata(directory).and_then(|it| Ok((it, fs::read_dir(directory)?)));
        let (metadata, entries) = match looked {
            Ok(found) => found,
            // Most data directories have no entries.
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(_) => return self.leave_out(directory, "it cannot be looked into"),
        };
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return self.leave_out(directory, "it leads to where the search has been");
        }
        let mut below = Vec::new();
        for entry in entries.flatten() {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            let (name, kind) = (entry.file_name(), entry.file_type());
            let is_entry = name.as_encoded_bytes().ends_with(SUFFIX.as_bytes());
            let is_link = kind.as_ref().is_ok_and(FileType::is_symlink);
            if kind.is_ok_and(|it| it.is_dir()) || is_link && !is_entry && entry.path().is_dir() {
                below.push((name, is_link));
            } else if is_entry {
                self.add(name, prefix, &entry.path());
            }
        }
        below.sort();
        for (name, is_link) in below {
            let path = directory.join(&name);
            match name.into_string() {
                Ok(name) if is_link => self.links.push((path, format!("{prefix}{name}-"))),
                Ok(name) => self.look_into(&path, &format!("{prefix}{name}-")),
                Err(_) => self.leave_out(&path, "its name is not a text"),
            }
        }
    }

    fn add(&mut self, name: OsString, prefix: &str, path: &Path) {
        let Ok(name) = name.into_string() else {
            return self.leave_out(path, "its name is not a text");
        };
        let id = format!("{prefix}{name}");
        if !self.ids.contains(&id) {
            self.ids.insert(id.clone());
            let path = path.to_owned();
            self.files.found.push(Found { id, path });
        }
    }

    fn leave_out(&mut self, path: &Path, reason: &str) {
        let left_out = (path.to_owned(), reason.to_owned());
        self.files.left_out.push(left_out);
    }
}
