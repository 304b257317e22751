//! The keeper's part in a graft: a device that outlives its reader, and what it is given.
//!
//! # Theory of operation
//!
//! A grafted client believes that it makes a tun device of its own. What it gets is the one
//! device of the instance, made persistent, so that it keeps addresses, routes and the apps'
//! connections while the client restarts. A device has one reader: the keeper holds no copy of
//! the descriptor that it hands out. Whether somebody reads it is told by the carrier: without a
//! reader there is none, and nothing passes.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use vpnns_protocol::instance::{self, Facts, State};
use vpnns_protocol::network::NetworkConfig;

use super::tunnel::{Refusal, Tunnel, Wanted};
use super::{Keeper, unix_time};
use crate::instance::control::{Assigned, Graft, Reply, SocketKind};
use crate::net::{self, Device, LinkWatch, Offload};
use crate::report;

/// How long the client before may go on reading a device that its successor is to get.
const STILL_READ: Duration = Duration::from_secs(1);

/// The device of a grafted client.
#[derive(Debug)]
pub(super) struct Grafted {
    /// Tells when the carrier comes and goes.
    links: LinkWatch,
    source: Source,
    /// Addresses and routes are in force.
    is_configured: bool,
    /// Another client than the one before is to get it.
    changes_hands: bool,
    /// Since when that cannot be, because the one before still reads.
    busy_since: Option<Instant>,
}

/// Who says what the device gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The client's script, at every connect.
    Script,
    /// The client, by configuring the device itself.
    Client,
    /// The user, beforehand.
    User,
}

impl Grafted {
    pub(super) fn links(&self) -> &LinkWatch {
        &self.links
    }

    /// Whether the client before does not let go of it.
    fn is_stuck(&mut self) -> bool {
        let since = *self.busy_since.get_or_insert_with(Instant::now);
        self.changes_hands && since.elapsed() >= STILL_READ
    }
}

impl Keeper {
    /// A supervisor asks for the device, for the first time or again.
    pub(super) fn graft(&mut self, index: usize, graft: Graft, reader: Option<OwnedFd>) {
        self.read_by(index, reader);
        let connection = self.connections[index].socket.as_raw_fd();
        let is_again = self
            .tunnel
            .as_ref()
            .is_some_and(|tunnel| tunnel.relay == Some(connection) && tunnel.grafted.is_some());
        if is_again {
            self.hand_out_again(index, &graft);
        } else {
            self.want(index, Wanted::Graft(Box::new(graft)));
        }
    }

    /// Makes the device, or takes the held one, and hands it to the supervisor.
    pub(super) fn open_grafted(&mut self, connection: i32, graft: Graft) {
        self.kept_until = None;
        let held = self.tunnel.as_mut().filter(|tunnel| tunnel.is_held());
        if let Some(tunnel) = held.filter(|tunnel| tunnel.grafted.is_some()) {
            tunnel.resume(connection, graft.client.clone());
            if let Some(grafted) = &mut tunnel.grafted {
                grafted.changes_hands = true;
            }
            if let Some(index) = self.index_of(connection) {
                self.hand_out_again(index, &graft);
            }
            return;
        }
        self.stage_of_nobody("waiting for the server's settings".to_owned());
        match self.make_grafted(&graft) {
            Ok((device, grafted, warnings)) => {
                let is_configured = grafted.is_configured;
                self.tunnel = Some(Tunnel::new(
                    instance::Tunnel {
                        client: graft.client,
                        device: device.name.clone(),
                        gateway: None,
                        since: unix_time(),
                        script: false,
                        network: graft.network.unwrap_or_default(),
                        counters: instance::Counters::default(),
                        reconnects: 0,
                        facts: Facts::default(),
                    },
                    connection,
                    grafted,
                ));
                if is_configured {
                    self.set_state(State::Connected);
                }
                let reply = Reply::Attached {
                    device: device.name,
                    offload: Offload::None,
                    warnings,
                };
                if let Some(connection) = self.connection(connection) {
                    connection.reply(reply, Some(&device.fd));
                }
            }
            Err(refusal) => self.fail_to_open(connection, &refusal),
        }
    }

    fn make_grafted(&self, graft: &Graft) -> Result<(Device, Grafted, Vec<String>), Refusal> {
        net::clear();
        let links = LinkWatch::new()?;
        let device = net::graft_device(&graft.device, graft.flags)?;
        let mut warnings = Vec::new();
        if let Some(network) = &graft.network {
            self.write_resolv_conf(network)
                .map_err(Refusal::ResolvConf)?;
            if !network.addresses.is_empty() {
                warnings = net::configure(&device.name, network)?;
            }
        }
        let given = graft.network.as_ref();
        let is_configured = given.is_some_and(|network| !network.addresses.is_empty());
        let grafted = Grafted {
            links,
            source: match (is_configured, graft.configures_itself) {
                (true, _) => Source::User,
                (false, true) => Source::Client,
                (false, false) => Source::Script,
            },
            is_configured,
            changes_hands: false,
            busy_since: None,
        };
        Ok((device, grafted, warnings))
    }

    /// The client has restarted: the same device once more.
    fn hand_out_again(&mut self, index: usize, graft: &Graft) {
        let Some(tunnel) = &mut self.tunnel else {
            return;
        };
        match net::graft_device(&tunnel.facts.device, graft.flags) {
            Ok(device) => {
                tunnel.facts.client = graft.client.clone();
                if let Some(grafted) = &mut tunnel.grafted {
                    grafted.changes_hands = false;
                    grafted.busy_since = None;
                }
                self.changed = true;
                let reply = Reply::Attached {
                    device: device.name,
                    offload: Offload::None,
                    warnings: Vec::new(),
                };
                self.connections[index].reply(reply, Some(&device.fd));
            }
            // The client has opened it anew before it has closed it.
            Err(net::Error::CreateTun(Errno::EBUSY)) => {
                if tunnel.grafted.as_mut().is_some_and(Grafted::is_stuck) {
                    // Whoever holds the old one has a device that is gone.
                    self.tunnel = None;
                    self.offline();
                    let connection = self.connections[index].socket.as_raw_fd();
                    return self.open_grafted(connection, graft.clone());
                }
                self.connections[index].reply(Reply::Busy, None);
            }
            Err(error) => {
                let hint = error.hint();
                self.connections[index].refuse(&error, hint);
            }
        }
    }

    /// The client's script has told what the server assigns.
    pub(super) fn configure(&mut self, index: usize, assigned: Assigned) {
        match self.reconfigure(assigned) {
            Ok(warnings) => {
                self.set_state(State::Connected);
                self.connections[index].reply(Reply::Done { warnings }, None);
            }
            Err(refusal) => {
                let hint = refusal.hint();
                self.connections[index].refuse(&refusal, hint);
            }
        }
    }

    fn reconfigure(&mut self, assigned: Assigned) -> Result<Vec<String>, Refusal> {
        let is_reader = self.is_reader(&assigned.session);
        let Some((tunnel, grafted)) = self.tunnel.as_mut().and_then(Tunnel::with_graft) else {
            return Err(Refusal::NotGrafted(self.name.to_string()));
        };
        if !is_reader {
            return Err(Refusal::OtherClient(self.name.to_string()));
        }
        let network = assigned.network;
        tunnel.gateway = assigned.gateway;
        tunnel.facts = assigned.facts;
        self.changed = true;
        if grafted.is_configured && tunnel.network == network {
            return Ok(Vec::new());
        }
        let device = tunnel.device.clone();
        let was_configured = grafted.is_configured;
        let applied = self.apply(&device, &network, was_configured);
        match &applied {
            Ok(_) => {
                if let Some((tunnel, grafted)) = self.tunnel.as_mut().and_then(Tunnel::with_graft) {
                    tunnel.network = network;
                    grafted.is_configured = true;
                }
            }
            Err(refusal) => {
                let causes = report::causes(refusal);
                let reason = [vec![refusal.to_string()], causes].concat().join(": ");
                self.give_up_configuration(reason);
            }
        }
        applied
    }

    fn apply(
        &self,
        device: &str,
        network: &NetworkConfig,
        was_configured: bool,
    ) -> Result<Vec<String>, Refusal> {
        // The resolvers first: an application that sees the route may ask at once.
        self.write_resolv_conf(network)
            .map_err(Refusal::ResolvConf)?;
        if was_configured {
            net::unconfigure(device);
        }
        let warnings = net::configure(device, network)?;
        if was_configured {
            // They talk from an address that nobody answers to any more.
            net::abort_connections();
        }
        Ok(warnings)
    }

    /// Half a configuration is none. The client may go on, and its script may try again.
    fn give_up_configuration(&mut self, reason: String) {
        self.offline_but_for_device();
        if let Some((tunnel, grafted)) = self.tunnel.as_mut().and_then(Tunnel::with_graft) {
            tunnel.network = NetworkConfig::default();
            grafted.is_configured = false;
        }
        self.set_state(State::Failed { reason });
        self.changed = true;
    }

    /// The client's script could not make sense of what the server assigns.
    pub(super) fn unusable(&mut self, session: &str, reason: String) {
        if self.is_reader(session) {
            self.give_up_configuration(reason);
        }
    }

    /// The carrier may have come or gone.
    pub(super) fn links_changed(&mut self) {
        let Some((tunnel, grafted)) = self.tunnel.as_mut().and_then(Tunnel::with_graft) else {
            return;
        };
        grafted.links.drain();
        let has_carrier = net::has_carrier(&tunnel.device);
        if grafted.source == Source::Client {
            let seen = net::observe(&tunnel.device);
            grafted.is_configured = !seen.addresses.is_empty();
            if tunnel.network.addresses != seen.addresses || tunnel.network.routes != seen.routes {
                tunnel.network = NetworkConfig {
                    resolvers: std::mem::take(&mut tunnel.network.resolvers),
                    search: std::mem::take(&mut tunnel.network.search),
                    ..seen
                };
                self.changed = true;
            }
        }
        // A script says itself when the client is connected.
        let is_ready = grafted.is_configured && grafted.source != Source::Script;
        match (&self.state, has_carrier) {
            (State::Connected, false) => self.set_state(State::Reconnecting),
            (State::Connecting { .. } | State::Reconnecting, true) if is_ready => {
                self.set_state(State::Connected);
            }
            _ => {}
        }
    }

    /// Whoever carries the packets says whether the other end answers.
    pub(super) fn alive(&mut self, index: usize, alive: bool) {
        if self.is_relay(index) || self.is_connector(index) {
            self.set_alive(alive);
        }
    }

    /// The client's script says it.
    pub(super) fn reached(&mut self, session: &str, alive: bool) {
        if self.is_reader(session) {
            self.set_alive(alive);
        }
    }

    fn set_alive(&mut self, alive: bool) {
        // A session without a configuration is no connection yet.
        let is_whole = self.tunnel.as_ref().is_some_and(|tunnel| {
            let grafted = tunnel.grafted.as_ref();
            !tunnel.is_held() && grafted.is_none_or(|grafted| grafted.is_configured)
        });
        match (&self.state, alive) {
            (State::Connected, false) => self.set_state(State::Reconnecting),
            (State::Reconnecting | State::Connecting { .. }, true) if is_whole => {
                self.set_state(State::Connected);
            }
            _ => {}
        }
    }

    /// A socket in the instance's network for a client that configures its device itself.
    ///
    /// Its capabilities are the client's own: the user is the owner of the namespace, and may.
    pub(super) fn give_socket(&mut self, index: usize, kind: SocketKind) {
        let made = match kind {
            SocketKind::Ioctl => net::ioctl_socket(),
            SocketKind::Route => net::route_socket(),
        };
        let connection = &mut self.connections[index];
        match made {
            Ok(fd) => connection.reply(Reply::Socket, Some(&fd)),
            Err(errno) => connection.refuse(&SocketError(errno), None),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("failed to make a socket in the instance's network")]
struct SocketError(#[source] Errno);
