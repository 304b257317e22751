//! The words between a keeper and its clients: one JSON message a packet, on a unix socket.
//!
//! # Versions
//!
//! Both ends are this program, and after an update often of different versions: a keeper stays with the
//! one that has started it. Fields and words are only ever added, with a default for those who do not
//! know them; that is no new version. A message starts with the [`VERSION`] of its words. By those of
//! another version a few are understood for ever, [`Timeless`]: programs get in, it is shown what is, and
//! the instance can be ended. The rest, about bringing a tunnel up, is refused by the keeper, which says
//! what to do next; what is up stays up.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    self as socket, AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, socket,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vpnns_protocol::instance::{Client, Counters, Facts, Instance, Retry};
use vpnns_protocol::log::Line;
use vpnns_protocol::network::NetworkConfig;
use vpnns_protocol::port::{Port, Protocol};
use vpnns_protocol::profile::OnDrop;
use vpnns_protocol::question::{Answer, Question};

use super::directory::StateDirectory;
use crate::net::Offload;
use crate::report::Cause;
use crate::sys;

/// The version of these words. To be raised only where an older end would do something wrong by them;
/// what is [`Timeless`] may not change even then.
const VERSION: u32 = 1;

/// The version that this process speaks: the tests let one pretend to be from another time.
pub fn version() -> u32 {
    #[cfg(debug_assertions)]
    if let Some(told) = std::env::var_os("VPNNS_TEST_PROTOCOL") {
        return told
            .to_str()
            .and_then(|it| it.parse().ok())
            .unwrap_or(VERSION);
    }
    VERSION
}

/// Largest message in bytes, far above a status with thousands of routes and below what a unix
/// socket takes at once (212,992 by default).
pub const MAX_MESSAGE: usize = 160 * 1024;

/// The number under which every keeper keeps the apps' user namespace open. A joiner takes it
/// from /proc/KEEPER/fd, which saves it a round trip.
pub const APP_NAMESPACE_FD: i32 = 10;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// I am about to become an app of the instance.
    Join {
        /// The program's name.
        command: String,
        /// The launcher entry that it is opened by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<String>,
    },
    /// I am about to join, and want a session bus of the instance's own.
    SessionBus,
    /// I carry packets for a VPN client: give me the device.
    Attach(Box<Attach>),
    /// My VPN client goes on as another process.
    ClientIs {
        /// The process that holds the packet socket now.
        client: Client,
    },
    /// The user's script has configured the device.
    ScriptDone,
    /// I am done with the device.
    Detach {
        /// Why, where it was not the client's own end.
        reason: Option<String>,
    },
    /// Tell me the state once.
    Status,
    /// Tell me the state now and whenever it changes.
    Watch,
    /// Tell me what has passed through the tunnel.
    Counters,
    /// End everything that runs in the instance.
    Stop,
    /// End one of its programs, with what that one has started.
    Close {
        /// The program's process.
        pid: u32,
        /// Without a chance to do anything about it.
        force: bool,
    },
    /// I bring a profile up in the instance, and keep it up.
    Connect(Box<Connect>),
    /// This is what I am doing right now. (From the connector.)
    Stage {
        /// In a few words.
        stage: String,
    },
    /// Ask the user this. (From the connector; an answer comes as [`Reply::Answered`].)
    Ask(Box<Question>),
    /// The open question is no longer of interest. (From the connector.)
    Withdraw,
    /// The user's answer to the open question. (From anybody; passed on to the connector.)
    Answer(Box<Answer>),
    /// What the client tells about the tunnel. (From the connector or whoever has the device.)
    Facts(Box<Facts>),
    /// Something for the log, without a secret. (From the connector.)
    Log {
        /// One line.
        text: String,
    },
    /// Tell me the log.
    ReadLog,
    /// Whether the other end answers, as far as can be told. (From whoever has the device.)
    Alive {
        /// False while nothing comes back.
        alive: bool,
    },
    /// I wait before I try again, or do so no longer. (From the connector.)
    Wait {
        /// Until when.
        retry: Option<Retry>,
    },
    /// Try again now. (From anybody; passed on to the connector.)
    Reconnect,
    /// The profile is down for good. (From the connector.)
    Finish {
        /// Why, where it was not the user's wish.
        reason: Option<String>,
        /// What to do about it.
        #[serde(default)]
        hint: Option<String>,
    },
    /// Take the tunnel down in order; programs stay. (From anybody. Where there is a connector, it is
    /// done when that has ended.)
    Disconnect,
    /// I am about to start a client and to graft it: keep the instance for it.
    Prepare(Box<Prepare>),
    /// I have started the client. (From its supervisor; the client's pidfd comes with it. From a
    /// forwarder, about itself.)
    Launched,
    /// I supervise a grafted client: give me the device for it. Sent again at each of the
    /// client's restarts, with the pidfd of the process that opens the device.
    Graft(Box<Graft>),
    /// This is what a grafted client's server assigns. (From the client's script.)
    Configure(Box<Assigned>),
    /// What a grafted client's server assigns makes no tunnel. (From the client's script.)
    Unusable {
        /// Whose script it is: the supervisor's [`Prepare::session`].
        session: String,
        /// Why not, in one sentence.
        reason: String,
    },
    /// Whether a grafted client's server answers. (From the client's script.)
    Reached {
        /// Whose script it is: the supervisor's [`Prepare::session`].
        session: String,
        /// False while nothing comes back.
        alive: bool,
    },
    /// A grafted client configures its device itself: give me a socket of the instance's network
    /// for it. (From the supervisor.)
    Socket {
        /// Which one.
        kind: SocketKind,
    },
    /// Listen at an address of the instance's loopback, and give me the socket. (From a forwarder.)
    Listen {
        /// What for.
        protocol: Protocol,
        /// The loopback of either family.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// Give me a socket of the instance's network, to connect it. (From a forwarder.)
    Dial {
        /// What for.
        protocol: Protocol,
        /// Whether it is for IPv6 addresses.
        ipv6: bool,
    },
    /// I forward these ports, as long as this connection lasts. (From a forwarder.)
    Ports {
        /// What the status shows.
        ports: Vec<Port>,
        /// Whether I am to end with the connector.
        of_connector: bool,
    },
}

/// A connector's request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connect {
    /// The profile's name.
    pub profile: String,
    /// The server as the user named it.
    pub server: Option<String>,
    /// By which the supervisors that it starts are known.
    #[serde(default)]
    pub token: String,
    /// What happens to the programs when its tunnel is lost.
    #[serde(default)]
    pub on_drop: OnDrop,
}

/// A supervisor that is about to start its client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// The client's name.
    pub client: String,
    /// By what its client's scripts are told from those of other clients.
    pub session: String,
    /// The token of the connector that has started it, if one has.
    #[serde(default)]
    pub connector: Option<String>,
    /// Whether an existing tunnel makes way, once the client opens its device.
    pub replace: bool,
}

/// A grafted client that opens its device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graft {
    /// Who carries the packets outside.
    pub client: Client,
    /// The name that the client would like for the device; may be a pattern such as `tun%d`.
    pub device: String,
    /// The client's ifr_flags; only IFF_TUN, with or without IFF_NO_PI and IFF_VNET_HDR.
    pub flags: i16,
    /// What the device gets, where neither the client nor its script can tell.
    pub network: Option<NetworkConfig>,
    /// Whether the client gives its device addresses and routes itself.
    pub configures_itself: bool,
    /// Whether an existing tunnel makes way.
    pub replace: bool,
}

/// What a grafted client's server has assigned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// Whose script it is: the supervisor's [`Prepare::session`].
    pub session: String,
    /// The server's address, where known.
    pub gateway: Option<String>,
    /// What the device gets.
    pub network: NetworkConfig,
    /// What the client tells about the session.
    pub facts: Facts,
}

/// A socket in the instance's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketKind {
    /// For ioctls on devices.
    Ioctl,
    /// For rtnetlink.
    Route,
}

/// What comes with a request to attach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // Independent wishes, each a word of the protocol.
pub struct Attach {
    /// Who carries the packets outside.
    pub client: Client,
    /// The server's address, where known.
    pub gateway: Option<String>,
    /// What the device gets, or with a script, what the script should give it.
    pub network: NetworkConfig,
    /// Whether a script of the user's configures the device.
    pub script: bool,
    /// Whether the relay can take what [`Offload`] says. Relays from before it cannot.
    #[serde(default)]
    pub offload: bool,
    /// Whether an existing tunnel makes way.
    pub replace: bool,
    /// Whether the device outlives this relay while the client lives: openvpn 2.7 starts a new
    /// relay at each of its restarts.
    pub hold: bool,
    /// Whether the tunnel is not connected before [`Request::Alive`] says so.
    #[serde(default)]
    pub waits: bool,
}

/// What a keeper answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Reply {
    /// The tunnel is yours; the device's descriptor comes with this message.
    Attached {
        /// The device's name.
        device: String,
        /// How its packets come.
        #[serde(default)]
        offload: Offload,
        /// What could not be done as asked, a sentence each.
        warnings: Vec<String>,
    },
    /// Somebody still reads the device: ask again in a moment.
    Busy,
    /// No, for a reason.
    Refused {
        /// What failed, in one sentence.
        message: String,
        /// Causes, outermost first.
        causes: Vec<String>,
        /// What to do about it.
        hint: Option<String>,
    },
    /// What you sent is in force.
    Done {
        /// What could not be done as asked, a sentence each.
        warnings: Vec<String>,
    },
    /// The user's answer to the question that you asked. (To the connector.)
    Answered(Box<Answer>),
    /// Log out and end. (To the connector.)
    Disconnect,
    /// The user wants a new connection, or the next try, now. (To the connector.)
    Reconnect,
    /// The socket that you asked for comes with this message.
    Socket,
    /// The state.
    Status(Box<Instance>),
    /// The log.
    Log {
        /// Its lines, oldest first.
        lines: Vec<Line>,
    },
    /// What has passed.
    Counters {
        /// Nothing where there is no tunnel.
        counters: Option<Counters>,
    },
    /// The tunnel or the instance is ended on purpose: do not come back.
    Ended {
        /// Why, in a few words.
        reason: String,
    },
}

/// What the keeper has refused, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What failed.
    pub message: String,
    /// What has caused it.
    pub source: Option<Cause>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Reply {
    /// The reply, unless it is a refusal.
    pub fn accepted(self) -> Result<Self, Refusal> {
        match self {
            Self::Refused {
                message,
                causes,
                hint,
            } => Err(Refusal {
                message,
                source: Cause::of(&causes),
                hint,
            }),
            reply => Ok(reply),
        }
    }
}

/// Words of which some are the same in every version.
pub trait Timeless {
    /// Whether this one is understood whatever version its sender has.
    fn is_timeless(&self) -> bool;
}

impl Timeless for Request {
    fn is_timeless(&self) -> bool {
        matches!(
            self,
            Self::Join { .. }
                | Self::Status
                | Self::Watch
                | Self::Counters
                | Self::ReadLog
                | Self::Disconnect
                | Self::Close { .. }
                | Self::Stop
        )
    }
}

impl Timeless for Reply {
    fn is_timeless(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Done { .. }
                | Self::Status(_)
                | Self::Counters { .. }
                | Self::Log { .. }
                | Self::Ended { .. }
        )
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    #[serde(flatten)]
    body: T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Why a message did not get through.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side is gone.
    #[error("the connection to the keeper was closed")]
    Closed,
    /// The system call failed.
    #[error("failed to talk to the keeper")]
    Socket(#[from] Errno),
    /// The other side is of another time.
    #[error(
        "the other vpnns is of another version: it speaks protocol {0}, and this one {own}",
        own = version()
    )]
    Version(u32),
    /// The bytes are no message of ours.
    #[error("failed to understand the other vpnns, which may be of another version")]
    Message(#[from] serde_json::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Version(_) | Self::Message(_) => Some(
                "what runs in the instance goes on; to use this version, end it first: vpnns --stop, with its --name"
                    .to_owned(),
            ),
            Self::Closed | Self::Socket(_) => None,
        }
    }
}

/// Makes the control socket anew. Called with the lock held and nobody listening.
///
/// The keeper is to call listen, so that the socket's credentials name it.
pub fn bind(directory: &StateDirectory) -> Result<OwnedFd, Errno> {
    let _ = std::fs::remove_file(directory.socket_path());
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    socket::bind(
        socket.as_raw_fd(),
        &UnixAddr::new(&directory.socket_path())?,
    )?;
    Ok(socket)
}

/// Sends one message, with a descriptor if there is one.
pub fn send<T: Serialize>(socket: impl AsFd, body: T, fd: Option<&OwnedFd>) -> Result<(), Error> {
    let bytes = serde_json::to_vec(&Envelope { v: version(), body })?;
    sys::socket::send(socket, &bytes, fd).map_err(closed)
}

/// Receives one message and the descriptor that came with it.
pub fn receive<T: DeserializeOwned + Timeless>(
    socket: impl AsFd,
    flags: MsgFlags,
) -> Result<(T, Option<OwnedFd>), Error> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let received = match sys::socket::receive(&socket, &mut buffer, flags) {
        // The other end is gone and has left something of ours unread, which is told once, and before
        // what it said last: a connector's goodbye, say.
        Err(Errno::ECONNRESET) => sys::socket::receive(&socket, &mut buffer, flags),
        other => other,
    };
    let (length, fd) = received.map_err(closed)?;
    if length == 0 {
        return Err(Error::Closed);
    }
    let message = &buffer[..length];
    let Version { v } = serde_json::from_slice(message)?;
    let envelope = serde_json::from_slice::<Envelope<T>>(message);
    if v == version() {
        return Ok((envelope?.body, fd));
    }
    // Others may mean something else by the same word, unless it is one of a few.
    match envelope {
        Ok(Envelope { body, .. }) if body.is_timeless() => Ok((body, fd)),
        _ => Err(Error::Version(v)),
    }
}

fn closed(errno: Errno) -> Error {
    match errno {
        Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN => Error::Closed,
        errno => Error::Socket(errno),
    }
}
