//! A VPN client's process, tied to the connector.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{Event, Session};
use crate::sys::process::{pidfd_open, pidfd_send_signal, tie};

/// How long a client may take to log out.
const LOG_OUT: Duration = Duration::from_secs(8);
/// How long it may take to obey SIGTERM after that.
const TERMINATE: Duration = Duration::from_secs(3);

/// A running client; dropping it ends it by SIGKILL.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    pidfd: OwnedFd,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts it in a session of its own; our end is a SIGTERM for it.
    pub fn spawn(mut command: Command) -> std::io::Result<Self> {
        tie(&mut command, Signal::SIGTERM, true);
        let process = command.spawn()?;
        let pid = Pid::from_raw(process.id().cast_signed());
        let pidfd = match pidfd_open(pid) {
            Ok(pidfd) => pidfd,
            Err(errno) => {
                let mut process = process;
                let _ = process.kill();
                let _ = process.wait();
                return Err(errno.into());
            }
        };
        Ok(Self {
            process,
            pidfd,
            ended: None,
        })
    }

    /// Its standard input, where that is a pipe.
    pub fn take_stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.process.stdin.take()
    }

    /// Its standard output, where that is a pipe.
    pub fn take_stdout(&mut self) -> Option<OwnedFd> {
        self.process.stdout.take().map(Into::into)
    }

    /// Sends it a signal, if it is still there.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, Some(signal));
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Tells it to end in order and waits for that; `hear` is called when `output` has something.
    pub fn end(
        &mut self,
        session: &mut Session,
        signal: Signal,
        output: Option<&mut super::Lines>,
    ) {
        let mut output = output;
        let ways = [
            (signal, LOG_OUT),
            (Signal::SIGTERM, TERMINATE),
            (Signal::SIGKILL, TERMINATE),
        ];
        for (signal, patience) in ways {
            self.signal(signal);
            let deadline = Instant::now() + patience;
            while self.status().is_none() && Instant::now() < deadline {
                // A full pipe would keep it from ending.
                if let Some(lines) = &mut output {
                    lines.read();
                }
                let open = output.as_ref().filter(|lines| !lines.has_ended());
                let mut fds = vec![self.pidfd.as_fd()];
                fds.extend(open.map(AsFd::as_fd));
                if session.wait(&fds, Some(deadline)) == Event::Timeout {
                    break;
                }
            }
            if self.status().is_some() {
                return;
            }
        }
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.status().is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
