//! A peer's endpoint as the profile has it: an address or a name, and a port.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::lookup;

/// Where a peer is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At an address.
    Address(SocketAddr),
    /// At whatever address the name has.
    Name {
        /// The name.
        host: String,
        /// The UDP port.
        port: u16,
        /// Its addresses when last asked, best first.
        addresses: Vec<IpAddr>,
    },
}

/// The text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl FromStr for Endpoint {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(Unreadable)?;
        let port = port.parse().map_err(|_| Unreadable)?;
        if port == 0 || !lookup::is_name(host) {
            return Err(Unreadable);
        }
        Ok(Self::Name {
            host: host.to_owned(),
            port,
            addresses: Vec::new(),
        })
    }
}

impl Endpoint {
    /// The name to ask for.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Address(_) => None,
            Self::Name { host, .. } => Some(host),
        }
    }

    /// Takes a name's addresses; having none is no reason to forget those it had.
    pub fn learn(&mut self, found: Vec<IpAddr>) {
        if let Self::Name { addresses, .. } = self
            && !found.is_empty()
        {
            *addresses = found;
        }
    }

    /// Where to try: the first place, or the one after `tried`, which does not answer.
    pub fn place(&self, tried: Option<SocketAddr>) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name {
                port, addresses, ..
            } => {
                let places: Vec<SocketAddr> = addresses
                    .iter()
                    .map(|address| (*address, *port).into())
                    .collect();
                let at = places.iter().position(|place| Some(*place) == tried);
                let next = at.map_or(0, |at| at + 1);
                places.get(next).or(places.first()).copied()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        for (text, name) in [
            ("192.0.2.1:51820", None),
            ("[2001:db8::1]:51820", None),
            ("vpn.example.com:51820", Some("vpn.example.com")),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().name(), name, "{text}");
        }
        for bad in [
            "",
            "vpn.example.com",
            "vpn:0",
            "vpn:x",
            ":51820",
            "2001:db8::1:51820",
            "-v:1",
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(Unreadable), "{bad}");
        }
    }

    #[test]
    fn places_are_tried_one_after_the_other_and_again() {
        let mut endpoint: Endpoint = "vpn:7".parse().unwrap();
        assert_eq!(endpoint.place(None), None);
        endpoint.learn(vec!["::1".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
        let first = endpoint.place(None).unwrap();
        let second = endpoint.place(Some(first)).unwrap();
        assert_eq!(first.to_string(), "[::1]:7");
        assert_eq!(second.to_string(), "127.0.0.1:7");
        assert_eq!(endpoint.place(Some(second)), Some(first));
        assert_eq!(endpoint.place("192.0.2.9:9".parse().ok()), Some(first));
    }
}
