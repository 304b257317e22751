//! NetworkManager's WireGuard: `[wireguard]` and a `[wireguard-peer.KEY]` for each peer.

use vpnns_protocol::profile::Settings;
use vpnns_protocol::profile::wireguard::{Peer, WireGuard};

use super::super::keyfile::{Section, items};
use super::super::wg_quick::{endpoint, keepalive, nets, parse};
use super::super::{Import, profile, sentences};
use super::Connection;
use crate::client::fault::Fault;

const KEY: &str = "a key: 44 characters, the last one '='";
const PEER: &str = "wireguard-peer.";

/// Makes a profile of a connection.
pub(super) fn import(connection: &Connection<'_>, label: String) -> Result<Import, Fault> {
    let interface = connection.section("wireguard");
    let Some(key) = interface.and_then(|section| section.get("private-key")) else {
        let place = connection.place("wireguard", "private-key-flags");
        let hint = "it is in a keyring: run \"nmcli connection modify NAME \
                    wireguard.private-key-flags 0\" and copy the file again";
        return Err(Fault::new(&place, "the file holds no private key", hint));
    };
    let mut settings = WireGuard {
        private_key: Some(parse(key, KEY)?),
        private_key_file: None,
        addresses: Vec::new(),
        mtu: None,
        listen_port: None,
        search: Vec::new(),
        peers: Vec::new(),
    };
    if let Some(entry) = interface.and_then(|section| section.get("mtu")) {
        settings.mtu = Some(parse(entry, "a number of bytes")?).filter(|mtu| *mtu != 0);
    }
    if let Some(entry) = interface.and_then(|section| section.get("listen-port")) {
        settings.listen_port = Some(parse(entry, "a port")?).filter(|port| *port != 0);
    }
    for family in ["ipv4", "ipv6"] {
        let entries = connection.section(family).into_iter();
        for entry in entries.flat_map(|section| &section.entries) {
            let number = entry.key.strip_prefix("address");
            if number.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
                // A gateway may follow after a comma.
                let address = items(&entry.value, &[',', ';']).next().unwrap_or_default();
                settings.addresses.extend(nets(entry, address)?);
            }
        }
    }
    if settings.addresses.is_empty() {
        return Err(connection.missing("ipv4", "address1"));
    }
    for section in &connection.sections {
        if let Some(key) = section.name.strip_prefix(PEER) {
            settings.peers.push(peer(section, key)?);
        }
    }
    if settings.peers.is_empty() {
        let place = connection.place("wireguard", "");
        let hint = "add the peer to the connection first";
        return Err(Fault::new(&place, "the connection has no peer", hint));
    }
    let known = [
        "private-key",
        "mtu",
        "listen-port",
        "peer-routes",
        "ip4-auto-default-route",
        "ip6-auto-default-route",
    ];
    let notes = connection.leftovers("wireguard", &known);
    let mut search = Vec::new();
    let mut profile = profile(Settings::WireGuard(settings));
    connection.set_names(&mut profile, &mut search)?;
    if let Settings::WireGuard(settings) = &mut profile.settings {
        settings.search = search;
        settings
            .search
            .retain(|domain| WireGuard::is_domain(domain));
    }
    Ok(Import {
        text: None,
        profile,
        label,
        notes: sentences(&notes),
    })
}

fn peer(section: &Section, key: &str) -> Result<Peer, Fault> {
    let public_key = key.parse().map_err(|_| {
        let message = "the heading of the peer has no public key";
        Fault::new(&section.place, message, format!("it is {KEY}"))
    })?;
    let mut peer = Peer {
        public_key,
        preshared_key: None,
        endpoint: None,
        allowed_ips: Vec::new(),
        persistent_keepalive: None,
    };
    for entry in &section.entries {
        match entry.key.as_str() {
            "endpoint" => peer.endpoint = Some(endpoint(entry, &entry.value)?),
            "preshared-key" => peer.preshared_key = Some(parse(entry, KEY)?),
            "allowed-ips" => peer.allowed_ips = nets(entry, &entry.value)?,
            "persistent-keepalive" => peer.persistent_keepalive = keepalive(entry)?,
            _ => {}
        }
    }
    Ok(peer)
}
