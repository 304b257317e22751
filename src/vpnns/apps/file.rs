//! The text of an entry: its groups, and of each key the value in the best language.
//!
//! What a line is, group or key or comment, is told by `freedesktop-desktop-entry`. Its own
//! reading of whole files is not used: it waits for a pipe that nobody writes to, reads files of
//! any size, gives up an entry for one value with `\;` in it (which lists may have), and knows
//! neither the locale's variables nor modifiers. Nor is its reading of Exec, which leaves codes
//! within a word and `%%` alone and hands URLs to programs that take files.

use freedesktop_desktop_entry::{Line, parse_line};

use super::locale::Locales;

/// The group that makes a file an entry.
const ENTRY: &str = "Desktop Entry";
/// What the group of an action is called, before the action's own name.
const ACTION: &str = "Desktop Action ";

/// Why a text is no entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line is neither group, key nor comment.
    #[error("line {0} is neither a group nor a key with a value")]
    Line(usize),
    /// The group that makes it an entry is not there, or not the first.
    #[error("it does not begin with the group [{ENTRY}]")]
    NoEntry,
}

/// One text, as far as entries go. What belongs to other programs is not kept.
#[derive(Debug)]
pub struct File<'text> {
    entry: Group<'text>,
    actions: Vec<(&'text str, Group<'text>)>,
}

/// The keys of one group, each once, still written as in the file.
#[derive(Debug, Default)]
pub struct Group<'text>(Vec<Value<'text>>);

#[derive(Debug)]
struct Value<'text> {
    key: &'text str,
    /// How far from the best language; the untranslated value is the farthest.
    rank: usize,
    raw: &'text str,
}

enum Place {
    Before,
    Entry,
    Action(usize),
    Elsewhere,
}

impl<'text> File<'text> {
    /// Reads a text.
    pub fn parse(text: &'text str, locales: &Locales) -> Result<Self, Error> {
        let mut file = Self {
            entry: Group::default(),
            actions: Vec::new(),
        };
        let mut place = Place::Before;
        for (index, line) in lines(text).enumerate() {
            match parse_line(line).map_err(|_| Error::Line(index + 1))? {
                Line::Comment(_) => {}
                Line::Group(name) => place = file.place(name, &place)?,
                Line::Entry(key, raw) => match place {
                    Place::Before => return Err(Error::NoEntry),
                    Place::Entry => file.entry.add(key, raw, locales),
                    Place::Action(index) => file.actions[index].1.add(key, raw, locales),
                    Place::Elsewhere => {}
                },
            }
        }
        match place {
            Place::Before => Err(Error::NoEntry),
            _ => Ok(file),
        }
    }

    fn place(&mut self, name: &'text str, before: &Place) -> Result<Place, Error> {
        if name == ENTRY {
            return Ok(Place::Entry);
        }
        if matches!(before, Place::Before) {
            return Err(Error::NoEntry);
        }
        let Some(action) = name.strip_prefix(ACTION) else {
            return Ok(Place::Elsewhere);
        };
        let known = self.actions.iter().position(|(known, _)| *known == action);
        Ok(Place::Action(known.unwrap_or_else(|| {
            self.actions.push((action, Group::default()));
            self.actions.len() - 1
        })))
    }

    /// The entry's own keys.
    pub fn entry(&self) -> &Group<'text> {
        &self.entry
    }

    /// The keys of an action.
    pub fn action(&self, name: &str) -> Option<&Group<'text>> {
        let mut actions = self.actions.iter();
        let found = actions.find(|(known, _)| *known == name);
        found.map(|(_, group)| group)
    }
}

impl<'text> Group<'text> {
    fn add(&mut self, key: &'text str, raw: &'text str, locales: &Locales) {
        let key = key.trim_end();
        let (key, rank) = match locale_of(key) {
            None => (key, usize::MAX),
            Some((key, locale)) => match locales.rank(locale) {
                Some(rank) => (key, rank),
                None => return,
            },
        };
        let value = Value {
            key,
            rank,
            raw: raw.trim(),
        };
        match self.0.iter_mut().find(|known| same(known.key, key)) {
            // The last of two alike counts, as in the desktops' libraries.
            Some(known) if rank <= known.rank => *known = value,
            Some(_) => {}
            None => self.0.push(value),
        }
    }

    fn raw(&self, key: &str) -> Option<&'text str> {
        let found = self.0.iter().find(|value| value.key == key);
        found.map(|value| value.raw)
    }

    /// A value as it is meant.
    pub fn string(&self, key: &str) -> Option<String> {
        self.raw(key).map(unescape)
    }

    /// The same, where an empty one says nothing.
    pub fn filled(&self, key: &str) -> Option<String> {
        self.string(key).filter(|value| !value.is_empty())
    }

    /// Whether a switch is on.
    pub fn is_true(&self, key: &str) -> bool {
        // A number is what entries of the nineties have.
        matches!(self.raw(key), Some("true" | "1"))
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// The values of a list, empty ones left out.
    pub fn list(&self, key: &str) -> Vec<String> {
        let Some(raw) = self.raw(key) else {
            return Vec::new();
        };
        if !raw.contains('\\') {
            let items = raw.split(';').filter(|item| !item.is_empty());
            return items.map(str::to_owned).collect();
        }
        let mut items = vec![String::new()];
        let mut escaped = false;
        for c in raw.chars() {
            match (c, items.last_mut()) {
                (';', _) if !escaped => items.push(String::new()),
                (c, Some(item)) => item.push(c),
                (_, None) => {}
            }
            escaped = c == '\\' && !escaped;
        }
        let items = items.iter().map(|item| unescape(item));
        items.filter(|item| !item.is_empty()).collect()
    }
}

/// The lines of a text. Bytes and not characters are looked for, here and below: an entry has a
/// hundred translations, and that is where the time goes.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut begin = 0;
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    ends.chain([text.len()]).map(move |end| {
        let line = &text[begin..end];
        begin = end + 1;
        match line.as_bytes() {
            [.., b'\r'] => &line[..line.len() - 1],
            _ => line,
        }
    })
}

/// A key and the locale behind it.
fn locale_of(key: &str) -> Option<(&str, &str)> {
    let [most @ .., b']'] = key.as_bytes() else {
        return None;
    };
    let at = memchr::memchr(b'[', most)?;
    Some((&key[..at], &key[at + 1..key.len() - 1]))
}

/// Whether two short words are the same; a call of memcmp(3) costs more than the first letter.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().eq(other.bytes())
}

/// Undoes what the format does to white space and backslashes. An unknown escape is left as it
/// is: programs write them, and the desktops differ in what they make of it.
fn unescape(raw: &str) -> String {
    if !raw.contains('\\') {
        return raw.to_owned();
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('s') => text.push(' '),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(c @ ('\\' | ';')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(lines: &str) -> Group<'static> {
        let text = format!("[Desktop Entry]\n{lines}\n");
        File::parse(text.leak(), &Locales::default()).unwrap().entry
    }

    #[test]
    fn values_are_unescaped_and_unknown_escapes_kept() {
        let group = group(r"A = a\sb\tc\nd\re\\f\;g\$h\");
        assert_eq!(group.string("A").unwrap(), "a b\tc\nd\re\\f;g\\$h\\");
    }

    #[test]
    fn a_list_ends_with_or_without_its_separator_and_may_hold_it() {
        let group = group("A=x;y z;\nB=x\\;y;;z\nC=\nD=;");
        assert_eq!(group.list("A"), ["x", "y z"]);
        assert_eq!(group.list("B"), ["x;y", "z"]);
        assert_eq!(group.list("C"), [""; 0]);
        assert_eq!(group.list("D"), [""; 0]);
        assert_eq!(group.list("E"), [""; 0]);
    }

    #[test]
    fn the_last_of_two_alike_counts_and_groups_of_one_name_are_one() {
        let text = "[Desktop Entry]\nA=1\nA=2\n[Other]\nA=3\n[Desktop Entry]\nB=4\n";
        let file = File::parse(text, &Locales::default()).unwrap();
        assert_eq!(file.entry().string("A").unwrap(), "2");
        assert_eq!(file.entry().string("B").unwrap(), "4");
    }

    #[test]
    fn what_is_no_entry_is_told_with_its_line() {
        for (text, error) in [
            ("", Error::NoEntry),
            ("# only a comment\n", Error::NoEntry),
            ("Name=x\n", Error::NoEntry),
            ("[Other]\nName=x\n[Desktop Entry]\n", Error::NoEntry),
            ("[Desktop Entry\nName=x\n", Error::Line(1)),
            ("[Desktop Entry]\n\nsomething\n", Error::Line(3)),
            ("[Desktop Entry]\n=x\n", Error::Line(2)),
        ] {
            let parsed = File::parse(text, &Locales::default());
            assert_eq!(parsed.err(), Some(error), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[Desktop Entry\\]\n)?([A-Z\\[\\]=;\\\\ ä%\"]{0,20}\n){0,9}") {
            if let Ok(file) = File::parse(&text, &Locales::default()) {
                file.entry().list("A");
                file.entry().string("A");
            }
        }
    }
}
