//! A translation as it is in the tree: what is to be translated, and what became of it.

use std::fs;
use std::path::{Path, PathBuf};

/// The tree's directory of translations.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../po")
}

/// One text, with its forms.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// What stands in the source: the only form, or the one for 1 and the one for many.
    pub source: Vec<String>,
    /// What it became, in as many forms as the language has.
    pub translation: Vec<String>,
}

/// A whole `.po` or `.pot` file; its header comes first.
pub fn read(name: &str) -> Vec<Entry> {
    let path = directory().join(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("\n\n")
        .map(entry)
        .filter(|it| !it.source.is_empty())
        .collect()
}

fn entry(block: &str) -> Entry {
    let mut entry = Entry::default();
    let mut last = None;
    for line in block.lines().filter(|it| !it.starts_with('#')) {
        let (word, rest) = line.split_once('"').unwrap();
        let text = unescaped(rest.strip_suffix('"').unwrap());
        let is_source = match word.trim() {
            "" => last,
            "msgctxt" => None,
            it if it.starts_with("msgid") => Some(true),
            _ => Some(false),
        };
        let Some(of_source) = is_source else {
            last = None;
            continue;
        };
        let texts = if of_source {
            &mut entry.source
        } else {
            &mut entry.translation
        };
        if word.trim().is_empty() {
            texts.last_mut().unwrap().push_str(&text);
        } else {
            texts.push(text);
        }
        last = is_source;
    }
    entry
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}

/// The languages, as in `po/LINGUAS`.
pub fn languages() -> Vec<String> {
    let text = fs::read_to_string(directory().join("LINGUAS")).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}
