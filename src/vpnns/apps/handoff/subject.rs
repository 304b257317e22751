//! What a command starts: the program behind `env`, or the Flatpak.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use super::{Handling, Origin};
use crate::apps::programs::{self, Obstacle};
use crate::apps::recipe::Recipe;
use crate::apps::recipes::{Recipes, Traits};
use crate::isolation::command;

/// Where Flatpak puts a command for each application.
const EXPORTS: &str = "flatpak/exports/bin";

/// What a command starts.
#[derive(Debug)]
pub(super) struct Subject {
    /// What recipes may know it by.
    pub(super) traits: Traits,
    /// What it is called in sentences.
    pub(super) label: String,
    /// Where in the command the application is named; its own words follow.
    pub(super) at: usize,
    /// Whether that place is the program's, and not an id behind it.
    pub(super) is_program: bool,
    is_entry: bool,
    /// Whether it cannot run in an instance at all.
    pub(super) is_snap: bool,
}

impl Subject {
    /// `None` where it cannot be said what a command starts.
    pub(super) fn of(words: &[OsString], entry: Option<&Origin>) -> Option<Self> {
        let mut at = 0;
        if base(words.first()?) == "env" {
            let sets = |word: &OsString| {
                word.to_str()
                    .is_some_and(|it| it.contains('=') && !it.starts_with('-'))
            };
            at = 1 + words[1..].iter().position(|word| !sets(word))?;
        }
        let program = words.get(at)?;
        let mut traits = Traits {
            entry: entry.map(|entry| entry.id.clone()),
            class: entry.and_then(|entry| entry.class.clone()),
            ..Traits::default()
        };
        let behind = base(program) == "flatpak" && words.get(at + 1).is_some_and(|it| it == "run");
        if behind {
            let mut rest = words[at + 2..].iter();
            let found = rest.position(|word| !word.as_encoded_bytes().starts_with(b"-"))?;
            at += 2 + found;
            // A branch may follow: org.example.App//stable.
            let id = words[at].to_str()?.split('/').next()?;
            traits.flatpak = Some(id.to_owned());
        }
        let path = program.to_str().and_then(programs::find);
        let path = path.as_deref();
        if path.is_some_and(|path| path.parent().is_some_and(|it| it.ends_with(EXPORTS))) {
            traits.flatpak = Some(base(program).to_owned());
        }
        traits.programs = names(program, path);
        let label = match (&traits.flatpak, entry) {
            (Some(id), _) => id.clone(),
            (None, Some(entry)) => entry.id.clone(),
            (None, None) => command::program_name(program),
        };
        Some(Self {
            traits,
            label,
            at,
            is_program: !behind,
            is_entry: entry.is_some(),
            is_snap: path.is_some_and(is_snap),
        })
    }

    /// Whether it is worth a closer look: most commands are not about a desktop at all.
    pub(super) fn may_be_known(&self, handling: &Handling) -> bool {
        self.is_entry
            || handling.recipe.is_some()
            || handling.own_profile.is_some()
            || self.traits.flatpak.is_some()
            || self.is_snap
            || self.traits.programs.iter().any(|it| Recipes::may_know(it))
    }

    /// The name of the directory in which it has its profiles.
    pub(super) fn place(&self, recipe: &Recipe) -> String {
        if let Some(name) = &recipe.directory {
            return name.clone();
        }
        let mut programs = self.traits.programs.iter();
        let known = programs.find(|it| recipe.programs.contains(it));
        let first = || self.traits.programs.first();
        known.or_else(first).unwrap_or(&self.label).clone()
    }
}

/// The last part of a program's path.
fn base(program: &OsStr) -> &str {
    let name = Path::new(program).file_name().and_then(OsStr::to_str);
    name.unwrap_or_default()
}

/// What a program is called: by the file that it is, and as it was called. Distributions have
/// links such as `x-www-browser`.
fn names(program: &OsStr, path: Option<&Path>) -> Vec<String> {
    let link = path.filter(|path| path.is_symlink());
    let target = link.and_then(|path| fs::canonicalize(path).ok());
    let target = target.iter().map(|path| base(path.as_os_str()));
    let names = target.chain([base(program)]);
    let names = names.filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Only links are: to look where every program leads would cost every start.
fn is_snap(path: &Path) -> bool {
    let name = path.to_str().unwrap_or_default();
    (path.is_symlink() || path.starts_with("/snap"))
        && programs::obstacle(name, Some(path)) == Some(Obstacle::Snap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(line: &str) -> Option<(String, usize)> {
        let command: Vec<OsString> = line.split(' ').map(Into::into).collect();
        Subject::of(&command, None).map(|it| (it.label, it.at))
    }

    #[test]
    fn the_application_is_found_behind_env_and_flatpak() {
        for (line, label, at) in [
            ("/opt/x/app -a", "app", 0),
            ("env A=1 B=2 app -a", "app", 3),
            ("flatpak run org.a.B x", "org.a.B", 2),
            (
                "flatpak run --branch=x --command=b org.a.B//stable @@u %U",
                "org.a.B",
                4,
            ),
            ("flatpak list", "flatpak", 0),
        ] {
            assert_eq!(subject(line), Some((label.to_owned(), at)), "{line}");
        }
        assert_eq!(subject("env A=1"), None);
        assert_eq!(subject("flatpak run --help"), None);
    }
}
