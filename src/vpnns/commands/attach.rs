//! `vpnns --attach`: called by a VPN client, carries its packets into an instance.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getpeername, getsockopt, sockopt,
};
use vpnns_protocol::exit;
use vpnns_protocol::instance::Facts;

use crate::client::announcement;
use crate::client::decision::{self, Wishes};
use crate::client::peer::{self, Peer};
use crate::client::{openconnect, openvpn};
use crate::instance::client::Client;
use crate::instance::control::{Attach, Refusal, Reply, Request};
use crate::instance::enter::{self, Target};
use crate::net::Device;
use crate::report;
use crate::sys;
use crate::sys::process::pidfd_send_signal;
use crate::tunnel::relay::{End, Relay};
use crate::tunnel::script::{self, Script};

/// The variable that holds the number of the packet socket.
const SOCKET_VARIABLE: &str = "VPNFD";
/// The variable that holds the idle timeout, in seconds.
const IDLE_TIMEOUT_VARIABLE: &str = "IDLE_TIMEOUT";
/// A keeper that is killed again and again is not worth coming back to.
const MOST_RETURNS: usize = 5;
/// How long the keeper may take to say why it has deleted the device.
const KEEPER_PATIENCE: Duration = Duration::from_secs(1);
/// Within this time.
const RETURNS_WINDOW: Duration = Duration::from_secs(60);

/// What the user asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The program that configures the device instead of the keeper.
    pub script: Option<PathBuf>,
    /// Whether to take over from an existing tunnel.
    pub replace: bool,
    /// What the user wants otherwise than the server.
    pub wishes: Wishes,
}

/// Why packets are not carried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client has called us.
    #[error("{SOCKET_VARIABLE} is not set: --attach is for VPN clients to call")]
    NotCalledByClient,
    /// The socket's number is none.
    #[error("the VPN client's {name} is {value:?}, which is not the number of an open file")]
    BadSocketNumber {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The socket's number is one of the first three.
    #[error("the VPN client's {name} is {number}, a standard stream and not a packet socket")]
    StandardStream {
        /// The variable.
        name: &'static str,
        /// The descriptor's number.
        number: i32,
    },
    /// The descriptor is something else.
    #[error("the VPN client's {name} ({number}) is not a packet socket")]
    NotASocket {
        /// The variable.
        name: &'static str,
        /// The descriptor's number.
        number: i32,
        /// Why.
        source: Errno,
    },
    /// The client is gone already.
    #[error("failed to find the VPN client at the other end of the socket")]
    NoPeer(#[source] Errno),
    /// The client's variables do not make a tunnel.
    #[error(transparent)]
    Announcement(#[from] announcement::Error),
    /// The instance cannot be reached or started.
    #[error(transparent)]
    Enter(#[from] enter::Error),
    /// The connection to the keeper broke.
    #[error("failed to ask the keeper for the tunnel")]
    Keeper(#[source] crate::instance::client::Error),
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The keeper answered something else.
    #[error("the keeper gave an answer that this version does not know")]
    Answer,
    /// The user's script failed.
    #[error(transparent)]
    Script(#[from] script::Error),
    /// Signals or descriptors cannot be set up.
    #[error("failed to prepare the relay")]
    Prepare(#[source] Errno),
    /// The packets cannot be carried any more.
    #[error("failed to carry packets")]
    Relay(#[source] Errno),
    /// The keeper is killed again and again.
    #[error("the keeper of the instance was killed {MOST_RETURNS} times in a minute")]
    KeeperKilled,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotCalledByClient => Some(
                "as in: openconnect --script 'vpnns --attach' --script-tun vpn.example.com"
                    .to_owned(),
            ),
            Self::Enter(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Script(error) => error.hint(),
            _ => None,
        }
    }
}

/// Everything that is decided before the first side effect.
struct Plan {
    socket: OwnedFd,
    peer: Peer,
    request: Attach,
    warnings: Vec<String>,
}

/// Attaches the client that called us to an instance, until one of them ends.
pub fn attach(target: &Target, options: &Options) -> Result<u8, Error> {
    let Plan {
        socket,
        mut peer,
        mut request,
        mut warnings,
    } = plan(options)?;
    let signals = catch_signals().map_err(Error::Prepare)?;
    // A note to a closed stderr is not worth the tunnel.
    sys::process::ignore(Signal::SIGPIPE);
    let script = options.script.clone().map(Script::new);
    let mut socket = socket;
    let mut returns = Returns::default();
    loop {
        let keeper = enter::as_client(target)?;
        let given = match ask(&keeper, &request, signals.as_fd()) {
            // A killed keeper's socket takes callers until the kernel gets round to closing it.
            Err(Error::Keeper(_)) if returns.is_worth_it() => {
                keeper.await_end(KEEPER_PATIENCE);
                continue;
            }
            other => other?,
        };
        let Some(given) = given else {
            let _ = keeper.send(Request::Detach { reason: None });
            return Ok(exit::SUCCESS);
        };
        let Device {
            fd: device,
            name,
            offload,
        } = given;
        // Not before: a refusal is one sentence. And once.
        for warning in warnings.drain(..) {
            report::note(&warning);
        }
        let configured = script.as_ref().map(|script| script.connect(&keeper, &name));
        if let Some(failed) = configured.and_then(Result::err) {
            let _ = keeper.send(Request::Detach {
                reason: Some(failed.to_string()),
            });
            return Err(failed.into());
        }
        if script.is_some() {
            keeper.send(Request::ScriptDone).map_err(Error::Keeper)?;
        }
        tell_idle_timeout(&keeper);
        // Refused at most by somebody's filter of system calls: it is slower then.
        let _ = sys::process::interrupt_nobody();
        let mut relay = Relay::new(device, socket, offload).map_err(Error::Prepare)?;
        let end = loop {
            let end = relay.run(&[peer.pidfd.as_fd(), keeper.as_fd(), signals.as_fd()]);
            // The client has ended, or has gone into the background.
            match (end == End::Watched(0)).then(|| peer::heir(relay.socket())) {
                Some(Some(heir)) => peer = heir,
                _ => break end,
            }
            request.client = peer.client.clone();
            let client = peer.client.clone();
            let _ = keeper.send(Request::ClientIs { client });
        };
        let why = judge(end, &keeper);
        if let (Some(script), false) = (&script, matches!(why, Why::KeeperKilled)) {
            script.disconnect(&keeper, &name);
        }
        // The device goes with the relay, before anybody is told that it has gone.
        socket = relay.into_socket();
        match why {
            Why::KeeperKilled => {
                if !returns.is_worth_it() {
                    return Err(Error::KeeperKilled);
                }
                // Whoever came first meanwhile stays.
                request.replace = false;
            }
            Why::Over => {
                let _ = keeper.send(Request::Detach { reason: None });
                return Ok(exit::SUCCESS);
            }
            Why::Told(reason) => {
                // It would notice only at its next packet; so it logs out at once.
                let _ = pidfd_send_signal(&peer.pidfd, Some(Signal::SIGTERM));
                report::note(&format!("the tunnel of {} ended: {reason}", target.name));
                return Ok(exit::SUCCESS);
            }
            Why::Failed(errno) => {
                let error = Error::Relay(errno);
                let _ = keeper.send(Request::Detach {
                    reason: Some(error.to_string()),
                });
                return Err(error);
            }
        }
    }
}

/// openconnect says only to its script after how many idle seconds the server ends the session.
fn tell_idle_timeout(keeper: &Client) {
    let text = std::env::var(IDLE_TIMEOUT_VARIABLE).unwrap_or_default();
    let idle_timeout = text.trim().parse().ok().filter(|seconds| *seconds > 0);
    if idle_timeout.is_some() {
        let facts = Facts {
            idle_timeout,
            ..Facts::default()
        };
        // A lost keeper is noticed in a moment.
        let _ = keeper.send(Request::Facts(Box::new(facts)));
    }
}

/// When a keeper was lost, lately.
#[derive(Debug, Default)]
struct Returns(Vec<Instant>);

impl Returns {
    /// Counts another loss; false after too many within a minute.
    fn is_worth_it(&mut self) -> bool {
        let now = Instant::now();
        self.0.retain(|at| now.duration_since(*at) < RETURNS_WINDOW);
        self.0.push(now);
        self.0.len() <= MOST_RETURNS
    }
}

enum Why {
    /// The client is gone or has told us to go.
    Over,
    /// The keeper has told us to go.
    Told(String),
    KeeperKilled,
    Failed(Errno),
}

fn judge(end: End, keeper: &Client) -> Why {
    match end {
        // The client, or a signal: openconnect sends SIGHUP at its end.
        End::Watched(0 | 2) | End::SocketClosed => Why::Over,
        // The keeper has said something, or it is gone. A deleted device is its doing, too,
        // unless the user's script has deleted it.
        End::Watched(_) | End::DeviceGone => match keeper.receive_within(KEEPER_PATIENCE) {
            Ok(Some((Reply::Ended { reason }, _))) => Why::Told(reason),
            Ok(Some(_)) => {
                Why::Told("the keeper said something that this version does not know".into())
            }
            Ok(None) => Why::Failed(Errno::ENODEV),
            Err(_) => Why::KeeperKilled,
        },
        End::Failed(errno) => Why::Failed(errno),
    }
}

fn plan(options: &Options) -> Result<Plan, Error> {
    let variables =
        |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let is_openvpn = variables(openvpn::SOCKET_VARIABLE).is_some();
    let name = if is_openvpn {
        openvpn::SOCKET_VARIABLE
    } else {
        SOCKET_VARIABLE
    };
    let socket = packet_socket(name, variables(name).ok_or(Error::NotCalledByClient)?)?;
    let peer = peer::of(&socket).map_err(Error::NoPeer)?;
    let mut announced = if is_openvpn {
        openvpn::announcement(&variables)
    } else {
        openconnect::announcement(&variables)
    }?;
    let network = decision::decide(&mut announced, &options.wishes);
    let request = Attach {
        client: peer.client.clone(),
        gateway: announced.gateway,
        network,
        script: options.script.is_some(),
        offload: true,
        replace: options.replace,
        hold: is_openvpn,
        waits: false,
    };
    Ok(Plan {
        socket,
        peer,
        request,
        warnings: announced.warnings,
    })
}

fn packet_socket(name: &'static str, value: String) -> Result<OwnedFd, Error> {
    let bad = |value| Error::BadSocketNumber { name, value };
    let Ok(number) = value.trim().parse::<i32>() else {
        return Err(bad(value));
    };
    if (0..=2).contains(&number) {
        return Err(Error::StandardStream { name, number });
    }
    let socket = sys::fd::inherited(number).map_err(|_| bad(value))?;
    match is_packet_socket(&socket) {
        Ok(()) => Ok(socket),
        Err(source) => Err(Error::NotASocket {
            name,
            number,
            source,
        }),
    }
}

/// One end of a local pair that keeps packets apart; a stream would glue them together.
fn is_packet_socket(socket: &OwnedFd) -> Result<(), Errno> {
    let kind = getsockopt(socket, sockopt::SockType)?;
    if !matches!(kind, SockType::Datagram | SockType::SeqPacket) {
        return Err(Errno::EPROTOTYPE);
    }
    // A network socket of the client's would be a way around its encryption.
    let peer: SockaddrStorage = getpeername(socket.as_raw_fd())?;
    match peer.family() {
        Some(AddressFamily::Unix) => Ok(()),
        _ => Err(Errno::EPFNOSUPPORT),
    }
}

/// Asks for the device; nothing if a signal comes before the keeper has answered.
///
/// The client's end does not count: it may be about to go on in the background.
fn ask(
    keeper: &Client,
    request: &Attach,
    signals: BorrowedFd<'_>,
) -> Result<Option<Device>, Error> {
    let request = Request::Attach(Box::new(request.clone()));
    keeper.send(request).map_err(Error::Keeper)?;
    let mut fds = [keeper.as_fd(), signals].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
    if !fds[0].any().unwrap_or(false) {
        return Ok(None);
    }
    let (reply, fd) = keeper.receive().map_err(Error::Keeper)?;
    match (reply.accepted()?, fd) {
        (
            Reply::Attached {
                device: name,
                offload,
                warnings,
            },
            Some(fd),
        ) => {
            for warning in &warnings {
                report::note(warning);
            }
            Ok(Some(Device { fd, name, offload }))
        }
        (Reply::Ended { reason }, _) => Err(Refusal {
            message: format!("failed to take over the tunnel: {reason}"),
            source: None,
            hint: None,
        }
        .into()),
        _ => Err(Error::Answer),
    }
}

/// SIGHUP is how openconnect ends its script; the others are how people do.
fn catch_signals() -> Result<SignalFd, Errno> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        set.add(signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}
