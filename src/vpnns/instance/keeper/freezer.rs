//! Programs that are stopped, and the process that lets them go on however the keeper ends.
//!
//! # Theory of operation
//!
//! A stopped program whose keeper was killed would stand still for ever, and nobody could tell why.
//! So it is not the keeper that stops them but a process of its own, which then waits for one
//! thing: that the keeper closes its end of a socket, or has it closed by the kernel. It lets
//! go on what it has stopped itself, and nothing that the user had stopped before. It exists only
//! as long as something is stopped.
//!
//! Somebody who kills every process of this name gets both. For that there is a file meanwhile,
//! by which the keeper that takes the programs over knows to let them go on.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, shutdown, socketpair,
};
use nix::unistd::Pid;

use super::members::{self, Member};
use crate::sys;

/// How often it is looked for programs that were started while the others were being stopped.
const ROUNDS: usize = 16;
/// How long a program may take to stand still, in milliseconds: one that waits for a disk does not
/// before that has answered.
const STANDSTILL: usize = 50;
/// How long stopping them all may take: every round at its longest, and a loaded machine.
const FIRST_WORD: Duration = Duration::from_secs(5);
/// How long letting them go may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The file in the state directory that is there while programs are stopped.
const MARK: &str = "frozen";

/// Programs that are stopped as long as this lives.
#[derive(Debug)]
pub(super) struct Freezer {
    socket: OwnedFd,
    /// The process that stands in the instance without being of it.
    pid: Pid,
    network_inode: u64,
    directory: PathBuf,
}

impl Freezer {
    /// Stops every program in the namespace; returns when they stand still. `directory` is the
    /// instance's state directory.
    pub(super) fn freeze(name: &str, network_inode: u64, directory: &Path) -> Result<Self, Errno> {
        let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
        let (socket, theirs) = socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC)?;
        let keeper = Pid::this();
        sys::process::fork_orphan(|| {
            // Nobody is to take us for the keeper.
            sys::fd::close_all_but(&[theirs.as_raw_fd()]);
            sys::process::set_title(&format!("vpnns: stopping {name}"));
            live(&theirs, keeper, network_inode, &directory.join(MARK));
            0
        })?;
        drop(theirs);
        // Not before: the process in between, which we waited for, stands in the namespace too.
        sys::socket::send(&socket, &[0], None)?;
        // Somebody may have stopped it in its turn, and others wait for the keeper.
        if !is_readable_within(&socket, FIRST_WORD) {
            return Err(Errno::ETIMEDOUT);
        }
        let mut number = [0; 4];
        // Its end, if it is killed before it has said anything, is one here.
        match receive(&socket, &mut number)? {
            4 => Ok(Self {
                socket,
                pid: Pid::from_raw(i32::from_ne_bytes(number)),
                network_inode,
                directory: directory.to_owned(),
            }),
            _ => Err(Errno::ESRCH),
        }
    }

    /// The process, which is no program of the instance.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }
}

impl Drop for Freezer {
    /// Lets the programs go on.
    fn drop(&mut self) {
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        is_readable_within(&self.socket, PATIENCE);
        let mut word = [0; 4];
        let said = sys::socket::receive(&self.socket, &mut word, MsgFlags::MSG_DONTWAIT);
        if !matches!(said, Ok((4, _))) {
            // It was killed, and does not know any more what it has stopped. We do not either.
            let_all_go_on(self.network_inode, &self.directory);
        }
    }
}

/// After a keeper that was killed: lets go on what was stopped then, if nobody else is left to do
/// so. What the user had stopped besides cannot be told from it any more.
pub(super) fn recover(network_inode: u64, directory: &Path) {
    if directory.join(MARK).exists() {
        let_all_go_on(network_inode, directory);
    }
}

/// What an instance that has ended has left is not about the next one.
pub(super) fn forget(directory: &Path) {
    let _ = fs::remove_file(directory.join(MARK));
}

fn let_all_go_on(network_inode: u64, directory: &Path) {
    let members = members::scan(network_inode, None).unwrap_or_default();
    for member in &members {
        // One that waits for a disk, or for the exec of a child that it has vforked and that stands still
        // itself, stops only then. Asked in this order: it may come to stand still meanwhile.
        if member.is_to_get(Signal::SIGSTOP) || is_stopped(member.pid) {
            member.signal(Signal::SIGCONT);
        }
    }
    forget(directory);
}

fn is_readable_within(socket: &OwnedFd, patience: Duration) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    loop {
        match poll(&mut fds, patience) {
            Err(Errno::EINTR) => {}
            ready => return ready != Ok(0),
        }
    }
}

/// Waits for a message; its length.
fn receive(socket: &OwnedFd, word: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match sys::socket::receive(socket, word, MsgFlags::empty()) {
            Err(Errno::EINTR) => {}
            received => return received.map(|(length, _)| length),
        }
    }
}

fn live(keeper_end: &OwnedFd, keeper: Pid, network_inode: u64, mark: &Path) {
    let mut word = [0; 4];
    if receive(keeper_end, &mut word) != Ok(1) {
        return;
    }
    // Before the first is stopped. A full disk is no reason to let programs leak.
    let _ = fs::File::create(mark);
    let stopped = stop_all(keeper, network_inode);
    let number = Pid::this().as_raw().to_ne_bytes();
    let _ = sys::socket::send(keeper_end, &number, None);
    let _ = receive(keeper_end, &mut word);
    for member in &stopped {
        member.signal(Signal::SIGCONT);
    }
    let _ = fs::remove_file(mark);
    let _ = sys::socket::send(keeper_end, b"done", None);
}

fn stop_all(keeper: Pid, network_inode: u64) -> Vec<Member> {
    let mut seen = vec![keeper];
    let mut stopped: Vec<Member> = Vec::new();
    for _ in 0..ROUNDS {
        let Ok(mut found) = members::scan(network_inode, None) else {
            break;
        };
        found.retain(|it| !seen.contains(&it.pid));
        if found.is_empty() {
            break;
        }
        seen.extend(found.iter().map(|it| it.pid));
        // What the user has stopped is the user's to let go on.
        found.retain(|it| !is_stopped(it.pid));
        for member in &found {
            member.signal(Signal::SIGSTOP);
        }
        // Only from then on it starts no other.
        for _ in 0..STANDSTILL {
            if found.iter().all(|it| is_stopped(it.pid)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        stopped.extend(found);
    }
    stopped
}

/// Whether a process stands still, or is gone.
fn is_stopped(pid: Pid) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name may be anything, and is in parentheses.
    let name_end = stat.iter().rposition(|byte| *byte == b')');
    let state = name_end.and_then(|end| stat.get(end + 2));
    matches!(state, None | Some(b'T' | b't' | b'Z' | b'X'))
}
