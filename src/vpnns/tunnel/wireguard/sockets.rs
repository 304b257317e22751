//! The UDP sockets, one for each family, in the network that this process stands in: the host's.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};

use crate::sys::udp;

/// What both buffers of a socket are asked to hold, in bytes; the kernel gives what it allows.
const BUFFER: usize = 4 << 20;

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel gives no socket.
    #[error("failed to open a UDP socket")]
    Open(#[source] Errno),
    /// The port is not to be had.
    #[error("failed to use the UDP port {port}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: Errno,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Port {
                source: Errno::EADDRINUSE,
                ..
            } => Some(
                "another program uses it; leave listen-port out, and a free one is taken"
                    .to_owned(),
            ),
            Self::Port {
                source: Errno::EACCES,
                ..
            } => Some("ports below 1024 are root's; choose another listen-port".to_owned()),
            _ => None,
        }
    }
}

/// The sockets.
#[derive(Debug)]
pub struct Sockets {
    v4: OwnedFd,
    /// None where the kernel has no IPv6.
    v6: Option<OwnedFd>,
}

impl Sockets {
    /// Opens both, on a port of the kernel's choice or on this one.
    pub fn open(port: Option<u16>) -> Result<Self, Error> {
        let v4 = open((Ipv4Addr::UNSPECIFIED, port.unwrap_or(0)).into())?;
        let v6 = match open((Ipv6Addr::UNSPECIFIED, port.unwrap_or(0)).into()) {
            Ok(socket) => Some(socket),
            Err(Error::Open(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { v4, v6 })
    }

    /// The one that reaches an address.
    pub fn to(&self, address: SocketAddr) -> Option<BorrowedFd<'_>> {
        match address {
            SocketAddr::V4(_) => Some(self.v4.as_fd()),
            SocketAddr::V6(_) => self.v6.as_ref().map(AsFd::as_fd),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let v6 = self.v6.as_ref().map(AsFd::as_fd);
        std::iter::once(self.v4.as_fd()).chain(v6)
    }
}

fn open(address: SocketAddr) -> Result<OwnedFd, Error> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Datagram, flags, None).map_err(Error::Open)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true).map_err(Error::Open)?;
    }
    // Each helps, none is needed.
    let _ = setsockopt(&socket, sockopt::SndBuf, &BUFFER);
    let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER);
    let _ = udp::receive_merged(&socket);
    let port = address.port();
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address)).map_err(|source| match source {
        // IPv6 may be there and switched off.
        Errno::EADDRNOTAVAIL => Error::Open(source),
        source => Error::Port { port, source },
    })?;
    Ok(socket)
}
