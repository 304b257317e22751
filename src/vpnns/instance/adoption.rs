//! Taking over the namespaces of a keeper that was killed.
//!
//! # Theory of operation
//!
//! The apps of a killed keeper go on in its namespaces. The record in the state directory names
//! the network namespace by inode and cookie. Any process whose /proc/PID/ns/net has that inode
//! leads in: U is the owner of the network namespace (NS_GET_USERNS), N and M and UTS are that
//! process's own, and U2 is the ancestor of its user namespace that is a child of U. A sandbox
//! (Flatpak's, a browser's) may have mounts of its own, the wrong ones for everybody else: if
//! only such are left, M and UTS are made again as for a new instance. Having entered, we ask the kernel for the cookie: only then is it certain that the inode number has
//! not been used again by another instance, whose VPN would be the wrong one.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::unistd::{Pid, Uid};
use vpnns_protocol::name::InstanceName;

use super::directory::StateDirectory;
use super::keeper::{self, AppNamespace, Seed, members};
use super::record::{self, FILE, Record};
use crate::isolation::masks::Masks;
use crate::{isolation, sys};

/// Why orphaned apps cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The namespaces of a surviving app cannot be opened or entered.
    #[error("failed to enter the namespaces of process {pid}, whose keeper was killed")]
    Enter {
        /// The surviving app.
        pid: Pid,
        /// Why.
        source: io::Error,
    },
    /// The kernel cannot tell this namespace from another.
    #[error("the keeper was killed, and this kernel cannot tell whether process {0} was its app")]
    Unsure(Pid),
    /// The processes of the system cannot be listed.
    #[error("failed to look for the apps of a killed keeper")]
    Look(#[source] io::Error),
    /// The instance's mounts, which nobody has any more, could not be made again.
    #[error(transparent)]
    Isolation(#[from] isolation::Error),
    /// The new keeper could not be started.
    #[error("failed to start a new keeper")]
    Spawn(#[source] Errno),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Enter { pid, .. } | Self::Unsure(pid) => Some(format!(
                "end the programs left over from before (the first is process {pid})"
            )),
            Self::Isolation(error) => error.hint(),
            Self::Look(_) | Self::Spawn(_) => None,
        }
    }
}

/// An instance without a keeper.
#[derive(Debug)]
pub struct Orphan {
    record: Record,
    survivor: Pid,
    /// Whether the survivor has the instance's own mounts and host name, and not its own.
    is_plain: bool,
}

/// Looks for apps of a killed keeper. Called with the lock held.
pub fn find(directory: &StateDirectory) -> Result<Option<Orphan>, Error> {
    let path = directory.join(FILE);
    let Some(record) = Record::read(&path) else {
        return Ok(None);
    };
    let candidates = members::processes_in(record.network_inode).map_err(Error::Look)?;
    let mut owned = candidates
        .into_iter()
        .filter(|pid| network_owner(*pid) == Some(Uid::effective()));
    // A sandbox inside (Flatpak's, say) has mounts of its own: the wrong ones for everybody else.
    let is_plain = |pid: &Pid| {
        let inode = |kind| {
            fs::metadata(format!("/proc/{pid}/ns/{kind}"))
                .map(|ns| ns.ino())
                .ok()
        };
        inode("mnt") == Some(record.mount_inode) && inode("uts") == Some(record.uts_inode)
    };
    let first = owned.next();
    let plain = first.filter(is_plain).or_else(|| owned.find(is_plain));
    let Some(survivor) = plain.or(first) else {
        // Nobody is left; the next keeper writes a record of its own.
        let _ = fs::remove_file(path);
        return Ok(None);
    };
    if record.network_cookie.is_none() {
        return Err(Error::Unsure(survivor));
    }
    let is_plain = plain.is_some();
    Ok(Some(Orphan {
        record,
        survivor,
        is_plain,
    }))
}

fn network_owner(pid: Pid) -> Option<Uid> {
    let network = File::open(format!("/proc/{pid}/ns/net")).ok()?;
    let owner = sys::namespace::owner(&network).ok()?;
    sys::namespace::owner_uid(owner).ok().map(Uid::from_raw)
}

/// Enters the orphaned namespaces and leaves a new keeper behind in them.
///
/// Or, if the number has come to mean another namespace, forgets the record: nobody is left.
pub fn adopt(
    name: &InstanceName,
    directory: StateDirectory,
    lock: File,
    listener: OwnedFd,
    orphan: &Orphan,
) -> Result<(), Error> {
    let pid = orphan.survivor;
    let mut masks = Masks::new(&directory.path, &orphan.record.exposure);
    let system_bus = masks.look_outside();
    let entered = enter(orphan).map_err(|source| Error::Enter { pid, source })?;
    let Some(app_namespace) = entered else {
        // Still with the lock: nobody can have written a newer one.
        let _ = fs::remove_file(directory.join(FILE));
        return Ok(());
    };
    if orphan.is_plain {
        masks.revive(system_bus);
    } else {
        isolation::isolate_but_for_network(&directory.path, &mut masks)?;
    }
    keeper::spawn(Seed {
        name: name.clone(),
        directory,
        lock,
        listener,
        app_namespace: AppNamespace::Known(app_namespace),
        masks,
        session_bus: None,
        // The keeper finds them itself, by the network namespace.
        members: Vec::new(),
        adopted: true,
    })
    .map_err(Error::Spawn)
}

/// Returns U2, or nothing if the namespace turns out to be another one.
fn enter(orphan: &Orphan) -> io::Result<Option<OwnedFd>> {
    let open = |kind| File::open(format!("/proc/{}/ns/{kind}", orphan.survivor));
    let (network, mounts, uts, user) = (open("net")?, open("mnt")?, open("uts")?, open("user")?);
    let outer = sys::namespace::owner(&network)?;
    setns(&outer, CloneFlags::CLONE_NEWUSER)?;
    setns(network, CloneFlags::CLONE_NEWNET)?;
    if record::own_cookie()? != orphan.record.network_cookie {
        return Ok(None);
    }
    let stranger = || io::Error::other("it is not in the user namespace of an app");
    let app_namespace = child_of(&outer, user.into())?.ok_or_else(stranger)?;
    if orphan.is_plain {
        setns(mounts, CloneFlags::CLONE_NEWNS)?;
        setns(uts, CloneFlags::CLONE_NEWUTS)?;
    }
    Ok(Some(app_namespace))
}

/// Goes up from a user namespace (a browser's sandbox makes its own) to the child of `outer`.
fn child_of(outer: &OwnedFd, inner: OwnedFd) -> io::Result<Option<OwnedFd>> {
    let inode = |fd: &OwnedFd| File::from(fd.try_clone()?).metadata().map(|m| m.ino());
    let outer = inode(outer)?;
    let mut current = inner;
    // The kernel nests user namespaces at most 32 deep.
    for _ in 0..33 {
        let parent = sys::namespace::parent(&current)?;
        if inode(&parent)? == outer {
            return Ok(Some(current));
        }
        current = parent;
    }
    Ok(None)
}
