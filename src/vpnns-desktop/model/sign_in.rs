//! What is remembered while somebody signs in: what was tried, and what is to be kept if it is right.

use std::collections::{BTreeMap, BTreeSet};

use oo7::Secret;
use vpnns_protocol::question::{Field, FieldKind};

/// One VPN's sign-in, from the first question until it is connected. Shows none of its secrets.
#[derive(Default)]
pub struct SignIn {
    /// Fields for which the stored password was given, without being connected since.
    tried: BTreeSet<String>,
    /// Passwords that were typed and are to be stored.
    wanted: BTreeMap<String, Secret>,
}

impl SignIn {
    /// A form is asked: which of its passwords may be taken from the keyring, and which of those that
    /// were taken from it the server has just refused.
    pub fn asked(&mut self, fields: &[Field]) -> (Vec<String>, Vec<String>) {
        let labels: Vec<String> = passwords(fields).map(name_of).collect();
        for label in &labels {
            // It is asked again, so what was typed is wrong.
            self.wanted.remove(label);
        }
        labels
            .into_iter()
            .partition(|label| !self.tried.contains(label))
    }

    /// The stored password of a field was given.
    pub fn gave_stored(&mut self, label: &str) {
        self.tried.insert(label.to_owned());
    }

    /// A password was typed that is to be stored once it turns out to be right.
    pub fn gave_typed(&mut self, label: &str, secret: Secret) {
        self.wanted.insert(label.to_owned(), secret);
    }

    /// It is connected: what was typed is right.
    pub fn connected(&mut self) -> BTreeMap<String, Secret> {
        self.tried.clear();
        std::mem::take(&mut self.wanted)
    }
}

/// The fields that may be remembered.
pub fn passwords(fields: &[Field]) -> impl Iterator<Item = &Field> {
    fields
        .iter()
        .filter(|field| field.kind == FieldKind::Password)
}

/// What the server calls a field, without the colon before the cursor of a terminal.
pub fn name_of(field: &Field) -> String {
    let label = field.label.trim().trim_end_matches(':').trim_end();
    let label = if label.is_empty() { &field.name } else { label };
    let visible = label.chars().filter(|c| !c.is_control());
    visible.collect()
}

/// Whether nothing is left to be typed.
pub fn is_complete(fields: &[Field], values: &BTreeMap<String, String>) -> bool {
    let filled = |field: &Field| values.get(&field.name).is_some_and(|text| !text.is_empty());
    fields.iter().all(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Vec<Field> {
        let field = |name: &str, label: &str, kind| Field {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            options: Vec::new(),
            value: None,
        };
        vec![
            field("user", "Username:", FieldKind::Text),
            field("pass", "Password: ", FieldKind::Password),
            field("code", "", FieldKind::Code),
        ]
    }

    #[test]
    fn a_stored_password_is_given_once_until_it_was_right() {
        let mut sign_in = SignIn::default();
        let password = vec!["Password".to_owned()];
        assert_eq!(sign_in.asked(&form()), (password.clone(), vec![]));
        assert_eq!(sign_in.asked(&form()), (password.clone(), vec![]));
        sign_in.gave_stored("Password");
        assert_eq!(sign_in.asked(&form()), (vec![], password.clone()));
        sign_in.connected();
        assert_eq!(sign_in.asked(&form()), (password, vec![]));
    }

    #[test]
    fn only_a_password_that_was_right_is_kept() {
        let mut sign_in = SignIn::default();
        sign_in.gave_typed("Password", Secret::text("wrong"));
        sign_in.asked(&form());
        assert!(sign_in.connected().is_empty());
        sign_in.gave_typed("Password", Secret::text("right"));
        let kept = sign_in.connected();
        assert_eq!(kept["Password"].as_bytes(), b"right");
        assert!(sign_in.connected().is_empty());
    }

    #[test]
    fn a_code_is_never_known_and_fields_have_names() {
        let fields = form();
        assert_eq!(passwords(&fields).count(), 1);
        let names: Vec<String> = fields.iter().map(name_of).collect();
        assert_eq!(names, ["Username", "Password", "code"]);
        let mut values: BTreeMap<String, String> = [("user", "me"), ("pass", "x"), ("code", "")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();
        assert!(!is_complete(&fields, &values));
        values.insert("code".into(), "1".into());
        assert!(is_complete(&fields, &values));
    }
}
