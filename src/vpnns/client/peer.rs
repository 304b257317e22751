//! The VPN client at the other end of the packet socket: which process it is, and its life.
//!
//! # Theory of operation
//!
//! A socket pair's credentials are those of the process that created it: the VPN client, also
//! where it passed the socket through a shell. That process may end and yet the client go on: one
//! that forks into the background after it has made the pair (openconnect before 9 with `-b`)
//! leaves the other end to its child. So when the process that we watch has ended, the kernel is
//! asked whether anybody still holds the other end, and that process is the client from then on.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::stat::fstat;
use nix::unistd::Pid;
use vpnns_protocol::instance::Client;

use crate::instance::client::peer_pidfd;
use crate::net;
use crate::sys::process::{pidfd_open, pidfd_send_signal};

/// The client process.
#[derive(Debug)]
pub struct Peer {
    /// Its name and number.
    pub client: Client,
    /// Readable when it has ended.
    pub pidfd: OwnedFd,
}

/// Who holds the other end.
pub fn of(socket: impl AsFd) -> Result<Peer, Errno> {
    creator(&socket).or_else(|errno| heir(&socket).ok_or(errno))
}

fn creator(socket: impl AsFd) -> Result<Peer, Errno> {
    let pid = Pid::from_raw(getsockopt(&socket, PeerCredentials)?.pid());
    let pidfd = peer_pidfd(&socket, pid)?;
    // Newer kernels give a pidfd of a process that has ended, too.
    pidfd_send_signal(&pidfd, None)?;
    Ok(peer(pid, pidfd))
}

/// The process that goes on with the other end now that its creator has ended; none if nobody
/// does, or nobody that we may look into.
pub fn heir(socket: impl AsFd) -> Option<Peer> {
    let ours = link_of(fstat(&socket).ok()?.st_ino);
    let theirs = link_of(net::peer_inode(&socket).ok().flatten()?.into());
    // Whoever holds our end as well is this process, or a shell that waits for it, and has been
    // given both by a client that forgot to close one: not the client.
    let is_client = |pid| holds(pid, &theirs) && !holds(pid, &ours);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find_map(|pid| {
        if !is_client(pid) {
            return None;
        }
        let pidfd = pidfd_open(Pid::from_raw(pid)).ok()?;
        // Again: before the pidfd was open, the number may have passed to somebody else.
        is_client(pid).then(|| peer(Pid::from_raw(pid), pidfd))
    })
}

/// What /proc/PID/fd shows for a socket.
fn link_of(inode: u64) -> PathBuf {
    format!("socket:[{inode}]").into()
}

/// Whether a process has this file open.
fn holds(pid: i32, target: &Path) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let mut links = files.flatten().map(|file| fs::read_link(file.path()));
    links.any(|link| link.is_ok_and(|link| link == target))
}

fn peer(pid: Pid, pidfd: OwnedFd) -> Peer {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let client = Client {
        name: name.trim_end().to_owned(),
        pid: pid.as_raw().unsigned_abs(),
    };
    Peer { client, pidfd }
}
