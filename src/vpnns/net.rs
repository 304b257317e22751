//! The network of an instance: its device, addresses, routes, resolvers and open connections.
//!
//! Everything here acts on the network namespace that the process stands in, and all but
//! [`peer_inode`], [`Uplink`] and [`ways()`] is for the keeper only. Nothing else in the program speaks netlink.

mod abort;
mod configure;
mod device;
mod diagnosis;
pub mod dns;
mod link;
mod peer;
mod uplink;
mod ways;

pub use self::abort::{abort_connections, can_abort_connections};
pub use self::configure::{configure, unconfigure};
pub use self::device::{Device, Offload, clear, devices, graft_device, open_device, shut};
pub use self::link::{LinkWatch, counters, has_carrier, ioctl_socket, observe, route_socket};
pub use self::peer::peer_inode;
pub use self::uplink::Uplink;
pub use self::ways::{Way, way_to, ways};

use ipnet::IpNet;
use nix::errno::Errno;

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no way to make a tun device.
    #[error("failed to open /dev/net/tun")]
    OpenTun(#[source] std::io::Error),
    /// The device could not be made.
    #[error("failed to create a tun device")]
    CreateTun(#[source] Errno),
    /// The kernel's configuration interface does not work.
    #[error("failed to open a netlink connection")]
    Netlink(#[source] std::io::Error),
    /// The kernel took too long to answer.
    #[error("the kernel did not answer in {} s", configure::PATIENCE.as_secs())]
    TimedOut,
    /// The device vanished or its size was refused.
    #[error("failed to set the MTU of {device} to {mtu} and bring it up")]
    Link {
        /// The device.
        device: String,
        /// The MTU, in bytes.
        mtu: u32,
        /// Why.
        source: Box<rtnetlink::Error>,
    },
    /// Every address is an IPv6 one, and the device cannot have it.
    #[error("the tunnel has IPv6 addresses only, and {0}")]
    NoUsableAddress(String),
    /// An address was refused.
    #[error("failed to add the address {address}")]
    Address {
        /// The address.
        address: IpNet,
        /// Why.
        source: Box<rtnetlink::Error>,
    },
    /// A route was refused.
    #[error("failed to add the route {route}")]
    Route {
        /// Its destination.
        route: IpNet,
        /// Why.
        source: Box<rtnetlink::Error>,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OpenTun(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("let users open it: sudo chmod 0666 /dev/net/tun".to_owned())
            }
            Self::OpenTun(_) => Some("load the driver: sudo modprobe tun".to_owned()),
            _ => None,
        }
    }
}
