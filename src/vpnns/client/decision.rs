//! What a device gets: the server's announcement and the user's wishes, decided in one place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use vpnns_protocol::network::{NetworkConfig, RoutePolicy};

use super::announcement::Announcement;

/// What the original falls back to where the client names no resolver (the out-of-tree openvpn
/// never does). Asked through the tunnel only.
const FALLBACK_RESOLVERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 4, 4)),
];
/// The same ones for a tunnel without IPv4.
const FALLBACK_RESOLVERS_6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844)),
];

/// What the user wants otherwise than the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Which routes to set.
    pub routes: RoutePolicy,
    /// Resolvers instead of the server's.
    pub resolvers: Option<Vec<IpAddr>>,
}

/// Decides; adds a warning to the announcement where something is not as one would expect.
pub fn decide(announced: &mut Announcement, wishes: &Wishes) -> NetworkConfig {
    let decided = announced.decide(wishes.routes, wishes.resolvers.as_deref());
    let mut everything = decided
        .routes
        .iter()
        .filter(|route| route.prefix_len() == 0);
    // The default route of IPv4 comes first.
    let fallback = everything.next().map(|route| match route {
        IpNet::V4(_) => FALLBACK_RESOLVERS,
        IpNet::V6(_) => FALLBACK_RESOLVERS_6,
    });
    if !decided.resolvers.is_empty() || wishes.resolvers.is_some() {
        return decided;
    }
    let Some(fallback) = fallback else {
        announced.warnings.push(
            "the VPN client named no resolver, so names do not resolve; --dns ADDRESS names one"
                .to_owned(),
        );
        return decided;
    };
    let [first, second] = fallback;
    announced.warnings.push(format!(
        "the VPN client named no resolver; asking {first} and {second} through the tunnel \
         (--dns names others, --dns none turns this off)"
    ));
    announced.decide(wishes.routes, Some(&fallback))
}
