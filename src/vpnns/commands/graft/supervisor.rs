//! Waiting for a grafted client's end: its trapped calls, the keeper's words, the user's signals.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use vpnns_protocol::exit;

use super::{Error, leftovers};
use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::report;
use crate::sys::process::pidfd_send_signal;
use crate::tunnel::graft::{Attention, Calls, Failure};

/// How long a client may take to log out before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Our child the client, and the signals by which we hear of it and of the user.
pub(super) struct Family {
    pub(super) signals: SignalFd,
    pub(super) client: Pid,
    /// The same process.
    pub(super) pidfd: OwnedFd,
}

impl Family {
    fn tell(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, Some(signal));
    }
}

impl Attention for Family {
    fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.signals.as_fd(), self.pidfd.as_fd()]
    }

    /// What the terminal sends reaches the client by itself; what a process sends to us is meant
    /// for it.
    fn heed(&self) -> bool {
        let mut is_end = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            let Ok(signal) = Signal::try_from(info.ssi_signo.cast_signed()) else {
                continue;
            };
            if signal == Signal::SIGCHLD {
                leftovers::reap(self.client);
                continue;
            }
            if info.ssi_code <= 0 {
                self.tell(signal);
            }
            is_end |= matches!(signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTERM);
        }
        is_end
    }
}

/// Supervises one client.
pub(super) struct Supervisor {
    keeper: Client,
    family: Family,
    calls: Calls,
    /// Whether calls may still arrive.
    listens: bool,
    /// When a client that was told to end is killed.
    kill_at: Option<Instant>,
    /// Why it was told, where that was not the user's own wish.
    reason: Option<Error>,
}

impl Supervisor {
    pub(super) fn new(keeper: Client, family: Family, calls: Calls) -> Self {
        Self {
            keeper,
            family,
            calls,
            listens: true,
            kill_at: None,
            reason: None,
        }
    }

    /// Waits for the client's end; returns its exit code.
    pub(super) fn supervise(mut self) -> Result<u8, Error> {
        loop {
            let [keeper, signals, calls, ended] = self.wait()?;
            if !ended.is_empty() {
                break;
            }
            if !signals.is_empty() {
                self.family.heed();
            }
            if calls.contains(PollFlags::POLLIN) {
                if let Err(failure) = self.calls.serve(&self.keeper, &self.family) {
                    self.fail(failure);
                }
            } else if !calls.is_empty() {
                self.listens = false;
            }
            if !keeper.is_empty() && self.kill_at.is_none() {
                self.hear();
            }
            if self.kill_at.is_some_and(|at| at <= Instant::now()) {
                self.family.tell(Signal::SIGKILL);
            }
        }
        let code = exit_code(self.family.client)?;
        let stayed = leftovers::end(self.calls);
        let _ = self.keeper.send(Request::Detach { reason: None });
        match self.reason {
            Some(error) => Err(error),
            None if stayed && code == exit::SUCCESS && self.kill_at.is_none() => {
                Err(Error::Background)
            }
            None => Ok(code),
        }
    }

    fn wait(&self) -> Result<[PollFlags; 4], Error> {
        // The keeper's last word has been heard where the end has begun.
        let keeper = if self.kill_at.is_none() {
            PollFlags::POLLIN
        } else {
            PollFlags::empty()
        };
        let calls = if self.listens {
            self.calls.as_fd()
        } else {
            self.family.signals.as_fd()
        };
        let mut fds = [
            PollFd::new(self.keeper.as_fd(), keeper),
            PollFd::new(self.family.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(calls, PollFlags::POLLIN),
            PollFd::new(self.family.pidfd.as_fd(), PollFlags::POLLIN),
        ];
        let timeout = self.kill_at.map_or(PollTimeout::NONE, |at| {
            let rest = at.saturating_duration_since(Instant::now());
            PollTimeout::try_from(rest + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Supervise(errno)),
        }
        let mut events = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if !self.listens {
            events[2] = PollFlags::empty();
        }
        if self.kill_at.is_some() {
            events[0] = PollFlags::empty();
        }
        Ok(events)
    }

    /// The keeper has said something that nobody has asked for.
    fn hear(&mut self) {
        match self.keeper.receive() {
            Ok((Reply::Ended { reason }, _)) => self.fail(Failure::Ended(reason)),
            Ok(_) => self.calls.forget_answer(),
            Err(_) => self.keeper_is_gone(),
        }
    }

    /// Without it there is no instance that the client could connect.
    pub(super) fn keeper_is_gone(&mut self) {
        self.reason.get_or_insert(Error::KeeperKilled);
        self.tell_to_end();
    }

    /// The client cannot go on, or is not to.
    fn fail(&mut self, failure: Failure) {
        if self.kill_at.is_none() {
            match failure {
                // As if the user had ended it here.
                Failure::Ended(reason) => {
                    report::note(&format!("the tunnel was ended: {reason}"));
                }
                failure => {
                    self.reason.get_or_insert(explain(failure));
                }
            }
        }
        self.tell_to_end();
    }

    fn tell_to_end(&mut self) {
        self.family.tell(Signal::SIGTERM);
        self.family.tell(Signal::SIGCONT);
        self.calls.finish();
        self.kill_at.get_or_insert(Instant::now() + PATIENCE);
    }
}

fn explain(failure: Failure) -> Error {
    match failure {
        Failure::Keeper(_) => Error::KeeperKilled,
        Failure::Refused(refusal) => refusal.into(),
        other => Error::Graft(other),
    }
}

fn exit_code(client: Pid) -> Result<u8, Error> {
    loop {
        match waitpid(client, None) {
            Ok(WaitStatus::Exited(_, status)) => {
                return Ok(u8::try_from(status & 0xff).unwrap_or(exit::FAILED));
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Ok(128 + u8::try_from(signal as i32).unwrap_or_default());
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Supervise(errno)),
        }
    }
}

/// Holds the signals back that are passed on, and those of children that end.
pub(super) fn catch_signals() -> Result<SignalFd, Errno> {
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGCHLD,
    ] {
        set.add(signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}
