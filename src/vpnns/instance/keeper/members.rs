//! Who is in an instance: apps that came through the door, and their children found by namespace.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use vpnns_protocol::instance::App;

use super::Keeper;
use crate::instance::entry::{self, Launch};
use crate::isolation::command::printable;
use crate::sys::process::{is_alive, pidfd_open, pidfd_send_signal};

/// How many apps the status shows: all of it is one message (`MAX_MESSAGE` bytes), and one that is
/// too long reaches nobody.
const MOST_SHOWN: usize = 400;

/// A process of an instance, held by a pidfd so that its number cannot come to mean another.
#[derive(Debug)]
pub struct Member {
    /// Readable when the process has ended.
    pub pidfd: OwnedFd,
    /// Its number in the host.
    pub pid: Pid,
    /// Its program's name.
    pub command: String,
    /// The launcher entry that it was opened by, where it has said so when it came in.
    pub entry: Option<String>,
}

impl Member {
    /// One that was found, and has not said anything about itself.
    fn found(pid: Pid, pidfd: OwnedFd) -> Self {
        // A name is for people, and may be any bytes: its lack is no reason to miss somebody.
        let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        Self {
            pidfd,
            pid,
            command: printable(name.trim_ascii_end()),
            entry: None,
        }
    }

    /// The same process once more.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            pidfd: self.pidfd.try_clone()?,
            pid: self.pid,
            command: self.command.clone(),
            entry: self.entry.clone(),
        })
    }

    /// Its number, as others write it.
    pub fn number(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// What it was opened by, where it is what the entry has started.
    pub(super) fn launch(&self) -> Option<Launch> {
        let entry = self.entry.clone()?;
        let pid = self.number();
        Some(Launch { pid, entry })
    }

    /// The process that has started it, or that has inherited it.
    pub(super) fn parent(&self) -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The program's name may hold spaces and parentheses.
        let fields = stat.get(stat.rfind(')')? + 2..)?;
        fields.split(' ').nth(1)?.parse().ok()
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
        self.has_in("SigIgn:", signal)
    }

    /// Whether the signal was sent to the process and has not had its effect yet.
    pub(super) fn is_to_get(&self, signal: Signal) -> bool {
        self.has_in("ShdPnd:", signal) || self.has_in("SigPnd:", signal)
    }

    /// Whether the signal is in one of the sets of `/proc/PID/status`.
    fn has_in(&self, set: &str, signal: Signal) -> bool {
        // The program's name, which may be any bytes, is in there too.
        let status = fs::read(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let set = status.lines().find_map(|line| line.strip_prefix(set));
        let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        set.unwrap_or_default() >> (signal as i32 - 1) & 1 == 1
    }
}

impl Keeper {
    /// Lets go of those who have ended. Where nobody is left that came through the door, their
    /// background children are: a tunnel may keep the instance, and they are shown.
    ///
    /// Also before somebody is told who is in: one who does not wait for us may have joined and
    /// ended while we were busy, and both is heard in this turn.
    pub(super) fn forget_the_ended(&mut self) {
        let before = self.members.len();
        self.members.retain(|member| is_alive(&member.pidfd));
        if self.members.len() != before {
            self.changed = true;
            if self.members.is_empty() {
                self.look_for_members();
            }
        }
    }

    /// The members as the status shows them. What it takes is looked up here, since most of the
    /// time nobody wants to know.
    pub(super) fn apps(&self) -> Vec<App> {
        let mut apps: Vec<_> = self.members.iter().map(|it| self.app(it)).collect();
        apps.sort_by_key(|app| app.pid);
        apps.truncate(MOST_SHOWN);
        apps
    }

    fn app(&self, member: &Member) -> App {
        let is_inside = |pid: &u32| self.members.iter().any(|it| it.number() == *pid);
        let inherited = || {
            // Of a program outside, a terminal say, it means nothing.
            let launch = entry::of_process(member.pid)?;
            (self.opened.has(&launch) || is_inside(&launch.pid)).then_some(launch.entry)
        };
        App {
            pid: member.number(),
            command: member.command.clone(),
            parent: member.parent().filter(is_inside),
            entry: member.entry.clone().or_else(inherited),
        }
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
        .filter(|pid| is_in(*pid, network_inode))
        .collect();
    Ok(pids)
}

/// Every process of the namespace as a member; an error where it cannot be known.
///
/// Not so the daemon of the instance's session bus and what it has started: they serve the
/// others, and alone they would keep the instance for ever.
pub fn scan(network_inode: u64, daemon: Option<Pid>) -> io::Result<Vec<Member>> {
    let mut members = Vec::new();
    for pid in processes_in(network_inode)? {
        if daemon.is_some() && session(pid) == daemon {
            continue;
        }
        let pidfd = match pidfd_open(pid) {
            Ok(pidfd) => pidfd,
            Err(Errno::ESRCH) => continue,
            Err(errno) => return Err(errno.into()),
        };
        // The number may have come to mean another process before it was held.
        if is_in(pid, network_inode) {
            members.push(Member::found(pid, pidfd));
        }
    }
    Ok(members)
}

/// The process as a member, if it is one.
pub(super) fn find(pid: Pid, network_inode: u64) -> Option<Member> {
    let pidfd = pidfd_open(pid).ok()?;
    // Only now: what stands in /proc under this number is the process that is held, as long as
    // that one lives.
    let is_member = pid != Pid::this() && is_in(pid, network_inode) && is_alive(&pidfd);
    is_member.then(|| Member::found(pid, pidfd))
}

fn is_in(pid: Pid, network_inode: u64) -> bool {
    fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|ns| ns.ino() == network_inode)
}

/// Ends what a session bus has started; it serves nobody any more.
pub fn end_session(network_inode: u64, daemon: Pid) {
    for pid in processes_in(network_inode).unwrap_or_default() {
        let pidfd = pidfd_open(pid);
        if let Ok(pidfd) = pidfd.as_ref()
            && session(pid) == Some(daemon)
        {
            let _ = pidfd_send_signal(pidfd, Some(Signal::SIGTERM));
        }
    }
}

/// The session of a process, by which we know what a daemon has started: its parent is gone.
fn session(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name may hold spaces and parentheses; fields are counted from its end.
    let rest = stat.get(stat.rfind(')')? + 2..)?;
    rest.split(' ').nth(3)?.parse().ok().map(Pid::from_raw)
}
