//! A wg-quick file as a profile. Its PostUp lines and their kin are reported and never run.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use ipnet::IpNet;
use vpnns_protocol::profile::wireguard::{Peer, PublicKey, SecretKey, WireGuard};
use vpnns_protocol::profile::{Settings, similar};

use super::keyfile::{self, Entry, Section, items};
use super::{Import, profile, sentences};
use crate::client::fault::{Fault, Note, Subject, shown};

/// The keys of `[Interface]`, as wg-quick writes them.
const INTERFACE: &[&str] = &[
    "PrivateKey",
    "Address",
    "DNS",
    "MTU",
    "ListenPort",
    "Table",
    "FwMark",
    "SaveConfig",
    "PreUp",
    "PostUp",
    "PreDown",
    "PostDown",
];
/// The keys of `[Peer]`.
const PEER: &[&str] = &[
    "PublicKey",
    "PresharedKey",
    "AllowedIPs",
    "Endpoint",
    "PersistentKeepalive",
];
/// Keys that only AmneziaWG has, whose packets no WireGuard understands.
const AMNEZIA: &[&str] = &[
    "jc", "jmin", "jmax", "s1", "s2", "s3", "s4", "h1", "h2", "h3", "h4",
];

/// Makes a profile of a wg-quick file.
pub(super) fn import(text: &str, source: &Path, label: String) -> Result<Import, Fault> {
    let sections = keyfile::read(text, source, true)?;
    let mut interface = Interface::default();
    let mut heading = None;
    let mut peers = Vec::new();
    for section in &sections {
        match section.name.to_lowercase().as_str() {
            "interface" => {
                heading.get_or_insert(section);
                for entry in &section.entries {
                    interface.take(entry)?;
                }
            }
            "peer" => peers.push(peer(section)?),
            _ => {
                let message = format!("[{}] is no heading of WireGuard", shown(&section.name));
                let hint = "the headings are [Interface] and [Peer]";
                return Err(Fault::new(&section.place, message, hint));
            }
        }
    }
    let Some(heading) = heading.or(sections.first()) else {
        return Err(nothing(source));
    };
    let settings = interface.finish(heading, peers)?;
    let mut profile = profile(Settings::WireGuard(settings));
    profile.dns = (!interface.dns.is_empty()).then_some(interface.dns);
    Ok(Import {
        text: None,
        profile,
        label,
        notes: sentences(&interface.notes),
    })
}

fn nothing(source: &Path) -> Fault {
    let place = crate::client::fault::Place {
        file: source.into(),
        line: 1,
        column: 1,
    };
    Fault::new(&place, "there is no [Interface]", "check the file")
}

#[derive(Default)]
struct Interface {
    private_key: Option<SecretKey>,
    addresses: Vec<IpNet>,
    dns: Vec<IpAddr>,
    search: Vec<String>,
    mtu: Option<u32>,
    listen_port: Option<u16>,
    notes: Vec<Note>,
}

impl Interface {
    fn take(&mut self, entry: &Entry) -> Result<(), Fault> {
        match canonical(entry, INTERFACE, "Interface")? {
            "PrivateKey" => self.private_key = Some(parse(entry, KEY)?),
            "Address" => self.addresses.extend(nets(entry, &entry.value)?),
            "DNS" => {
                for item in items(&entry.value, &[',']) {
                    match item.parse() {
                        Ok(address) => self.dns.push(address),
                        Err(_) if WireGuard::is_domain(item) => self.search.push(item.to_owned()),
                        Err(_) => {
                            let message = format!("{:?} is no resolver or domain", shown(item));
                            let hint = "write addresses and search domains, separated by commas";
                            return Err(entry.fault(message, hint));
                        }
                    }
                }
            }
            "MTU" => self.mtu = Some(parse(entry, "a number of bytes, as in 1420")?),
            "ListenPort" => {
                let port: u16 = parse(entry, "a port, from 1 to 65535")?;
                self.listen_port = (port != 0).then_some(port);
            }
            "Table" if entry.value.eq_ignore_ascii_case("auto") => {}
            "SaveConfig" if entry.value.eq_ignore_ascii_case("false") => {}
            name @ ("Table" | "FwMark" | "SaveConfig") => {
                let message = format!("`{name}` is left out: an instance has routes of its own");
                self.note(entry, Subject::LeftOut, message);
            }
            name => {
                let command = shown(&entry.value);
                let message = format!("`{name} = {command}` is a command; it is not run");
                self.note(entry, Subject::Command, message);
            }
        }
        Ok(())
    }

    fn note(&mut self, entry: &Entry, subject: Subject, message: String) {
        self.notes.push(Note {
            place: entry.place.clone(),
            subject,
            message,
        });
    }

    fn finish(&mut self, heading: &Section, peers: Vec<Peer>) -> Result<WireGuard, Fault> {
        let Some(private_key) = self.private_key.take() else {
            let hint = "add the line \"PrivateKey = ...\"; a key that a PostUp line fetches is \
                        not found here, since that is not run";
            return Err(Fault::new(&heading.place, "there is no PrivateKey", hint));
        };
        if self.addresses.is_empty() {
            let hint = "add the line \"Address = ...\" with what the server has given you";
            return Err(Fault::new(&heading.place, "there is no Address", hint));
        }
        if peers.is_empty() {
            let hint = "add the [Peer] of the server";
            return Err(Fault::new(&heading.place, "there is no [Peer]", hint));
        }
        Ok(WireGuard {
            private_key: Some(private_key),
            private_key_file: None,
            addresses: std::mem::take(&mut self.addresses),
            mtu: self.mtu,
            listen_port: self.listen_port,
            search: std::mem::take(&mut self.search),
            peers,
        })
    }
}

fn peer(section: &Section) -> Result<Peer, Fault> {
    let mut public_key: Option<PublicKey> = None;
    let mut peer = Peer {
        public_key: PublicKey([0; 32]),
        preshared_key: None,
        endpoint: None,
        allowed_ips: Vec::new(),
        persistent_keepalive: None,
    };
    for entry in &section.entries {
        match canonical(entry, PEER, "Peer")? {
            "PublicKey" => public_key = Some(parse(entry, KEY)?),
            "PresharedKey" => peer.preshared_key = Some(parse(entry, KEY)?),
            "AllowedIPs" => peer.allowed_ips.extend(nets(entry, &entry.value)?),
            "Endpoint" => peer.endpoint = Some(endpoint(entry, &entry.value)?),
            _ => peer.persistent_keepalive = keepalive(entry)?,
        }
    }
    let Some(public_key) = public_key else {
        let hint = "add the line \"PublicKey = ...\" with the server's key";
        return Err(Fault::new(
            &section.place,
            "the peer has no PublicKey",
            hint,
        ));
    };
    peer.public_key = public_key;
    Ok(peer)
}

const KEY: &str = "a key: 44 characters, the last one '='";

/// A key by the name that wg-quick writes; it reads any case.
fn canonical(entry: &Entry, known: &[&'static str], section: &str) -> Result<&'static str, Fault> {
    let found = known
        .iter()
        .find(|key| key.eq_ignore_ascii_case(&entry.key));
    if let Some(key) = found {
        return Ok(key);
    }
    let key = shown(&entry.key);
    if AMNEZIA.contains(&entry.key.to_lowercase().as_str()) {
        let message = format!("{key:?} belongs to AmneziaWG, which is not WireGuard");
        let hint = "ask for a plain WireGuard configuration; without these lines it would not \
                    reach its server";
        return Err(Fault::new(&entry.place, message, hint));
    }
    let message = format!("[{section}] has no {key:?}");
    let hint = match similar::nearest(&entry.key, known.iter().copied()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("it can have: {}", known.join(", ")),
    };
    Err(Fault::new(&entry.place, message, hint))
}

/// A value of a type. The value is not shown: it may be a secret.
pub(super) fn parse<T: FromStr>(entry: &Entry, expected: &str) -> Result<T, Fault> {
    entry.value.parse().map_err(|_| {
        let message = format!("the value of {:?} is wrong", shown(&entry.key));
        entry.fault(message, format!("it is {expected}"))
    })
}

/// Prefixes, separated by commas; an address alone is a prefix of its full length.
pub(super) fn nets(entry: &Entry, list: &str) -> Result<Vec<IpNet>, Fault> {
    items(list, &[',', ';'])
        .map(|item| {
            let address = item.parse::<IpAddr>().map(IpNet::from);
            item.parse().or(address).map_err(|_| {
                let message = format!("{:?} is neither an address nor a prefix", shown(item));
                entry.fault(message, "write it as in 10.0.0.2/32 or fd00::2/128")
            })
        })
        .collect()
}

/// A host and a port.
pub(super) fn endpoint(entry: &Entry, text: &str) -> Result<String, Fault> {
    if Peer::is_endpoint(text) {
        return Ok(text.to_owned());
    }
    let message = format!("{:?} is no host with a port", shown(text));
    let hint = "write host:port; an IPv6 address stands in brackets, as in [2001:db8::1]:51820";
    Err(entry.fault(message, hint))
}

/// Seconds, or nothing for "off".
pub(super) fn keepalive(entry: &Entry) -> Result<Option<u16>, Fault> {
    if entry.value.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let seconds: u16 = parse(entry, "a number of seconds up to 65535, or off")?;
    Ok((seconds != 0).then_some(seconds))
}
