//! Places of their own for what serves an instance: in its mounts only, or aside of all it has.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::{Error, identity, mounts};

/// Where the session bus of an instance is, below the state directory.
pub const SESSION_BUS_ROOM: &str = "bus";

/// A directory that every host with a system bus has.
const ROOM: &str = "/run/dbus";

/// Leaves the keeper's network for an empty one, takes an app's identity, and returns a directory
/// that nobody else sees. The instance counts only those who are in its network: not us.
pub fn step(app_namespace: impl AsFd) -> Result<PathBuf, Error> {
    let kinds = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    unshare(kinds).map_err(|source| Error::Namespace {
        kind: "mnt",
        source,
    })?;
    mounts::keep_to_ourselves().map_err(Error::Propagation)?;
    let path = PathBuf::from(ROOM);
    mounts::private(&path).map_err(|source| Error::Mask {
        path: path.clone(),
        reason: "the way to the system bus is to be ours",
        source,
    })?;
    identity::become_one_of(app_namespace)?;
    Ok(path)
}

/// A directory below an instance's state directory that is seen in the instance and nowhere else.
/// Empty each time: what a killed keeper has left in it is covered.
pub fn session_bus_room(directory: &Path) -> Result<PathBuf, Errno> {
    let room = directory.join(SESSION_BUS_ROOM);
    match DirBuilder::new().mode(0o700).create(&room) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(mounts::errno(&error));
        }
        _ => {}
    }
    mounts::private(&room)?;
    Ok(room)
}
