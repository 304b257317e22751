//! What a script that configures a device may write, in mounts of its own.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::etc;
use super::mounts::{self, errno};

/// Where vpnc-script keeps its notes, below the directory of run-time files.
const NOTES: &str = "vpnc";
/// That directory, mostly a link to /run.
const RUN: &str = "/var/run";

/// Lets this process write to the resolv.conf in `lower` that the instance shows, and to
/// /run/vpnc, which is `notes`. Nobody else in the instance sees these mounts.
pub fn prepare(lower: &Path, notes: &Path) -> Result<(), Errno> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mounts::keep_to_ourselves()?;
    let resolv_conf = Path::new("/etc").join(etc::RESOLV_CONF);
    mounts::bind(&lower.join(etc::RESOLV_CONF), &resolv_conf)?;
    match DirBuilder::new().mode(0o700).create(notes) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(errno(&error)),
        _ => {}
    }
    // Held open: it may itself be below what is covered next.
    let notes = File::open(notes).map_err(|error| errno(&error))?;
    let run = fs::canonicalize(RUN).map_err(|error| errno(&error))?;
    let target = run.join(NOTES);
    if !target.is_dir() {
        cover(&run)?;
        fs::create_dir(&target).map_err(|error| errno(&error))?;
    }
    mounts::bind(&through(&notes), &target)
}

/// Puts a directory that we may write to in place of one that we may not, with the same entries.
fn cover(directory: &Path) -> Result<(), Errno> {
    let below = File::open(directory).map_err(|error| errno(&error))?;
    mounts::empty(directory)?;
    let entries = fs::read_dir(through(&below)).map_err(|error| errno(&error))?;
    for entry in entries.flatten() {
        let target = directory.join(entry.file_name());
        mounts::place(&entry.path(), &target)?;
    }
    Ok(())
}

/// The path of an open file, whatever is mounted over its name.
fn through(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}
