//! Sections and `key = value` lines: the form that wg-quick and NetworkManager share.

use std::path::Path;
use std::rc::Rc;

use crate::client::fault::{Fault, Place, shown};

/// A section and its lines.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
}

/// One line.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// Where the key stands.
    pub(super) place: Place,
    /// Where the value stands.
    pub(super) value_place: Place,
}

impl Section {
    /// The value of a key, the last one if there are several.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        let mut entries = self.entries.iter().rev();
        entries.find(|entry| entry.key == key)
    }

    /// Its text, unless it is empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let value = self.get(key)?.value.as_str();
        (!value.is_empty()).then_some(value)
    }
}

impl Entry {
    /// A fault of the value.
    pub(super) fn fault(&self, message: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault::new(&self.value_place, message, hint)
    }
}

/// Reads the lines. With `trailing_comments`, a `#` anywhere ends a line, as wg-quick has it.
pub(super) fn read(
    text: &str,
    source: &Path,
    trailing_comments: bool,
) -> Result<Vec<Section>, Fault> {
    let file: Rc<Path> = source.into();
    let mut sections: Vec<Section> = Vec::new();
    for (full, line) in text.lines().zip(1..) {
        let cut = full.find('#').filter(|_| trailing_comments);
        let told = &full[..cut.unwrap_or(full.len())];
        let trimmed = told.trim();
        let place = |part: &str| {
            // `part` is a piece of the line: how far in it begins.
            let offset = part.as_ptr() as usize - full.as_ptr() as usize;
            Place {
                file: Rc::clone(&file),
                line,
                column: full.get(..offset).unwrap_or_default().chars().count() + 1,
            }
        };
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']') else {
                let hint = "close the bracket, as in [Interface]";
                return Err(Fault::new(&place(trimmed), "the heading has no end", hint));
            };
            sections.push(Section {
                name: name.trim().to_owned(),
                place: place(trimmed),
                entries: Vec::new(),
            });
            continue;
        }
        let Some((key, value)) = trimmed.split_once('=') else {
            let message = format!(
                "{:?} is neither a heading nor \"key = value\"",
                shown(trimmed)
            );
            let hint = "remove the line, or comment it out with #";
            return Err(Fault::new(&place(trimmed), message, hint));
        };
        let Some(section) = sections.last_mut() else {
            let message = format!("{:?} stands before the first heading", shown(key.trim()));
            return Err(Fault::new(&place(trimmed), message, "move it below one"));
        };
        section.entries.push(Entry {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            place: place(trimmed),
            value_place: place(value.trim()),
        });
    }
    Ok(sections)
}

/// A value of a GLib key file without its escapes.
pub(super) fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some('s') => text.push(' '),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// The items of a list, separated by any of these.
pub(super) fn items<'a>(value: &'a str, separators: &'a [char]) -> impl Iterator<Item = &'a str> {
    value
        .split(separators)
        .map(str::trim)
        .filter(|item| !item.is_empty())
}
