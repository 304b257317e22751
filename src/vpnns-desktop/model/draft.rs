//! A profile as a form holds it: a text for each field, what is wrong with it, and the way back.
//!
//! What a profile is allowed to be, the protocol decides: a draft becomes the text of a profile, and
//! what [`Profile::parse`] has against that, stands below the field it is about. Only what a person is
//! likely to mistype has words of our own, with the likely fix.

mod build;
mod field;
mod fill;
mod fix;
mod words;

pub use self::field::{Field, Kind};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::Profile;

use crate::i18n::gettext;
use crate::model::words::{full_sentence, joined};

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: Field,
    /// What is wrong, and what to do, in whole sentences.
    pub text: String,
    /// What was most likely meant.
    pub fix: Option<String>,
}

impl Fault {
    fn new(field: Field, text: impl Into<String>) -> Self {
        Self {
            field,
            text: text.into(),
            fix: None,
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The values of a form. Some are secrets, so it shows none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    kind: Kind,
    values: BTreeMap<Field, String>,
    peers: usize,
    /// The names that other profiles have.
    pub taken: BTreeSet<String>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// An empty form.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            values: BTreeMap::new(),
            peers: usize::from(kind == Kind::WireGuard),
            taken: BTreeSet::new(),
        }
    }

    /// What is being set up.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many peers the form has.
    pub fn peers(&self) -> usize {
        self.peers
    }

    /// Adds an empty peer.
    pub fn add_peer(&mut self) {
        self.peers += 1;
    }

    /// Takes a peer out.
    pub fn remove_peer(&mut self, index: usize) {
        for field in Field::of_peer(index) {
            self.values.remove(&field);
        }
        for next in index + 1..self.peers {
            for (from, to) in Field::of_peer(next)
                .into_iter()
                .zip(Field::of_peer(next - 1))
            {
                if let Some(text) = self.values.remove(&from) {
                    self.values.insert(to, text);
                }
            }
        }
        self.peers = self.peers.saturating_sub(1);
    }

    /// A field's text.
    pub fn get(&self, field: Field) -> &str {
        self.values.get(&field).map_or("", String::as_str)
    }

    /// Sets a field's text.
    pub fn set(&mut self, field: Field, text: impl Into<String>) {
        let text = text.into();
        if text.is_empty() {
            self.values.remove(&field);
        } else {
            self.values.insert(field, text);
        }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, field: Field) -> bool {
        self.get(field) == "true"
    }

    /// Sets a switch.
    pub fn switch(&mut self, field: Field, on: bool) {
        self.set(field, if on { "true" } else { "" });
    }

    /// The name that the profile's file gets.
    pub fn name(&self) -> Option<InstanceName> {
        match self.get(Field::Name).trim() {
            "" => Some(name_for(self.get(Field::Title), &self.taken)),
            typed => typed.parse().ok(),
        }
    }

    /// What is wrong with one field, whatever the others hold.
    pub fn fault(&self, field: Field) -> Option<Fault> {
        let text = self.get(field).trim();
        if text.is_empty() {
            let missing = self.is_required(field)?;
            return Some(Fault::new(field, missing));
        }
        if field == Field::Name {
            return self.name_fault(text);
        }
        if let Some(fault) = fix::likely(field, text) {
            return Some(fault);
        }
        // The rules of the format on this field alone, among others that are as they should be.
        let mut lone = Self::sample(self.kind);
        lone.set(field.in_first_peer(), text);
        match field {
            Field::Key => lone.set(Field::Certificate, self.get(Field::Certificate)),
            Field::Dns => lone.set(Field::DnsMode, "own"),
            Field::Config => lone.set(Field::ConfigFile, ""),
            Field::ConfigFile => lone.set(Field::Config, ""),
            Field::PrivateKeyFile => lone.set(Field::PrivateKey, ""),
            _ => {}
        }
        let fault = lone.checked().err()?;
        (fault.field == field.in_first_peer()).then_some(Fault { field, ..fault })
    }

    /// Everything that is wrong, in the order of the form.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self
            .fields()
            .into_iter()
            .filter_map(|field| self.fault(field))
            .collect();
        if faults.is_empty() {
            faults.extend(self.checked().err());
        }
        faults
    }

    /// The profile, if nothing is wrong with it.
    pub fn checked(&self) -> Result<Profile, Fault> {
        let profile = self.profile()?;
        let text = profile.to_toml();
        match Profile::parse(&text) {
            Ok(_) => Ok(profile),
            Err(error) => {
                let field = self.field_at(&text, error.line);
                let mut sentence = full_sentence(&error.message);
                if let Some(hint) = &error.hint {
                    sentence = joined([sentence, full_sentence(hint)]);
                }
                Err(Fault::new(field, sentence.replace('`', "")))
            }
        }
    }

    fn name_fault(&self, text: &str) -> Option<Fault> {
        if let Err(error) = text.parse::<InstanceName>() {
            let text = joined([
                full_sentence(&error.to_string()),
                full_sentence(error.hint()),
            ]);
            let free = name_for(self.get(Field::Name), &self.taken);
            return Some(Fault::new(Field::Name, text).fix(free.as_str()));
        }
        if self.taken.contains(text) {
            let free = name_for(text, &self.taken);
            let text = gettext("Another VPN has this name.");
            return Some(Fault::new(Field::Name, text).fix(free.as_str()));
        }
        None
    }

    /// The field that a line of a profile's text is about.
    fn field_at(&self, text: &str, line: usize) -> Field {
        let lines: Vec<&str> = text.lines().take(line).collect();
        let peers = lines
            .iter()
            .filter(|it| **it == "[[wireguard.peer]]")
            .count();
        let header = lines.iter().rev().find(|it| it.starts_with('['));
        if header.is_some_and(|it| it.contains("environment")) {
            return Field::Environment;
        }
        let key = lines.iter().rev().find_map(|line| {
            let (key, _) = line.split_once(" =")?;
            Field::of_key(key.trim_matches('"'), peers.saturating_sub(1))
        });
        key.unwrap_or_else(|| self.fields().get(2).copied().unwrap_or(Field::Title))
    }
}

/// A free name for a profile, made of what people call it.
pub fn name_for(title: &str, taken: &BTreeSet<String>) -> InstanceName {
    let mut name = String::new();
    for c in title.trim().to_lowercase().chars() {
        if c.is_alphanumeric() || matches!(c, '.' | '_' | '@' | '+') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let start = name.trim_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
    // Room for a number.
    let mut end = start.len().min(vpnns_protocol::name::MAX_LEN - 5);
    while !start.is_char_boundary(end) {
        end -= 1;
    }
    let base = if end == 0 { "vpn" } else { &start[..end] };
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .filter(|name| !taken.contains(name))
        .find_map(|name| name.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
