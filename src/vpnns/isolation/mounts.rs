//! Mount propagation, and the few kinds of mount that an instance needs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::Error;

const NONE: Option<&str> = None;

/// Makes every mount receive from the host but send nothing back.
///
/// Slave and not private: the document portal's file system must still arrive when it is mounted
/// later, or Flatpak applications die inside.
pub(super) fn receive_only() -> Result<(), Error> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE).map_err(Error::Propagation)
}

/// Makes no mount pass from here to anywhere, nor the other way.
pub(super) fn keep_to_ourselves() -> Result<(), Errno> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
}

/// Mounts two directories read-only as one, the first on top (unprivileged since Linux 5.11).
///
/// `upper` is taken relative to the working directory when it is relative, which keeps colons
/// and commas of a home directory out of the option string.
pub(super) fn read_only_overlay(upper: &str, target: &Path) -> Result<(), Errno> {
    let options = format!("lowerdir={upper}:{},userxattr", target.display());
    mount(
        Some("overlay"),
        target,
        Some("overlay"),
        MsFlags::MS_RDONLY,
        Some(options.as_str()),
    )
}

/// Mounts an empty file system in memory.
pub(super) fn empty(target: &Path) -> Result<(), Errno> {
    in_memory(target, "mode=0755")
}

/// The same, for what is the user's own business.
pub(super) fn private(target: &Path) -> Result<(), Errno> {
    in_memory(target, "mode=0700")
}

fn in_memory(target: &Path, options: &str) -> Result<(), Errno> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))
}

/// Shows a file or a whole tree at a second place.
pub(super) fn bind(source: &Path, target: &Path) -> Result<(), Errno> {
    mount(
        Some(source),
        target,
        NONE,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        NONE,
    )
}

/// Shows a directory at a second place, without what is mounted in it or on it.
pub(super) fn bind_alone(source: &Path, target: &Path) -> Result<(), Errno> {
    mount(Some(source), target, NONE, MsFlags::MS_BIND, NONE)
}

/// Shows an entry of a directory, of whatever kind, under a second name that does not exist yet.
///
/// Returns whether it is a mount: a link is copied, and one that is gone or closed is left out.
pub(super) fn place(source: &Path, target: &Path) -> Result<bool, Errno> {
    let Ok(kind) = fs::symlink_metadata(source) else {
        return Ok(false);
    };
    let made = if kind.is_symlink() {
        return fs::read_link(source)
            .and_then(|link| symlink(link, target))
            .map(|()| false)
            .map_err(|error| errno(&error));
    } else if kind.is_dir() {
        fs::create_dir(target)
    } else {
        File::create(target).map(drop)
    };
    made.map_err(|error| errno(&error))?;
    match bind(source, target) {
        // What the user cannot reach on the host need not be reachable here.
        Err(Errno::EACCES | Errno::ENOENT) => Ok(false),
        other => other.map(|()| true),
    }
}

/// Makes a mount of ours read-only.
///
/// What the mount is besides stays: the flags of a file system of the host's are locked, and
/// leaving one out would be refused (EPERM). The access times' are kept by the kernel itself.
pub(super) fn seal(target: &Path) -> Result<(), Errno> {
    let is = statvfs(target)?.flags();
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    flags.set(MsFlags::MS_NOSUID, is.contains(FsFlags::ST_NOSUID));
    flags.set(MsFlags::MS_NODEV, is.contains(FsFlags::ST_NODEV));
    flags.set(MsFlags::MS_NOEXEC, is.contains(FsFlags::ST_NOEXEC));
    mount(NONE, target, NONE, flags, NONE)
}

/// The number of a failure of the standard library's.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO))
}
