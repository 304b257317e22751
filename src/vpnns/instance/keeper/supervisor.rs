//! Supervisors of grafted clients: how they are told that it is over, and what happens to a
//! client that has lost its own.
//!
//! # Theory of operation
//!
//! A supervisor is told once, and woken if its user has suspended it; it then lets its client
//! log out, and is killed where it does not end by itself. Of its client it leaves two pidfds
//! here: what it has started and what reads the device, which differ where a wrapper is between.
//! A supervisor that was killed cannot end them any more, and we do.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use vpnns_protocol::instance::State;

use super::Keeper;
use super::tunnel::Refusal;
use crate::instance::control::{Prepare, Reply};
use crate::net;
use crate::sys::process::{is_alive, pidfd_send_signal};

/// How long a client without a supervisor may take to log out; as with one.
const CLIENT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a supervisor that was told to end may take: its client's time, and a little more.
pub(super) const PATIENCE: Duration = Duration::from_secs(12);

/// A supervisor, by its connection.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// What its client's scripts name themselves by.
    session: String,
    /// What it has started.
    client: Option<OwnedFd>,
    /// What has opened the device last.
    reader: Option<OwnedFd>,
    /// When it is killed; set once it was told to end, or has said goodbye.
    kill_at: Option<Instant>,
}

/// A client whose supervisor was killed.
#[derive(Debug)]
pub(super) struct Orphan {
    pidfd: OwnedFd,
    kill_at: Instant,
}

impl Orphan {
    /// For the poll loop: ready when it has ended.
    pub(super) fn watched(&self) -> PollFd<'_> {
        PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)
    }
}

impl Keeper {
    /// A supervisor is about to start its client, which may take its time before it opens a
    /// device: passwords are typed.
    pub(super) fn prepare(&mut self, index: usize, prepare: &Prepare) {
        let name = self.name.to_string();
        let refusal = if self.kill_at.is_some() {
            Some(Refusal::Stopping(name))
        } else if self
            .connector
            .as_ref()
            .is_some_and(|connector| !connector.has_started(prepare.connector.as_deref()))
        {
            let profile = self.profile.clone().unwrap_or_default();
            Some(Refusal::Connecting { name, profile })
        } else {
            let client = self.tunnel_in_use().filter(|_| !prepare.replace);
            client.map(|client| Refusal::Taken {
                name,
                client: client.name.clone(),
                pid: client.pid,
            })
        };
        if let Some(refusal) = refusal {
            let hint = refusal.hint();
            return self.connections[index].refuse(&refusal, hint);
        }
        if self.orphaned_until.take().is_some() {
            // Nobody is waited for any more, so nothing may stay as if it were in use.
            self.offline();
        }
        self.kept_until = None;
        self.used = true;
        self.connections[index].supervisor = Some(Supervisor {
            session: prepare.session.clone(),
            client: None,
            reader: None,
            kill_at: None,
        });
        if self.tunnel.is_none() {
            let stage = format!("starting {}", prepare.client);
            self.stage_of_nobody(stage);
        }
        let warnings = Vec::new();
        self.connections[index].reply(Reply::Done { warnings }, None);
    }

    /// A connector tells its own stages.
    pub(super) fn stage_of_nobody(&mut self, stage: String) {
        if self.connector.is_none() {
            self.set_state(State::Connecting { stage });
        }
    }

    /// A supervisor has started its client.
    pub(super) fn launched(&mut self, index: usize, client: Option<OwnedFd>) {
        if let Some(supervisor) = &mut self.connections[index].supervisor {
            supervisor.client = client;
        }
    }

    /// A process is about to read the device.
    pub(super) fn read_by(&mut self, index: usize, reader: Option<OwnedFd>) {
        if let Some(supervisor) = &mut self.connections[index].supervisor {
            supervisor.reader = reader.or(supervisor.reader.take());
        }
    }

    /// A supervisor says goodbye: its client has ended, with all that belonged to it.
    pub(super) fn supervisor_goes(&mut self, index: usize) {
        if let Some(supervisor) = &mut self.connections[index].supervisor {
            supervisor.client = None;
            supervisor.reader = None;
            supervisor.kill_at = Some(Instant::now() + PATIENCE);
        }
    }

    /// Whether a script belongs to the client that has the device.
    pub(super) fn is_reader(&self, session: &str) -> bool {
        let relay = self.tunnel.as_ref().and_then(|tunnel| tunnel.relay);
        let index = relay.and_then(|relay| self.index_of(relay));
        let supervisor = index.and_then(|index| self.connections[index].supervisor.as_ref());
        supervisor.is_some_and(|supervisor| supervisor.session == session)
    }

    pub(super) fn is_supervised(&self) -> bool {
        self.connections.iter().any(|c| c.supervisor.is_some())
    }

    /// Tells whoever has or wants the device to end; a supervisor only once.
    pub(super) fn tell_it_is_over(&mut self, connection: RawFd, reason: &str) {
        let Some(connection) = self.connection(connection) else {
            return;
        };
        if let Some(supervisor) = &mut connection.supervisor {
            if supervisor.kill_at.is_some() {
                return;
            }
            supervisor.kill_at = Some(Instant::now() + PATIENCE);
        }
        let reason = reason.to_owned();
        connection.reply(Reply::Ended { reason }, None);
        // Its user may have suspended it, and it is to hear this.
        let _ = pidfd_send_signal(&connection.pidfd, Some(Signal::SIGCONT));
    }

    /// Tells all supervisors to end, also those whose client has no device yet.
    pub(super) fn end_supervisors(&mut self, reason: &str) {
        let supervising = self.connections.iter().filter(|c| c.supervisor.is_some());
        let sockets: Vec<_> = supervising.map(|c| c.socket.as_raw_fd()).collect();
        for socket in sockets {
            self.tell_it_is_over(socket, reason);
        }
    }

    /// A supervisor is gone; without a tunnel, so is what it was about to do.
    pub(super) fn supervisor_ended(&mut self, supervisor: Supervisor) {
        let left = [supervisor.client, supervisor.reader];
        for pidfd in left.into_iter().flatten().filter(is_alive) {
            let _ = pidfd_send_signal(&pidfd, Some(Signal::SIGTERM));
            let _ = pidfd_send_signal(&pidfd, Some(Signal::SIGCONT));
            let kill_at = Instant::now() + CLIENT_PATIENCE;
            self.orphans.push(Orphan { pidfd, kill_at });
        }
        if self.tunnel.is_none() {
            // What its client was left to read.
            net::clear();
        }
        let is_connecting = matches!(self.state, State::Connecting { .. });
        let is_last = self.connector.is_none() && !self.is_supervised();
        if is_connecting && self.tunnel.is_none() && is_last {
            let reason = "the client ended before it was connected".to_owned();
            self.set_state(State::Failed { reason });
        }
    }

    /// When the next one is killed.
    pub(super) fn supervisors_deadline(&self) -> Option<Instant> {
        let supervisors = self
            .connections
            .iter()
            .filter_map(|c| c.supervisor.as_ref());
        let deadlines = supervisors.filter_map(|supervisor| supervisor.kill_at);
        let orphans = self.orphans.iter().map(|orphan| orphan.kill_at);
        deadlines.chain(orphans).min()
    }

    pub(super) fn supervisors_deadlines(&mut self, now: Instant) {
        for connection in &mut self.connections {
            let kill_at = connection.supervisor.as_mut();
            let kill_at = kill_at.and_then(|supervisor| supervisor.kill_at.as_mut());
            if let Some(at) = kill_at.filter(|at| **at <= now) {
                *at = now + PATIENCE;
                let _ = pidfd_send_signal(&connection.pidfd, Some(Signal::SIGKILL));
            }
        }
        self.orphans.retain(|orphan| is_alive(&orphan.pidfd));
        for orphan in &mut self.orphans {
            if orphan.kill_at <= now {
                orphan.kill_at = now + CLIENT_PATIENCE;
                let _ = pidfd_send_signal(&orphan.pidfd, Some(Signal::SIGKILL));
            }
        }
    }
}
