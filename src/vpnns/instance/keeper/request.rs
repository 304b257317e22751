//! The keeper's side of a connection: reading requests, answering, keeping watchers informed.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{MsgFlags, getsockopt};
use nix::unistd::{Pid, Uid};
use vpnns_protocol::instance::Instance;

use super::ports::Forwards;
use super::supervisor::Supervisor;
use super::{Keeper, Member};
use crate::instance::client::peer_pidfd;
use crate::instance::control::{self, Reply, Request};

/// For how long a client that says nothing counts as one that is about to join: one that is suspended just then
/// is sent away by an instance that ends, and makes the next one.
const SILENCE: Duration = Duration::from_secs(5);
/// How many messages of one client are heard in one turn: more than its socket holds (some 280
/// small ones with the usual send buffer), and an end for one that goes on and on.
const MOST_AT_ONCE: usize = 512;
/// No program's name is longer (NAME_MAX), in bytes.
const LONGEST_NAME: usize = 255;

/// A client asks for something in words that this keeper does not know.
#[derive(Debug, thiserror::Error)]
#[error("the instance {name} was started by a vpnns of another version, which keeps it")]
struct OtherVersion {
    name: String,
    source: control::Error,
}

/// One client of the keeper.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // Independent facts, not one state.
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    /// The client as the kernel knows it.
    pub(super) pidfd: OwnedFd,
    pid: Pid,
    /// Until when it may be an app about to join, that has not said yet what it came for.
    pub(super) new_until: Option<Instant>,
    /// It wants to hear of every change.
    pub(super) watches: bool,
    /// A change did not fit into its socket; it gets the newest state when there is room.
    pub(super) behind: bool,
    /// It wanted the connector to end, and is told when that has ended.
    pub(super) awaits_end: bool,
    /// It supervises a client: the instance is in use.
    pub(super) supervisor: Option<Supervisor>,
    /// It forwards ports.
    pub(super) forwards: Option<Forwards>,
    /// It is gone, or was sent away.
    closed: bool,
}

impl Connection {
    /// Looks who it is; nobody but this user gets in, and nobody who is dead already.
    pub(super) fn accept(socket: OwnedFd) -> Option<Self> {
        let credentials = getsockopt(&socket, PeerCredentials).ok()?;
        if credentials.uid() != Uid::effective().as_raw() {
            return None;
        }
        let pid = Pid::from_raw(credentials.pid());
        let pidfd = peer_pidfd(&socket, pid).ok()?;
        let new_until = Some(Instant::now() + SILENCE);
        let (watches, behind, awaits_end, closed) = (false, false, false, false);
        let (supervisor, forwards) = (None, None);
        Some(Self {
            socket,
            pidfd,
            pid,
            new_until,
            watches,
            behind,
            awaits_end,
            supervisor,
            forwards,
            closed,
        })
    }

    /// The number of its socket, by which the rest of the keeper knows it.
    pub(super) fn raw(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Sends a reply; a client that does not read its replies is sent away.
    ///
    /// One that is gone may have said something before: that is read first, up to the end.
    pub(super) fn reply(&mut self, reply: Reply, fd: Option<&OwnedFd>) {
        match control::send(&self.socket, reply, fd) {
            Ok(()) | Err(control::Error::Closed) => {}
            Err(_) => self.closed = true,
        }
    }

    /// Sends a client away that waited for something it will not get.
    pub(super) fn dismiss(&mut self, reason: &str) {
        self.reply(
            Reply::Ended {
                reason: reason.to_owned(),
            },
            None,
        );
        self.closed = true;
    }

    /// Tells a watcher the newest state, now or when it has read what it was told before.
    pub(super) fn show(&mut self, snapshot: &Instance) {
        match control::send(
            &self.socket,
            Reply::Status(Box::new(snapshot.clone())),
            None,
        ) {
            Err(control::Error::Socket(Errno::EAGAIN)) => self.behind = true,
            // A connector watches too: one that is gone may have a goodbye that is still to be read.
            Ok(()) | Err(control::Error::Closed) => self.behind = false,
            Err(_) => self.closed = true,
        }
    }

    pub(super) fn refuse(&mut self, error: &dyn std::error::Error, hint: Option<String>) {
        let causes = crate::report::causes(error);
        self.reply(
            Reply::Refused {
                message: error.to_string(),
                causes,
                hint,
            },
            None,
        );
    }
}

impl Keeper {
    /// Lets a client that has something to say, or is gone, have its turn.
    ///
    /// All that it has said is heard: what was said before somebody else came is known to them.
    pub(super) fn serve(&mut self, index: usize) {
        if self.connections[index].behind {
            let snapshot = self.snapshot();
            self.connections[index].show(&snapshot);
        }
        for number in 0..MOST_AT_ONCE {
            let Some((request, fd)) = self.hear(index) else {
                break;
            };
            // No state is missed by those who watch because the next one follows at once.
            if number > 0 && std::mem::take(&mut self.changed) {
                self.tell_watchers();
            }
            self.answer(index, request, fd);
            if self.connections[index].closed {
                break;
            }
        }
    }

    /// What a client says; nothing if that is all, or if it is sent away for it.
    fn hear(&mut self, index: usize) -> Option<(Request, Option<OwnedFd>)> {
        let connection = &mut self.connections[index];
        match control::receive(&connection.socket, MsgFlags::empty()) {
            Ok((request, fd)) => {
                // After this one it is still about to join, and the instance must not end.
                let is_joining = matches!(request, Request::SessionBus);
                connection.new_until = is_joining.then(|| Instant::now() + SILENCE);
                return Some((request, fd));
            }
            // That was all.
            Err(control::Error::Socket(Errno::EAGAIN | Errno::EINTR)) => {}
            Err(error @ (control::Error::Message(_) | control::Error::Version(_))) => {
                let hint = format!(
                    "programs and VPN of {0} go on as they are; to use that version, end it and start \
                     it again: vpnns --stop --name {0}",
                    self.name
                );
                let refusal = OtherVersion {
                    name: self.name.to_string(),
                    source: error,
                };
                connection.refuse(&refusal, Some(hint));
                connection.closed = true;
            }
            Err(_) => connection.closed = true,
        }
        None
    }

    fn answer(&mut self, index: usize, request: Request, fd: Option<OwnedFd>) {
        match request {
            Request::Join { command, entry } => {
                self.kept_until = None;
                let connection = &self.connections[index];
                // If this fails (no descriptors left), the scan by namespace finds it later.
                if let Ok(pidfd) = connection.pidfd.try_clone() {
                    // Anybody of this user's may say anything here, and as often as they like.
                    let member = Member {
                        pidfd,
                        pid: connection.pid,
                        command: command.chars().take(LONGEST_NAME).collect(),
                        entry: entry.filter(|entry| entry.len() <= LONGEST_NAME),
                    };
                    self.members.retain(|it| it.pid != member.pid);
                    if let Some(launch) = member.launch() {
                        self.opened.add(launch);
                    }
                    if self.kill_at.is_some() {
                        // The others were told before it came in.
                        member.tell_to_end();
                    }
                    self.members.push(member);
                    self.changed = true;
                    self.used = true;
                }
            }
            Request::SessionBus => self.give_session_bus(index),
            Request::ClientIs { client } => self.client_is(index, client),
            Request::Attach(attach) => self.attach(index, *attach),
            Request::ScriptDone => self.script_done(index),
            Request::Detach { reason } => {
                self.supervisor_goes(index);
                self.detach_relay(index, reason);
            }
            Request::Status => {
                self.forget_the_ended();
                let snapshot = self.snapshot();
                self.connections[index].reply(Reply::Status(Box::new(snapshot)), None);
            }
            Request::Counters => {
                let counters = self.counters();
                self.connections[index].reply(Reply::Counters { counters }, None);
            }
            Request::Watch => {
                self.connections[index].watches = true;
                self.forget_the_ended();
                let snapshot = self.snapshot();
                self.connections[index].show(&snapshot);
            }
            Request::Stop => self.stop(),
            Request::Close { pid, force } => self.close(index, pid, force),
            Request::Connect(connect) => self.connect(index, *connect),
            Request::Stage { stage } => self.stage(index, stage),
            Request::Ask(question) => self.ask(index, Some(*question)),
            Request::Withdraw => self.ask(index, None),
            Request::Answer(answer) => self.answer_question(index, *answer),
            Request::Facts(facts) => self.tell_facts(index, *facts),
            Request::Log { text } => self.hear_line(index, &text),
            Request::ReadLog => {
                let lines = self.log.lines();
                self.connections[index].reply(Reply::Log { lines }, None);
            }
            Request::Alive { alive } => self.alive(index, alive),
            Request::Wait { retry } => self.wait_before(index, retry),
            Request::Reconnect => self.reconnect(index),
            Request::Finish { reason, hint } => self.finish(index, reason, hint),
            Request::Disconnect => self.disconnect(index),
            Request::Prepare(prepare) => self.prepare(index, &prepare),
            Request::Launched if self.connections[index].forwards.is_some() => {
                self.forwarder_is(index, fd);
            }
            Request::Launched => self.launched(index, fd),
            Request::Graft(graft) => self.graft(index, *graft, fd),
            Request::Configure(assigned) => self.configure(index, *assigned),
            Request::Unusable { session, reason } => self.unusable(&session, reason),
            Request::Reached { session, alive } => self.reached(&session, alive),
            Request::Socket { kind } => self.give_socket(index, kind),
            Request::Listen {
                protocol,
                address,
                port,
            } => self.listen_for(index, protocol, SocketAddr::new(address, port)),
            Request::Dial { protocol, ipv6 } => self.dial_for(index, protocol, ipv6),
            Request::Ports {
                ports,
                of_connector,
            } => self.forward(index, ports, of_connector),
        }
    }

    /// Forgets the connections that ended in this turn.
    pub(super) fn sweep_connections(&mut self) {
        while let Some(index) = self
            .connections
            .iter()
            .position(|connection| connection.closed)
        {
            // Their order stays: who has come first is heard first. A program that joins is known to
            // whoever asks after it.
            let mut connection = self.connections.remove(index);
            self.connector_connection_ended(connection.socket.as_raw_fd());
            self.changed |= connection.forwards.is_some();
            self.relay_connection_ended(connection.socket.as_raw_fd());
            if let Some(supervisor) = connection.supervisor.take() {
                self.supervisor_ended(supervisor);
            }
            self.forget_pending(connection.socket.as_raw_fd());
        }
    }
}
