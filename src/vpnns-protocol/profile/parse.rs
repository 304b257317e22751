//! Reading the file format: every complaint has a line and a column.
//!
//! The TOML reader keeps the place of each value. Names of fields are compared here, since serde
//! would name the fault and not its remedy; types are serde's affair; what a value must be beyond
//! its type is in [`super::check`].

use std::net::IpAddr;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::check::{Complaint, Step};
use super::{Command, FORMAT, OnDrop, OpenConnect, OpenVpn, Profile, ProfileError, Settings};
use super::{similar, wireguard::WireGuard};
use crate::network::RoutePolicy;
use crate::port::Port;

/// The fields before the first table.
const COMMON: &[&str] = &[
    "version",
    "title",
    "routes",
    "dns",
    "on-drop",
    "publish",
    "reach",
    "connect-on-open",
    "start-at-login",
    "apps",
];

/// The tables, of which a profile has one, with their fields; the required ones first.
static KINDS: &[Kind] = &[
    Kind {
        name: "openconnect",
        required: &["server"],
        optional: &[
            "protocol",
            "user",
            "group",
            "certificate",
            "key",
            "ca",
            "fingerprint",
            "method",
            "arguments",
        ],
    },
    Kind {
        name: "openvpn",
        required: &[],
        optional: &["config", "config-file", "user", "arguments"],
    },
    Kind {
        name: "wireguard",
        required: &["addresses", "peer"],
        optional: &[
            "private-key",
            "private-key-file",
            "mtu",
            "listen-port",
            "search",
        ],
    },
    Kind {
        name: "command",
        required: &["run"],
        optional: &["method", "environment"],
    },
    Kind {
        name: "demo",
        required: &[],
        optional: &[],
    },
];

/// `[[wireguard.peer]]`
static PEER: Kind = Kind {
    name: "wireguard.peer",
    required: &["public-key", "allowed-ips"],
    optional: &["preshared-key", "endpoint", "persistent-keepalive"],
};

/// A table and its fields.
struct Kind {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

impl Kind {
    fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Every table and its fields; the fields before the first table are those of `""`.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |kind: &'static Kind| kind.fields().map(|field| (kind.name, field));
    let common = COMMON.iter().map(|field| ("", *field));
    common.chain(KINDS.iter().flat_map(of)).chain(of(&PEER))
}

/// A text and what the TOML reader made of it.
struct Document<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Profile {
    /// Reads and checks a profile.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let root = DeTable::parse(text).map_err(|error| {
            // The reader's sentence may have several lines.
            let sentence: Vec<&str> = error.message().lines().collect();
            let span = error.span().unwrap_or_default();
            ProfileError::at(text, &span, sentence.join(", "), None)
        })?;
        let document = Document {
            text,
            root: root.into_inner(),
        };
        let profile = document.profile()?;
        match profile.check() {
            Ok(()) => Ok(profile),
            Err(complaint) => Err(document.complain(complaint)),
        }
    }
}

impl Document<'_> {
    fn profile(&self) -> Result<Profile, ProfileError> {
        // Before anything else: a newer format may have other fields.
        self.version()?;
        let kinds = KINDS.iter().map(|kind| kind.name);
        let known: Vec<&str> = COMMON.iter().copied().chain(kinds).collect();
        self.known_only(&self.root, &known, "a profile")?;
        Ok(Profile {
            title: self.field(&self.root, "title")?,
            connect_on_open: self.field(&self.root, "connect-on-open")?.unwrap_or(false),
            start_at_login: self.field(&self.root, "start-at-login")?.unwrap_or(false),
            apps: self.field(&self.root, "apps")?.unwrap_or_default(),
            routes: self
                .field::<RoutePolicy>(&self.root, "routes")?
                .unwrap_or_default(),
            dns: self.field::<Vec<IpAddr>>(&self.root, "dns")?,
            on_drop: self
                .field::<OnDrop>(&self.root, "on-drop")?
                .unwrap_or_default(),
            ports: self.ports()?,
            settings: self.settings()?,
        })
    }

    fn ports(&self) -> Result<Vec<Port>, ProfileError> {
        let mut ports: Vec<Port> = Vec::new();
        for (name, read) in [
            ("publish", Port::publish as fn(&str) -> _),
            ("reach", Port::reach),
        ] {
            let texts: Vec<String> = self.field(&self.root, name)?.unwrap_or_default();
            for (index, text) in texts.iter().enumerate() {
                let complain = |message, hint: &str| {
                    let place = [Step::Field(name), Step::Item(index)];
                    self.error(&self.locate(&place), message, Some(hint.to_owned()))
                };
                let port = read(text).map_err(|error| complain(error.to_string(), error.hint()))?;
                if let Some(other) = ports.iter().find(|other| other.collides(&port)) {
                    let message = format!("{port} and {other} need the same port");
                    return Err(complain(message, "choose another port for one of them"));
                }
                ports.push(port);
            }
        }
        Ok(ports)
    }

    fn version(&self) -> Result<(), ProfileError> {
        let Some(value) = self.root.get("version") else {
            let hint = format!("write \"version = {FORMAT}\" as its first line");
            return Err(self.error(&(0..0), "the version is missing", Some(hint)));
        };
        let version: i64 = self.take("version", value)?;
        if version == i64::from(FORMAT) {
            return Ok(());
        }
        let (message, hint) = if version > i64::from(FORMAT) {
            (
                format!("the profile has version {version}, and this vpnns knows up to {FORMAT}"),
                "update vpnns",
            )
        } else {
            (format!("there is no version {version}"), "write 1")
        };
        Err(self.error(&value.span(), message, Some(hint.to_owned())))
    }

    fn settings(&self) -> Result<Settings, ProfileError> {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let mut found = Vec::new();
        for (key, value) in &self.root {
            if let Some(kind) = KINDS.iter().find(|kind| kind.name == key.get_ref()) {
                found.push((key.span(), kind, value));
            }
        }
        found.sort_by_key(|(span, ..)| span.start);
        let (kind, value) = match found[..] {
            [(_, kind, value)] => (kind, value),
            [] => {
                let hint = format!("add one of the tables [{}]", names.join("], ["));
                let end = self.text.len()..self.text.len();
                let message = "nothing says what to connect with";
                return Err(self.error(&end, message, Some(hint)));
            }
            [(_, first, _), (ref span, second, _), ..] => {
                let message = format!("there is [{}] and [{}]", first.name, second.name);
                let hint = "a profile has one of them; make two profiles of it".to_owned();
                return Err(self.error(span, message, Some(hint)));
            }
        };
        let table = self.table(kind, value)?;
        if let Some(peers) = table.get("peer").filter(|_| kind.name == "wireguard") {
            let Some(peers) = peers.get_ref().as_array() else {
                let hint = "write [[wireguard.peer]] with two brackets".to_owned();
                return Err(self.error(
                    &peers.span(),
                    "the peers are not a list of tables",
                    Some(hint),
                ));
            };
            for peer in peers {
                self.table(&PEER, peer)?;
            }
        }
        Ok(match kind.name {
            "openconnect" => Settings::OpenConnect(self.take::<OpenConnect>(kind.name, value)?),
            "openvpn" => Settings::OpenVpn(self.take::<OpenVpn>(kind.name, value)?),
            "wireguard" => Settings::WireGuard(self.take::<WireGuard>(kind.name, value)?),
            "command" => Settings::Command(self.take::<Command>(kind.name, value)?),
            _ => Settings::Demo,
        })
    }

    /// A table that has all it needs and nothing else.
    fn table<'t, 'a>(
        &self,
        kind: &Kind,
        value: &'t Value<'a>,
    ) -> Result<&'t DeTable<'a>, ProfileError> {
        let name = kind.name;
        let Some(table) = value.get_ref().as_table() else {
            let hint = format!("write [{name}] on a line of its own, and its fields below it");
            let message = format!("`{name}` is not a table");
            return Err(self.error(&value.span(), message, Some(hint)));
        };
        let fields: Vec<&str> = kind.fields().collect();
        self.known_only(table, &fields, &format!("[{name}]"))?;
        for field in kind.required {
            if !table.contains_key(*field) {
                let message = format!("[{name}] has no `{field}`");
                let hint = match *field {
                    "peer" => "add a [[wireguard.peer]] table".to_owned(),
                    _ => format!("add a line that starts with \"{field} = \""),
                };
                return Err(self.error(&value.span(), message, Some(hint)));
            }
        }
        Ok(table)
    }

    fn known_only(
        &self,
        table: &DeTable<'_>,
        known: &[&str],
        place: &str,
    ) -> Result<(), ProfileError> {
        let unknown = table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        let Some(key) = unknown else {
            return Ok(());
        };
        let name: &str = key.get_ref();
        let hint = match similar::nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "it has none; remove the line".to_owned(),
            None => format!("it can have: {}", known.join(", ")),
        };
        let message = format!("{place} has no field {name:?}");
        Err(self.error(&key.span(), message, Some(hint)))
    }

    fn field<T: DeserializeOwned>(
        &self,
        table: &DeTable<'_>,
        name: &str,
    ) -> Result<Option<T>, ProfileError> {
        table
            .get(name)
            .map(|value| self.take(name, value))
            .transpose()
    }

    /// A value of a type, or a sentence that names the field it is about.
    fn take<T: DeserializeOwned>(&self, name: &str, value: &Value<'_>) -> Result<T, ProfileError> {
        T::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| {
            let span = error.span().unwrap_or(value.span());
            let name = innermost(value, &span).unwrap_or(name.to_owned());
            self.error(&span, in_our_words(&name, error.message()), None)
        })
    }

    fn complain(&self, complaint: Complaint) -> ProfileError {
        let span = self.locate(&complaint.place);
        self.error(&span, complaint.message, complaint.hint)
    }

    /// Where a value stands, or the innermost thing around it that is there.
    fn locate(&self, place: &[Step]) -> Range<usize> {
        let mut span = 0..0;
        let mut at: Option<&Value<'_>> = None;
        for step in place {
            let next = match (step, at.map(Spanned::get_ref)) {
                (Step::Field(name), None) => self.root.get(*name),
                (Step::Field(name), Some(DeValue::Table(table))) => table.get(*name),
                (Step::Key(name), Some(DeValue::Table(table))) => table.get(name.as_str()),
                (Step::Item(index), Some(DeValue::Array(array))) => array.get(*index),
                _ => None,
            };
            let Some(next) = next else {
                break;
            };
            span = next.span();
            at = Some(next);
        }
        span
    }

    fn error(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> ProfileError {
        ProfileError::at(self.text, span, message, hint)
    }
}

/// The name of the deepest field whose value holds a span.
fn innermost(value: &Value<'_>, span: &Range<usize>) -> Option<String> {
    let within =
        |value: &Value<'_>| value.span().start <= span.start && span.end <= value.span().end;
    match value.get_ref() {
        DeValue::Table(table) => table
            .iter()
            .find(|(_, value)| within(value))
            .map(|(key, value)| innermost(value, span).unwrap_or(key.get_ref().to_string())),
        DeValue::Array(array) => array
            .iter()
            .find(|value| within(value))
            .and_then(|value| innermost(value, span)),
        _ => None,
    }
}

/// serde's sentence as one about a field, without a text that may be a secret.
fn in_our_words(name: &str, message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(", ");
    let expected = message.rsplit_once(", expected ");
    if let (true, Some((_, expected))) = (message.starts_with("invalid type: string"), expected) {
        let expected = expected.replace("sequence", "list").replace("map", "table");
        return format!("`{name}` is a text, not {expected}");
    }
    let prefixes = ["invalid type: ", "invalid value: ", "unknown variant "];
    match prefixes
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))
    {
        Some(rest) => format!("`{name}` is {}", rest.replacen(", expected ", ", not ", 1)),
        None => format!("`{name}` is wrong: {message}"),
    }
}
