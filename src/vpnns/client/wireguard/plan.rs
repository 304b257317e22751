//! What a profile's `[wireguard]` comes to: keys read, endpoints understood, a network to set up.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use vpnns_protocol::network::{NetworkConfig, RoutePolicy};
use vpnns_protocol::profile::wireguard::{SecretKey, WireGuard};

use super::Error;
use super::endpoint::Endpoint;
use crate::tunnel::wireguard::{Identity, Setup};

/// Largest packet inside the tunnel unless the profile says otherwise: what is left of 1500 bytes
/// by the headers of IPv6, UDP and WireGuard.
const MTU: u32 = 1420;
/// What IP allows: the smallest link of IPv4, and its length field.
const MTUS: std::ops::RangeInclusive<u32> = 576..=65_535 - 80;

/// Everything that is known before the first side effect.
pub struct Plan {
    /// The tunnel; its peers have no endpoints yet.
    pub setup: Setup,
    /// Each peer's.
    pub endpoints: Vec<Option<Endpoint>>,
    /// What the device gets.
    pub network: NetworkConfig,
    /// What the user might want to know.
    pub notes: Vec<String>,
}

/// Understands the settings.
pub fn plan(
    settings: &WireGuard,
    routes: RoutePolicy,
    dns: Option<&[IpAddr]>,
) -> Result<Plan, Error> {
    let mut notes = Vec::new();
    let private = private_key(settings, &mut notes)?;
    let mtu = settings.mtu.unwrap_or(MTU);
    if !MTUS.contains(&mtu) {
        return Err(Error::Mtu(mtu));
    }
    if settings.addresses.is_empty() {
        return Err(Error::NoAddress);
    }
    let mut endpoints = Vec::new();
    let mut peers = Vec::new();
    for peer in &settings.peers {
        let text = peer.endpoint.as_ref();
        let endpoint = text.map(|text| {
            let unreadable = |_| Error::Endpoint(text.clone());
            text.trim().parse::<Endpoint>().map_err(unreadable)
        });
        endpoints.push(endpoint.transpose()?);
        let identity = Identity {
            key: peer.public_key,
            preshared: peer.preshared_key.as_ref().map(|key| key.0),
            keepalive: peer.persistent_keepalive,
            endpoint: None,
        };
        peers.push((identity, peer.allowed_ips.clone()));
    }
    if peers.is_empty() {
        return Err(Error::NoPeer);
    }
    if dns.is_none() {
        notes.push("the profile names no resolver, so names do not resolve in the tunnel".into());
    }
    let network = NetworkConfig {
        mtu,
        addresses: settings.addresses.clone(),
        routes: routes_of(settings, routes),
        excluded: Vec::new(),
        resolvers: dns.unwrap_or_default().to_vec(),
        search: settings.search.clone(),
    };
    let setup = Setup {
        private,
        peers,
        mtu,
    };
    Ok(Plan {
        setup,
        endpoints,
        network,
        notes,
    })
}

/// What leads into the tunnel: each once, and only of families that the device has an address of.
fn routes_of(settings: &WireGuard, policy: RoutePolicy) -> Vec<IpNet> {
    let everything = [Ipv4Net::default().into(), Ipv6Net::default().into()];
    let wanted: Vec<IpNet> = match policy {
        RoutePolicy::All => everything.into(),
        RoutePolicy::Server => {
            let peers = settings.peers.iter();
            peers.flat_map(|peer| peer.allowed_ips.clone()).collect()
        }
    };
    let is_v4 = |net: &IpNet| matches!(net, IpNet::V4(_));
    let mut routes = Vec::new();
    for net in wanted {
        let net = net.trunc();
        let usable = settings
            .addresses
            .iter()
            .any(|own| is_v4(own) == is_v4(&net));
        if usable && !routes.contains(&net) {
            routes.push(net);
        }
    }
    routes
}

fn private_key(settings: &WireGuard, notes: &mut Vec<String>) -> Result<[u8; 32], Error> {
    match (&settings.private_key, &settings.private_key_file) {
        (Some(key), None) => Ok(key.0),
        (None, Some(path)) => key_file(path, notes),
        _ => Err(Error::NoKey),
    }
}

fn key_file(path: &Path, notes: &mut Vec<String>) -> Result<[u8; 32], Error> {
    let failed = |source| Error::KeyFile {
        path: PathBuf::from(path),
        source,
    };
    let text = fs::read_to_string(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        notes.push(format!(
            "the private key in {0} can be read by others; chmod 600 {0}",
            path.display()
        ));
    }
    let key: SecretKey = text.trim().parse().map_err(|source| Error::BadKeyFile {
        path: PathBuf::from(path),
        source,
    })?;
    Ok(key.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::profile::wireguard::{Peer, PublicKey};

    fn settings() -> WireGuard {
        let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
        let peer = |ips: &[&str]| Peer {
            public_key: PublicKey([1; 32]),
            preshared_key: None,
            endpoint: Some("192.0.2.1:51820".into()),
            allowed_ips: nets(ips),
            persistent_keepalive: None,
        };
        WireGuard {
            private_key: Some(SecretKey([7; 32])),
            private_key_file: None,
            addresses: nets(&["10.7.0.2/32"]),
            mtu: None,
            listen_port: None,
            search: vec!["corp.test".into()],
            peers: vec![
                peer(&["10.0.0.0/8", "fd00::/8"]),
                peer(&["10.0.0.1/8", "10.9.0.0/16"]),
            ],
        }
    }

    #[test]
    fn the_peers_prefixes_are_the_routes_of_the_families_that_there_are() {
        let plan = plan(&settings(), RoutePolicy::Server, None).ok().unwrap();
        let routes: Vec<String> = plan
            .network
            .routes
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(routes, ["10.0.0.0/8", "10.9.0.0/16"]);
        assert_eq!((plan.network.mtu, plan.notes.len()), (1420, 1));
    }

    #[test]
    fn everything_may_be_led_into_the_tunnel() {
        let mut settings = settings();
        settings.addresses.push("fd07::2/128".parse().unwrap());
        let resolvers = ["10.0.0.1".parse().unwrap()];
        let plan = plan(&settings, RoutePolicy::All, Some(&resolvers))
            .ok()
            .unwrap();
        let routes: Vec<String> = plan
            .network
            .routes
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(routes, ["0.0.0.0/0", "::/0"]);
        assert_eq!(plan.network.resolvers, resolvers);
        assert!(plan.notes.is_empty());
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_is_done() {
        type Change = fn(&mut WireGuard);
        let changes: [(Change, &str); 6] = [
            (|it| it.private_key = None, "private key"),
            (|it| it.private_key_file = Some("/x".into()), "private key"),
            (|it| it.addresses.clear(), "address"),
            (|it| it.peers.clear(), "peer"),
            (|it| it.mtu = Some(100), "MTU"),
            (
                |it| it.peers[0].endpoint = Some("nowhere".into()),
                "nowhere",
            ),
        ];
        for (change, word) in changes {
            let mut settings = settings();
            change(&mut settings);
            let error = plan(&settings, RoutePolicy::Server, None).err().unwrap();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
