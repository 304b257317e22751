//! A recipe: how one kind of application is kept from handing a launch over to a copy outside.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use serde::Deserialize;

use super::argument::Argument;
use crate::isolation::services::SessionBus;

/// What stands for the directory of the profile in arguments and variables.
const PROFILE: &str = "{profile}";
/// The same as a URL.
const PROFILE_URL: &str = "{profile-url}";

/// One table of the file. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Programs that it is for, without their directories.
    pub programs: Vec<String>,
    /// Launcher entries that it is for, without their suffix.
    pub entries: Vec<String>,
    /// Flatpaks that it is for.
    pub flatpaks: Vec<String>,
    /// Window classes of entries that it is for (`StartupWMClass`).
    pub classes: Vec<String>,
    /// The arguments that choose a profile.
    pub profile: Vec<String>,
    /// The name of the profile's directory, where several programs are one application.
    pub directory: Option<String>,
    /// Options with which somebody has chosen a profile already.
    pub chosen_by: Vec<String>,
    /// Arguments that are always given.
    pub arguments: Vec<String>,
    /// Variables that are always set.
    pub environment: BTreeMap<String, String>,
    /// Which session bus it gets.
    pub session_bus: SessionBus,
    /// Names on the session bus by which a copy that runs is found.
    pub names: Vec<String>,
    /// A file with the number of the process that takes launches over.
    pub running: Option<String>,
    /// Why it is not started at all: the rest of a sentence that begins with its name.
    pub refuse: Option<String>,
    /// What to do instead.
    pub hint: Option<String>,
}

impl Recipe {
    /// Whether it can give its application a profile of its own.
    pub fn has_profile(&self) -> bool {
        let mut values = self.environment.values();
        !self.profile.is_empty() || values.any(|value| is_about_profile(value))
    }

    /// Whether the words that follow the program choose a profile.
    pub fn is_chosen(&self, words: &[OsString]) -> bool {
        let chooses = |word: &OsString| {
            let word = word.as_bytes();
            self.chosen_by.iter().any(|option| {
                let rest = word.strip_prefix(option.as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
            })
        };
        words.iter().any(chooses)
    }

    /// The words to put between the program and its own; a profile's only if there is one.
    pub fn words(&self, profile: Option<&Path>, after: &[OsString]) -> Vec<OsString> {
        let always = self.arguments.iter().map(OsString::from);
        let always = always.filter(|word| !after.contains(word));
        let chosen = profile.into_iter().flat_map(|directory| {
            let words = self.profile.iter();
            words.map(move |word| fill(word, directory))
        });
        chosen.chain(always).collect()
    }

    /// The variables to set.
    pub fn variables(&self, profile: Option<&Path>) -> Vec<(String, OsString)> {
        let variables = self.environment.iter().filter_map(|(name, value)| {
            let value = match profile {
                Some(directory) => fill(value, directory),
                None if is_about_profile(value) => return None,
                None => value.into(),
            };
            Some((name.clone(), value))
        });
        variables.collect()
    }
}

fn is_about_profile(text: &str) -> bool {
    text.contains(PROFILE) || text.contains(PROFILE_URL)
}

fn fill(text: &str, directory: &Path) -> OsString {
    let url = Argument::File(directory.to_owned()).url();
    let text = replace(text.as_bytes(), PROFILE, directory.as_os_str());
    OsString::from_vec(replace(&text, PROFILE_URL, &url))
}

/// A path may have bytes that no text has.
fn replace(bytes: &[u8], word: &str, by: &OsStr) -> Vec<u8> {
    let Some(at) = memchr::memmem::find(bytes, word.as_bytes()) else {
        return bytes.to_owned();
    };
    let after = replace(&bytes[at + word.len()..], word, by);
    [&bytes[..at], by.as_bytes(), &after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(Into::into).collect()
    }

    #[test]
    fn a_profile_that_somebody_has_chosen_is_recognised() {
        let recipe = Recipe {
            chosen_by: vec!["-P".into(), "--user-data-dir".into()],
            ..Recipe::default()
        };
        for (given, chosen) in [
            (&["-P", "work"][..], true),
            (&["x", "--user-data-dir=/x"], true),
            (&["--user-data-dir", "/x"], true),
            (&["-Print", "--user-data-directory"], false),
            (&[], false),
        ] {
            assert_eq!(recipe.is_chosen(&words(given)), chosen, "{given:?}");
        }
    }

    #[test]
    fn places_are_filled_and_what_is_about_a_profile_needs_one() {
        let recipe: Recipe = toml::from_str(
            "profile = ['-env:X={profile-url}', '--in={profile}']\narguments = ['--own']\n\
             environment = { A = 'x', B = '{profile}/b' }",
        )
        .unwrap();
        let directory = Path::new("/a b");
        let all = ["-env:X=file:///a%20b", "--in=/a b", "--own"];
        assert_eq!(recipe.words(Some(directory), &[]), all);
        assert_eq!(recipe.words(None, &words(&["--own"])), [""; 0]);
        let names = |profile| recipe.variables(profile).len();
        assert_eq!((names(None), names(Some(directory))), (1, 2));
        assert!(recipe.has_profile());
    }
}
