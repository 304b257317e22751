//! What is wrong with somebody else's configuration, and where: `file:line:column: sentence`.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: Rc<Path>,
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{}:{line}:{column}", file.display())
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, in a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault with its remedy.
    pub fn new(place: &Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// Something that is left out of a configuration, or that its user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What it is about.
    pub subject: Subject,
    /// A sentence.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A command that somebody may miss, and that is never run.
    Command,
    /// A password that is not taken over.
    Secret,
    /// An option that has no meaning here.
    LeftOut,
    /// Something that is kept, and worth a look.
    Kept,
}

/// Something from a file, short enough and plain enough for a sentence on a terminal.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(LONGEST).map(plain).collect();
    if shown.len() < text.len() && text.chars().count() > LONGEST {
        shown.push_str("...");
    }
    shown
}
