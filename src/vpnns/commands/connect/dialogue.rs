//! A question as it is asked in a terminal: one line for each field.

use std::collections::BTreeMap;
use std::fmt::Write;

use vpnns_protocol::question::{Answer, Ask, Field, FieldKind, Question, Reply};

/// A question that is being asked.
#[derive(Debug)]
pub struct Dialogue {
    question: Question,
    values: BTreeMap<String, String>,
    field: usize,
}

impl Dialogue {
    /// A question, not asked yet.
    pub fn new(question: Question) -> Self {
        Self {
            question,
            values: BTreeMap::new(),
            field: 0,
        }
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.question.id
    }

    /// What stands above everything.
    pub fn opening(&self) -> String {
        let mut text = String::new();
        for line in self.question.message.lines() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line}");
        }
        match &self.question.ask {
            Ask::Form { .. } => {}
            Ask::Certificate {
                server,
                reason,
                fingerprint,
            } => {
                let _ = writeln!(
                    text,
                    "The certificate of {server} is not trusted: {reason}.\n\
                     Compare its fingerprint with what the administrator tells:\n    {fingerprint}"
                );
            }
            Ask::Browser { url } => {
                let _ = writeln!(
                    text,
                    "Sign in with your browser, outside of the VPN:\n    {url}"
                );
            }
        }
        text
    }

    /// What stands before the next line to be typed; nothing where none is.
    pub fn prompt(&self) -> Option<String> {
        match &self.question.ask {
            Ask::Form { .. } => {
                let field = self.current()?;
                let mut text = String::new();
                for (number, option) in field.options.iter().enumerate() {
                    let _ = writeln!(text, "  {}  {option}", number + 1);
                }
                let _ = match &field.value {
                    Some(value) => write!(text, "{} [{value}]: ", field.label),
                    None => write!(text, "{}: ", field.label),
                };
                Some(text)
            }
            Ask::Certificate { .. } => {
                Some("Trust it? (\"yes\" this time, \"always\", \"no\"): ".to_owned())
            }
            Ask::Browser { .. } => None,
        }
    }

    /// Whether the next line must not be seen.
    pub fn is_secret(&self) -> bool {
        let kind = self.current().map(|field| field.kind);
        kind == Some(FieldKind::Password)
    }

    /// Takes a line; the whole answer when it was the last one. An unusable line is asked again.
    pub fn line(&mut self, line: &str) -> Option<Answer> {
        let id = self.question.id;
        match &self.question.ask {
            Ask::Form { .. } => {
                let field = self.current()?;
                let (name, text) = (field.name.clone(), understood(field, line)?);
                self.values.insert(name, text);
                self.field += 1;
                let values = std::mem::take(&mut self.values);
                if self.current().is_some() {
                    self.values = values;
                    return None;
                }
                let reply = Reply::Form { values };
                Some(Answer { id, reply })
            }
            Ask::Certificate { .. } => {
                let reply = match line.trim().to_lowercase().as_str() {
                    "yes" | "y" => Reply::Trust { remember: false },
                    "always" => Reply::Trust { remember: true },
                    "no" | "n" => Reply::Cancel,
                    _ => return None,
                };
                Some(Answer { id, reply })
            }
            Ask::Browser { .. } => None,
        }
    }

    /// What is asked, in a few words.
    pub fn subject(&self) -> String {
        match &self.question.ask {
            Ask::Form { .. } => self.current().map_or_else(
                || "an answer".to_owned(),
                |field| format!("{:?}", field.label),
            ),
            Ask::Certificate { .. } => "trust in its certificate".to_owned(),
            Ask::Browser { .. } => "a sign-in in the browser".to_owned(),
        }
    }

    fn current(&self) -> Option<&Field> {
        match &self.question.ask {
            Ask::Form { fields } => fields.get(self.field),
            _ => None,
        }
    }
}

fn understood(field: &Field, line: &str) -> Option<String> {
    if line.is_empty()
        && let Some(value) = &field.value
    {
        return Some(value.clone());
    }
    if field.kind != FieldKind::Choice {
        return Some(line.to_owned());
    }
    let line = line.trim();
    if let Some(option) = field.options.iter().find(|option| *option == line) {
        return Some(option.clone());
    }
    let number: usize = line.parse().ok()?;
    field.options.get(number.checked_sub(1)?).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind, options: &[&str]) -> Field {
        Field {
            name: name.into(),
            label: name.into(),
            kind,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            value: None,
        }
    }

    fn dialogue(ask: Ask) -> Dialogue {
        Dialogue::new(Question {
            id: 7,
            message: "Login failed.".into(),
            ask,
        })
    }

    #[test]
    fn a_form_is_asked_line_by_line_and_only_the_password_is_hidden() {
        let fields = vec![
            field("group", FieldKind::Choice, &["staff", "guests"]),
            field("user", FieldKind::Text, &[]),
            field("password", FieldKind::Password, &[]),
        ];
        let mut dialogue = dialogue(Ask::Form { fields });
        assert_eq!(dialogue.opening(), "Login failed.\n");
        assert_eq!(
            dialogue.prompt().unwrap(),
            "  1  staff\n  2  guests\ngroup: "
        );
        assert!(dialogue.line("3").is_none() && dialogue.line("2").is_none());
        assert_eq!(dialogue.prompt().unwrap(), "user: ");
        assert!(!dialogue.is_secret() && dialogue.line("me").is_none());
        assert!(dialogue.is_secret());
        let Reply::Form { values } = dialogue.line(" x ").unwrap().reply else {
            panic!()
        };
        assert_eq!(values["group"], "guests");
        assert_eq!(values["password"], " x ");
    }

    #[test]
    fn a_certificate_is_remembered_only_on_request() {
        let ask = Ask::Certificate {
            server: "vpn".into(),
            reason: "signer not found".into(),
            fingerprint: "pin-sha256:x".into(),
        };
        let reply = |line: &str| dialogue(ask.clone()).line(line).map(|answer| answer.reply);
        assert!(reply("yes") == Some(Reply::Trust { remember: false }));
        assert!(reply("always") == Some(Reply::Trust { remember: true }));
        assert!(reply("no") == Some(Reply::Cancel));
        assert!(reply("").is_none() && reply("perhaps").is_none());
        assert!(dialogue(ask).opening().contains("pin-sha256:x"));
    }
}
