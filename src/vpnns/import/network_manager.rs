//! A connection file of NetworkManager (`.nmconnection`) as a profile.
//!
//! Understood are `type=wireguard`, and `type=vpn` of the plug-ins for OpenVPN and OpenConnect.
//! An OpenVPN connection becomes the options that it stands for, and then goes the way of every
//! other configuration of OpenVPN.

mod openconnect;
mod openvpn;
mod wireguard;

use std::net::IpAddr;
use std::path::Path;

use vpnns_protocol::profile::Profile;

use super::Import;
use super::keyfile::{self, Section, items};
use crate::client::fault::{Fault, Note, Place, Subject, shown};

/// A connection file.
pub(super) struct Connection<'a> {
    sections: Vec<Section>,
    source: &'a Path,
}

/// Makes a profile of a connection file.
pub(super) fn import(text: &str, source: &Path, label: String) -> Result<Import, Fault> {
    let mut sections = keyfile::read(text, source, false)?;
    for section in &mut sections {
        for entry in &mut section.entries {
            entry.value = keyfile::unescaped(&entry.value);
        }
    }
    let connection = Connection { sections, source };
    let label = match connection.text("connection", "id") {
        Some(id) => id.to_owned(),
        None => label,
    };
    match connection.text("connection", "type") {
        Some("wireguard") => wireguard::import(&connection, label),
        Some("vpn") => connection.vpn(label),
        other => {
            let place = connection.place("connection", "type");
            let message = format!(
                "this is a connection of type {:?}, not a VPN",
                shown(other.unwrap_or_default())
            );
            Err(Fault::new(
                &place,
                message,
                "give the file of a VPN connection",
            ))
        }
    }
}

impl Connection<'_> {
    fn vpn(&self, label: String) -> Result<Import, Fault> {
        let service = self.text("vpn", "service-type").unwrap_or_default();
        let name = service.rsplit('.').next().unwrap_or_default();
        match name {
            "openvpn" => openvpn::import(self, label),
            "openconnect" => openconnect::import(self, label),
            _ => {
                let message = format!("there is no client here for {:?}", shown(service));
                let hint = match name {
                    "fortisslvpn" => {
                        "openconnect speaks its protocol: vpnns --import \
                                      fortinet://HOST"
                    }
                    _ => {
                        "make a profile with [command] for its client by hand; see \
                          vpnns-profile(5)"
                    }
                };
                Err(Fault::new(
                    &self.place("vpn", "service-type"),
                    message,
                    hint,
                ))
            }
        }
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn text(&self, section: &str, key: &str) -> Option<&str> {
        self.section(section)?.text(key)
    }

    /// Where a key stands, or else its section, or else the file.
    fn place(&self, section: &str, key: &str) -> Place {
        let section = self.section(section);
        let entry = section.and_then(|section| section.get(key));
        let place = entry.map(|entry| entry.place.clone());
        place
            .or(section.map(|section| section.place.clone()))
            .unwrap_or_else(|| Place {
                file: self.source.into(),
                line: 1,
                column: 1,
            })
    }

    fn missing(&self, section: &str, key: &str) -> Fault {
        let message = format!("[{section}] has no `{key}`");
        let hint = format!("add the line \"{key}=...\", or complete the connection first");
        Fault::new(&self.place(section, key), message, hint)
    }

    /// Resolvers and search domains that the user has set, for either family.
    fn set_names(&self, profile: &mut Profile, search: &mut Vec<String>) -> Result<(), Fault> {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for family in ["ipv4", "ipv6"] {
            let Some(section) = self.section(family) else {
                continue;
            };
            if let Some(entry) = section.get("dns") {
                for item in items(&entry.value, &[';', ',']) {
                    // Newer ones may name a server for the certificate after a '#'.
                    let address = item.split('#').next().unwrap_or_default();
                    addresses.push(address.parse().map_err(|_| {
                        let message = format!("{:?} is no resolver's address", shown(item));
                        entry.fault(message, "write addresses, separated by semicolons")
                    })?);
                }
            }
            if let Some(list) = section.text("dns-search") {
                let domains = items(list, &[';', ',']).map(|item| item.trim_start_matches('~'));
                search.extend(
                    domains
                        .filter(|item| !item.is_empty() && *item != ".")
                        .map(str::to_owned),
                );
            }
        }
        profile.dns = (!addresses.is_empty()).then_some(addresses);
        Ok(())
    }

    /// A note for each secret that is in the file, and for each key that nothing was made of.
    fn leftovers(&self, section: &str, known: &[&str]) -> Vec<Note> {
        let unknown = self.section(section).into_iter().flat_map(|it| &it.entries);
        let unknown = unknown
            .filter(|entry| !known.contains(&entry.key.as_str()) && !entry.key.ends_with("-flags"))
            .map(|entry| Note {
                place: entry.place.clone(),
                subject: Subject::LeftOut,
                message: format!(
                    "`{}` is left out: it has no meaning here",
                    shown(&entry.key)
                ),
            });
        let secrets = self.section("vpn-secrets").into_iter();
        let secrets = secrets
            .flat_map(|it| &it.entries)
            .filter(|entry| !known.contains(&entry.key.as_str()));
        let secrets = secrets.map(|entry| Note {
            place: entry.place.clone(),
            subject: Subject::Secret,
            message: format!(
                "the secret `{}` is not taken over; it is asked for",
                shown(&entry.key)
            ),
        });
        unknown.chain(secrets).collect()
    }
}
