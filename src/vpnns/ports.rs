//! Ports that the user opens between an instance and its surroundings: `--publish` and `--reach`.
//!
//! # Theory of operation
//!
//! A *forwarder* is a process of its own in the host's network, one for each call that opens
//! ports. It holds both ends: what listens outside it binds itself; sockets of the instance's
//! network it gets from the keeper, which stands there. So it passes bytes on between two
//! networks without being able to enter the one or needing any right in the other.
//!
//! Its connection to the keeper is its life: the keeper shows the ports of those that are
//! connected, and a forwarder whose connection ends has ended. So no port is open that the status
//! does not show, and none outlives the instance, or a keeper that was killed.

mod datagrams;
mod forwarder;
mod stream;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::port::{Direction, Port, Protocol};

use self::forwarder::Door;
use crate::instance::client::{self, Client};
use crate::instance::control::{Reply, Request};
use crate::instance::enter;
use crate::report;

/// How long the keeper may take for a socket: it does nothing else while it sets a device up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the instance is reached, and reaches, on its own side.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Why a port is not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be listened at on the host's side.
    #[error("failed to publish {0}")]
    Outside(Port, #[source] Errno),
    /// It cannot be listened at inside.
    #[error("failed to have {port} reached from inside: {message}")]
    Inside {
        /// The port.
        port: Port,
        /// What failed.
        message: String,
        /// Why.
        source: Option<report::Cause>,
    },
    /// The keeper cannot be talked to.
    #[error(transparent)]
    Keeper(#[from] client::Error),
    /// It is of another version, or too busy.
    #[error("the keeper of the instance did not open the ports")]
    Answer,
    /// The call comes from inside the instance.
    #[error("ports can only be opened from outside of the instance")]
    FromInside,
    /// The forwarder could not be started.
    #[error("failed to start the process that forwards the ports")]
    Spawn(#[source] Errno),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let next = |port: u16| port.checked_add(1).unwrap_or(8080);
        match self {
            Self::Outside(port, Errno::EADDRINUSE) => Some(format!(
                "another program uses port {} already; choose another, as in {}:{}",
                port.port,
                next(port.port),
                port.inside
            )),
            Self::Outside(port, Errno::EACCES) => Some(format!(
                "ports below 1024 are for root; choose a higher one, as in {}:{}",
                8000_u16.saturating_add(port.port),
                port.inside
            )),
            Self::Outside(port, Errno::EADDRNOTAVAIL) => Some(format!(
                "{} is no address of this computer; leave it out for this computer only",
                port.address
            )),
            Self::Inside { port, .. } => Some(format!(
                "a program inside, or another --reach, may use port {} already",
                port.inside
            )),
            Self::FromInside => {
                Some("run it in a terminal that was not opened in the VPN".to_owned())
            }
            Self::Answer => Some(
                "the instance may run with an older vpnns: end it with vpnns --stop, and start \
                 it again"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Ports about to be opened: what can be refused on the host's side has been tried.
#[derive(Debug)]
pub struct Opening {
    ports: Vec<Port>,
    doors: Vec<Door>,
}

impl Opening {
    /// Listens at what is published. Nothing is accepted yet.
    pub fn outside(ports: &[Port]) -> Result<Self, Error> {
        let mut doors = Vec::new();
        for port in ports {
            if port.direction == Direction::Publish {
                let listener = listen(port).map_err(|error| {
                    let code = error.raw_os_error().unwrap_or(nix::libc::EIO);
                    Error::Outside(*port, Errno::from_raw(code))
                })?;
                doors.push(Door::new(*port, listener));
            }
        }
        let ports = ports.to_vec();
        Ok(Self { ports, doors })
    }

    /// Has the keeper listen at what is reached, and leaves a forwarder behind.
    ///
    /// With `of_connector` the ports are closed when the instance's connector ends.
    pub fn inside(
        mut self,
        name: &InstanceName,
        keeper: Client,
        of_connector: bool,
    ) -> Result<(), Error> {
        if self.ports.is_empty() {
            return Ok(());
        }
        if enter::is_inside(&keeper) {
            return Err(Error::FromInside);
        }
        for port in &self.ports {
            if port.direction == Direction::Reach {
                for address in LOOPBACK {
                    self.doors.extend(
                        ask_to_listen(&keeper, port, address)?.map(|fd| Door::new(*port, fd)),
                    );
                }
            }
        }
        let ports = self.ports;
        match ask(
            &keeper,
            Request::Ports {
                ports,
                of_connector,
            },
        )? {
            (Reply::Done { .. }, _) => {}
            _ => return Err(Error::Answer),
        }
        forwarder::spawn(name, keeper, self.doors).map_err(Error::Spawn)
    }
}

fn listen(port: &Port) -> std::io::Result<OwnedFd> {
    Ok(match port.protocol {
        Protocol::Tcp => TcpListener::bind(port.host())?.into(),
        Protocol::Udp => UdpSocket::bind(port.host())?.into(),
    })
}

/// A socket that listens inside; `None` where the instance has no such family.
fn ask_to_listen(keeper: &Client, port: &Port, address: IpAddr) -> Result<Option<OwnedFd>, Error> {
    let request = Request::Listen {
        protocol: port.protocol,
        address,
        port: port.inside,
    };
    match ask(keeper, request)? {
        (Reply::Socket, Some(fd)) => Ok(Some(fd)),
        // IPv6 may be switched off in the kernel; IPv4 is always there.
        (Reply::Refused { .. }, _) if address.is_ipv6() && !has_ipv6() => Ok(None),
        (
            Reply::Refused {
                message, causes, ..
            },
            _,
        ) => Err(Error::Inside {
            port: *port,
            message,
            source: report::Cause::of(&causes),
        }),
        _ => Err(Error::Answer),
    }
}

fn has_ipv6() -> bool {
    let all = std::fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6");
    all.is_ok_and(|text| text.trim() == "0")
}

fn ask(keeper: &Client, request: Request) -> Result<(Reply, Option<OwnedFd>), Error> {
    keeper.send(request)?;
    keeper.receive_within(PATIENCE)?.ok_or(Error::Answer)
}
