//! Who a process is on each side of the two user namespaces.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{Gid, Uid};

use super::Error;
use crate::sys;

/// Enters a new user namespace as its root (U), standing for the user outside.
pub fn become_keeper() -> Result<(), Error> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(Error::UserNamespace)?;
    // Without this an unprivileged gid_map is refused (Linux 3.19).
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", &format!("0 {gid} 1"))
}

/// Enters a new user namespace below U (U2) with the user's own ids, and returns it.
///
/// `uid` and `gid` are those from before [`become_keeper`].
pub fn become_app(uid: Uid, gid: Gid) -> Result<OwnedFd, Error> {
    unshare(CloneFlags::CLONE_NEWUSER).map_err(Error::UserNamespace)?;
    write("/proc/self/uid_map", &format!("{uid} 0 1"))?;
    write("/proc/self/gid_map", &format!("{gid} 0 1"))?;
    without_privilege(uid)?;
    let namespace =
        std::fs::File::open("/proc/self/ns/user").map_err(|source| Error::IdentityMap {
            path: "ns/user",
            source,
        })?;
    Ok(namespace.into())
}

/// Enters the namespaces of the keeper behind a pidfd, as root of U (Linux 5.8).
pub fn enter(keeper: impl AsFd) -> Result<(), Error> {
    let flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS;
    setns(keeper, flags).map_err(Error::Join)
}

/// Enters an instance's namespaces as an app: the keeper's, then the shared U2.
pub fn join(keeper: impl AsFd, app_namespace: impl AsFd) -> Result<(), Error> {
    let uid = Uid::effective();
    enter(keeper)?;
    setns(app_namespace, CloneFlags::CLONE_NEWUSER).map_err(Error::Join)?;
    without_privilege(uid)
}

/// Takes an app's identity, without leaving the namespaces that this process of the keeper's is in.
pub fn become_one_of(app_namespace: impl AsFd) -> Result<(), Error> {
    setns(app_namespace, CloneFlags::CLONE_NEWUSER).map_err(Error::Join)?;
    without_privilege(Uid::effective())
}

/// An exec of an ordinary uid clears all capabilities; root's has to be told to.
fn without_privilege(uid: Uid) -> Result<(), Error> {
    if uid.is_root() {
        sys::process::root_without_privilege().map_err(Error::Join)
    } else {
        Ok(())
    }
}

fn write(path: &'static str, text: &str) -> Result<(), Error> {
    // One write each: the kernel takes a map in a single write only.
    match std::fs::write(path, text) {
        // Kernels before 3.19 have no setgroups file; we support none of them, but a
        // restricted /proc may hide it, and then the gid_map tells.
        Err(error)
            if path.ends_with("setgroups")
                && error.raw_os_error() == Some(Errno::ENOENT as i32) =>
        {
            Ok(())
        }
        Err(source) => Err(Error::IdentityMap { path, source }),
        Ok(()) => Ok(()),
    }
}
