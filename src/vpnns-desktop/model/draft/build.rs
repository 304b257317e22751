//! From a form to a profile.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use gtk::glib;
use vpnns_protocol::network::RoutePolicy;
use vpnns_protocol::port::{Port, PortError};
use vpnns_protocol::profile::wireguard::{Peer, PublicKey, SecretKey, WireGuard};
use vpnns_protocol::profile::{
    Command, Method, OnDrop, OpenConnect, OpenConnectProtocol, OpenVpn, Profile, Settings,
};

use super::{Draft, Fault, Field, Kind};
use crate::i18n::{gettext, gettext_f};
use crate::model::words::{full_sentence, joined};

type Built<T> = Result<T, Fault>;

impl Draft {
    /// The profile that the form makes, if each field is of its type.
    pub(super) fn profile(&self) -> Built<Profile> {
        let settings = match self.kind() {
            Kind::OpenConnect => Settings::OpenConnect(self.openconnect()?),
            Kind::OpenVpn => Settings::OpenVpn(OpenVpn {
                // A file that is used where it is takes the place of the copy.
                config: self
                    .text(Field::Config)
                    .filter(|_| self.text(Field::ConfigFile).is_none()),
                config_file: self.text(Field::ConfigFile).map(Into::into),
                user: self.text(Field::User),
                arguments: self.words(Field::Arguments)?,
            }),
            Kind::WireGuard => Settings::WireGuard(self.wireguard()?),
            Kind::Command => Settings::Command(self.command()?),
            Kind::Demo => Settings::Demo,
        };
        Ok(Profile {
            title: self.text(Field::Title),
            connect_on_open: self.is_on(Field::ConnectOnOpen),
            start_at_login: self.is_on(Field::StartAtLogin),
            apps: list(self.get(Field::Apps)).map(str::to_owned).collect(),
            routes: match self.get(Field::Routes) {
                "all" => RoutePolicy::All,
                _ => RoutePolicy::Server,
            },
            dns: match self.get(Field::DnsMode) {
                "own" => Some(self.each::<IpAddr>(Field::Dns, &|text| {
                    gettext_f("“{text}” is not an IP address.", &[("text", text)])
                })?),
                "none" => Some(Vec::new()),
                _ => None,
            },
            on_drop: match self.get(Field::OnDrop) {
                "freeze" => OnDrop::Freeze,
                "close" => OnDrop::Close,
                _ => OnDrop::Keep,
            },
            ports: [
                self.ports(Field::Publish, Port::publish)?,
                self.ports(Field::Reach, Port::reach)?,
            ]
            .concat(),
            settings,
        })
    }

    fn openconnect(&self) -> Built<OpenConnect> {
        Ok(OpenConnect {
            server: self.get(Field::Server).trim().to_owned(),
            protocol: protocol(self.get(Field::Protocol)),
            user: self.text(Field::User),
            group: self.text(Field::Group),
            certificate: self.text(Field::Certificate),
            key: self.text(Field::Key),
            ca: self.text(Field::Ca).map(Into::into),
            fingerprint: self.text(Field::Fingerprint),
            method: self.method(),
            arguments: self.words(Field::Arguments)?,
        })
    }

    fn wireguard(&self) -> Built<WireGuard> {
        let prefix = |text: &str| {
            gettext_f(
                "“{text}” is not an address with the length of its prefix, as in 10.0.0.2/32.",
                &[("text", text)],
            )
        };
        let peer = |index| {
            Ok(Peer {
                public_key: self
                    .one::<PublicKey>(Field::PublicKey(index))?
                    .unwrap_or(PublicKey([0; 32])),
                preshared_key: self.one::<SecretKey>(Field::PresharedKey(index))?,
                endpoint: self.text(Field::Endpoint(index)),
                allowed_ips: self.each(Field::AllowedIps(index), &prefix)?,
                persistent_keepalive: self.one(Field::Keepalive(index))?,
            })
        };
        Ok(WireGuard {
            private_key: self.one(Field::PrivateKey)?,
            private_key_file: self.text(Field::PrivateKeyFile).map(Into::into),
            addresses: self.each(Field::Addresses, &prefix)?,
            mtu: self.one(Field::Mtu)?,
            listen_port: self.one(Field::ListenPort)?,
            search: list(self.get(Field::Search)).map(str::to_owned).collect(),
            peers: (0..self.peers()).map(peer).collect::<Built<_>>()?,
        })
    }

    fn command(&self) -> Built<Command> {
        let mut environment = std::collections::BTreeMap::new();
        for word in self.words(Field::Environment)? {
            let Some((name, value)) = word.split_once('=') else {
                let text = gettext_f(
                    "“{word}” is not of the form NAME=value.",
                    &[("word", &word)],
                );
                return Err(Fault::new(Field::Environment, text));
            };
            environment.insert(name.to_owned(), value.to_owned());
        }
        Ok(Command {
            run: self.words(Field::Run)?,
            method: self.method(),
            environment,
        })
    }

    fn ports(&self, field: Field, read: fn(&str) -> Result<Port, PortError>) -> Built<Vec<Port>> {
        let ports = list(self.get(field)).map(read);
        ports.collect::<Result<_, _>>().map_err(|error| {
            let hint = full_sentence(error.hint());
            Fault::new(field, joined([full_sentence(&error.to_string()), hint]))
        })
    }

    fn method(&self) -> Option<Method> {
        match self.get(Field::Method) {
            "attach" => Some(Method::Attach),
            "graft" => Some(Method::Graft),
            _ => None,
        }
    }

    /// A text, if there is one. A configuration stays as it is written.
    fn text(&self, field: Field) -> Option<String> {
        let text = self.get(field);
        let blank = text.trim().is_empty();
        let text = if field == Field::Config {
            text
        } else {
            text.trim()
        };
        (!blank).then(|| text.to_owned())
    }

    /// Words as a shell reads them.
    fn words(&self, field: Field) -> Built<Vec<String>> {
        let text = self.get(field).trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let words = glib::shell_parse_argv(text)
            .map_err(|_| Fault::new(field, gettext("A quotation mark is not closed.")))?;
        Ok(words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect())
    }

    /// A value, if there is one.
    fn one<T: FromStr>(&self, field: Field) -> Built<Option<T>>
    where
        T::Err: Display,
    {
        let Some(text) = self.text(field) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let text = match field {
                Field::Mtu => gettext("This is a number of bytes, such as 1420."),
                Field::ListenPort => gettext("A port is a number from 1 to 65535."),
                Field::Keepalive(_) => gettext("This is a number of seconds, such as 25."),
                _ => gettext("A key has 44 characters, and ends in “=”."),
            };
            Fault::new(field, text)
        })
    }

    /// The values of a list.
    fn each<T: FromStr>(&self, field: Field, wrong: &dyn Fn(&str) -> String) -> Built<Vec<T>> {
        list(self.get(field))
            .map(|text| text.parse().map_err(|_| Fault::new(field, wrong(text))))
            .collect()
    }

    /// A form in which nothing is wrong.
    pub(super) fn sample(kind: Kind) -> Self {
        const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let mut sample = Self::new(kind);
        let values: &[(Field, &str)] = match kind {
            Kind::OpenConnect => &[(Field::Server, "vpn.example.com")],
            Kind::OpenVpn => &[(Field::Config, "client")],
            Kind::WireGuard => &[
                (Field::PrivateKey, KEY),
                (Field::Addresses, "10.0.0.2/32"),
                (Field::PublicKey(0), KEY),
                (Field::AllowedIps(0), "0.0.0.0/0"),
            ],
            Kind::Command => &[(Field::Run, "true")],
            Kind::Demo => &[],
        };
        for (field, text) in values {
            sample.set(*field, *text);
        }
        sample
    }
}

/// The parts of a list, between commas or spaces.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
}

fn protocol(name: &str) -> OpenConnectProtocol {
    match name {
        "nc" => OpenConnectProtocol::Nc,
        "gp" => OpenConnectProtocol::Gp,
        "pulse" => OpenConnectProtocol::Pulse,
        "f5" => OpenConnectProtocol::F5,
        "fortinet" => OpenConnectProtocol::Fortinet,
        "array" => OpenConnectProtocol::Array,
        _ => OpenConnectProtocol::AnyConnect,
    }
}
