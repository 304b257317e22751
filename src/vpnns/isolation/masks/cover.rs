//! Putting something over one place, each way of [`Seen`].

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{major, minor};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::isolation::etc;
use crate::isolation::mounts::{self, errno};
use crate::isolation::services::{Place, Seen};

/// Where the system bus listens, in its directory.
pub const SYSTEM_BUS: &str = "system_bus_socket";

/// What is mounted over a socket: to connect to it is refused (ECONNREFUSED).
const DEAD: &str = "/dev/null";
/// The host's directory, in one of the instance's own that leads to some of it.
const HOSTS: &str = ".host";
/// What of Flatpak's files is the instance's, and in [`etc::LOWER`] under the same name.
const NETWORK_FILES: [&str; 2] = [etc::RESOLV_CONF, "hosts"];
/// A file of Flatpak's directory is a few lines; the largest is a time zone.
const LARGEST: u64 = 1 << 20;

/// The instance's end of the system bus, and the host's.
#[derive(Debug)]
pub struct SystemBusDoor {
    /// Where the instance's programs connect; nobody accepts them yet.
    pub listener: OwnedFd,
    /// The host's directory, which is not seen inside any more.
    pub host: OwnedFd,
    /// The device number of the file system that the listener's socket is in.
    device: u64,
}

impl SystemBusDoor {
    /// Whether this is what is at the path.
    fn is_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|there| there.dev() == self.device)
    }
}

/// Covers a place that is there and is not covered.
///
/// `empty_one` is an empty directory of ours once there is one: showing it again costs a third of
/// making another file system. `door` is the system bus that the instance has already.
pub(super) fn cover<'places>(
    place: &'places Place,
    directory: &Path,
    door: Option<&SystemBusDoor>,
    empty_one: &mut Option<&'places Path>,
) -> Result<Option<SystemBusDoor>, Errno> {
    let path = &place.path;
    match place.seen {
        Seen::Kept => {}
        Seen::EmptyWithout(module) => {
            if fs::metadata(path).is_ok() && !etc::knows_users_by(module) {
                empty(path, empty_one)?;
            }
        }
        Seen::Empty => empty(path, empty_one)?,
        Seen::Dead => dead(path, empty_one)?,
        Seen::Own(links) => own(path, links)?,
        Seen::FlatpakMonitor => flatpak_monitor(path, directory)?,
        Seen::SystemBus => {
            // A container may have the host's read-only, which looks sealed, too: only the very one
            // that we have made is ours.
            if !(is_sealed(path)? && door.is_some_and(|door| door.is_at(path))) {
                return system_bus(path, open_directory(path)?).map(Some);
            }
        }
    }
    Ok(None)
}

fn empty<'places>(path: &'places Path, empty_one: &mut Option<&'places Path>) -> Result<(), Errno> {
    // One of the host's may be read-only, too, but has something in it.
    if is_sealed(path)? && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) {
        empty_one.get_or_insert(path);
        return Ok(());
    }
    if let Some(there) = empty_one {
        // Read-only as that is.
        return mounts::bind(there, path);
    }
    mounts::empty(path)?;
    mounts::seal(path)?;
    *empty_one = Some(path);
    Ok(())
}

/// Whether what is there is a sealed tmpfs of ours. The host's own ones can be written.
fn is_sealed(path: &Path) -> Result<bool, Errno> {
    let tmpfs = statfs(path)?.filesystem_type() == TMPFS_MAGIC;
    Ok(tmpfs && statvfs(path)?.flags().contains(FsFlags::ST_RDONLY))
}

fn dead<'places>(path: &'places Path, empty_one: &mut Option<&'places Path>) -> Result<(), Errno> {
    let is = fs::metadata(path).map_err(|error| errno(&error))?;
    if is.is_dir() {
        return empty(path, empty_one);
    }
    // The null device is 1:3 (the kernel's devices.txt).
    let is_null = is.file_type().is_char_device() && (major(is.rdev()), minor(is.rdev())) == (1, 3);
    if is_null {
        return Ok(());
    }
    mounts::bind(Path::new(DEAD), path)
}

fn own(path: &Path, links: &[&str]) -> Result<(), Errno> {
    let hosts = path.join(HOSTS);
    if !path.is_dir() || hosts.is_dir() {
        return Ok(());
    }
    let below = open_directory(path)?;
    mounts::private(path)?;
    DirBuilder::new()
        .mode(0o700)
        .create(&hosts)
        .map_err(|error| errno(&error))?;
    // Alone: by now the directory has our file system on it.
    mounts::bind_alone(&through(&below), &hosts)?;
    for link in links {
        // Links, not mounts: they lead to whatever the host has there by then.
        let target = Path::new(HOSTS).join(link);
        symlink(target, path.join(link)).map_err(|error| errno(&error))?;
    }
    Ok(())
}

/// A copy of the directory, in which two files are the very ones of the instance's /etc: what is
/// written to those later is seen here, too.
fn flatpak_monitor(path: &Path, directory: &Path) -> Result<(), Errno> {
    let lower = directory.join(etc::LOWER);
    let inode = |path: PathBuf| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let original = open_directory(path)?;
    let resolv_conf = inode(lower.join(NETWORK_FILES[0])).map_err(|error| errno(&error))?;
    if inode(path.join(NETWORK_FILES[0])).is_ok_and(|there| there == resolv_conf) {
        return Ok(());
    }
    mounts::empty(path)?;
    // A zone or a link that is missing does less harm than no application at all.
    let _ = copy_files(&through(&original), path);
    for name in NETWORK_FILES {
        let target = path.join(name);
        File::create(&target).map_err(|error| errno(&error))?;
        mounts::bind(&lower.join(name), &target)?;
        mounts::seal(&target)?;
    }
    mounts::seal(path)
}

/// Copies what a directory of small files holds, but for the files that are ours.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)?.flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let is_ours = NETWORK_FILES.iter().any(|name| entry.file_name() == *name);
        let kind = fs::symlink_metadata(&from)?;
        if kind.is_symlink() && !is_ours {
            symlink(fs::read_link(&from)?, to)?;
        } else if kind.is_file() && kind.len() <= LARGEST && !is_ours {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// A directory in which the system bus's socket is ours. It is put over whatever is there.
pub(super) fn system_bus(path: &Path, host: OwnedFd) -> Result<SystemBusDoor, Errno> {
    mounts::empty(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    bind(
        listener.as_raw_fd(),
        &UnixAddr::new(&path.join(SYSTEM_BUS))?,
    )?;
    // Programs may be in a hurry: from here on they wait.
    listen(&listener, Backlog::MAXCONN)?;
    mounts::seal(path)?;
    let device = fs::metadata(path).map_err(|error| errno(&error))?.dev();
    Ok(SystemBusDoor {
        listener,
        host,
        device,
    })
}

/// Opens a directory so that paths can start at it, and nothing else.
pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = nix::libc::O_PATH | nix::libc::O_DIRECTORY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map(Into::into).map_err(|error| errno(&error))
}

/// The path of an open directory, whatever is mounted over its name.
fn through(directory: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", directory.as_raw_fd()).into()
}
