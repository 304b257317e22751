//! From an ordinary process to one inside an instance, as a ladder of named stages.
//!
//! # Theory of operation
//!
//! Two levels of user namespace. The keeper is root of the outer one (U), which owns the network
//! (N), mount (M) and UTS namespaces; an app lives in the inner one (U2), where it has its real
//! uid again and, since an exec of a non-zero uid clears every capability, no power over U, N or
//! M. One U2 serves all apps of an instance, so that they may trace one another as usual.
//!
//! | stage | done by | must not have happened yet |
//! |---|---|---|
//! | [`identity::become_keeper`] | launcher | any thread |
//! | [`isolate`]: namespaces, propagation, host name, loopback, /etc, masks | launcher | any fork: the keeper inherits all of it |
//! | fork of the keeper (`instance::keeper`) | launcher | U2: the keeper must stay root of U |
//! | [`identity::become_app`] | launcher | exec |
//! | [`command::exec`] | launcher, now the app | - |
//!
//! A later launcher takes the short way: [`identity::join`] and exec. Nothing is forked around
//! the command in either case: the launcher *becomes* it, with its pid, terminal and signals.

pub mod aside;
pub mod command;
pub mod etc;
pub mod identity;
pub mod masks;
mod mounts;
pub mod obstacle;
pub mod scratch;
pub mod services;

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use self::masks::Masks;
use crate::sys;

/// What failed on the way in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refuses user namespaces to this user.
    #[error("failed to create a user namespace")]
    UserNamespace(#[source] Errno),
    /// A user namespace was made, but its identity could not be set.
    #[error("failed to set up the identity of the user namespace ({path})")]
    IdentityMap {
        /// The file below /proc/self.
        path: &'static str,
        /// Why it could not be written.
        source: std::io::Error,
    },
    /// Another namespace could not be made.
    #[error("failed to create a {kind} namespace")]
    Namespace {
        /// Which, in the word that the kernel's limits are named with.
        kind: &'static str,
        /// Why.
        source: Errno,
    },
    /// Mounts of the instance would spread to the host.
    #[error("failed to keep the instance's mounts apart from the host's")]
    Propagation(#[source] Errno),
    /// The host name could not be set.
    #[error("failed to set the host name")]
    HostName(#[source] Errno),
    /// The loopback device could not be brought up.
    #[error("failed to bring up the loopback device")]
    Loopback(#[source] Errno),
    /// The instance's own resolver files could not be written.
    #[error("failed to write {path}")]
    EtcFile {
        /// The file in the state directory.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Neither the overlay nor its substitute could be mounted.
    #[error("failed to give the instance its own /etc/resolv.conf ({step})")]
    Etc {
        /// The step that failed.
        step: &'static str,
        /// Why.
        source: Errno,
    },
    /// A host service's socket could not be hidden.
    #[error("failed to hide {} ({reason})", path.display())]
    Mask {
        /// The place.
        path: PathBuf,
        /// Why it is to be hidden.
        reason: &'static str,
        /// Why it could not be.
        source: Errno,
    },
    /// The instance's namespaces could not be entered.
    #[error("failed to enter the instance's namespaces")]
    Join(#[source] Errno),
}

impl Error {
    /// What usually is the reason, and what to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UserNamespace(Errno::ENOSPC) => Some(obstacle::limit("user")),
            Self::Namespace {
                kind,
                source: Errno::ENOSPC,
            } => Some(obstacle::limit(kind)),
            Self::UserNamespace(_)
            | Self::IdentityMap { .. }
            | Self::Namespace {
                source: Errno::EPERM,
                ..
            } => Some(obstacle::remedy()),
            Self::Join(Errno::EPERM) => Some(
                "this shell may be inside an instance already; commands started in it are, too"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Puts this process, already root of its own user namespace, into fresh namespaces that look
/// like the host but for the network and what is hidden by `masks`.
///
/// `directory` is the instance's state directory. The working directory is changed on the way:
/// the caller sets it again, so that it refers to the instance's mounts.
pub fn isolate(directory: &Path, hostname: Option<&str>, masks: &mut Masks) -> Result<(), Error> {
    enter_new(&[
        ("net", CloneFlags::CLONE_NEWNET),
        ("mnt", CloneFlags::CLONE_NEWNS),
        ("uts", CloneFlags::CLONE_NEWUTS),
    ])?;
    loopback()?;
    furnish(directory, hostname, masks)
}

/// The part of [`isolate`] that is not the network, for one that exists already.
pub fn isolate_but_for_network(directory: &Path, masks: &mut Masks) -> Result<(), Error> {
    enter_new(&[
        ("mnt", CloneFlags::CLONE_NEWNS),
        ("uts", CloneFlags::CLONE_NEWUTS),
    ])?;
    furnish(directory, None, masks)
}

fn furnish(directory: &Path, hostname: Option<&str>, masks: &mut Masks) -> Result<(), Error> {
    mounts::receive_only()?;
    if let Some(hostname) = hostname {
        nix::unistd::sethostname(hostname).map_err(Error::HostName)?;
    }
    etc::mount(directory)?;
    masks.apply()
}

/// All at once, and where that is refused, one by one: which it was cannot be found out later,
/// for the limits that can be read inside are those of the new user namespace.
fn enter_new(kinds: &[(&'static str, CloneFlags)]) -> Result<(), Error> {
    let all = kinds.iter().map(|(_, flag)| *flag).collect();
    unshare(all).or_else(|_| {
        let mut kinds = kinds.iter();
        kinds.try_for_each(|(kind, flag)| {
            unshare(*flag).map_err(|source| Error::Namespace { kind, source })
        })
    })
}

/// Brings up the loopback device of a fresh network namespace.
pub fn loopback() -> Result<(), Error> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .map_err(Error::Loopback)?;
    sys::tun::bring_up(&socket, "lo").map_err(Error::Loopback)?;
    // Lets an unprivileged ping work; 0 is the group as seen from U, which owns N. Kernels
    // without ICMP sockets do not have the file, and only ping misses it.
    let _ = std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0");
    Ok(())
}
