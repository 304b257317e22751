//! From a profile to a form.

use std::fmt::Display;
use std::path::Path;

use gtk::glib;
use vpnns_protocol::network::RoutePolicy;
use vpnns_protocol::port::Direction;
use vpnns_protocol::profile::wireguard::{SecretKey, WireGuard};
use vpnns_protocol::profile::{
    Method, OnDrop, OpenConnect, OpenConnectProtocol, Profile, Settings,
};

use super::{Draft, Field, Kind};

impl Draft {
    /// The form of a profile.
    pub fn of(profile: &Profile) -> Self {
        let kind = match &profile.settings {
            Settings::OpenConnect(_) => Kind::OpenConnect,
            Settings::OpenVpn(_) => Kind::OpenVpn,
            Settings::WireGuard(_) => Kind::WireGuard,
            Settings::Command(_) => Kind::Command,
            Settings::Demo => Kind::Demo,
        };
        let mut draft = Self::new(kind);
        draft.fill_text(Field::Title, profile.title.as_deref());
        if profile.routes == RoutePolicy::All {
            draft.set(Field::Routes, "all");
        }
        if let Some(dns) = &profile.dns {
            draft.set(Field::DnsMode, if dns.is_empty() { "none" } else { "own" });
            draft.set(Field::Dns, joined(dns));
        }
        draft.set(
            Field::OnDrop,
            match profile.on_drop {
                OnDrop::Keep => "",
                OnDrop::Freeze => "freeze",
                OnDrop::Close => "close",
            },
        );
        draft.switch(Field::ConnectOnOpen, profile.connect_on_open);
        draft.switch(Field::StartAtLogin, profile.start_at_login);
        draft.set(Field::Apps, profile.apps.join(" "));
        for (field, direction) in [
            (Field::Publish, Direction::Publish),
            (Field::Reach, Direction::Reach),
        ] {
            let ports = profile.ports.iter().filter(|it| it.direction == direction);
            draft.set(field, joined(&ports.collect::<Vec<_>>()));
        }
        match &profile.settings {
            Settings::OpenConnect(it) => draft.fill_openconnect(it),
            Settings::OpenVpn(it) => {
                draft.fill_text(Field::Config, it.config.as_deref());
                draft.fill_path(Field::ConfigFile, it.config_file.as_deref());
                draft.fill_text(Field::User, it.user.as_deref());
                draft.set(Field::Arguments, quoted(&it.arguments));
            }
            Settings::WireGuard(it) => draft.fill_wireguard(it),
            Settings::Command(it) => {
                draft.set(Field::Run, quoted(&it.run));
                draft.fill_method(it.method);
                let variables = it.environment.iter();
                let variables: Vec<String> = variables
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                draft.set(Field::Environment, quoted(&variables));
            }
            Settings::Demo => {}
        }
        draft
    }

    fn fill_openconnect(&mut self, it: &OpenConnect) {
        self.set(Field::Server, it.server.as_str());
        self.set(
            Field::Protocol,
            match it.protocol {
                OpenConnectProtocol::AnyConnect => "",
                OpenConnectProtocol::Nc => "nc",
                OpenConnectProtocol::Gp => "gp",
                OpenConnectProtocol::Pulse => "pulse",
                OpenConnectProtocol::F5 => "f5",
                OpenConnectProtocol::Fortinet => "fortinet",
                OpenConnectProtocol::Array => "array",
            },
        );
        self.fill_text(Field::User, it.user.as_deref());
        self.fill_text(Field::Group, it.group.as_deref());
        self.fill_text(Field::Certificate, it.certificate.as_deref());
        self.fill_text(Field::Key, it.key.as_deref());
        self.fill_path(Field::Ca, it.ca.as_deref());
        self.fill_text(Field::Fingerprint, it.fingerprint.as_deref());
        self.fill_method(it.method);
        self.set(Field::Arguments, quoted(&it.arguments));
    }

    fn fill_wireguard(&mut self, it: &WireGuard) {
        self.fill_text(
            Field::PrivateKey,
            it.private_key.as_ref().map(secret).as_deref(),
        );
        self.fill_path(Field::PrivateKeyFile, it.private_key_file.as_deref());
        self.set(Field::Addresses, joined(&it.addresses));
        self.set(Field::Mtu, number(it.mtu));
        self.set(Field::ListenPort, number(it.listen_port));
        self.set(Field::Search, it.search.join(", "));
        self.peers = it.peers.len();
        for (index, peer) in it.peers.iter().enumerate() {
            self.set(Field::PublicKey(index), peer.public_key.to_string());
            self.fill_text(Field::Endpoint(index), peer.endpoint.as_deref());
            self.set(Field::AllowedIps(index), joined(&peer.allowed_ips));
            let shared = peer.preshared_key.as_ref().map(secret);
            self.fill_text(Field::PresharedKey(index), shared.as_deref());
            self.set(Field::Keepalive(index), number(peer.persistent_keepalive));
        }
    }

    fn fill_method(&mut self, method: Option<Method>) {
        self.set(
            Field::Method,
            match method {
                None => "",
                Some(Method::Attach) => "attach",
                Some(Method::Graft) => "graft",
            },
        );
    }

    fn fill_text(&mut self, field: Field, text: Option<&str>) {
        self.set(field, text.unwrap_or_default());
    }

    fn fill_path(&mut self, field: Field, path: Option<&Path>) {
        self.fill_text(field, path.and_then(Path::to_str));
    }
}

fn secret(key: &SecretKey) -> String {
    key.clone().into()
}

fn number<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn joined<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(", ")
}

/// Words as a shell reads them; quoted only where that is needed.
fn quoted(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                glib::shell_quote(word).to_string_lossy().into_owned()
            }
        })
        .collect();
    words.join(" ")
}
