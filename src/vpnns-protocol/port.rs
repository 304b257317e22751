//! Ports: single doors between an instance and its surroundings, opened on purpose.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// Which side a door is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The host reaches a server inside.
    Publish,
    /// The inside reaches a service of the host's.
    Reach,
}

/// What passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Connections.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
}

/// One port that is open: `--publish` or `--reach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// Which side it is for.
    pub direction: Direction,
    /// What passes.
    pub protocol: Protocol,
    /// On the host's side: where it is listened at (publish), or whom it leads to (reach).
    pub address: IpAddr,
    /// The port at that address.
    pub port: u16,
    /// The port at the instance's loopback address.
    pub inside: u16,
}

/// What is wrong with the text of a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It has another shape.
    #[error("{0:?} is not of the form {form}", form = .1.form())]
    Form(String, Direction),
    /// A number is none, or out of range.
    #[error("{0:?} is no port: a number from 1 to 65535")]
    Number(String),
    /// Something else than an address stands where one should.
    #[error("{0:?} is no address")]
    Address(String),
    /// What follows the slash is unknown.
    #[error("{0:?} is no protocol")]
    Protocol(String),
    /// No single address is meant.
    #[error("{0} names no service: it is every address, or many")]
    Nobody(IpAddr),
}

impl PortError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Form(_, Direction::Publish) | Self::Number(_) => {
                "as in 8080:80, 8080:80/udp or [::1]:8080:80"
            }
            Self::Form(_, Direction::Reach) => "as in 127.0.0.1:631, 127.0.0.1:53/udp or [::1]:631",
            Self::Address(_) => "write localhost or an IP address, an IPv6 address in brackets",
            Self::Protocol(_) => "it is tcp or udp",
            Self::Nobody(_) => "write the address of one computer, or localhost",
        }
    }
}

impl Direction {
    fn form(self) -> &'static str {
        match self {
            Self::Publish => "[ADDRESS:]HOST-PORT:INSIDE-PORT[/udp]",
            Self::Reach => "ADDRESS:PORT[/udp]",
        }
    }
}

impl Port {
    /// Reads `[ADDRESS:]HOST:INSIDE[/tcp|/udp]`, or with one number only, the same on both sides.
    pub fn publish(text: &str) -> Result<Self, PortError> {
        let form = || PortError::Form(text.to_owned(), Direction::Publish);
        let (rest, protocol) = protocol(text)?;
        let (before, inside) = rest.rsplit_once(':').ok_or_else(form)?;
        let (address, port) = match before.rsplit_once(':') {
            Some((address, port)) => (parse_address(address)?, port),
            None => (Ipv4Addr::LOCALHOST.into(), before),
        };
        Ok(Self {
            direction: Direction::Publish,
            protocol,
            address,
            port: number(port)?,
            inside: number(inside)?,
        })
    }

    /// Reads `ADDRESS:PORT[/tcp|/udp]`.
    pub fn reach(text: &str) -> Result<Self, PortError> {
        let form = || PortError::Form(text.to_owned(), Direction::Reach);
        let (rest, protocol) = protocol(text)?;
        let (address, port) = rest.rsplit_once(':').ok_or_else(form)?;
        let (address, port) = (parse_address(address)?, number(port)?);
        if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
            return Err(PortError::Nobody(address));
        }
        Ok(Self {
            direction: Direction::Reach,
            protocol,
            address,
            port,
            inside: port,
        })
    }

    /// Where it is on the host's side.
    pub fn host(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Whether both need the same place to listen at.
    pub fn collides(&self, other: &Self) -> bool {
        if self.protocol != other.protocol || self.direction != other.direction {
            return false;
        }
        match self.direction {
            Direction::Reach => self.inside == other.inside,
            Direction::Publish => {
                let same = self.address == other.address
                    || self.address.is_unspecified()
                    || other.address.is_unspecified();
                self.port == other.port && same
            }
        }
    }

    /// Whether it is about this computer only.
    pub fn is_local(&self) -> bool {
        self.address.is_loopback()
    }

    /// The option, or the profile's field, that opens it.
    pub fn option(&self) -> &'static str {
        match self.direction {
            Direction::Publish => "publish",
            Direction::Reach => "reach",
        }
    }

    /// What it lets through, in a sentence without its full stop.
    pub fn in_words(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        };
        let (host, inside) = (self.host(), self.inside);
        match (self.direction, self.is_local()) {
            (Direction::Publish, true) => {
                format!("programs of this computer reach {protocol} port {inside} inside at {host}")
            }
            (Direction::Publish, false) => {
                format!("other computers reach {protocol} port {inside} inside at {host}")
            }
            (Direction::Reach, true) => {
                format!("the inside reaches {host} of this computer by {protocol}")
            }
            (Direction::Reach, false) => {
                format!("the inside reaches {host} past the VPN by {protocol}")
            }
        }
    }
}

/// The text that [`Port::publish`] or [`Port::reach`] reads.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Publish => write!(f, "{}:{}", self.host(), self.inside)?,
            Direction::Reach => write!(f, "{}", self.host())?,
        }
        match self.protocol {
            Protocol::Tcp => Ok(()),
            Protocol::Udp => f.write_str("/udp"),
        }
    }
}

fn protocol(text: &str) -> Result<(&str, Protocol), PortError> {
    match text.rsplit_once('/') {
        None => Ok((text, Protocol::Tcp)),
        Some((rest, "tcp")) => Ok((rest, Protocol::Tcp)),
        Some((rest, "udp")) => Ok((rest, Protocol::Udp)),
        Some((_, other)) => Err(PortError::Protocol(other.to_owned())),
    }
}

fn number(text: &str) -> Result<u16, PortError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<NonZeroU16>().ok().filter(|_| digits);
    number
        .map(NonZeroU16::get)
        .ok_or_else(|| PortError::Number(text.to_owned()))
}

fn parse_address(text: &str) -> Result<IpAddr, PortError> {
    let error = || PortError::Address(text.to_owned());
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    match text.strip_prefix('[') {
        Some(rest) => {
            let inner = rest.strip_suffix(']').ok_or_else(error)?;
            inner.parse::<Ipv6Addr>().map(IpAddr::V6)
        }
        None => text.parse::<Ipv4Addr>().map(IpAddr::V4),
    }
    .map_err(|_| error())
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_and_written_in_one_form() {
        for (text, written) in [
            ("8080:80", "127.0.0.1:8080:80"),
            ("8080:80/tcp", "127.0.0.1:8080:80"),
            ("0.0.0.0:53:5353/udp", "0.0.0.0:53:5353/udp"),
            ("[::1]:8080:80", "[::1]:8080:80"),
            ("localhost:1:2", "127.0.0.1:1:2"),
        ] {
            let port = Port::publish(text).unwrap();
            assert_eq!(port.to_string(), written);
            assert_eq!(Port::publish(written), Ok(port));
        }
        for (text, written) in [
            ("localhost:631", "127.0.0.1:631"),
            ("[::1]:53/udp", "[::1]:53/udp"),
            ("192.168.1.9:9100", "192.168.1.9:9100"),
        ] {
            let port = Port::reach(text).unwrap();
            assert_eq!(
                (port.to_string(), port.inside),
                (written.to_owned(), port.port)
            );
            assert_eq!(Port::reach(written), Ok(port));
        }
    }

    #[test]
    fn what_is_no_port_is_refused_with_what_is_wrong() {
        for text in [
            "",
            "80",
            "80:",
            ":80",
            "0:80",
            "80:65536",
            "+8:80",
            "::1:80:80",
            "a:80:80",
            "80:80/sctp",
            "80:80/",
        ] {
            assert!(Port::publish(text).is_err(), "{text}");
        }
        for text in [
            "",
            "80",
            "host:80",
            "0.0.0.0:80",
            "255.255.255.255:9",
            "[ff02::1]:80",
            "1.2.3.4:0",
            "[::1:80",
        ] {
            assert!(Port::reach(text).is_err(), "{text}");
        }
        assert_eq!(
            Port::publish("80:99999").unwrap_err().to_string(),
            "\"99999\" is no port: a number from 1 to 65535"
        );
    }
}
