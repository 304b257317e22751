//! The buses of an instance: a filtered way to the system's, and a session bus of its own.
//!
//! # Theory of operation
//!
//! Most programs need neither, and both would cost more than a whole start. So each begins as a
//! socket that nobody accepts at. When the keeper sees the first connection wait there, it makes
//! a child, which serves this one and all that follow:
//!
//! - [`system`]: the child stands aside, in a network with nothing in it, starts xdg-dbus-proxy
//!   there, and carries what is said between the connections and the proxy. The host's bus is
//!   reached through a directory that was opened before it was hidden.
//! - [`session`]: the child becomes a dbus-daemon that takes the socket over. It stands in the
//!   instance, so that what it starts is in there, too.
//!
//! The kernel ends a child with its keeper, and the proxy with the child. When one ends otherwise,
//! its connections do: nothing else answers in its place, and the next connection makes it anew.

mod relay;
pub mod session;
pub mod system;

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, Pid, getppid};

use crate::sys;

/// How many files a process may have open, unless it asks for more: the kernel's default.
const USUAL_FILES: u64 = 1024;

/// A child of the keeper's that serves a bus.
#[derive(Debug)]
pub struct Child {
    /// Its number.
    pub pid: Pid,
    /// Readable when it has ended.
    pub pidfd: OwnedFd,
}

/// Makes a child that lives `life`, and not longer than this process.
fn spawn(life: impl FnOnce() -> i32) -> Result<Child, Errno> {
    match sys::process::fork()? {
        ForkResult::Child => std::process::exit(life()),
        ForkResult::Parent { child: pid } => {
            // Ours, and not waited for yet: the number is certainly its.
            let pidfd = sys::process::pidfd_open(pid)?;
            Ok(Child { pid, pidfd })
        }
    }
}

/// Ends this process with its parent. Entering a namespace undoes it: to be called afterwards.
fn end_with(parent: Pid) -> Result<(), Errno> {
    set_pdeathsig(Signal::SIGKILL)?;
    // It may have ended before that was in force.
    if getppid() == parent {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

/// Gives this process as many descriptors as is usual: the keeper takes all it can get, and old
/// programs close every one that they might have.
fn usual_limits() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, USUAL_FILES.min(hard), hard);
    }
}

/// Sends everybody away who waits: a bus that cannot be served is none.
pub fn turn_away(listener: &OwnedFd) {
    while sys::fd::accept(listener).is_ok() {}
}
