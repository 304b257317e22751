//! What a VPN server assigns to a tunnel: addresses, routes, resolvers.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Which routes lead into the tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoutePolicy {
    /// The default route, whatever the server names.
    All,
    /// The server's split routes where it names some, else the default route.
    #[default]
    Server,
}

/// The complete network configuration of a tunnel device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkConfig {
    /// Largest packet that the device carries, in bytes.
    pub mtu: u32,
    /// Addresses of the device, each with the length of its on-link prefix.
    pub addresses: Vec<IpNet>,
    /// Prefixes that lead into the tunnel.
    pub routes: Vec<IpNet>,
    /// Prefixes that the server keeps out of the tunnel: unreachable in the instance.
    pub excluded: Vec<IpNet>,
    /// Addresses of the resolvers, best first.
    pub resolvers: Vec<IpAddr>,
    /// Domains that are appended to short names, in order.
    pub search: Vec<String>,
}
