//! Names of instances: validated before they become paths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name used when none is given, as in the original's manual.
pub const DEFAULT: &str = "default";

/// Longest name, in bytes: `.vpnns-` and the name together stay far below NAME_MAX (255), and a
/// name still fits into a window title or a table column.
pub const MAX_LEN: usize = 64;

/// The identifier of an instance: one to 64 characters that are safe in a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName(String);

/// Why a text is no instance name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("an instance name must not be empty")]
    Empty,
    /// The text has more than [`MAX_LEN`] bytes.
    #[error("the instance name is {0} bytes long; the longest allowed is {MAX_LEN}")]
    TooLong(usize),
    /// The text has a character that could not stand in a file name everywhere.
    #[error("the instance name {name:?} contains {character:?}")]
    BadCharacter {
        /// The text as given.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// The text starts with a dot or a dash.
    #[error("the instance name {0:?} starts with a dot or a dash")]
    BadStart(String),
}

impl NameError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "use letters, digits, '.', '_', '@', '+' and '-', starting with a letter or a digit"
    }
}

impl InstanceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for InstanceName {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InstanceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(NameError::TooLong(text.len()));
        }
        // Letters of any script are welcome; separators, control characters and what a shell
        // would expand are not.
        let bad = |c: &char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'));
        if let Some(character) = text.chars().find(bad) {
            return Err(NameError::BadCharacter {
                name: text.to_owned(),
                character,
            });
        }
        if !text.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return Err(NameError::BadStart(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for InstanceName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_taken() {
        for name in [
            "default",
            "work",
            "a",
            "Büro",
            "me@corp.example",
            "v1.2_x-y+z",
            "0",
        ] {
            assert_eq!(
                name.parse::<InstanceName>().map(String::from),
                Ok(name.to_owned())
            );
        }
    }

    #[test]
    fn names_that_could_leave_the_directory_are_refused() {
        for name in [
            "", "..", ".", ".hidden", "-n", "a/b", "a b", "a\nb", "a\0b", "$(x)", "*",
        ] {
            assert!(name.parse::<InstanceName>().is_err(), "{name:?} was taken");
        }
        assert_eq!(
            "x".repeat(65).parse::<InstanceName>(),
            Err(NameError::TooLong(65))
        );
    }
}
