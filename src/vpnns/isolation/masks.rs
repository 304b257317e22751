//! Host services that would answer for the network through a path, and are hidden.
//!
//! # Theory of operation
//!
//! An empty file system is mounted over each directory. That comes off in every mount namespace
//! when the host removes the directory, as it does when such a service is restarted, and a
//! directory that is made later was never covered. So the keeper watches the parents, and covers
//! what appears: the host makes the directory before its service makes the socket in it.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::{Error, mounts};

/// Directories that an instance sees empty.
const MASKED: &[&str] = &[
    // glibc asks nscd first, before it looks at nsswitch.conf: every name would leak.
    "/run/nscd",
    // nss-resolve asks the host's resolver here.
    "/run/systemd/resolve",
    // mDNS of the host's network.
    "/run/avahi-daemon",
];
/// Where they are made.
const PARENTS: &[&str] = &["/run", "/run/systemd"];

/// Covers each directory that exists and is not covered.
pub(super) fn apply() -> Result<(), Error> {
    for path in MASKED {
        match cover(Path::new(path)) {
            // Absent, or behind a directory that the user may not even enter.
            Ok(()) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {}
            Err(source) => return Err(Error::Mask { path, source }),
        }
    }
    Ok(())
}

fn cover(path: &Path) -> Result<(), Errno> {
    if is_covered(path)? {
        return Ok(());
    }
    mounts::empty(path)?;
    mounts::seal(path)
}

/// Whether what is there is a sealed tmpfs of ours. The host's own ones can be written.
fn is_covered(path: &Path) -> Result<bool, Errno> {
    let tmpfs = statfs(path)?.filesystem_type() == TMPFS_MAGIC;
    Ok(tmpfs && statvfs(path)?.flags().contains(FsFlags::ST_RDONLY))
}

/// The keeper's watch over the masks.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Watch {
    /// Begins to watch, and covers what has appeared since the instance was made.
    ///
    /// `None` where the user has no watches left (fs.inotify.max_user_instances).
    pub fn new() -> Option<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()?;
        let what = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        for parent in PARENTS {
            // /run/systemd is not there on systems without it.
            let _ = inotify.add_watch(*parent, what);
        }
        let watch = Self(inotify);
        watch.renew();
        Some(watch)
    }

    /// Something changed beside the masks: puts on those that have come off.
    pub fn renew(&self) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
        // What fails now failed at the start, or is a directory that is gone already.
        let _ = apply();
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
