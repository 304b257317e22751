//! All recipes: those that are built in, with the user's on top, and which of them is whose.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::recipe::Recipe;
use crate::instance::directory;
use crate::{report, text_file};

/// The recipes of `data/recipes.toml`.
const BUILT_IN: &str = include_str!("../../../data/recipes.toml");
/// The user's, below the directory of configurations.
const OWN: &str = "vpnns/recipes.toml";

/// What is known of an application before it is started.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    /// The id of its entry, without the suffix.
    pub entry: Option<String>,
    /// The class of its windows.
    pub class: Option<String>,
    /// The Flatpak that it is.
    pub flatpak: Option<String>,
    /// What its program may be called, without the directory; the best name first.
    pub programs: Vec<String>,
}

/// Every recipe with its name, the user's first.
#[derive(Debug)]
pub struct Recipes(Vec<(String, Recipe)>);

impl Recipes {
    /// Those that are in force. What is wrong with the user's file costs a note and no launch.
    pub fn load() -> Self {
        let (own, notes) = own();
        let (recipes, more) = Self::merge(&own);
        for note in notes.iter().chain(&more) {
            report::note(note);
        }
        recipes
    }

    /// Whether one may be about a program, which is cheaper to say than which. Most are not.
    pub fn may_know(program: &str) -> bool {
        let quoted = [format!("\"{program}\""), format!("'{program}'")];
        let has = |text: &[u8]| {
            let mut forms = quoted.iter();
            forms.any(|form| memchr::memmem::find(text, form.as_bytes()).is_some())
        };
        // Not fs::read: a pipe that nobody writes to would keep every program from starting.
        let own = || text_file::read_bytes(&path()?).ok();
        has(BUILT_IN.as_bytes()) || own().is_some_and(|text| has(&text))
    }

    /// The built-in ones with these tables on top, and what cannot be used of them.
    fn merge(own: &Table) -> (Self, Vec<String>) {
        let built_in: Table = BUILT_IN.parse().unwrap_or_default();
        let (mut first, mut rest, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, changes) in own {
            let base = built_in.get(name).cloned();
            let merged = match (base, changes) {
                (Some(Value::Table(mut base)), Value::Table(changes)) => {
                    base.extend(changes.clone());
                    Value::Table(base)
                }
                _ => changes.clone(),
            };
            match merged.try_into() {
                Ok(recipe) => first.push((name.clone(), recipe)),
                Err(error) => notes.push(format!(
                    "the recipe [{name}] in {} is left out: {}",
                    shown(),
                    error.message()
                )),
            }
        }
        for (name, table) in built_in {
            let is_replaced = first.iter().any(|(known, _)| *known == name);
            if let (false, Ok(recipe)) = (is_replaced, table.try_into()) {
                rest.push((name, recipe));
            }
        }
        first.extend(rest);
        (Self(first), notes)
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&Recipe> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, recipe)| recipe)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All programs that some recipe is about.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let all = self.0.iter().flat_map(|(_, recipe)| &recipe.programs);
        all.map(String::as_str)
    }

    /// The one for an application. What a Flatpak's program is called says nothing: it is `flatpak`.
    pub fn find(&self, traits: &Traits) -> Option<&Recipe> {
        let fits = |recipe: &Recipe| {
            let is_in = |list: &[String], word: &Option<String>| {
                word.as_ref().is_some_and(|word| list.contains(word))
            };
            if traits.flatpak.is_some() {
                return is_in(&recipe.flatpaks, &traits.flatpak);
            }
            is_in(&recipe.entries, &traits.entry)
                || is_in(&recipe.classes, &traits.class)
                || traits
                    .programs
                    .iter()
                    .any(|it| recipe.programs.contains(it))
        };
        let found = self.0.iter().find(|(_, recipe)| fits(recipe));
        found.map(|(_, recipe)| recipe)
    }
}

/// The user's tables, and what is wrong with their file.
fn own() -> (Table, Vec<String>) {
    let Some(path) = path() else {
        return (Table::new(), Vec::new());
    };
    let unusable = |reason: String| {
        let note = format!("{} is left out: {reason}", path.display());
        (Table::new(), vec![note])
    };
    let bytes = match text_file::read_bytes(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return (Table::new(), Vec::new()),
        Err(error) => return unusable(error.to_string()),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return unusable("it is not a text".to_owned());
    };
    match text.parse() {
        Ok(table) => (table, Vec::new()),
        Err(error) => {
            let error: toml::de::Error = error;
            let at = error.span().map_or(0, |span| span.start);
            let line = text[..at.min(text.len())].lines().count().max(1);
            unusable(format!("line {line}: {}", error.message()))
        }
    }
}

/// Where the user's recipes are.
pub fn path() -> Option<PathBuf> {
    let set = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let configuration = match set.filter(|path| path.is_absolute()) {
        Some(path) => path,
        None => directory::home().ok()?.join(".config"),
    };
    Some(configuration.join(OWN))
}

fn shown() -> String {
    let path = path();
    let path = path.as_deref().unwrap_or(Path::new(OWN));
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(program: &str) -> Traits {
        Traits {
            programs: vec![program.to_owned()],
            ..Traits::default()
        }
    }

    #[test]
    fn every_built_in_recipe_is_valid_and_no_two_are_about_the_same() {
        let built_in: Table = BUILT_IN.parse().unwrap();
        let mut seen = std::collections::HashSet::new();
        for (name, table) in built_in {
            let recipe: Recipe = table
                .try_into()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            for what in recipe
                .programs
                .iter()
                .chain(&recipe.flatpaks)
                .chain(&recipe.entries)
            {
                assert!(seen.insert(what.clone()), "{what} is in two recipes");
                assert!(Recipes::may_know(what), "{what}");
            }
            assert_eq!(recipe.has_profile(), !recipe.chosen_by.is_empty(), "{name}");
            let does = recipe.has_profile()
                || !recipe.arguments.is_empty()
                || !recipe.names.is_empty()
                || recipe.session_bus != crate::isolation::services::SessionBus::Shared
                || recipe.running.is_some()
                || recipe.refuse.is_some();
            assert!(does, "[{name}] does nothing");
        }
    }

    #[test]
    fn the_users_keys_replace_and_his_recipes_come_first() {
        let own = "[firefox]\nprograms = ['foxy']\n[mine]\nprograms = ['chromium']\n\
                   arguments = ['-x']\n";
        let (recipes, notes) = Recipes::merge(&own.parse().unwrap());
        assert_eq!(notes, [""; 0]);
        assert!(recipes.find(&traits("firefox")).is_none());
        let foxy = recipes.find(&traits("foxy")).unwrap();
        assert_eq!(foxy.profile, ["--profile", "{profile}"]);
        assert_eq!(recipes.find(&traits("chromium")).unwrap().arguments, ["-x"]);
    }

    #[test]
    fn a_recipe_that_is_wrong_leaves_the_others_and_the_built_in_one() {
        let own = "[firefox]\nprograms = 3\n[x]\nno-such-key = 1\n[y]\nprograms = ['y']\n";
        let (recipes, notes) = Recipes::merge(&own.parse().unwrap());
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("[firefox]"), "{notes:?}");
        assert!(recipes.find(&traits("firefox")).unwrap().has_profile());
        assert!(recipes.find(&traits("y")).is_some());
    }
}
