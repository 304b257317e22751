//! Starting a client under the filter.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid};

use crate::isolation::command;
use crate::sys;
use crate::sys::seccomp::Filter;

/// A client that runs.
#[derive(Debug)]
pub struct Launched {
    /// Its process, a child of ours.
    pub pid: Pid,
    /// Readable when it has ended.
    pub pidfd: OwnedFd,
    /// Where its trapped calls arrive; hung up when nobody is filtered any more.
    pub listener: OwnedFd,
}

/// Why a client was not started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is already a supervisor above us.
    #[error("another program already traps system calls here, so the client cannot be grafted")]
    Trapped,
    /// The kernel cannot do it.
    #[error("failed to trap the client's system calls (seccomp user notification)")]
    Seccomp(#[source] Errno),
    /// Processes and sockets.
    #[error("failed to start the client")]
    Start(#[source] Errno),
    /// The client's program.
    #[error(transparent)]
    Command(#[from] command::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Trapped => Some(
                "start it outside of a container, or of another vpnns --graft; a client that can \
                 hand over its packets needs no graft: vpnns --attach"
                    .to_owned(),
            ),
            Self::Seccomp(_) => Some(
                "grafting needs Linux 5.9 with CONFIG_SECCOMP_FILTER; a client that can hand over \
                 its packets works without: vpnns --attach"
                    .to_owned(),
            ),
            Self::Command(command::Error::NotFound(..)) => {
                Some("is it installed, and in PATH?".to_owned())
            }
            Self::Start(_) | Self::Command(_) => None,
        }
    }
}

/// Starts the client under the filter.
///
/// It dies with us; its descendants, where their parents end, become our children.
pub fn launch(command: &[OsString], filter: &Filter) -> Result<Launched, Error> {
    // To read a process's memory one has to be its ancestor where Yama says so (ptrace_scope 1),
    // also when it has gone into the background.
    set_child_subreaper(true).map_err(Error::Start)?;
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).map_err(Error::Start)?;
    match sys::process::fork().map_err(Error::Start)? {
        ForkResult::Child => {
            drop(ours);
            let message = become_client(command, filter, &theirs);
            let _ = sys::socket::send(&theirs, &message, None);
            std::process::exit(0)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            match received(&ours, command) {
                Ok(listener) => {
                    let pidfd = sys::process::pidfd_open(child).map_err(Error::Start)?;
                    Ok(Launched {
                        pid: child,
                        pidfd,
                        listener,
                    })
                }
                Err(error) => {
                    while waitpid(child, None) == Err(Errno::EINTR) {}
                    Err(error)
                }
            }
        }
    }
}

/// What the child sends where it does not become the client: a letter and an error number.
type Complaint = [u8; 5];

fn complaint(letter: u8, errno: Errno) -> Complaint {
    let number = (errno as i32).to_ne_bytes();
    [letter, number[0], number[1], number[2], number[3]]
}

/// In the child. Returns only what went wrong.
fn become_client(command: &[OsString], filter: &Filter, parent: &OwnedFd) -> Complaint {
    let prepare = || {
        set_pdeathsig(Signal::SIGTERM)?;
        // Our own mask holds back the signals that the supervisor passes on.
        SigSet::empty().thread_set_mask()?;
        sys::process::restore(Signal::SIGPIPE);
        Ok(())
    };
    if let Err(errno) = prepare() {
        return complaint(b'p', errno);
    }
    let listener = match sys::seccomp::install(filter) {
        Ok(listener) => listener,
        Err(errno) => return complaint(b's', errno),
    };
    if let Err(errno) = sys::socket::send(parent, b"f", Some(&listener)) {
        return complaint(b'p', errno);
    }
    // The client is not to answer its own calls.
    drop(listener);
    let Err(error) = command::exec(command);
    match error {
        command::Error::NotFound(_, errno) => complaint(b'n', errno),
        command::Error::NotExecutable(_, errno) => complaint(b'x', errno),
        command::Error::Nul(_) => complaint(b'0', Errno::EINVAL),
    }
}

/// Receives the listener, then the silence of a socket that the exec has closed.
fn received(ours: &OwnedFd, command: &[OsString]) -> Result<OwnedFd, Error> {
    let mut listener = None;
    loop {
        let mut buffer = Complaint::default();
        let (length, fd) = match sys::socket::receive(ours, &mut buffer, MsgFlags::empty()) {
            Err(Errno::EINTR) => continue,
            other => other.map_err(Error::Start)?,
        };
        if length == 0 {
            // Killed before it could say anything, where there is no listener.
            return listener.ok_or(Error::Start(Errno::ECHILD));
        }
        if length == 1 {
            listener = fd;
            continue;
        }
        let program = command.first().cloned().unwrap_or_default();
        let [letter, number @ ..] = buffer;
        let errno = Errno::from_raw(i32::from_ne_bytes(number));
        return Err(match letter {
            b's' if errno == Errno::EBUSY => Error::Trapped,
            b's' => Error::Seccomp(errno),
            b'n' => command::Error::NotFound(program, errno).into(),
            b'x' => command::Error::NotExecutable(program, errno).into(),
            b'0' => command::Error::Nul(program).into(),
            _ => Error::Start(errno),
        });
    }
}
