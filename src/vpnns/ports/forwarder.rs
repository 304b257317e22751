//! The forwarder: one thread, one poll loop, and no timer unless datagrams have passed lately.

use std::fs::OpenOptions;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::{Pid, setsid};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::port::{Direction, Port, Protocol};

use super::LOOPBACK;
use super::datagrams::Datagrams;
use super::stream::Stream;
use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::sys;

/// Connections at the same time, at most; each has two descriptors.
const MOST_STREAMS: usize = 4096;
/// Descriptors for everything but connections.
const RESERVE: u64 = 128;
/// Connections taken in one turn, so that those that are open get theirs.
const AT_ONCE: usize = 64;
/// How long nobody is let in when there are no descriptors for them.
const DEAF: Duration = Duration::from_millis(100);
/// The largest datagram, and what is read of a connection in one go.
pub(super) const BUFFER: usize = 64 * 1024;

/// A socket that listens, and the port that it is for.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) port: Port,
    pub(super) listener: OwnedFd,
}

impl Door {
    pub(super) fn new(port: Port, listener: OwnedFd) -> Self {
        Self { port, listener }
    }
}

/// The forwarder's end: not a failure, there is nobody to tell one.
pub(super) struct Over;

/// Starts a forwarder, which is nobody's child.
pub(super) fn spawn(name: &InstanceName, keeper: Client, doors: Vec<Door>) -> Result<(), Errno> {
    sys::process::fork_orphan(move || {
        let mut keep = vec![keeper.as_fd().as_raw_fd(), keeper.keeper().as_raw_fd()];
        keep.extend(doors.iter().map(|door| door.listener.as_raw_fd()));
        sys::fd::close_all_but(&keep);
        // The connection was made by our starter, and the keeper is to know us. What fails here is
        // only comfort, as is the rest.
        if let Ok(ourselves) = sys::process::pidfd_open(Pid::this()) {
            let _ = keeper.send_with(Request::Launched, Some(&ourselves));
        }
        let _ = settle_down(name);
        let Ok(mut forwarder) = Forwarder::new(keeper, doors) else {
            return 1;
        };
        while forwarder.turn().is_ok() {}
        0
    })
}

/// Cuts the ties to whoever has started us: session, terminal, directory, title, signals.
fn settle_down(name: &InstanceName) -> std::io::Result<()> {
    // First: whoever reads what our starter prints must not wait for us.
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    setsid()?;
    sys::process::set_title(&format!("vpnns: ports of {name}"));
    sys::process::ignore(Signal::SIGPIPE);
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
    ] {
        // Ignoring a signal forgets one that came before.
        sys::process::ignore(signal);
        sys::process::restore(signal);
    }
    SigSet::empty().thread_set_mask()?;
    std::env::set_current_dir("/")
}

struct Forwarder {
    ways: Ways,
    doors: Vec<Door>,
    streams: Vec<Stream>,
    datagrams: Datagrams,
    most: usize,
    deaf_until: Option<Instant>,
    buffer: Vec<u8>,
}

/// What became ready.
#[derive(Clone, Copy)]
enum Ready {
    Keeper,
    Door(usize),
    Stream(usize),
    Flow(usize),
}

impl Forwarder {
    fn new(keeper: Client, doors: Vec<Door>) -> Result<Self, Errno> {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        // A shell's usual limit is for programs that use select(2).
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        let most = usize::try_from(hard.saturating_sub(RESERVE) / 2).unwrap_or(MOST_STREAMS);
        for door in &doors {
            sys::fd::set_nonblocking(&door.listener)?;
        }
        Ok(Self {
            ways: Ways { keeper },
            doors,
            streams: Vec::new(),
            datagrams: Datagrams::default(),
            most: most.clamp(1, MOST_STREAMS),
            deaf_until: None,
            buffer: vec![0; BUFFER],
        })
    }

    /// Waits for something to happen and passes it on.
    fn turn(&mut self) -> Result<(), Over> {
        let ready = self.wait()?;
        let mut touched = Vec::new();
        for what in ready {
            match what {
                Ready::Keeper => self.hear_keeper()?,
                Ready::Door(index) => self.answer(index)?,
                Ready::Stream(index) => touched.push(index),
                Ready::Flow(index) => self.datagrams.back(index, &self.doors, &mut self.buffer),
            }
        }
        for index in touched {
            self.streams[index].pass(&mut self.ways, &mut self.buffer)?;
        }
        self.streams.retain(|stream| !stream.is_over());
        self.datagrams.forget_old(Instant::now());
        Ok(())
    }

    fn wait(&mut self) -> Result<Vec<Ready>, Over> {
        let now = Instant::now();
        self.deaf_until = self.deaf_until.filter(|until| *until > now);
        let hears = self.streams.len() < self.most && self.deaf_until.is_none();
        let mut what = vec![Ready::Keeper];
        let mut fds = vec![PollFd::new(self.ways.keeper.as_fd(), PollFlags::POLLIN)];
        for (index, door) in self.doors.iter().enumerate() {
            if hears || door.port.protocol == Protocol::Udp {
                what.push(Ready::Door(index));
                fds.push(PollFd::new(door.listener.as_fd(), PollFlags::POLLIN));
            }
        }
        for (index, stream) in self.streams.iter().enumerate() {
            // One without a wish is left out: its hang-up would be told again and again.
            for (fd, flags) in stream.wishes() {
                if !flags.is_empty() {
                    what.push(Ready::Stream(index));
                    fds.push(PollFd::new(fd, flags));
                }
            }
        }
        for (index, fd) in self.datagrams.fds().enumerate() {
            what.push(Ready::Flow(index));
            fds.push(PollFd::new(fd, PollFlags::POLLIN));
        }
        let deadline = [self.deaf_until, self.datagrams.deadline()];
        let timeout = deadline
            .into_iter()
            .flatten()
            .min()
            .map_or(PollTimeout::NONE, |at| {
                // Rounded up: a wait that ends a moment early would only be repeated.
                let rest = at.saturating_duration_since(now) + Duration::from_millis(1);
                PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
            });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Err(Over),
        }
        let fired = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
        let fired: Vec<Ready> = fds
            .iter()
            .zip(&what)
            .filter(|(fd, _)| fired(fd))
            .map(|(_, what)| *what)
            .collect();
        Ok(fired)
    }

    /// The keeper says nothing but goodbye.
    fn hear_keeper(&self) -> Result<(), Over> {
        match self.ways.keeper.receive() {
            Ok((Reply::Ended { .. }, _)) | Err(_) => Err(Over),
            Ok(_) => Ok(()),
        }
    }

    fn answer(&mut self, index: usize) -> Result<(), Over> {
        let door = &self.doors[index];
        if door.port.protocol == Protocol::Udp {
            return self
                .datagrams
                .forth(index, door, &mut self.ways, &mut self.buffer);
        }
        for _ in 0..AT_ONCE.min(self.most - self.streams.len()) {
            match sys::fd::accept(&door.listener) {
                Ok(client) => self
                    .streams
                    .extend(Stream::open(client, door.port, &mut self.ways)?),
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                // No descriptors left: they wait in the queue, and so do we, rather than spin.
                Err(_) => {
                    self.deaf_until = Some(Instant::now() + DEAF);
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The ways to the other side of a port.
pub(super) struct Ways {
    keeper: Client,
}

impl Ways {
    /// Whom a port leads to, in the order in which they are tried.
    pub(super) fn targets(port: Port) -> Vec<SocketAddr> {
        match port.direction {
            Direction::Publish => LOOPBACK.map(|it| SocketAddr::new(it, port.inside)).to_vec(),
            Direction::Reach => vec![port.host()],
        }
    }

    /// A socket on the other side of a port, for a target's family; `None` where none is to be had.
    pub(super) fn socket(
        &mut self,
        port: Port,
        target: SocketAddr,
    ) -> Result<Option<OwnedFd>, Over> {
        if port.direction == Direction::Publish {
            let request = Request::Dial {
                protocol: port.protocol,
                ipv6: target.is_ipv6(),
            };
            return match super::ask(&self.keeper, request) {
                Ok((Reply::Socket, fd)) => Ok(fd),
                Ok((Reply::Refused { .. }, _)) => Ok(None),
                // An answer that comes too late would be taken for the next one's.
                _ => Err(Over),
            };
        }
        let family = if target.is_ipv6() {
            AddressFamily::Inet6
        } else {
            AddressFamily::Inet
        };
        let kind = match port.protocol {
            Protocol::Tcp => SockType::Stream,
            Protocol::Udp => SockType::Datagram,
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        Ok(socket(family, kind, flags, None).ok())
    }

    /// A connected datagram socket on the other side.
    pub(super) fn datagrams(
        &mut self,
        port: Port,
        target: SocketAddr,
    ) -> Result<Option<UdpSocket>, Over> {
        let socket = self.socket(port, target)?.map(UdpSocket::from);
        Ok(socket.filter(|socket| socket.connect(target).is_ok()))
    }
}

/// For the poll loop.
pub(super) type Wish<'a> = (BorrowedFd<'a>, PollFlags);
