//! The keeper's connector: the process that brings a profile up, and what it asks the user.
//!
//! # Theory of operation
//!
//! A connector registers, tells its stages, and starts the client, whose relay or supervisor
//! asks for the device as always. While a connector is registered, a lost relay is no lost
//! tunnel: device and addresses are kept, nothing passes, and the connector tries again.
//! Questions are kept here, in the snapshot, so that any process of the user's may answer; the
//! answer is passed on and not kept.

use std::os::fd::{AsRawFd, RawFd};

use vpnns_protocol::instance::{Facts, Retry, State};
use vpnns_protocol::question::{Answer, Question};

use super::{Keeper, unix_time};
use crate::instance::control::{Connect, Reply};

/// A registered connector.
#[derive(Debug)]
pub(super) struct Connector {
    /// The socket of its connection.
    connection: RawFd,
    profile: String,
    server: Option<String>,
    token: String,
    question: Option<Question>,
    /// While it waits before the next try.
    retry: Option<Retry>,
    /// What its client tells; it outlives the relays.
    facts: Facts,
    /// The end has begun: a relay that goes now is not waited for.
    is_finishing: bool,
}

/// What to do about an instance that is being stopped.
pub(super) const WHEN_GONE: &str = "try again when it is gone, in a few seconds";

/// Why a connector, an answer or a wish was refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the instance {name} is being connected with the profile {profile} already")]
    Busy { name: String, profile: String },
    #[error("the instance {name} already has a tunnel: {client} (process {pid})")]
    Taken {
        name: String,
        client: String,
        pid: u32,
    },
    #[error("the instance {0} has no tunnel")]
    NoTunnel(String),
    #[error("the question is no longer open")]
    NoQuestion,
    #[error("the instance {0} is being stopped")]
    Stopping(String),
    #[error("the tunnel of {0} was not brought up by vpnns --connect")]
    NotOurs(String),
    #[error("there is nothing to connect again in {name}")]
    NotKeptUp {
        name: String,
        profile: Option<String>,
    },
}

impl Refusal {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { name, .. } | Self::Taken { name, .. } => Some(format!(
                "disconnect that first: vpnns --disconnect --name {name}"
            )),
            Self::NotOurs(_) => Some("its client decides itself when it tries again".to_owned()),
            Self::NotKeptUp { name, profile } => Some(format!(
                "connect it first: vpnns --connect {} --name {name}",
                profile.as_deref().unwrap_or("PROFILE")
            )),
            Self::NoTunnel(name) => Some(format!(
                "there is nothing to do: its programs are offline already; to end them: \
                 vpnns --stop --name {name}"
            )),
            Self::Stopping(_) => Some(WHEN_GONE.to_owned()),
            Self::NoQuestion => None,
        }
    }
}

impl Connector {
    pub(super) fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    pub(super) fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// The tunnel is there: nothing is waited for.
    pub(super) fn is_up(&mut self) {
        self.retry = None;
    }

    /// Whether a supervisor that names this token was started by it.
    pub(super) fn has_started(&self, token: Option<&str>) -> bool {
        token == Some(&self.token)
    }

    /// What it knows goes before what the relay or the script has told.
    pub(super) fn complete(&self, told: &mut Facts) {
        let known = self.facts.clone();
        let server = known.server.or_else(|| self.server.clone());
        told.server = server.or(told.server.take());
        told.cipher = known.cipher.or(told.cipher.take());
        told.expires = known.expires.or(told.expires);
        told.idle_timeout = known.idle_timeout.or(told.idle_timeout);
        if !known.peers.is_empty() {
            told.peers = known.peers;
        }
    }
}

impl Keeper {
    /// A connector registers.
    pub(super) fn connect(&mut self, index: usize, connect: Connect) {
        let name = self.name.to_string();
        let refusal = if self.kill_at.is_some() {
            Some(Refusal::Stopping(name))
        } else if let Some(connector) = &self.connector {
            let profile = connector.profile.clone();
            Some(Refusal::Busy { name, profile })
        } else {
            self.tunnel_in_use()
                .map(|client| (client.name.clone(), client.pid))
                .map(|(client, pid)| Refusal::Taken { name, client, pid })
        };
        if let Some(refusal) = refusal {
            let hint = refusal.hint();
            return self.connections[index].refuse(&refusal, hint);
        }
        if self.orphaned_until.take().is_some() {
            // The time for a killed keeper's relay would be over in the middle of a login. Nobody is
            // waited for any more, so nothing may stay as if it were in use.
            self.offline();
        }
        self.kept_until = None;
        self.log
            .add(&format!("connecting with the profile {}", connect.profile));
        self.loss.begin(connect.on_drop);
        self.profile = Some(connect.profile.clone());
        self.connector = Some(Connector {
            connection: self.connections[index].socket.as_raw_fd(),
            profile: connect.profile,
            server: connect.server,
            token: connect.token,
            question: None,
            retry: None,
            facts: Facts::default(),
            is_finishing: false,
        });
        self.used = true;
        self.changed = true;
        if self.tunnel.is_none() {
            let stage = "starting".to_owned();
            self.set_state(State::Connecting { stage });
        }
        let warnings = Vec::new();
        self.connections[index].reply(Reply::Done { warnings }, None);
    }

    /// The connector says what it does; shown until the tunnel is there.
    pub(super) fn stage(&mut self, index: usize, stage: String) {
        if !self.is_connector(index) {
            return;
        }
        if self.tunnel.is_none() {
            self.set_state(State::Connecting { stage });
        } else {
            self.log.add(&stage);
        }
    }

    /// The connector asks the user, or no longer does.
    pub(super) fn ask(&mut self, index: usize, question: Option<Question>) {
        if !self.is_connector(index) {
            return;
        }
        if let Some(connector) = &mut self.connector {
            if question.is_some() {
                self.log.add("a question is asked");
            }
            connector.question = question;
            self.changed = true;
        }
    }

    /// Somebody answers: the first one whose number is right has done so.
    pub(super) fn answer_question(&mut self, index: usize, answer: Answer) {
        let open = self.connector.as_mut().and_then(|connector| {
            let is_open = |question: &mut Question| question.id == answer.id;
            connector.question.take_if(is_open)?;
            Some(connector.connection)
        });
        let Some(connector) = open else {
            return self.connections[index].refuse(&Refusal::NoQuestion, None);
        };
        self.log.add("the question is answered");
        self.changed = true;
        if let Some(connector) = self.connection(connector) {
            connector.reply(Reply::Answered(Box::new(answer)), None);
        }
        let warnings = Vec::new();
        self.connections[index].reply(Reply::Done { warnings }, None);
    }

    /// What the client tells about its session.
    pub(super) fn tell_facts(&mut self, index: usize, facts: Facts) {
        let is_connector = self.is_connector(index);
        match (&mut self.connector, &mut self.tunnel) {
            (Some(connector), _) if is_connector => connector.facts = facts,
            (_, Some(tunnel)) if tunnel.relay == Some(self.connections[index].raw()) => {
                tunnel.facts.facts = facts;
            }
            _ => return,
        }
        self.changed = true;
    }

    /// The profile is down for good.
    pub(super) fn finish(&mut self, index: usize, reason: Option<String>, hint: Option<String>) {
        if !self.is_connector(index) {
            return;
        }
        self.connector_is_over();
        if reason.is_none() {
            self.loss.is_wished();
        }
        let state = reason.map_or(State::Isolated, |reason| State::Failed { reason });
        if self.tunnel.is_some() {
            self.drop_tunnel("the profile was disconnected", state);
        } else {
            self.set_state(state);
        }
        self.set_hint(hint);
    }

    /// Ends what is there for the connector, and answers those who wanted it to end.
    fn connector_is_over(&mut self) {
        self.connector = None;
        self.changed = true;
        // At once: another one may register in this very turn, and they are not its ports.
        self.end_ports_of_connector();
        for connection in self.connections.iter_mut().filter(|it| it.awaits_end) {
            connection.awaits_end = false;
            let warnings = Vec::new();
            connection.reply(Reply::Done { warnings }, None);
        }
    }

    /// The connector waits before its next try, or does so no longer.
    pub(super) fn wait_before(&mut self, index: usize, retry: Option<Retry>) {
        if !self.is_connector(index) {
            return;
        }
        if let Some(connector) = &mut self.connector {
            if let Some(retry) = retry.as_ref().filter(|_| connector.retry != retry) {
                let seconds = retry.at.saturating_sub(unix_time());
                let reason = retry.reason.as_deref().unwrap_or("nothing passes");
                self.log
                    .add(&format!("{reason}; trying again in {seconds} s"));
            }
            self.changed |= connector.retry != retry;
            connector.retry = retry;
        }
    }

    /// Somebody wants the next try now, or a new connection in place of the one that is there.
    pub(super) fn reconnect(&mut self, index: usize) {
        let name = self.name.to_string();
        let kept_up = self.connector.as_ref().filter(|it| !it.is_finishing);
        let refusal = match (kept_up, &self.tunnel) {
            (Some(connector), _) => {
                let connection = connector.connection;
                self.log.add("the user wants it connected again");
                if let Some(connector) = self.connection(connection) {
                    connector.reply(Reply::Reconnect, None);
                }
                let warnings = Vec::new();
                return self.connections[index].reply(Reply::Done { warnings }, None);
            }
            (None, Some(_)) if self.connector.is_none() => Refusal::NotOurs(name),
            (None, _) => Refusal::NotKeptUp {
                name,
                profile: self.profile.clone(),
            },
        };
        let hint = refusal.hint();
        self.connections[index].refuse(&refusal, hint);
    }

    /// Somebody wants the tunnel down, in order.
    pub(super) fn disconnect(&mut self, index: usize) {
        let warnings = Vec::new();
        self.log.add("the user wants it disconnected");
        self.loss.is_wished();
        // Or the tunnel's end would be the beginning of the next one.
        self.dismiss_pending("it was disconnected");
        if let Some(connector) = &mut self.connector {
            connector.is_finishing = true;
            connector.question = None;
            let connection = connector.connection;
            self.changed = true;
            if let Some(connector) = self.connection(connection) {
                connector.reply(Reply::Disconnect, None);
            }
            // Its tunnel goes before it does, and until it has gone no other one may come.
            self.connections[index].awaits_end = true;
            return;
        } else if self.tunnel.is_some() {
            self.drop_tunnel("it was disconnected", State::Isolated);
        } else if self.is_supervised() {
            // Its client has no device yet: it may be asking for a password.
            self.end_supervisors("it was disconnected");
            self.set_state(State::Isolated);
        } else if self.loss.freezer().is_some() {
            // It has failed for good, and what it has stopped was waiting for this.
            self.set_state(State::Isolated);
        } else {
            let refusal = Refusal::NoTunnel(self.name.to_string());
            return self.connections[index].refuse(&refusal, refusal.hint());
        }
        self.connections[index].reply(Reply::Done { warnings }, None);
    }

    /// A connection is gone; if it was the connector's without a goodbye, so is its tunnel.
    pub(super) fn connector_connection_ended(&mut self, connection: RawFd) {
        let ours = |connector: &Connector| connector.connection == connection;
        if !self.connector.as_ref().is_some_and(ours) {
            return;
        }
        self.connector_is_over();
        let reason = "vpnns --connect ended unexpectedly".to_owned();
        let state = State::Failed {
            reason: reason.clone(),
        };
        if self.tunnel.is_some() {
            self.drop_tunnel(&reason, state);
        } else if self.kill_at.is_none() {
            self.set_state(state);
        }
    }

    /// Tells the connector that the instance ends.
    pub(super) fn dismiss_connector(&mut self) {
        let Some(connector) = &mut self.connector else {
            return;
        };
        connector.is_finishing = true;
        connector.question = None;
        let connection = connector.connection;
        if let Some(connector) = self.connection(connection) {
            connector.reply(Reply::Disconnect, None);
        }
    }

    /// Whether a lost relay is waited for, however long it takes.
    pub(super) fn is_kept_up(&self) -> bool {
        let connector = self.connector.as_ref();
        connector.is_some_and(|connector| !connector.is_finishing)
    }

    pub(super) fn is_connector(&self, index: usize) -> bool {
        let connection = self.connections[index].socket.as_raw_fd();
        let connector = self.connector.as_ref();
        connector.is_some_and(|connector| connector.connection == connection)
    }
}
