//! What a VPN server or its certificate makes us ask the user, and the answers.
//!
//! A question is part of an instance's snapshot while it is open; whoever answers first, by its
//! number, has answered it. Answers hold secrets: they are never printed, not even for debugging.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An open question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its number; unique within one connection attempt of one instance.
    pub id: u64,
    /// What the server or the client says above the form; may be empty or have several lines.
    pub message: String,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// A form, as the server sends it.
    Form {
        /// Its fields, in order.
        fields: Vec<Field>,
    },
    /// Whether to trust a certificate that no authority vouches for.
    Certificate {
        /// The server that showed it.
        server: String,
        /// Why it is not trusted by itself, in one sentence.
        reason: String,
        /// Its fingerprint, as the client writes it: `pin-sha256:...`.
        fingerprint: String,
    },
    /// A sign-in in the user's browser, outside the VPN. Answered by the browser; a person can
    /// only cancel.
    Browser {
        /// The page to open.
        url: String,
    },
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the answer.
    pub name: String,
    /// What stands before it, for people.
    pub label: String,
    /// What kind of text it takes.
    pub kind: FieldKind,
    /// What may be chosen; empty unless the kind is a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What stands in it at first. Never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// Text that may be seen, such as a user name.
    Text,
    /// A password or passphrase; may be remembered on request.
    Password,
    /// A code that is good once: shown while typed, never remembered.
    Code,
    /// One of several options.
    Choice,
}

/// An answer to the question with the same number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's number.
    pub id: u64,
    /// The answer itself.
    #[serde(flatten)]
    pub reply: Reply,
}

/// What was answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// The form, filled in: the text of each field by its name.
    Form {
        /// Name and text.
        values: BTreeMap<String, String>,
    },
    /// The certificate is trusted.
    Trust {
        /// For this profile from now on, and not only this time.
        remember: bool,
    },
    /// The user does not want to go on.
    Cancel,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_never_shows_what_was_typed() {
        let values = [("password".to_owned(), "hunter2".to_owned())].into();
        let reply = Reply::Form { values };
        assert!(!format!("{:?}", Answer { id: 1, reply }).contains("hunter2"));
    }

    #[test]
    fn the_json_is_flat() {
        let json = r#"{"id":3,"reply":"form","values":{"password":"x"}}"#;
        let answer: Answer = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&answer).unwrap(), json);
    }
}
