//! NetworkManager's connections of the OpenVPN plug-in, as the options that they stand for.

use super::super::keyfile::{Entry, items};
use super::super::{Import, openvpn, sentences};
use super::Connection;
use crate::client::fault::Fault;
use crate::client::openvpn::config::{Configuration, Directive};

/// Keys whose value is the parameter of an option.
const SAME: &[(&str, &str)] = &[
    ("ca", "ca"),
    ("cert", "cert"),
    ("key", "key"),
    ("extra-certs", "extra-certs"),
    ("tls-crypt", "tls-crypt"),
    ("tls-crypt-v2", "tls-crypt-v2"),
    ("crl-verify-file", "crl-verify"),
    ("cipher", "cipher"),
    ("data-ciphers", "data-ciphers"),
    ("data-ciphers-fallback", "data-ciphers-fallback"),
    ("auth", "auth"),
    ("tls-cipher", "tls-cipher"),
    ("tls-version-min", "tls-version-min"),
    ("tls-version-max", "tls-version-max"),
    ("keysize", "keysize"),
    ("reneg-seconds", "reneg-sec"),
    ("tunnel-mtu", "tun-mtu"),
    ("fragment-size", "fragment"),
    ("ping", "ping"),
    ("ping-exit", "ping-exit"),
    ("ping-restart", "ping-restart"),
    ("connect-timeout", "connect-timeout"),
    ("remote-cert-tls", "remote-cert-tls"),
    ("ns-cert-type", "ns-cert-type"),
    ("tls-remote", "tls-remote"),
    ("compress", "compress"),
    ("allow-compression", "allow-compression"),
    ("port", "rport"),
];
/// Keys that turn an option on with "yes".
const SWITCHES: &[(&str, &[&str])] = &[
    ("float", &["float"]),
    ("proto-tcp", &["proto", "tcp"]),
    ("remote-random", &["remote-random"]),
    ("remote-random-hostname", &["remote-random-hostname"]),
    ("push-peer-info", &["push-peer-info"]),
    ("ncp-disable", &["ncp-disable"]),
];
/// Keys that are looked at by themselves, or that need no option.
const OTHERS: &[&str] = &[
    "service-type",
    "connection-type",
    "remote",
    "username",
    "ta",
    "ta-dir",
    "static-key",
    "static-key-direction",
    "local-ip",
    "remote-ip",
    "crl-verify-dir",
    "verify-x509-name",
    "comp-lzo",
    "mssfix",
    "dev-type",
    "tap-dev",
    "dev",
    "tun-ipv6",
    "proxy-type",
    "proxy-server",
    "proxy-port",
    "http-proxy-username",
    "max-routes",
];

/// Makes a profile of a connection.
pub(super) fn import(connection: &Connection<'_>, label: String) -> Result<Import, Fault> {
    let mut directives = Directives {
        connection,
        list: Vec::new(),
    };
    directives.all()?;
    let configuration = Configuration {
        directives: directives.list,
        directory: connection
            .source
            .parent()
            .map(std::path::Path::to_owned)
            .unwrap_or_default(),
        file: connection.source.into(),
    };
    let user = connection.text("vpn", "username").map(str::to_owned);
    let mut import = openvpn::of_configuration(&configuration, label, user)?;
    let known: Vec<&str> = [
        SAME.iter().map(|it| it.0).collect::<Vec<_>>(),
        OTHERS.to_vec(),
    ]
    .concat()
    .into_iter()
    .chain(SWITCHES.iter().map(|it| it.0))
    .collect();
    let leftovers = connection.leftovers("vpn", &known);
    import.notes.extend(sentences(&leftovers));
    connection.set_names(&mut import.profile, &mut Vec::new())?;
    Ok(import)
}

struct Directives<'c, 's> {
    connection: &'c Connection<'s>,
    list: Vec<Directive>,
}

impl Directives<'_, '_> {
    fn entry(&self, key: &str) -> Option<&Entry> {
        let entry = self.connection.section("vpn")?.get(key)?;
        (!entry.value.is_empty()).then_some(entry)
    }

    /// Adds an option because of a key.
    fn add(&mut self, key: &str, words: &[&str]) {
        let place = self.connection.place("vpn", key);
        if let Some((name, arguments)) = words.split_first() {
            self.list.push(Directive::new(name, arguments, &place));
        }
    }

    fn all(&mut self) -> Result<(), Fault> {
        let connection = self.connection;
        let value = |key| connection.text("vpn", key);
        let kind = value("connection-type").unwrap_or("tls");
        if kind == "static-key" {
            self.static_key();
        } else {
            self.add("connection-type", &["client"]);
        }
        let tap = value("tap-dev") == Some("yes") || value("dev-type") == Some("tap");
        self.add("dev-type", &["dev", if tap { "tap" } else { "tun" }]);
        self.add("connection-type", &["nobind"]);
        if kind.starts_with("password") {
            self.add("connection-type", &["auth-user-pass"]);
        }
        self.remotes()?;
        for (key, option) in SAME {
            if let Some(value) = value(key) {
                self.add(key, &[option, value]);
            }
        }
        for (key, words) in SWITCHES {
            if value(key) == Some("yes") {
                self.add(key, words);
            }
        }
        if let Some(file) = value("ta") {
            let direction = value("ta-dir");
            let words: Vec<&str> = ["tls-auth", file].into_iter().chain(direction).collect();
            self.add("ta", &words);
        }
        if let Some(directory) = value("crl-verify-dir") {
            self.add("crl-verify-dir", &["crl-verify", directory, "dir"]);
        }
        if let Some((form, name)) = value("verify-x509-name").and_then(|it| it.split_once(':')) {
            self.add("verify-x509-name", &["verify-x509-name", name, form]);
        }
        match value("comp-lzo") {
            Some("no-by-default" | "no") => self.add("comp-lzo", &["comp-lzo", "no"]),
            Some("yes") => self.add("comp-lzo", &["comp-lzo", "yes"]),
            Some(_) => self.add("comp-lzo", &["comp-lzo"]),
            None => {}
        }
        match value("mssfix") {
            Some("yes") => self.add("mssfix", &["mssfix"]),
            Some(number) if number != "no" => self.add("mssfix", &["mssfix", number]),
            _ => {}
        }
        self.proxy();
        Ok(())
    }

    fn static_key(&mut self) {
        let connection = self.connection;
        let value = |key| connection.text("vpn", key);
        if let Some(file) = value("static-key") {
            let direction = value("static-key-direction");
            let words: Vec<&str> = ["secret", file].into_iter().chain(direction).collect();
            self.add("static-key", &words);
        }
        if let (Some(local), Some(remote)) = (value("local-ip"), value("remote-ip")) {
            self.add("local-ip", &["ifconfig", local, remote]);
        }
    }

    /// `host`, `host:port` or `host:port:protocol`, separated by blanks or commas.
    fn remotes(&mut self) -> Result<(), Fault> {
        let missing = || self.connection.missing("vpn", "remote");
        let list = self.entry("remote").ok_or_else(missing)?.value.clone();
        for item in items(&list, &[',', ' ', '\t']) {
            let (host, rest) = match item.strip_prefix('[').and_then(|it| it.split_once(']')) {
                Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
                // An IPv6 address without brackets has no port.
                None if item.matches(':').count() > 2 => (item, ""),
                None => item.split_once(':').unwrap_or((item, "")),
            };
            let words: Vec<&str> = ["remote", host]
                .into_iter()
                .chain(items(rest, &[':']))
                .collect();
            self.add("remote", &words);
        }
        Ok(())
    }

    fn proxy(&mut self) {
        let connection = self.connection;
        let value = |key| connection.text("vpn", key);
        let (Some(kind), Some(server)) = (value("proxy-type"), value("proxy-server")) else {
            return;
        };
        if kind == "socks" {
            let port = value("proxy-port").unwrap_or("1080");
            self.add("proxy-type", &["socks-proxy", server, port]);
            return;
        }
        let port = value("proxy-port").unwrap_or("8080");
        // With a user there is a password, which OpenVPN then asks for.
        let asks = value("http-proxy-username").map(|_| "auto");
        let words = ["http-proxy", server, port].into_iter().chain(asks);
        self.add("proxy-type", &words.collect::<Vec<_>>());
    }
}
