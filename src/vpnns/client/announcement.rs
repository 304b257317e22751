//! What a VPN client announces about its tunnel, read from environment variables.
//!
//! Pure: variables in, configuration out. Which variables exist is a matter of the client
//! ([`super::openconnect`], [`super::openvpn`]); what they add up to is decided here.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use vpnns_protocol::network::{NetworkConfig, RoutePolicy};

/// Smallest MTU that IPv4 works with (RFC 791).
const MIN_MTU: u32 = 68;
/// Largest size of an IP packet.
const MAX_MTU: u32 = 65_535;
/// The MTU of a device where the client names none: what the kernel gives a tun.
const DEFAULT_MTU: u32 = 1500;
/// More split routes than any server sends. A keeper's message holds four lists of as many.
const MAX_ROUTES: u32 = 1_000;

/// Why the variables make no tunnel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A variable holds something else than it should.
    #[error("the VPN client's {name} is {value:?}, which is not {expected}")]
    Bad {
        /// The variable.
        name: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A variable that another one implies is missing.
    #[error("the VPN client did not set {name}, although {because}")]
    Missing {
        /// The variable.
        name: String,
        /// Why it should be there.
        because: String,
    },
    /// There is no address at all.
    #[error("the VPN client announced no address ({0})")]
    NoAddress(&'static str),
    /// The MTU is outside of what IP allows.
    #[error("the VPN client's {name} is {value}; an MTU is from {MIN_MTU} to {MAX_MTU}")]
    Mtu {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
    },
    /// The tunnel is not one for IP packets.
    #[error("the VPN client wants a {0:?} device; only tun carries IP packets")]
    DeviceType(String),
}

/// Environment variables by name.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What one client says, before it is decided what to make of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// MTU in bytes, if named.
    pub mtu: Option<u32>,
    /// Addresses with the length of their on-link prefix.
    pub addresses: Vec<IpNet>,
    /// Routes that the server names; none for a family means "everything".
    pub routes: Vec<IpNet>,
    /// Whether the server wants everything of a family whatever routes it names.
    pub everything: Vec<Family>,
    /// Prefixes that the server keeps out.
    pub excluded: Vec<IpNet>,
    /// Resolvers, in order.
    pub resolvers: Vec<IpAddr>,
    /// Domains for short names, in order.
    pub search: Vec<String>,
    /// The server's address.
    pub gateway: Option<String>,
    /// A sentence for each thing that was left out.
    pub warnings: Vec<String>,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of a prefix.
    pub fn of(net: &IpNet) -> Self {
        match net {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    fn default_route(self) -> IpNet {
        match self {
            Self::V4 => Ipv4Net::default().into(),
            Self::V6 => Ipv6Net::default().into(),
        }
    }
}

impl Announcement {
    /// Decides the device's configuration. `resolvers`, if given, replace the server's.
    pub fn decide(&self, policy: RoutePolicy, resolvers: Option<&[IpAddr]>) -> NetworkConfig {
        let resolvers = resolvers.map_or_else(|| self.resolvers.clone(), <[_]>::to_vec);
        let mut routes = Vec::new();
        for family in [Family::V4, Family::V6] {
            if !self
                .addresses
                .iter()
                .any(|address| Family::of(address) == family)
            {
                continue;
            }
            let named: Vec<IpNet> = self
                .routes
                .iter()
                .filter(|route| Family::of(route) == family)
                .copied()
                .collect();
            let everything = named.is_empty() || self.everything.contains(&family);
            if policy == RoutePolicy::All || everything {
                routes.push(family.default_route());
                if policy == RoutePolicy::All {
                    continue;
                }
            }
            let resolvers = resolvers.iter().map(|resolver| IpNet::from(*resolver));
            let of_family = resolvers.filter(|resolver| Family::of(resolver) == family);
            // A resolver that no route leads to would be one that never answers.
            let unreached: Vec<IpNet> = of_family
                .filter(|resolver| {
                    !everything && !named.iter().any(|route| route.contains(resolver))
                })
                .collect();
            routes.extend(named.into_iter().chain(unreached));
        }
        let mut excluded = if policy == RoutePolicy::All {
            Vec::new()
        } else {
            self.excluded.clone()
        };
        remove_duplicates(&mut routes);
        remove_duplicates(&mut excluded);
        NetworkConfig {
            mtu: self.mtu.unwrap_or(DEFAULT_MTU),
            addresses: self.addresses.clone(),
            routes,
            excluded,
            resolvers,
            search: self.search.clone(),
        }
    }

    /// Takes domains from a list; what could not stand in resolv.conf is left out with a word.
    pub(super) fn add_search(&mut self, list: &str) {
        let separator = |c: char| c.is_whitespace() || c == ',';
        for domain in list.split(separator).filter(|domain| !domain.is_empty()) {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if domain.len() > 253 || !domain.chars().all(fits) {
                self.warnings
                    .push(format!("left out the search domain {domain:?}"));
            } else if !self.search.iter().any(|known| known == domain) {
                self.search.push(domain.to_owned());
            }
        }
    }

    /// Takes resolvers from a list.
    pub(super) fn add_resolvers(&mut self, name: &str, list: &str) -> Result<(), Error> {
        for word in list.split_whitespace() {
            let address = parse(name, word, "an IP address")?;
            if !self.resolvers.contains(&address) {
                self.resolvers.push(address);
            }
        }
        Ok(())
    }
}

fn remove_duplicates(nets: &mut Vec<IpNet>) {
    let mut seen = std::collections::HashSet::new();
    nets.retain(|net| seen.insert(net.trunc()));
}

/// A variable that is set to something.
pub(super) fn value(variables: Variables<'_>, name: &str) -> Option<String> {
    variables(name)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A value of a type, or a sentence.
pub(super) fn parse<T: FromStr>(
    name: &str,
    text: &str,
    expected: &'static str,
) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Bad {
        name: name.to_owned(),
        value: text.to_owned(),
        expected,
    })
}

/// An MTU that IP allows.
pub(super) fn mtu(variables: Variables<'_>, name: &str) -> Result<Option<u32>, Error> {
    let Some(text) = value(variables, name) else {
        return Ok(None);
    };
    match text.parse::<u32>() {
        Ok(mtu) if (MIN_MTU..=MAX_MTU).contains(&mtu) => Ok(Some(mtu)),
        _ => Err(Error::Mtu {
            name: name.to_owned(),
            value: text,
        }),
    }
}

/// A prefix from an address and a variable that holds its length or its mask.
pub(super) fn with_mask(address: IpAddr, name: &str, text: &str) -> Result<IpNet, Error> {
    let bad = |expected| Error::Bad {
        name: name.to_owned(),
        value: text.to_owned(),
        expected,
    };
    if let Ok(length) = text.parse::<u8>() {
        return IpNet::new(address, length).map_err(|_| bad("a prefix length"));
    }
    let mask: IpAddr = text.parse().map_err(|_| bad("a netmask"))?;
    // The crate would take the length of an IPv6 mask for an IPv4 address.
    if mask.is_ipv4() != address.is_ipv4() {
        return Err(bad("a netmask of the address's family"));
    }
    IpNet::with_netmask(address, mask).map_err(|_| bad("a netmask"))
}

/// A count of numbered variables.
pub(super) fn count(variables: Variables<'_>, name: &str) -> Result<u32, Error> {
    let Some(text) = value(variables, name) else {
        return Ok(0);
    };
    match text.parse() {
        Ok(count) if count <= MAX_ROUTES => Ok(count),
        _ => Err(Error::Bad {
            name: name.to_owned(),
            value: text,
            expected: "a number of routes (1,000 at most)",
        }),
    }
}
