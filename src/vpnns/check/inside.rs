//! The app of the leak check: answers from inside of an instance, as any program there could.
//!
//! # Theory of operation
//!
//! It is an ordinary program of the instance, without a capability. A line of JSON is asked, a
//! line of JSON answered; it knows nothing of the verdicts. It sends packets to nobody but the
//! instance's own loopback and resolvers: where others would go is asked of the kernel's routing.

use std::fs;
use std::io::{BufRead, Read};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nameindex;
use nix::sys::socket::sockopt::{BindToDevice, PeerCredentials};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, setsockopt, socket,
};
use serde::{Deserialize, Serialize};
use vpnns_protocol::exit;

use super::bus;
use crate::commands::{Error, print_all};
use crate::gateway::dns;
use crate::net::{self, Way};
use crate::sys;

/// Longest wait for an answer from the network.
const PATIENCE: Duration = Duration::from_secs(2);
/// No file that is asked for is larger.
const MOST_TEXT: u64 = 1 << 20;
/// A name that nobody has (RFC 2606): every resolver answers, and nobody learns anything.
const NOBODY: &str = "vpnns-check.invalid";

/// What the checker asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Question {
    /// Which devices are there?
    Devices,
    /// Which routes lead into a device?
    Ways,
    /// Into which device would a packet go?
    WayTo(IpAddr),
    /// Which of these can a datagram socket be bound to?
    Bind {
        /// Addresses of the host.
        addresses: Vec<IpAddr>,
        /// Names of the host's devices.
        devices: Vec<String>,
    },
    /// What stands in this file?
    Read(PathBuf),
    /// Does anybody answer at these sockets?
    Knock(Vec<Local>),
    /// Does anybody take a connection, and a datagram, at this address of the loopback?
    Call(SocketAddr),
    /// Does this resolver answer?
    Resolve(IpAddr),
    /// Which of these services answer on the bus behind this socket?
    Bus {
        /// The bus.
        socket: PathBuf,
        /// The services.
        services: Vec<String>,
    },
    /// Who listens here?
    Listeners,
    /// What may a program do?
    Privileges,
}

/// A unix socket's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Local {
    /// In the file system.
    Path(PathBuf),
    /// In the network namespace. Bytes, since it may be any.
    Abstract(Vec<u8>),
}

impl std::fmt::Display for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
        }
    }
}

/// A device as a program sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Somebody who answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// Where.
    pub at: Local,
    /// The process that listens, as far as the kernel tells.
    pub pid: i32,
}

/// A socket at which somebody listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its address, in words.
    pub at: String,
    /// By which its holders are found.
    pub inode: u64,
}

/// What the app's status says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Privileges {
    /// Its user.
    pub uid: u32,
    /// All its sets of capabilities, joined.
    pub capabilities: u64,
    /// What became of the attempt to make a device.
    pub device: String,
    /// Whether that attempt succeeded.
    pub made_device: bool,
}

/// What the app answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Question::Devices`].
    Devices(Vec<Device>),
    /// To [`Question::Ways`].
    Ways(Vec<Way>),
    /// To [`Question::WayTo`].
    WayTo(Option<String>),
    /// To [`Question::Bind`]: those that it could be bound to.
    Bound(Vec<String>),
    /// To [`Question::Read`].
    Text(Option<String>),
    /// To [`Question::Knock`]: those that answered.
    Knocked(Vec<Answered>),
    /// To [`Question::Call`]: whether a connection was taken.
    Called(bool),
    /// To [`Question::Resolve`]: in words, why it did not.
    Resolved(Result<(), String>),
    /// To [`Question::Bus`].
    Bus(bus::Seen),
    /// To [`Question::Listeners`].
    Listeners(Vec<Listener>),
    /// To [`Question::Privileges`].
    Privileges(Privileges),
    /// It could not be found out.
    Failed(String),
}

/// Answers questions until its input ends.
pub fn run() -> Result<u8, Error> {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let answer = match serde_json::from_str(&line) {
            Ok(question) => answer(&question),
            Err(error) => Answer::Failed(error.to_string()),
        };
        let text = serde_json::to_string(&answer).unwrap_or_default();
        print_all(&format!("{text}\n"))?;
    }
    Ok(exit::SUCCESS)
}

fn answer(question: &Question) -> Answer {
    let failed = |error: &dyn std::fmt::Display| Answer::Failed(error.to_string());
    match question {
        Question::Devices => devices().map_or_else(|error| failed(&error), Answer::Devices),
        Question::Ways => net::ways().map_or_else(|error| failed(&error), Answer::Ways),
        Question::WayTo(to) => net::way_to(*to).map_or_else(|error| failed(&error), Answer::WayTo),
        Question::Bind { addresses, devices } => Answer::Bound(bound(addresses, devices)),
        Question::Read(path) => Answer::Text(read(path)),
        Question::Knock(at) => Answer::Knocked(at.iter().filter_map(knock).collect()),
        Question::Call(address) => Answer::Called(call(*address)),
        Question::Resolve(resolver) => Answer::Resolved(resolve(*resolver)),
        Question::Bus { socket, services } => Answer::Bus(bus::look(socket, services)),
        Question::Listeners => Answer::Listeners(listeners()),
        Question::Privileges => Answer::Privileges(privileges()),
    }
}

fn devices() -> Result<Vec<Device>, Errno> {
    let addresses: Vec<_> = getifaddrs()?.collect();
    let list = if_nameindex()?;
    let device = |name: String| {
        let mine = || addresses.iter().filter(|it| it.interface_name == name);
        let up = nix::net::if_::InterfaceFlags::IFF_UP;
        Device {
            up: mine().any(|it| it.flags.contains(up)),
            addresses: mine().filter_map(|it| ip(it.address.as_ref()?)).collect(),
            name,
        }
    };
    let names = list
        .iter()
        .map(|it| it.name().to_string_lossy().into_owned());
    Ok(names.map(device).collect())
}

/// The IP address of a socket address, if it is one.
pub fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
}

fn bound(addresses: &[IpAddr], devices: &[String]) -> Vec<String> {
    let by_address = addresses
        .iter()
        .filter(|address| UdpSocket::bind((**address, 0)).is_ok())
        .map(ToString::to_string);
    // Allowed to everybody since Linux 5.7, as long as the socket is bound to none yet.
    let by_device = devices.iter().filter(|device| {
        let datagram = SockType::Datagram;
        let made = socket(AddressFamily::Inet, datagram, SockFlag::SOCK_CLOEXEC, None);
        made.is_ok_and(|socket| setsockopt(&socket, BindToDevice, &(*device).into()).is_ok())
    });
    by_address.chain(by_device.cloned()).collect()
}

fn read(path: &PathBuf) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(MOST_TEXT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Connects, learns who listens, and hangs up without a word.
fn knock(at: &Local) -> Option<Answered> {
    let address = match at {
        Local::Path(path) => UnixAddr::new(path.as_os_str().as_bytes()),
        Local::Abstract(name) => UnixAddr::new_abstract(name),
    };
    let address = address.ok()?;
    // EPROTOTYPE names the wrong kind, and only where somebody is there.
    [SockType::Stream, SockType::SeqPacket, SockType::Datagram]
        .into_iter()
        .find_map(|kind| {
            let socket = unix(kind)?;
            connect(socket.as_raw_fd(), &address).ok()?;
            let pid = getsockopt(&socket, PeerCredentials).map_or(0, |peer| peer.pid());
            let at = at.clone();
            Some(Answered { at, pid })
        })
}

fn unix(kind: SockType) -> Option<OwnedFd> {
    // A listener with a full queue is not waited for.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, kind, flags, None).ok()
}

/// Only ever asked for the loopback, or an address with no way out of the machine.
fn call(address: SocketAddr) -> bool {
    if let Ok(socket) = UdpSocket::bind((unspecified(address.ip()), 0)) {
        // Whether it arrives is for the checker to see.
        let _ = socket.send_to(b"vpnns", address);
    }
    TcpStream::connect_timeout(&address, PATIENCE).is_ok()
}

fn unspecified(family: IpAddr) -> IpAddr {
    match family {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Any answer will do: a refusal comes from the resolver as well.
fn resolve(resolver: IpAddr) -> Result<(), String> {
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock => format!("no answer in {} s", PATIENCE.as_secs()),
        _ => super::plain(&error),
    };
    let socket = UdpSocket::bind((unspecified(resolver), 0)).map_err(words)?;
    socket.connect((resolver, 53)).map_err(words)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(words)?;
    socket
        .send(&dns::question(1, NOBODY, false))
        .map_err(words)?;
    socket.recv(&mut [0; 512]).map(drop).map_err(words)
}

/// proc(5): the kernel shows each process the sockets of its own network.
fn listeners() -> Vec<Listener> {
    let mut found = Vec::new();
    for (kind, wanted) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
        let table = fs::read_to_string(format!("/proc/self/net/{kind}")).unwrap_or_default();
        found.extend(table.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
            (*state == wanted).then_some(Listener {
                at: format!("{} port {port}", kind.trim_end_matches('6').to_uppercase()),
                inode: inode.parse().ok()?,
            })
        }));
    }
    found.extend(
        abstract_listeners()
            .into_iter()
            .map(|(name, inode)| Listener {
                at: Local::Abstract(name).to_string(),
                inode,
            }),
    );
    found
}

/// The abstract sockets of this process's network at which somebody listens, with their inodes.
pub fn abstract_listeners() -> Vec<(Vec<u8>, u64)> {
    /// __SO_ACCEPTCON: the socket listens.
    const LISTENS: &str = "00010000";
    let table = fs::read("/proc/self/net/unix").unwrap_or_default();
    let lines = table.split(|byte| *byte == b'\n').skip(1);
    lines
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'@')?;
            let text = String::from_utf8_lossy(&line[..at]).into_owned();
            let fields: Vec<&str> = text.split_whitespace().collect();
            let (flags, inode) = (fields.get(3)?, fields.get(6)?);
            // Datagram sockets do not listen, and answer all the same.
            let is_datagram = *fields.get(4)? == "0002";
            let answers = *flags == LISTENS || is_datagram;
            answers.then_some((line[at + 1..].to_vec(), inode.parse().ok()?))
        })
        .collect()
}

fn privileges() -> Privileges {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let tried = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun");
    // It vanishes with its descriptor, in the same moment.
    let tried = tried
        .map_err(|error| super::plain(&error))
        .and_then(|clone| {
            let made = sys::tun::create(&clone, "vpnnscheck%d", false);
            made.map_err(|errno| errno.desc().to_owned())
        });
    Privileges {
        uid: nix::unistd::Uid::effective().as_raw(),
        capabilities: super::processes::capabilities(&status),
        made_device: tried.is_ok(),
        device: tried.unwrap_or_else(|error| error),
    }
}
