//! WireGuard: between a tun device in an instance and UDP sockets in the host's network.
//!
//! # Theory of operation
//!
//! The protocol (handshakes, keys, counters, replay) is boringtun's, one `Tunn` a peer; packets
//! and time are ours. One thread, one poll set: device, sockets, and what the caller watches.
//!
//! *Up*: the device hands over up to 64 KiB of a stream at once. [`Up`] cuts it
//! ([`super::offload`]), encrypts each piece straight into the [`Outbox`], and datagrams of one
//! size leave in one message (UDP_SEGMENT). What the socket has no room for waits, and the device
//! is not read meanwhile, so that the queue grows where TCP notices. *Down*: the kernel hands over
//! a sender's datagrams in one piece (UDP_GRO); [`Down`] decrypts them, checks that their sender
//! may speak for the address inside (AllowedIPs), joins them, and writes up to 64 KiB at once.
//!
//! While no peer answers, the device is not read: what the apps send waits in its queue, and goes
//! as soon as the way is back. Nothing of it can leave any other way.
//!
//! Nothing wakes up a quiet tunnel but what the protocol asks for ([`peer::Peer::next`]).

mod allowed;
mod down;
mod outbox;
mod peer;
mod sockets;
mod up;

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::x25519;
use ipnet::IpNet;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::allowed::AllowedIps;
use self::down::Down;
use self::outbox::{Outbox, Wait};
pub use self::peer::Identity;
use self::peer::{CONTROL, Peer, RATE};
pub use self::sockets::{Error as SocketError, Sockets};
use self::up::Up;
use crate::net::Offload;
use vpnns_protocol::instance;

/// How many handshakes a second are looked at before their senders have to prove their address.
const HANDSHAKES: u64 = 100;
/// How often counters are told while they change.
const TELL: Duration = Duration::from_secs(3);
/// After how long a peer's silence its endpoint is in doubt; sooner while it has never answered.
const DOUBT: Duration = Duration::from_secs(20);
const FIRST_DOUBT: Duration = Duration::from_secs(10);

/// Why the loop returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// One of the watched descriptors became readable; its position in the list.
    Watched(usize),
    /// There is something to tell: a handshake, another endpoint, life or death, counters.
    News,
    /// This peer has been silent for long: its endpoint may be another by now.
    Silent(usize),
    /// The time is over.
    Deadline,
    /// The device has been deleted.
    DeviceGone,
    /// A system call failed in a way that is none of the above.
    Failed(Errno),
}

/// What the tunnel is made of, beside the device and the sockets.
pub struct Setup {
    /// The private key.
    pub private: [u8; 32],
    /// The peers, each with its AllowedIPs.
    pub peers: Vec<(Identity, Vec<IpNet>)>,
    /// Largest packet inside the tunnel, in bytes.
    pub mtu: u32,
}

/// All peers, and what decides among them.
struct Peers {
    list: Vec<Peer>,
    allowed: AllowedIps,
    own: x25519::StaticSecret,
    own_public: x25519::PublicKey,
    limiter: Arc<RateLimiter>,
    /// A handshake was made, or an endpoint changed.
    news: bool,
    /// Packets have passed that were not told of.
    passed: bool,
}

/// A tunnel.
pub struct WireGuard {
    device: File,
    sockets: Sockets,
    peers: Peers,
    up: Up,
    down: Down,
    outbox: Outbox,
    /// When the protocol's clocks were set.
    ticked: Instant,
    /// Whether a peer answers, as last told.
    alive: bool,
    /// When the counters were told.
    told: Instant,
}

impl WireGuard {
    /// Takes over the device, which was made with `offload`, and begins a handshake with every
    /// peer whose place is known.
    pub fn new(
        device: OwnedFd,
        offload: Offload,
        sockets: Sockets,
        setup: &Setup,
    ) -> Result<Self, Errno> {
        let flags = OFlag::from_bits_retain(fcntl(&device, FcntlArg::F_GETFL)?);
        fcntl(&device, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let now = Instant::now();
        let own = x25519::StaticSecret::from(setup.private);
        let own_public = x25519::PublicKey::from(&own);
        // Each initiation is counted twice: by us, who have to find its peer, and by the peer.
        let limiter = Arc::new(RateLimiter::new(&own_public, HANDSHAKES * 2));
        let indices = 0_u32..;
        let list: Vec<Peer> = (setup.peers.iter().zip(indices))
            .map(|((identity, _), index)| Peer::new(&own, identity, index, &limiter, now))
            .collect();
        let allowed = AllowedIps::new(setup.peers.iter().map(|(_, ips)| ips.as_slice()));
        let mtu = usize::try_from(setup.mtu).unwrap_or(usize::MAX);
        let mut it = Self {
            device: device.into(),
            sockets,
            up: Up::new(offload, mtu),
            down: Down::new(offload),
            // Among several, one that cannot be reached must not hold up the others.
            outbox: Outbox::new(list.len() == 1),
            peers: Peers {
                list,
                allowed,
                own,
                own_public,
                limiter,
                news: false,
                passed: false,
            },
            ticked: now,
            alive: false,
            told: now,
        };
        for index in 0..it.peers.list.len() {
            it.initiate(index);
        }
        Ok(it)
    }

    /// Whether any peer answers.
    pub fn is_alive(&self) -> bool {
        self.is_alive_at(Instant::now())
    }

    fn is_alive_at(&self, now: Instant) -> bool {
        self.peers.list.iter().any(|peer| peer.is_up(now))
    }

    /// The peers as the status shows them. With this, the news are told.
    pub fn facts(&mut self) -> Vec<instance::Peer> {
        self.peers.news = false;
        self.alive = self.is_alive();
        self.told = Instant::now();
        self.peers.passed = false;
        let show = |peer: &Peer| {
            let (received_bytes, sent_bytes) = peer.counters();
            instance::Peer {
                public_key: peer.key,
                endpoint: peer.endpoint.map(|endpoint| endpoint.to_string()),
                handshake: peer.handshake,
                received_bytes,
                sent_bytes,
            }
        };
        self.peers.list.iter().map(show).collect()
    }

    /// Where a peer is expected now.
    pub fn endpoint(&self, peer: usize) -> Option<SocketAddr> {
        self.peers.list.get(peer)?.endpoint
    }

    /// A peer is somewhere else: tries it there.
    pub fn set_endpoint(&mut self, peer: usize, endpoint: SocketAddr) {
        if let Some(it) = self.peers.list.get_mut(peer) {
            self.peers.news |= it.endpoint != Some(endpoint);
            it.endpoint = Some(endpoint);
            self.outbox.forget_way();
            self.initiate(peer);
        }
    }

    /// The host's network has changed: lets every peer know where we are, and asks for an answer.
    pub fn network_changed(&mut self) {
        self.refresh(Instant::now());
        self.outbox.forget_way();
        self.outbox.flush(&self.sockets);
        for index in 0..self.peers.list.len() {
            if self.peers.list[index].endpoint.is_some() {
                self.initiate(index);
            }
        }
    }

    /// Carries packets until there is something for the caller to do, but not beyond `until`.
    pub fn run(&mut self, watched: &[BorrowedFd<'_>], until: Option<Instant>) -> End {
        loop {
            let now = Instant::now();
            self.tick(now);
            if let Some(end) = self.report(until, now) {
                return end;
            }
            let mut fds = Vec::with_capacity(3 + watched.len());
            let waits = self.outbox.wait();
            let read = waits.is_none() && self.alive;
            fds.push(PollFd::new(
                self.device.as_fd(),
                flag(PollFlags::POLLIN, read),
            ));
            let room = match waits {
                Some(Wait::Room(to)) => Some(to.is_ipv4()),
                _ => None,
            };
            // The one for IPv4 comes first.
            for (socket, ipv4) in self.sockets.all().zip([true, false]) {
                let room = flag(PollFlags::POLLOUT, room == Some(ipv4));
                fds.push(PollFd::new(socket, PollFlags::POLLIN | room));
            }
            let ours = fds.len();
            fds.extend(watched.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
            match poll(&mut fds, self.timeout(until, now)) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return End::Failed(errno),
                Ok(_) => {}
            }
            let fired = fds.iter().map(PollFd::revents);
            let events: Vec<PollFlags> = fired.map(|it| it.unwrap_or(PollFlags::empty())).collect();
            if let Some(fired) = events[ours..].iter().position(|events| !events.is_empty()) {
                return End::Watched(fired);
            }
            if let Err(end) = self.pass(&events[..ours]) {
                return end;
            }
        }
    }

    fn pass(&mut self, events: &[PollFlags]) -> Result<(), End> {
        let now = Instant::now();
        if events[0].intersects(PollFlags::POLLERR | PollFlags::POLLNVAL) {
            return Err(End::DeviceGone);
        }
        if now >= self.ticked + RATE {
            self.refresh(now);
        }
        let retry = match self.outbox.wait() {
            Some(Wait::Until(at)) => now >= at,
            Some(Wait::Room(_)) => events.iter().any(|it| it.contains(PollFlags::POLLOUT)),
            None => false,
        };
        if retry {
            self.outbox.flush(&self.sockets);
        }
        if events[0].contains(PollFlags::POLLIN) && self.outbox.wait().is_none() {
            self.up
                .pass(&self.device, &mut self.peers, &mut self.outbox, now)?;
            self.outbox.flush(&self.sockets);
        }
        for (socket, events) in self.sockets.all().zip(&events[1..]) {
            // POLLERR too: a receive fetches the pending error and clears it.
            if events.intersects(PollFlags::POLLIN | PollFlags::POLLERR) {
                self.down
                    .pass(socket, &self.sockets, &self.device, &mut self.peers, now)?;
            }
        }
        Ok(())
    }

    /// What the caller is to be told, if anything.
    fn report(&mut self, until: Option<Instant>, now: Instant) -> Option<End> {
        let counters = self.peers.passed && now >= self.told + TELL;
        if self.peers.news || counters || self.is_alive_at(now) != self.alive {
            return Some(End::News);
        }
        let mut peers = self.peers.list.iter_mut();
        if let Some(silent) = peers.position(|peer| peer.is_lost(doubt(peer), now)) {
            return Some(End::Silent(silent));
        }
        until
            .is_some_and(|until| now >= until)
            .then_some(End::Deadline)
    }

    fn timeout(&self, until: Option<Instant>, now: Instant) -> PollTimeout {
        let peers = self.peers.list.iter();
        let next = peers.flat_map(|peer| [peer.next(self.ticked), peer.next_report(doubt(peer))]);
        let retry = match self.outbox.wait() {
            Some(Wait::Until(at)) => Some(at),
            _ => None,
        };
        let tell = self.peers.passed.then_some(self.told + TELL);
        let moments = next.chain([retry, tell, until]).flatten();
        let Some(moment) = moments.min() else {
            return PollTimeout::NONE;
        };
        // Up: a poll that ends too early would only be repeated.
        let left = moment.saturating_duration_since(now) + Duration::from_millis(1);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }

    /// Lets the protocol do what is due.
    fn tick(&mut self, now: Instant) {
        let due = |peer: &Peer| peer.next(self.ticked).is_some_and(|at| at <= now);
        if self.peers.list.iter().any(due) {
            self.refresh(now);
        }
    }

    /// Sets the protocol's clocks, and sends what it wants to be sent.
    fn refresh(&mut self, now: Instant) {
        // While nobody answers, somebody has to be asked.
        let persist = !self.is_alive_at(now);
        self.ticked = now;
        for index in 0..self.peers.list.len() {
            let peer = &mut self.peers.list[index];
            let mut room = [0; CONTROL];
            let message = peer.tick(&mut room, persist && peer.endpoint.is_some(), now);
            self.down.send(&self.sockets, peer.endpoint, message);
        }
    }

    fn initiate(&mut self, index: usize) {
        let peer = &mut self.peers.list[index];
        if peer.endpoint.is_none() {
            return;
        }
        let mut room = [0; CONTROL];
        let message = peer.initiate(&mut room, Instant::now());
        self.down.send(&self.sockets, peer.endpoint, message);
    }
}

fn doubt(peer: &Peer) -> Duration {
    if peer.handshake.is_some() {
        DOUBT
    } else {
        FIRST_DOUBT
    }
}

fn flag(flag: PollFlags, set: bool) -> PollFlags {
    if set { flag } else { PollFlags::empty() }
}
