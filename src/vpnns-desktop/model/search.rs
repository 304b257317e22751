//! Finding an application by what a person types.

use std::path::Path;

use gtk::glib;
use vpnns_protocol::app::Entry;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    whole: String,
    words: Vec<String>,
}

impl Query {
    /// Takes what was typed.
    pub fn new(text: &str) -> Self {
        let whole = fold(text.trim());
        let words = whole.split_whitespace().map(str::to_owned).collect();
        Self { whole, words }
    }

    /// Whether everything is looked for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// An application's texts, as they are compared.
#[derive(Debug)]
pub struct Searched {
    name: String,
    /// Executable, kind and keywords: what people call it.
    known_as: String,
    /// What it is for, and its id.
    rest: String,
}

impl Searched {
    /// The texts of an entry.
    pub fn of(entry: &Entry) -> Self {
        let program = Path::new(&entry.executable).file_name();
        let program = program.unwrap_or_default().to_string_lossy();
        let kind = entry.generic_name.as_deref().unwrap_or_default();
        let keywords = entry.keywords.iter().map(String::as_str);
        let known_as: Vec<&str> = [&*program, kind].into_iter().chain(keywords).collect();
        let comment = entry.comment.as_deref().unwrap_or_default();
        Self {
            name: fold(&entry.name),
            known_as: fold(&known_as.join("\n")),
            rest: fold(&format!("{comment}\n{}", entry.id)),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How well the application is what is looked for, best is smallest; nothing if it is not.
    pub fn rank(&self, query: &Query) -> Option<u8> {
        let each = |found: &dyn Fn(&str) -> bool| query.words.iter().all(|word| found(word));
        let begins = |word: &str| begins_word(&self.name, word);
        if self.name.starts_with(&query.whole) {
            return Some(0);
        }
        if each(&begins) {
            return Some(1);
        }
        if each(&|word| self.name.contains(word)) {
            return Some(2);
        }
        if each(&|word| begins(word) || begins_word(&self.known_as, word)) {
            return Some(3);
        }
        let texts = [&self.name, &self.known_as, &self.rest];
        each(&|word| texts.iter().any(|text| text.contains(word))).then_some(4)
    }
}

/// Whether one of the words of a text begins like this.
fn begins_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|character| !character.is_alphanumeric())
    })
}

/// A text without what a person leaves out in a search: capitals and accents.
fn fold(text: &str) -> String {
    const COMBINING: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let text = glib::normalize(text, glib::NormalizeMode::All);
    let plain = text
        .chars()
        .filter(|character| !COMBINING.contains(character));
    plain.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(name: &str, executable: &str, keywords: &[&str]) -> Searched {
        Searched::of(&Entry {
            id: format!("org.example.{name}.desktop"),
            name: name.into(),
            generic_name: Some("Web Browser".into()),
            comment: Some("Look at pages".into()),
            icon: None,
            keywords: keywords.iter().map(|it| (*it).to_owned()).collect(),
            executable: executable.into(),
            categories: vec![],
            terminal: false,
            actions: vec![],
            startup_wm_class: None,
            path: String::new(),
        })
    }

    #[test]
    fn the_start_of_the_name_is_better_than_any_other_place() {
        let app = searched("Text Editor", "/usr/bin/gedit", &["Notes"]);
        let ranks = [
            "text", "te", "edi", "tor", "gedit", "notes", "web", "pages", "zzz",
        ];
        let ranks = ranks.map(|text| app.rank(&Query::new(text)));
        let expected = [0, 0, 1, 2, 3, 3, 3, 4].map(Some);
        assert_eq!(ranks[..8], expected);
        assert_eq!(ranks[8], None);
    }

    #[test]
    fn every_word_has_to_be_somewhere_in_any_order() {
        let app = searched("Firefox", "firefox-esr", &["WWW"]);
        let found = |text| app.rank(&Query::new(text)).is_some();
        assert!(found("browser fire") && found(" WWW  web") && found(""));
        assert!(!found("fire chrome"));
    }

    #[test]
    fn accents_and_capitals_do_not_matter() {
        let app = searched("Éditeur Über", "x", &[]);
        assert_eq!(app.rank(&Query::new("EDIT")), Some(0));
        assert_eq!(app.rank(&Query::new("uber")), Some(1));
        assert_eq!(app.rank(&Query::new("Édi")), Some(0));
    }

    #[test]
    fn the_directory_of_a_program_is_no_word_of_it() {
        let app = searched("Viewer", "/opt/firefox/view", &[]);
        assert_eq!(app.rank(&Query::new("opt")), None);
    }
}
