//! The keeper's part in the instance's buses: it sees the first connection, and who ends.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::Keeper;
use crate::bus::{self, Child, session, system};
use crate::instance::control::Reply;
use crate::sys::process::pidfd_send_signal;

/// A child that ends sooner cannot serve: whoever waits is sent away, lest they wake us for ever.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// The buses that the keeper looks after.
#[derive(Debug)]
pub(super) struct Buses {
    /// Held for the daemon, which inherits it.
    session: Option<OwnedFd>,
    session_child: Option<Server>,
    system_child: Option<Server>,
}

#[derive(Debug)]
struct Server {
    child: Child,
    since: Instant,
}

impl Server {
    fn new(child: Child) -> Self {
        let since = Instant::now();
        Self { child, since }
    }

    /// Lets go of a child that has ended; whether it had served at all.
    fn bury(self) -> bool {
        let _ = waitpid(self.child.pid, Some(WaitPidFlag::WNOHANG));
        self.since.elapsed() > SHORT_LIFE
    }
}

impl Buses {
    pub(super) fn new(session: Option<OwnedFd>) -> Self {
        Self {
            session,
            session_child: None,
            system_child: None,
        }
    }

    /// The process of the session bus, which uses nothing of the instance by itself.
    pub(super) fn session_daemon(&self) -> Option<Pid> {
        self.session_child.as_ref().map(|server| server.child.pid)
    }
}

impl Keeper {
    /// What is waited for: at each bus the first connection, and then the end of whoever serves.
    pub(super) fn watched_buses(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let door = self.masks.as_ref().and_then(|masks| masks.system_bus());
        let system = match &self.buses.system_child {
            Some(server) => Some(server.child.pidfd.as_fd()),
            None => door.map(|door| door.listener.as_fd()),
        };
        let session = match &self.buses.session_child {
            Some(server) => Some(server.child.pidfd.as_fd()),
            None => self.buses.session.as_ref().map(AsFd::as_fd),
        };
        [system, session]
    }

    /// The host has made its system bus anew: whoever serves the old one's connections is in the
    /// way of the new one's.
    pub(super) fn system_bus_changed(&mut self) {
        if let Some(server) = self.buses.system_child.take() {
            let _ = pidfd_send_signal(&server.child.pidfd, Some(Signal::SIGKILL));
            let _ = waitpid(server.child.pid, None);
        }
    }

    /// Something is the matter with the way to the system's bus.
    pub(super) fn system_bus_called(&mut self) {
        let masks = self.masks.as_ref();
        let Some(door) = masks.and_then(|masks| masks.system_bus()) else {
            return;
        };
        match self.buses.system_child.take() {
            Some(server) => {
                if !server.bury() {
                    bus::turn_away(&door.listener);
                }
            }
            None => match system::serve(door, &self.app_namespace) {
                Ok(child) => self.buses.system_child = Some(Server::new(child)),
                Err(_) => bus::turn_away(&door.listener),
            },
        }
    }

    /// Something is the matter with the instance's session bus.
    pub(super) fn session_bus_called(&mut self) {
        let Some(listener) = &self.buses.session else {
            return;
        };
        match self.buses.session_child.take() {
            Some(server) => {
                if !server.bury() {
                    bus::turn_away(listener);
                }
            }
            None => match session::serve(listener, &self.app_namespace, &self.directory.path) {
                Ok(child) => self.buses.session_child = Some(Server::new(child)),
                Err(_) => bus::turn_away(listener),
            },
        }
    }

    /// Makes the instance's session bus if it has none, for somebody who is about to join.
    pub(super) fn give_session_bus(&mut self, index: usize) {
        let made = match self.buses.session {
            Some(_) => Ok(()),
            None => session::listener(&self.directory.path)
                .map(|listener| self.buses.session = Some(listener)),
        };
        let connection = &mut self.connections[index];
        match made {
            Ok(()) => connection.reply(
                Reply::Done {
                    warnings: Vec::new(),
                },
                None,
            ),
            Err(errno) => connection.refuse(&NoSessionBus(errno), None),
        }
    }
}

/// The socket of the instance's session bus could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a session bus in the instance")]
struct NoSessionBus(#[source] Errno);
