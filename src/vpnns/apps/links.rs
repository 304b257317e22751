//! A link that is opened inside opens inside: what apps of an instance find in place of browsers.
//!
//! # Theory of operation
//!
//! An app opens a link by the launcher entry of the user's browser, or by the program's name, and
//! knows nothing of recipes. So for each entry that has one, and for each that the session bus
//! could start, there is an entry of the same id that calls `vpnns --open`, in a directory that
//! stands first in `XDG_DATA_DIRS`; and for each program that has a recipe, a link to `vpnns` in a
//! directory that stands first in `PATH`. Which instance is meant, `VPNNS_NAME` says, so that one
//! directory does for all. It is made anew when what it was made from has changed.
//!
//! Only where there is a display: elsewhere nothing opens links, and nothing is changed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::directories::{self, APPLICATIONS, SYSTEM};
use super::entry::Entry;
use super::handoff;
use super::locale::Locales;
use super::programs;
use super::recipes::{self, Recipes};
use crate::args::NAME_VARIABLE;
use crate::report;

/// Where the links to this program are, below [`directory`].
pub const PROGRAMS: &str = "bin";
/// What the directory was made from.
const STAMP: &str = "stamp";
/// What the name of a file begins with that is being made.
const UNFINISHED: &str = ".new-";
/// Changed with what is written, so that an older program's directory is not taken for ours.
const EDITION: u32 = 1;
/// Names by which distributions call whichever browser is chosen.
const ALIASES: [&str; 3] = ["x-www-browser", "gnome-www-browser", "www-browser"];
/// What says that there is a display.
const DISPLAYS: [&str; 2] = ["WAYLAND_DISPLAY", "DISPLAY"];

/// The directory, whether it is there or not.
pub fn directory() -> Option<PathBuf> {
    Some(directories::home().ok()?.join("vpnns/links"))
}

/// The variables by which apps find it.
pub fn variables() -> Vec<(&'static str, OsString)> {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(directory) = directory().filter(|_| DISPLAYS.iter().any(is_set)) else {
        return Vec::new();
    };
    if let Err(error) = refresh(&directory) {
        let at = directory.display();
        report::note(&format!(
            "links that are opened inside may open outside: failed to write {at}: {error}"
        ));
        return Vec::new();
    }
    let data = [directory.clone()].into_iter().chain(directories::system());
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = directory.join(PROGRAMS);
    let paths = env::split_paths(&path).filter(|path| *path != ours);
    let paths = [ours.clone()].into_iter().chain(paths);
    let joined = [
        (SYSTEM, env::join_paths(data)),
        ("PATH", env::join_paths(paths)),
    ];
    // A home directory with a colon in its name has no place in such a list.
    let joined = joined.into_iter();
    joined
        .filter_map(|(name, value)| Some((name, value.ok()?)))
        .collect()
}

/// The program that one of our links stands for, if this process was called by one.
pub fn meant(called: &OsStr) -> Option<PathBuf> {
    env::var_os(NAME_VARIABLE)?;
    let name = Path::new(called).file_name()?;
    let link = directory()?.join(PROGRAMS).join(name);
    if !link.is_symlink() {
        return None;
    }
    programs::find(name.to_str()?)
}

/// Makes the directory anew if anything has changed since it was made.
fn refresh(directory: &Path) -> io::Result<()> {
    let program = crate::executable::own()?;
    let stamp = stamp(&program);
    let at = directory.join(STAMP);
    if fs::read_to_string(&at).is_ok_and(|there| there == stamp) {
        return Ok(());
    }
    let (entries, links) = (directory.join(APPLICATIONS), directory.join(PROGRAMS));
    for path in [&entries, &links] {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    }
    let recipes = Recipes::load();
    let mut kept = Vec::new();
    for (id, text) in shadows(&recipes, &program) {
        let name = OsString::from(id);
        put(&entries.join(&name), |new| fs::write(new, text.as_bytes()))?;
        kept.push(name);
    }
    forget_all_but(&entries, &kept)?;
    kept.clear();
    for name in recipes.programs().chain(ALIASES) {
        if programs::find(name).is_some() {
            put(&links.join(name), |new| symlink(&program, new))?;
            kept.push(name.into());
        }
    }
    forget_all_but(&links, &kept)?;
    // Last: a directory that is half made has none, or the old one.
    put(&at, |new| fs::write(new, stamp.as_bytes()))
}

/// Makes a file whole, or not at all: an app may be reading it, and another launch writing it.
fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut name = OsString::from(format!("{UNFINISHED}{}-", std::process::id()));
    name.push(path.file_name().unwrap_or_default());
    let new = path.with_file_name(name);
    // Of one that was interrupted.
    let _ = fs::remove_file(&new);
    make(&new)?;
    fs::rename(new, path)
}

fn forget_all_but(directory: &Path, kept: &[OsString]) -> io::Result<()> {
    for entry in fs::read_dir(directory)?.flatten() {
        let name = entry.file_name();
        let is_unfinished = name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        if !is_unfinished && !kept.contains(&name) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What the directory depends on, in one text: the program, and when the directories of entries
/// and of programs and the user's recipes were last changed.
fn stamp(program: &Path) -> String {
    let mut stamp = format!("{EDITION} {}\n", program.display());
    let entries = directories::of_this_process()
        .unwrap_or_default()
        .into_iter();
    let entries = entries.map(|path| path.join(APPLICATIONS));
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = directory().map(|directory| directory.join(PROGRAMS));
    let programs = env::split_paths(&path).filter(|path| Some(path) != ours.as_ref());
    for path in entries.chain(programs).chain(recipes::path()) {
        let changed = fs::metadata(&path).map_or((0, 0), |it| (it.mtime(), it.mtime_nsec()));
        // Writing to a String cannot fail.
        let _ = writeln!(stamp, "{} {}.{}", path.display(), changed.0, changed.1);
    }
    stamp
}

/// The entries to put before others, by their ids.
fn shadows(recipes: &Recipes, program: &Path) -> Vec<(String, String)> {
    let locales = Locales::of_this_process();
    let home = directories::home().unwrap_or_default().join(APPLICATIONS);
    let files = directories::files(&directories::of_this_process().unwrap_or_default());
    let mut shadows = Vec::new();
    for file in files.found {
        // The user's own come before all others, and so before ours.
        if file.path.starts_with(&home) {
            continue;
        }
        let Ok(entry) = Entry::read(&file.id, &file.path, &locales) else {
            continue;
        };
        if entry.is_snap || !(entry.is_activatable || has_recipe(recipes, &entry)) {
            continue;
        }
        let text = fs::read_to_string(&file.path).unwrap_or_default();
        if let Some(text) = shadow(&text, program, &file.path) {
            shadows.push((file.id, text));
        }
    }
    shadows
}

fn has_recipe(recipes: &Recipes, entry: &Entry) -> bool {
    let command = entry.exec.command(&entry.facts(), &[]).unwrap_or_default();
    let traits = handoff::traits(&command, &entry.origin());
    traits.is_some_and(|traits| recipes.find(&traits).is_some())
}

/// The same entry with other commands, and without the session bus.
fn shadow(text: &str, program: &Path, path: &Path) -> Option<String> {
    let (program, path) = (quoted(program)?, quoted(path)?);
    let mut action = String::new();
    let mut shadow = String::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Some(group) = line.trim().strip_prefix("[Desktop Action ") {
            action = format!(
                " --action {}",
                quoted(group.trim_end_matches(']').as_ref())?
            );
        }
        let key = line.split(['=', '[']).next().unwrap_or_default().trim();
        match key {
            "DBusActivatable" => {}
            "Exec" => {
                let code = code(line).unwrap_or_default();
                let _ = writeln!(shadow, "Exec={program} --open {path}{action}{code}");
            }
            _ => {
                shadow.push_str(line);
                shadow.push('\n');
            }
        }
    }
    Some(shadow)
}

/// The field code for files or addresses in a line, with a blank before it.
fn code(line: &str) -> Option<String> {
    let mut rest = line;
    while let Some(at) = rest.find('%') {
        let name = rest[at + 1..].chars().next()?;
        if "uUfF".contains(name) {
            return Some(format!(" %{name}"));
        }
        rest = &rest[at + 1 + name.len_utf8()..];
    }
    None
}

/// A word for an Exec line; `None` for one that would have to be escaped in ways that readers of
/// entries do not agree on. Quotes only where they are needed: `xdg-open` takes them for letters.
fn quoted(word: &Path) -> Option<String> {
    let word = word.to_str()?.replace('%', "%%");
    let plain = |c: char| c.is_alphanumeric() || "/._-+@,:%".contains(c);
    if word.chars().all(plain) {
        return Some(word);
    }
    let awkward = |c: char| "\"`$\\".contains(c) || c.is_control();
    (!word.contains(awkward)).then(|| format!("\"{word}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_the_entry_with_other_commands() {
        let text = "[Desktop Entry]\nName=A\nExec=a --x=%% %u\nDBusActivatable=true\nIcon=i\n\
            [Desktop Action new]\nName=N\nExec = a --new\n";
        let expected = "[Desktop Entry]\nName=A\nExec=/v --open \"/a b.desktop\" %u\nIcon=i\n\
            [Desktop Action new]\nName=N\nExec=/v --open \"/a b.desktop\" --action new\n";
        let shadow = shadow(text, Path::new("/v"), Path::new("/a b.desktop"));
        assert_eq!(shadow.unwrap(), expected);
        assert_eq!(quoted(Path::new("/a$b")), None);
        assert_eq!(quoted(Path::new("/100%")).unwrap(), "/100%%");
    }
}
