//! Who is in an instance: apps that came through the door, and their children found by namespace.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use vpnns_protocol::instance::App;

use crate::isolation::command::printable;
use crate::sys::process::{pidfd_open, pidfd_send_signal};

/// A process of an instance, held by a pidfd so that its number cannot come to mean another.
#[derive(Debug)]
pub struct Member {
    /// Readable when the process has ended.
    pub pidfd: OwnedFd,
    /// Its number in the host.
    pub pid: Pid,
    /// Its program's name.
    pub command: String,
}

impl Member {
    /// The member as the status shows it.
    pub fn app(&self) -> App {
        App {
            pid: self.pid.as_raw().unsigned_abs(),
            command: self.command.clone(),
            ..App::default()
        }
    }

    /// Sends a signal; a process that is gone already is no error.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, Some(signal));
    }

    /// Asks the process to end.
    pub fn tell_to_end(&self) {
        self.signal(Signal::SIGTERM);
        // An interactive shell: it ends with its terminal. Nobody else gets this signal, which
        // would kill whoever uses SIGTERM to end in order and does not expect another.
        if self.ignores(Signal::SIGTERM) {
            self.signal(Signal::SIGHUP);
        }
        // A stopped process would never see them.
        self.signal(Signal::SIGCONT);
    }

    fn ignores(&self, signal: Signal) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        set.unwrap_or_default() >> (signal as i32 - 1) & 1 == 1
    }
}

/// The processes that stand in the network namespace with this inode, other than ourselves.
///
/// One whose program may not be read by the user (mode 0711) hides its namespaces, and is missed.
pub fn processes_in(network_inode: u64) -> io::Result<Vec<Pid>> {
    let ours = Pid::this();
    let pids = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|pid| *pid != ours)
        // What we may not look at is another user's, or root's.
        .filter(|pid| {
            fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|ns| ns.ino() == network_inode)
        })
        .collect();
    Ok(pids)
}

/// Every process of the namespace as a member; an error where it cannot be known.
pub fn scan(network_inode: u64) -> io::Result<Vec<Member>> {
    let mut members = Vec::new();
    for pid in processes_in(network_inode)? {
        let pidfd = match pidfd_open(pid) {
            Ok(pidfd) => pidfd,
            Err(Errno::ESRCH) => continue,
            Err(errno) => return Err(errno.into()),
        };
        // A name is for people, and may be any bytes: its lack is no reason to miss somebody.
        let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        let command = printable(name.trim_ascii_end());
        members.push(Member {
            pidfd,
            pid,
            command,
        });
    }
    Ok(members)
}
