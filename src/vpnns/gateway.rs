//! An embedded VPN gateway: a network to connect to without a server or an account.
//!
//! # Theory of operation
//!
//! What a VPN client and everything behind it is to `--attach`, in one process: it makes the
//! packet socket pair and starts `vpnns --attach` with one end, as openconnect would. The other
//! end leads to a tun device in a network namespace of its own, so that the far side is the
//! kernel's real TCP/IP stack. A second process in that namespace answers DNS and HTTP. Both die
//! with the process that started them. Nothing touches the host's network.

pub mod dns;
mod service;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};

use ipnet::{Ipv4Net, Ipv6Net};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{ForkResult, Pid};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::network::NetworkConfig;

use self::service::Services;
use crate::isolation::{self, identity};
use crate::net::{self, Device};
use crate::sys;
use crate::tunnel::relay::Relay;

/// The gateway's own IPv4 address (RFC 5737, TEST-NET-1).
pub const SERVER_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The gateway's own IPv6 address (RFC 3849, the documentation prefix).
pub const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The name that its resolver knows, below a top-level domain that no other has (RFC 6761).
pub const SERVER_NAME: &str = "gateway.vpnns.test";
/// What its web page says.
pub const PAGE: &str = "hello from the embedded gateway\n";

const CLIENT_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const MTU: u32 = 1400;

/// What could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway's own namespaces.
    #[error("failed to isolate the gateway")]
    Isolation(#[from] isolation::Error),
    /// Its device.
    #[error("failed to give the gateway a network")]
    Network(#[from] net::Error),
    /// Processes and sockets.
    #[error("failed to start the gateway")]
    Start(#[from] Errno),
    /// Its services, or `vpnns --attach`.
    #[error("failed to start the gateway's programs")]
    Program(#[from] std::io::Error),
}

/// Starts a gateway as a child process, attached to an instance; returns its process.
///
/// Its end, however it comes, is the end of the tunnel.
pub fn start(instance: &InstanceName) -> Result<Pid, Error> {
    match sys::process::fork()? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = match serve(instance) {
                Ok(()) => 0,
                Err(error) => {
                    crate::report::print(&error, None);
                    1
                }
            };
            std::process::exit(code)
        }
    }
}

fn serve(instance: &InstanceName) -> Result<(), Error> {
    set_pdeathsig(Signal::SIGKILL)?;
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::Datagram,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    // Before we leave the user's own namespaces, where instances are.
    attach(instance, &theirs)?;
    drop(theirs);
    identity::become_keeper()?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|source| isolation::Error::Namespace {
        kind: "net",
        source,
    })?;
    isolation::loopback()?;
    let Device {
        fd: device,
        name,
        offload,
    } = net::open_device(true)?;
    net::configure(&name, &network())?;
    // They listen before the first packet passes, or an eager app would be refused.
    let services = Services::bind()?;
    if let ForkResult::Child = sys::process::fork()? {
        // The services have no use for the packets, and must not hold the device or the socket.
        drop((device, ours));
        set_pdeathsig(Signal::SIGKILL)?;
        services.serve();
        return Ok(());
    }
    drop(services);
    Relay::new(device, ours, offload)?.run(&[]);
    Ok(())
}

/// Starts `vpnns --attach` the way openconnect does: socket by number, facts by environment.
fn attach(instance: &InstanceName, socket: &OwnedFd) -> Result<(), Error> {
    fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Command::new(crate::executable::own()?)
        .args(["--attach", "--name", instance.as_str()])
        .env("VPNFD", socket.as_raw_fd().to_string())
        .env("VPNPID", std::process::id().to_string())
        .env("VPNGATEWAY", SERVER_V4.to_string())
        .env("INTERNAL_IP4_ADDRESS", CLIENT_V4.to_string())
        .env("INTERNAL_IP4_NETMASKLEN", "24")
        .env("INTERNAL_IP4_MTU", MTU.to_string())
        .env("INTERNAL_IP4_DNS", format!("{SERVER_V4} {SERVER_V6}"))
        .env("INTERNAL_IP6_ADDRESS", CLIENT_V6.to_string())
        .env("INTERNAL_IP6_NETMASK", format!("{CLIENT_V6}/64"))
        .env("CISCO_DEF_DOMAIN", "vpnns.test")
        .stdin(Stdio::null())
        .spawn()?;
    Ok(())
}

fn network() -> NetworkConfig {
    // The lengths are constants below 32 and 128.
    let addresses = [
        Ipv4Net::new(SERVER_V4, 24).map(Into::into).ok(),
        Ipv6Net::new(SERVER_V6, 64).map(Into::into).ok(),
    ];
    NetworkConfig {
        mtu: MTU,
        addresses: addresses.into_iter().flatten().collect(),
        ..NetworkConfig::default()
    }
}
