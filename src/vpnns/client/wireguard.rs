//! The built-in WireGuard, for a connector that has registered: from a profile's settings to the
//! end of the tunnel.
//!
//! The process stands in the host and is its own VPN client: the UDP sockets are the host's, the
//! device is the instance's. Everything the user may want to know goes to the keeper.

mod endpoint;
mod error;
mod lookup;
mod plan;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vpnns_protocol::instance::{self, Facts};
use vpnns_protocol::network::{NetworkConfig, RoutePolicy};
use vpnns_protocol::profile::wireguard::WireGuard as Settings;

use self::endpoint::Endpoint;
pub use self::error::Error;
use self::lookup::Lookup;
use self::plan::{Plan, plan};
use crate::instance::client::Client;
use crate::instance::control::{Attach, Reply, Request};
use crate::net::Device;
use crate::tunnel::wireguard::{End, Sockets, WireGuard};

/// How long the first handshake may take: four tries.
const FIRST_HANDSHAKE: Duration = Duration::from_secs(20);
/// A changing uplink changes several times: no more handshakes than one in this time.
const SETTLE: Duration = Duration::from_secs(1);
/// How long the keeper may take to say why it has deleted the device.
const KEEPER_PATIENCE: Duration = Duration::from_secs(1);
/// The one that WireGuard has.
const CIPHER: &str = "ChaCha20-Poly1305";

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The keeper or a signal asked for it.
    Disconnected,
    /// The keeper was killed.
    KeeperGone,
}

/// Brings the tunnel up and carries its packets until the keeper or a signal ends it.
///
/// `keeper` has been registered with as a connector. `signals` is readable when one came, and
/// `uplink` when the host's own network has changed. What the user should know goes to `note`.
pub fn run(
    keeper: &Client,
    signals: BorrowedFd<'_>,
    uplink: Option<BorrowedFd<'_>>,
    settings: &Settings,
    routes: RoutePolicy,
    dns: Option<&[IpAddr]>,
    note: &dyn Fn(&str),
) -> Result<Ending, Error> {
    let mut plan = plan(settings, routes, dns)?;
    let sockets = Sockets::open(settings.listen_port)?;
    for endpoint in plan.endpoints.iter_mut().flatten() {
        if let Some(ending) = resolve(endpoint, keeper, signals)? {
            return Ok(ending);
        }
    }
    for (endpoint, (identity, _)) in plan.endpoints.iter().zip(&mut plan.setup.peers) {
        identity.endpoint = endpoint.as_ref().and_then(|it| it.place(None));
    }
    let places = plan
        .setup
        .peers
        .iter()
        .map(|(identity, _)| identity.endpoint);
    let gateway = places.flatten().next().map(|place| place.ip().to_string());
    let device = match attach(keeper, signals, gateway, &plan.network, note)? {
        Ok(device) => device,
        Err(ending) => return Ok(ending),
    };
    for sentence in &plan.notes {
        note(sentence);
    }
    let tunnel = WireGuard::new(device.fd, device.offload, sockets, &plan.setup);
    let mut session = Session {
        keeper,
        tunnel: tunnel.map_err(Error::Carry)?,
        server: settings.peers.iter().find_map(|peer| peer.endpoint.clone()),
        lookups: plan.endpoints.iter().map(|_| None).collect(),
        plan,
        alive: false,
        first_until: Some(Instant::now() + FIRST_HANDSHAKE),
        moved: None,
    };
    session.carry(signals, uplink)
}

/// Finds a name's addresses; a signal or the keeper may end the wait.
fn resolve(
    endpoint: &mut Endpoint,
    keeper: &Client,
    signals: BorrowedFd<'_>,
) -> Result<Option<Ending>, Error> {
    let Some(name) = endpoint.name().map(str::to_owned) else {
        return Ok(None);
    };
    let stage = format!("looking up {name}");
    keeper
        .send(Request::Stage { stage })
        .map_err(Error::Keeper)?;
    let mut lookup = start_lookup(&name)?;
    loop {
        if let Some(found) = lookup.answer() {
            if found.is_empty() {
                return Err(Error::Resolve(name));
            }
            endpoint.learn(found);
            return Ok(None);
        }
        let fds = [lookup.as_fd(), keeper.as_fd(), signals];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let left = lookup.deadline().saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Carry(errno)),
        }
        if fds[2].any().unwrap_or(false) {
            return Ok(Some(Ending::Disconnected));
        }
        if fds[1].any().unwrap_or(false)
            && let Some(Word::End(ending)) = heed(keeper)
        {
            return Ok(Some(ending));
        }
    }
}

fn start_lookup(name: &str) -> Result<Lookup, Error> {
    Lookup::start(name).map_err(|source| Error::Lookup {
        name: name.to_owned(),
        source,
    })
}

/// What the keeper says while nothing was asked of it.
enum Word {
    /// It is over.
    End(Ending),
    /// The user wants new handshakes.
    Reconnect,
}

fn heed(keeper: &Client) -> Option<Word> {
    match keeper.receive() {
        Ok((Reply::Disconnect | Reply::Ended { .. }, _)) => Some(Word::End(Ending::Disconnected)),
        Ok((Reply::Reconnect, _)) => Some(Word::Reconnect),
        Ok(_) => None,
        Err(_) => Some(Word::End(Ending::KeeperGone)),
    }
}

/// Asks for the device.
fn attach(
    keeper: &Client,
    signals: BorrowedFd<'_>,
    gateway: Option<String>,
    network: &NetworkConfig,
    note: &dyn Fn(&str),
) -> Result<Result<Device, Ending>, Error> {
    let request = Attach {
        client: instance::Client {
            name: "wireguard".to_owned(),
            pid: std::process::id(),
        },
        gateway,
        network: network.clone(),
        script: false,
        offload: true,
        replace: false,
        hold: false,
        waits: true,
    };
    let request = Request::Attach(Box::new(request));
    keeper.send(request).map_err(Error::Keeper)?;
    loop {
        let mut fds = [keeper.as_fd(), signals].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if !fds[0].any().unwrap_or(false) {
            return Ok(Err(Ending::Disconnected));
        }
        let Ok((reply, fd)) = keeper.receive() else {
            return Ok(Err(Ending::KeeperGone));
        };
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
                    note(warning);
                }
                return Ok(Ok(Device { fd, name, offload }));
            }
            (Reply::Disconnect | Reply::Ended { .. }, _) => {
                return Ok(Err(Ending::Disconnected));
            }
            (Reply::Done { .. } | Reply::Reconnect, _) => {}
            _ => return Err(Error::Answer),
        }
    }
}

/// A tunnel that is there.
struct Session<'a> {
    keeper: &'a Client,
    tunnel: WireGuard,
    plan: Plan,
    server: Option<String>,
    /// For each peer, the question where it is by now.
    lookups: Vec<Option<Lookup>>,
    /// Whether the keeper knows that the other end answers.
    alive: bool,
    /// Until when the first handshake may take.
    first_until: Option<Instant>,
    /// When the uplink's change is to be dealt with.
    moved: Option<Instant>,
}

/// What the loop watches besides its own.
#[derive(Clone, Copy)]
enum Watched {
    Signals,
    Keeper,
    Uplink,
    Lookup(usize),
}

impl Session<'_> {
    fn carry(
        &mut self,
        signals: BorrowedFd<'_>,
        uplink: Option<BorrowedFd<'_>>,
    ) -> Result<Ending, Error> {
        self.tell();
        loop {
            let mut kinds = vec![Watched::Signals, Watched::Keeper];
            let mut fds = vec![signals, self.keeper.as_fd()];
            if let Some(uplink) = uplink {
                kinds.push(Watched::Uplink);
                fds.push(uplink);
            }
            for (peer, lookup) in self.lookups.iter().enumerate() {
                if let Some(lookup) = lookup {
                    kinds.push(Watched::Lookup(peer));
                    fds.push(lookup.as_fd());
                }
            }
            match self.tunnel.run(&fds, self.until()) {
                End::Watched(index) => match kinds[index] {
                    Watched::Signals => return Ok(Ending::Disconnected),
                    Watched::Keeper => match heed(self.keeper) {
                        Some(Word::End(ending)) => return Ok(ending),
                        Some(Word::Reconnect) => self.tunnel.network_changed(),
                        None => {}
                    },
                    Watched::Uplink => {
                        drain(fds[index]);
                        self.moved.get_or_insert(Instant::now() + SETTLE);
                    }
                    Watched::Lookup(peer) => self.hear_lookup(peer),
                },
                End::News => self.tell(),
                End::Silent(peer) => self.doubt(peer),
                End::Deadline => self.deadlines()?,
                End::DeviceGone => return self.judge(),
                End::Failed(errno) => return Err(Error::Carry(errno)),
            }
        }
    }

    fn until(&self) -> Option<Instant> {
        let lookups = self.lookups.iter().flatten().map(Lookup::deadline);
        let moments = [self.first_until, self.moved].into_iter().flatten();
        lookups.chain(moments).min()
    }

    fn deadlines(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        if self.moved.is_some_and(|at| now >= at) {
            self.moved = None;
            self.tunnel.network_changed();
        }
        for peer in 0..self.lookups.len() {
            self.hear_lookup(peer);
        }
        if self.first_until.is_some_and(|at| now >= at) {
            self.first_until = None;
            let mut places = (0..self.lookups.len()).filter_map(|it| self.tunnel.endpoint(it));
            // A peer that has to come to us may take its time.
            if let Some(place) = places.next() {
                return Err(Error::NoAnswer {
                    peer: self.name_of(place),
                    seconds: FIRST_HANDSHAKE.as_secs(),
                });
            }
        }
        Ok(())
    }

    fn name_of(&self, place: SocketAddr) -> String {
        match &self.server {
            Some(server) if *server != place.to_string() => format!("{server} ({place})"),
            _ => place.to_string(),
        }
    }

    /// Tells the keeper what has changed. Where it is gone, its socket says so in a moment.
    fn tell(&mut self) {
        let facts = Facts {
            server: self.server.clone(),
            cipher: Some(CIPHER.to_owned()),
            peers: self.tunnel.facts(),
            ..Facts::default()
        };
        let _ = self.keeper.send(Request::Facts(Box::new(facts)));
        let alive = self.tunnel.is_alive();
        if alive {
            self.first_until = None;
        }
        if alive != self.alive {
            self.alive = alive;
            let _ = self.keeper.send(Request::Alive { alive });
        }
    }

    /// A peer is silent: it may have another address by now.
    fn doubt(&mut self, peer: usize) {
        let Some(endpoint) = &self.plan.endpoints[peer] else {
            return;
        };
        match endpoint.name() {
            None => self.try_elsewhere(peer),
            Some(name) if self.lookups[peer].is_none() => match start_lookup(name) {
                Ok(lookup) => self.lookups[peer] = Some(lookup),
                Err(_) => self.try_elsewhere(peer),
            },
            Some(_) => {}
        }
    }

    fn hear_lookup(&mut self, peer: usize) {
        let Some(found) = self.lookups[peer].as_mut().and_then(Lookup::answer) else {
            return;
        };
        self.lookups[peer] = None;
        if let Some(endpoint) = &mut self.plan.endpoints[peer] {
            endpoint.learn(found);
        }
        self.try_elsewhere(peer);
    }

    /// The place after the one that does not answer; back to the profile's, if it had moved.
    fn try_elsewhere(&mut self, peer: usize) {
        let tried = self.tunnel.endpoint(peer);
        let endpoint = self.plan.endpoints[peer].as_ref();
        if let Some(place) = endpoint.and_then(|endpoint| endpoint.place(tried)) {
            self.tunnel.set_endpoint(peer, place);
        }
    }

    /// The device is gone: that is the keeper's doing, who says why.
    fn judge(&self) -> Result<Ending, Error> {
        match self.keeper.receive_within(KEEPER_PATIENCE) {
            Ok(Some((Reply::Ended { .. } | Reply::Disconnect, _))) => Ok(Ending::Disconnected),
            Ok(_) => Err(Error::Carry(Errno::ENODEV)),
            Err(_) => Ok(Ending::KeeperGone),
        }
    }
}

/// Empties what only says that something has changed.
fn drain(fd: BorrowedFd<'_>) {
    let mut buffer = [0; 8192];
    // Bounded: a network that never stops changing is looked at again in the next turn.
    for _ in 0..64 {
        let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::ZERO) != Ok(1) {
            return;
        }
        if !matches!(nix::unistd::read(fd, &mut buffer), Ok(1..)) {
            return;
        }
    }
}
