//! The keeper's tunnel: one device, one relay that reads it, and what happens when either goes.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use vpnns_protocol::instance::{self, State};
use vpnns_protocol::network::NetworkConfig;

use super::connector::WHEN_GONE;
use super::graft::Grafted;
use super::supervisor;
use super::{Keeper, LOOK_AGAIN, unix_time};
use crate::instance::control::{Attach, Graft, Reply};
use crate::isolation::etc;
use crate::net::{self, Device, Offload};
use crate::sys::process::{is_alive, pidfd_open, pidfd_send_signal};

/// How long a relay that was told to go may take.
const MAKE_WAY: Duration = Duration::from_secs(2);
/// How long a device is kept for a client that restarts its relay (openvpn's longest wait
/// between two tries is 300 s; it kills the relay only after the new session has begun).
const HOLD: Duration = Duration::from_secs(300);

/// A tunnel that is up, or held.
#[derive(Debug)]
pub(super) struct Tunnel {
    /// What the status shows.
    pub(super) facts: instance::Tunnel,
    /// Our copy of the device's descriptor; none of a grafted client's.
    device: Option<OwnedFd>,
    offload: Offload,
    /// The socket of the connection of the relay, or of a grafted client's supervisor; `None`
    /// while the device is held for the next one.
    pub(super) relay: Option<RawFd>,
    /// More about the device of a grafted client.
    pub(super) grafted: Option<Grafted>,
    /// The VPN client, where its life decides whether the device is held.
    client: Option<OwnedFd>,
    held_until: Option<Instant>,
}

impl Tunnel {
    /// A tunnel whose device a grafted client reads.
    pub(super) fn new(facts: instance::Tunnel, supervisor: RawFd, grafted: Grafted) -> Self {
        Self {
            facts,
            device: None,
            offload: Offload::None,
            relay: Some(supervisor),
            grafted: Some(grafted),
            client: None,
            held_until: None,
        }
    }

    /// What the status shows, and the rest of a graft.
    pub(super) fn with_graft(&mut self) -> Option<(&mut instance::Tunnel, &mut Grafted)> {
        Some((&mut self.facts, self.grafted.as_mut()?))
    }

    /// Whether the device waits for whoever reads it next.
    pub(super) fn is_held(&self) -> bool {
        self.relay.is_none()
    }

    /// Somebody reads the held device again.
    pub(super) fn resume(&mut self, connection: RawFd, client: instance::Client) {
        self.relay = Some(connection);
        self.held_until = None;
        self.facts.client = client;
    }

    /// The client whose end ends a held device.
    pub(super) fn awaited_client(&self) -> Option<BorrowedFd<'_>> {
        self.held_until.and(self.client.as_ref()).map(AsFd::as_fd)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.held_until
    }
}

/// What somebody wants the device for.
#[derive(Debug)]
pub(super) enum Wanted {
    Attach(Box<Attach>),
    Graft(Box<Graft>),
}

impl Wanted {
    fn client(&self) -> &instance::Client {
        match self {
            Self::Attach(attach) => &attach.client,
            Self::Graft(graft) => &graft.client,
        }
    }

    fn replaces(&self) -> bool {
        match self {
            Self::Attach(attach) => attach.replace,
            Self::Graft(graft) => graft.replace,
        }
    }
}

/// A relay that waits for the tunnel it replaces to be gone.
#[derive(Debug)]
pub(super) struct Pending {
    connection: RawFd,
    wanted: Wanted,
    /// When the old relay is killed.
    pub(super) kill_at: Instant,
}

/// Why a tunnel was not given.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the instance {name} already has a tunnel: {client} (process {pid})")]
    Taken {
        name: String,
        client: String,
        pid: u32,
    },
    #[error("the instance {0} is being stopped")]
    Stopping(String),
    #[error("failed to set up the tunnel device")]
    Network(#[from] net::Error),
    #[error("the instance {name} is being connected with the profile {profile}")]
    Connecting { name: String, profile: String },
    #[error("the instance {0} has no grafted client")]
    NotGrafted(String),
    #[error("the device of the instance {0} belongs to another client by now")]
    OtherClient(String),
    #[error("failed to write the instance's resolv.conf")]
    ResolvConf(#[source] std::io::Error),
}

impl Refusal {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { .. } => {
                Some("disconnect that one first, or take over with --replace".to_owned())
            }
            Self::Connecting { name, .. } => Some(format!(
                "disconnect that first: vpnns --disconnect --name {name}"
            )),
            Self::Network(error) => error.hint(),
            _ => None,
        }
    }
}

impl Keeper {
    /// A relay asks for the device.
    pub(super) fn attach(&mut self, index: usize, attach: Attach) {
        self.want(index, Wanted::Attach(Box::new(attach)));
    }

    /// Somebody wants the device: gives it, holds them off, or makes the one before go.
    pub(super) fn want(&mut self, index: usize, wanted: Wanted) {
        let connection = self.connections[index].socket.as_raw_fd();
        self.orphaned_until = None;
        if self.kill_at.is_some() {
            let refusal = Refusal::Stopping(self.name.to_string());
            return self.connections[index].refuse(&refusal, Some(WHEN_GONE.to_owned()));
        }
        let kept_up = self.is_kept_up();
        match &self.tunnel {
            None => self.give(connection, wanted),
            Some(tunnel) if tunnel.is_held() && is_same_session(tunnel, &wanted, kept_up) => {
                match wanted {
                    Wanted::Attach(attach) => self.resume(connection, *attach),
                    Wanted::Graft(graft) => self.open_grafted(connection, *graft),
                }
            }
            Some(tunnel) if tunnel.is_held() => {
                let reason = format!("{} took over", wanted.client().name);
                self.drop_tunnel(&reason, State::Isolated);
                self.give(connection, wanted);
            }
            Some(tunnel) if wanted.replaces() && !kept_up => {
                let relay = tunnel.relay;
                let reason = format!("{} took over", wanted.client().name);
                // A supervisor lets its client log out, and kills it itself.
                let patience = match tunnel.grafted {
                    Some(_) => supervisor::PATIENCE,
                    None => MAKE_WAY,
                };
                let kill_at = Instant::now() + patience;
                let pending = Pending {
                    connection,
                    wanted,
                    kill_at,
                };
                let overtaken = self.pending.replace(pending);
                if let Some(waiting) = overtaken.and_then(|old| self.connection(old.connection)) {
                    waiting.dismiss(&reason);
                }
                if let Some(relay) = relay {
                    self.tell_it_is_over(relay, &reason);
                }
            }
            Some(tunnel) => {
                let refusal = Refusal::Taken {
                    name: self.name.to_string(),
                    client: tunnel.facts.client.name.clone(),
                    pid: tunnel.facts.client.pid,
                };
                let hint = refusal.hint();
                self.connections[index].refuse(&refusal, hint);
            }
        }
    }

    fn give(&mut self, connection: RawFd, wanted: Wanted) {
        match wanted {
            Wanted::Attach(attach) => self.open(connection, *attach),
            Wanted::Graft(graft) => self.open_grafted(connection, *graft),
        }
    }

    /// Makes the device and hands it to the relay.
    fn open(&mut self, connection: RawFd, attach: Attach) {
        self.kept_until = None;
        self.set_state(State::Connecting {
            stage: "setting up the device".to_owned(),
        });
        match self.set_up(&attach) {
            Ok((Device { fd, name, offload }, warnings)) => {
                let held_client = attach.hold.then_some(attach.client.pid);
                self.tunnel = Some(Tunnel {
                    facts: instance::Tunnel {
                        client: attach.client,
                        device: name.clone(),
                        gateway: attach.gateway,
                        since: unix_time(),
                        script: attach.script,
                        network: attach.network,
                        counters: instance::Counters::default(),
                        reconnects: 0,
                        facts: instance::Facts::default(),
                    },
                    device: Some(fd),
                    offload,
                    relay: Some(connection),
                    grafted: None,
                    client: held_client.and_then(client_pidfd),
                    held_until: None,
                });
                self.set_state(if attach.script {
                    State::Connecting {
                        stage: "running the script".to_owned(),
                    }
                } else if attach.waits {
                    State::Connecting {
                        stage: "waiting for the handshake".to_owned(),
                    }
                } else {
                    State::Connected
                });
                self.give_device(connection, name, warnings);
            }
            Err(refusal) => self.fail_to_open(connection, &refusal),
        }
    }

    pub(super) fn fail_to_open(&mut self, connection: RawFd, refusal: &Refusal) {
        self.offline();
        self.set_state(State::Failed {
            reason: refusal.to_string(),
        });
        let hint = refusal.hint();
        self.set_hint(hint.clone());
        if let Some(connection) = self.connection(connection) {
            connection.refuse(refusal, hint);
        }
    }

    fn set_up(&self, attach: &Attach) -> Result<(Device, Vec<String>), Refusal> {
        // A device that a killed keeper's relay still holds would take the name.
        net::clear();
        let device = net::open_device(attach.offload)?;
        if attach.script {
            return Ok((device, Vec::new()));
        }
        // The resolvers first: an application that sees the route may ask at once.
        self.write_resolv_conf(&attach.network)
            .map_err(Refusal::ResolvConf)?;
        let warnings = net::configure(&device.name, &attach.network)?;
        Ok((device, warnings))
    }

    fn resume(&mut self, connection: RawFd, attach: Attach) {
        let Some(tunnel) = &mut self.tunnel else {
            return;
        };
        tunnel.facts.gateway = attach.gateway;
        tunnel.resume(connection, attach.client);
        let name = tunnel.facts.device.clone();
        if !attach.waits {
            self.set_state(State::Connected);
        }
        self.give_device(connection, name, Vec::new());
    }

    fn give_device(&mut self, connection: RawFd, device: String, warnings: Vec<String>) {
        let Some(tunnel) = &self.tunnel else { return };
        let mut connections = self.connections.iter_mut();
        if let Some(to) = connections.find(|c| c.socket.as_raw_fd() == connection) {
            let reply = Reply::Attached {
                device,
                offload: tunnel.offload,
                warnings,
            };
            to.reply(reply, tunnel.device.as_ref());
        }
    }

    /// The relay's VPN client has gone into the background.
    pub(super) fn client_is(&mut self, index: usize, client: instance::Client) {
        if !self.is_relay(index) {
            return;
        }
        if let Some(tunnel) = &mut self.tunnel {
            if tunnel.client.is_some() {
                tunnel.client = client_pidfd(client.pid);
            }
            tunnel.facts.client = client;
            self.changed = true;
        }
    }

    /// The user's script has run.
    pub(super) fn script_done(&mut self, index: usize) {
        if self.is_relay(index) {
            self.set_state(State::Connected);
        }
    }

    /// A relay says goodbye: its client ended, or it could not go on.
    pub(super) fn detach_relay(&mut self, index: usize, reason: Option<String>) {
        if !self.is_relay(index) {
            return self.forget_pending(self.connections[index].raw());
        }
        if !self.hold() {
            let state = match (reason, &self.state) {
                (Some(reason), _) => State::Failed { reason },
                // What it was given could not be had: its end is only what followed.
                (None, State::Failed { .. }) => self.state.clone(),
                (None, _) => State::Isolated,
            };
            self.drop_tunnel("the client ended", state);
        }
    }

    /// A connection is gone without a goodbye; if it was the relay's, so is the tunnel.
    pub(super) fn relay_connection_ended(&mut self, connection: RawFd) {
        if self
            .tunnel
            .as_ref()
            .is_some_and(|tunnel| tunnel.relay == Some(connection))
            && !self.hold()
        {
            let reason = "the relay ended unexpectedly".to_owned();
            self.drop_tunnel(&reason.clone(), State::Failed { reason });
        }
        if self.tunnel.is_none() {
            self.open_pending();
        }
    }

    /// Who waits for the tunnel does so no longer.
    pub(super) fn forget_pending(&mut self, connection: RawFd) {
        self.pending
            .take_if(|pending| pending.connection == connection);
    }

    /// Sends whoever waits for the tunnel away: nobody is to have one.
    pub(super) fn dismiss_pending(&mut self, reason: &str) {
        let Some(Pending { connection, .. }) = self.pending.take() else {
            return;
        };
        match self.connection(connection) {
            Some(relay) if relay.supervisor.is_none() => relay.dismiss(reason),
            _ => self.tell_it_is_over(connection, reason),
        }
    }

    /// Keeps the device for the client's next relay, if that is to be expected.
    fn hold(&mut self) -> bool {
        let kept_up = self.is_kept_up();
        let Some(tunnel) = &mut self.tunnel else {
            return false;
        };
        // A replaced tunnel goes, whatever its client would like.
        let client_lives = tunnel.client.as_ref().is_some_and(is_alive);
        if self.pending.is_some() || !(kept_up || client_lives) {
            return false;
        }
        tunnel.relay = None;
        // A connector knows itself when it is pointless to wait.
        tunnel.held_until = (!kept_up).then(|| Instant::now() + HOLD);
        self.set_state(State::Reconnecting);
        true
    }

    /// Looks again whose end was seen: another client may have the device by now.
    pub(super) fn tunnel_client_ended(&mut self) {
        let held = self
            .tunnel
            .as_ref()
            .filter(|tunnel| tunnel.held_until.is_some());
        if held.is_some_and(|tunnel| !tunnel.client.as_ref().is_some_and(is_alive)) {
            self.drop_tunnel("the client ended", State::Isolated);
        }
    }

    pub(super) fn tunnel_deadlines(&mut self, now: Instant) {
        if self
            .tunnel
            .as_ref()
            .and_then(Tunnel::deadline)
            .is_some_and(|at| at <= now)
        {
            let reason = "the client did not come back".to_owned();
            self.drop_tunnel(&reason.clone(), State::Failed { reason });
        }
        if self.orphaned_until.is_some_and(|at| at <= now) {
            // Who has come in just now may be the one, and is heard first.
            self.orphaned_until = self.has_newcomer().then(|| now + LOOK_AGAIN);
            if self.orphaned_until.is_none() {
                self.offline();
                let reason = "the relay did not come back after the keeper was killed".to_owned();
                self.set_state(State::Failed { reason });
            }
        }
        if let Some(pending) = self
            .pending
            .as_mut()
            .filter(|pending| pending.kill_at <= now)
        {
            pending.kill_at = now + MAKE_WAY;
            let relay = self.tunnel.as_ref().and_then(|tunnel| tunnel.relay);
            if let Some(connection) = relay.and_then(|relay| self.connection(relay)) {
                let _ = pidfd_send_signal(&connection.pidfd, Some(Signal::SIGKILL));
            }
        }
    }

    /// After an adoption: a device may still be there, with a relay that will come back to us.
    pub(super) fn await_relay(&mut self, deadline: Instant) {
        if net::devices().is_empty() {
            self.offline();
        } else {
            self.orphaned_until = Some(deadline);
            self.set_state(State::Reconnecting);
        }
    }

    /// Ends the tunnel, tells its relay why, and takes the network from the apps.
    pub(super) fn drop_tunnel(&mut self, reason: &str, state: State) {
        let Some(tunnel) = self.tunnel.take() else {
            return;
        };
        let (relay, grafted) = (tunnel.relay, tunnel.grafted.is_some());
        drop(tunnel);
        if grafted && relay.is_some() {
            self.offline_but_for_device();
        } else {
            self.offline();
        }
        self.set_state(state);
        if let Some(relay) = relay {
            self.tell_it_is_over(relay, reason);
        }
        self.open_pending();
    }

    fn open_pending(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.give(pending.connection, pending.wanted);
        }
    }

    /// No device, no resolver, and an error rather than silence for whoever was talking.
    pub(super) fn offline(&self) {
        // Each step for itself: one that fails must not keep the others from being taken.
        net::clear();
        let _ = self.write_resolv_conf(&NetworkConfig::default());
        net::abort_connections();
    }

    /// The same where the client still reads the device: one that vanished would be complained
    /// about in an endless loop. It is shut, and goes when the client has.
    pub(super) fn offline_but_for_device(&self) {
        net::shut();
        let _ = self.write_resolv_conf(&NetworkConfig::default());
        net::abort_connections();
    }

    pub(super) fn write_resolv_conf(&self, network: &NetworkConfig) -> std::io::Result<()> {
        let text = net::dns::resolv_conf(&self.name, network);
        let text = text.as_deref().unwrap_or(etc::NO_RESOLVER);
        etc::rewrite_resolv_conf(&self.directory.inside(etc::LOWER), text)
    }

    /// The tunnel as the status shows it.
    pub(super) fn facts_of(&self, tunnel: &Tunnel) -> instance::Tunnel {
        let mut facts = tunnel.facts.clone();
        facts.counters = net::counters(&facts.device).unwrap_or_default();
        if let Some(connector) = &self.connector {
            connector.complete(&mut facts.facts);
        }
        facts
    }

    /// What has passed through the tunnel.
    pub(super) fn counters(&self) -> Option<instance::Counters> {
        net::counters(&self.tunnel.as_ref()?.facts.device)
    }

    /// The client of the tunnel that is there, unless it is only held.
    pub(super) fn tunnel_in_use(&self) -> Option<&instance::Client> {
        let tunnel = self.tunnel.as_ref().filter(|tunnel| !tunnel.is_held());
        tunnel.map(|tunnel| &tunnel.facts.client)
    }

    pub(super) fn is_relay(&self, index: usize) -> bool {
        let relay = self.tunnel.as_ref().and_then(|tunnel| tunnel.relay);
        relay == Some(self.connections[index].socket.as_raw_fd())
    }

    pub(super) fn index_of(&self, socket: RawFd) -> Option<usize> {
        self.connections
            .iter()
            .position(|connection| connection.socket.as_raw_fd() == socket)
    }

    pub(super) fn connection(&mut self, socket: RawFd) -> Option<&mut super::Connection> {
        self.connections
            .iter_mut()
            .find(|connection| connection.socket.as_raw_fd() == socket)
    }
}

/// Whether a new relay continues the session of a held device: the same client, or one that the
/// same connector has started, with what the old one had.
fn is_same_session(tunnel: &Tunnel, wanted: &Wanted, kept_up: bool) -> bool {
    match wanted {
        Wanted::Attach(attach) => {
            let same_client = tunnel.facts.client.pid == attach.client.pid;
            tunnel.grafted.is_none()
                && (kept_up || same_client)
                && tunnel.facts.network == attach.network
        }
        // What it gets is known only later; what it had stays until then.
        Wanted::Graft(_) => tunnel.grafted.is_some() && kept_up,
    }
}

fn client_pidfd(pid: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)).ok()
}
