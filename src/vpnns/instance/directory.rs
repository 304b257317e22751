//! The state directory of an instance, `~/.vpnns-<name>`, and its lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, Uid};
use vpnns_protocol::name::InstanceName;

use crate::isolation::aside::SESSION_BUS_ROOM;

/// The control socket, below the state directory.
pub const SOCKET: &str = "control";
/// What a script keeps from its first call to its last, below the state directory.
pub const SCRATCH: &str = "script";
/// What stands before the name in a directory's name.
pub const PREFIX: &str = ".vpnns-";

const LOCK: &str = "lock";
/// The original's record of its watcher.
const ORIGINAL_PID_FILE: &str = "vpnns.pid";
/// Starting an instance takes milliseconds; whoever holds the lock longer is stopped or stuck.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// The same for somebody who only looks what there is.
const LOOKER_PATIENCE: Duration = Duration::from_secs(3);

/// Why there is no state directory to work in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home directory.
    #[error("failed to find a home directory: HOME is unset and no passwd entry names one")]
    NoHome,
    /// HOME is relative, so that each working directory would have instances of its own.
    #[error("the home directory {0:?} is not an absolute path")]
    RelativeHome(PathBuf),
    /// The directory could not be made or opened.
    #[error("failed to set up the state directory {}", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path is taken by something that is no directory.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// The directory belongs to somebody else.
    #[error("the state directory {} belongs to another user (uid {uid})", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// An instance of the original program uses the directory.
    #[error("the original vpnns runs an instance in {} (process {pid})", path.display())]
    Original {
        /// The directory.
        path: PathBuf,
        /// Its watcher.
        pid: i32,
    },
    /// Another process is starting or ending the instance, and does not get on.
    #[error("another vpnns has been busy with {} for {} s", path.display(), LOCK_PATIENCE.as_secs())]
    Busy {
        /// The directory.
        path: PathBuf,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHome | Self::RelativeHome(_) => {
                Some("set HOME to your home directory, as in HOME=/home/me vpnns ...".to_owned())
            }
            Self::Open { source, .. } if unwritable(source) => Some(
                "the home directory cannot be written and there is no /run/user directory to use \
                 instead; set HOME to a directory of yours"
                    .to_owned(),
            ),
            Self::NotADirectory(path) => Some(format!(
                "an early version of the original made such a file; end its programs and remove \
                 it: rm {}",
                path.display()
            )),
            Self::Original { .. } => Some(
                "close the programs that run in it, or choose another name with --name".to_owned(),
            ),
            Self::Busy { .. } => {
                Some("look for a stopped or hanging vpnns process and end it".to_owned())
            }
            _ => None,
        }
    }
}

/// An open state directory of this user's.
#[derive(Debug)]
pub struct StateDirectory {
    /// Where it is, absolute.
    pub path: PathBuf,
    handle: File,
    new: bool,
}

impl StateDirectory {
    /// Opens the directory of an instance, making it if it does not exist.
    pub fn open(name: &InstanceName) -> Result<Self, Error> {
        let path = home()?.join(format!("{PREFIX}{name}"));
        match Self::open_at(path) {
            Err(Error::Open { path, source }) if unwritable(&source) => {
                // A read-only home: the run-time directory is as private, and is gone on logout
                // as the instance is.
                let substitute = fallback_root().map(|root| root.join(format!("{PREFIX}{name}")));
                match substitute {
                    Some(substitute) => Self::open_at(substitute),
                    None => Err(Error::Open { path, source }),
                }
            }
            other => other,
        }
    }

    /// Opens the directory only if it exists.
    pub fn open_existing(path: PathBuf) -> Result<Self, Error> {
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_DIRECTORY | nix::libc::O_NOFOLLOW)
            .open(&path)
            .map_err(|source| match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOTDIR | Errno::ELOOP) => Error::NotADirectory(path.clone()),
                _ => Error::Open {
                    path: path.clone(),
                    source,
                },
            })?;
        let metadata = handle.metadata().map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?;
        if metadata.uid() != Uid::effective().as_raw() {
            return Err(Error::Foreign {
                path,
                uid: metadata.uid(),
            });
        }
        if metadata.mode() & 0o077 != 0 {
            // The original made it 0755. What is in there is nobody else's business.
            handle
                .set_permissions(fs::Permissions::from_mode(0o700))
                .map_err(|source| Error::Open {
                    path: path.clone(),
                    source,
                })?;
        }
        Ok(Self {
            path,
            handle,
            new: false,
        })
    }

    fn open_at(path: PathBuf) -> Result<Self, Error> {
        let new = match DirBuilder::new().mode(0o700).create(&path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::Open { path, source });
            }
            made => made.is_ok(),
        };
        if !new {
            // It may have been made before the home directory became read-only.
            nix::unistd::access(&path, AccessFlags::W_OK).map_err(|errno| Error::Open {
                path: path.clone(),
                source: errno.into(),
            })?;
        }
        Ok(Self {
            new,
            ..Self::open_existing(path)?
        })
    }

    /// The control socket's path through the open directory: short, however long the home's is.
    ///
    /// A socket address holds 108 bytes.
    pub fn socket_path(&self) -> PathBuf {
        self.inside(SOCKET)
    }

    /// A path below the directory.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The same through the open directory: what is not there any more, or is somebody else's by
    /// now, is not found.
    pub fn inside(&self, name: &str) -> PathBuf {
        format!("/proc/self/fd/{}/{name}", self.raw_fd()).into()
    }

    /// The open directory's descriptor, for a process that closes all but a few.
    pub fn raw_fd(&self) -> i32 {
        self.handle.as_raw_fd()
    }

    /// Whether the directory is still the one that its path leads to.
    pub fn is_current(&self) -> bool {
        is_same_file(&self.handle, &self.path)
    }

    /// Gives the open directory another number if it has this one.
    pub fn clear_of(&mut self, number: i32) -> io::Result<()> {
        if self.raw_fd() == number {
            self.handle = self.handle.try_clone()?;
        }
        Ok(())
    }

    /// Takes the lock that guards the beginning and the end of an instance.
    ///
    /// It is let go when the last copy of the descriptor is closed, forked ones included.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.join(LOCK);
        let open = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(nix::libc::O_NOFOLLOW)
                .open(&path)
                .map_err(|source| Error::Open {
                    path: path.clone(),
                    source,
                })
        };
        let mut file = open()?;
        let deadline = Instant::now() + LOCK_PATIENCE;
        let mut pause = Duration::from_micros(200);
        loop {
            match file.try_lock() {
                // A lock on a file that was removed meanwhile keeps nobody out.
                Ok(()) if is_same_file(&file, &path) => return Ok(file),
                Ok(()) => {
                    file = open()?;
                    continue;
                }
                Err(TryLockError::Error(source)) => return Err(Error::Open { path, source }),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                    return Err(Error::Busy {
                        path: self.path.clone(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Waits while somebody starts or ends the instance; its keeper may be found afterwards.
    ///
    /// Makes no lock file where there is none, and does not wait for long: to look must not hang.
    pub fn settle(&self) {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(self.join(LOCK));
        let Ok(file) = file else { return };
        let deadline = Instant::now() + LOOKER_PATIENCE;
        while matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            if Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Removes what a failed first start has made, so that a refusal leaves nothing behind.
    /// Called with the lock held.
    pub fn forget_if_new(&self) {
        let _ = fs::remove_file(self.inside(SOCKET));
        if self.new {
            for below in ["lower", "staging", SESSION_BUS_ROOM, SCRATCH] {
                let _ = fs::remove_dir_all(self.inside(below));
            }
            let _ = fs::remove_file(self.inside(LOCK));
            // Not remove_dir_all: if anything else is in there, it is not ours to delete.
            if self.is_current() {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }

    /// Refuses a directory in which an instance of the original program runs.
    pub fn refuse_original(&self) -> Result<(), Error> {
        let Ok(text) = fs::read_to_string(self.join(ORIGINAL_PID_FILE)) else {
            return Ok(());
        };
        let Ok(pid) = text.trim().parse::<i32>() else {
            return Ok(());
        };
        // A pid of long ago may be anybody's now. A zombie still has its name, but no arguments.
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let runs = fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| !words.is_empty());
        if pid > 0 && runs && name.trim() == "vpnns" {
            return Err(Error::Original {
                path: self.path.clone(),
                pid,
            });
        }
        Ok(())
    }
}

/// The directories in which state directories may be, most usual first.
pub fn roots() -> Result<Vec<PathBuf>, Error> {
    Ok([Some(home()?), fallback_root()]
        .into_iter()
        .flatten()
        .collect())
}

/// The user's home: HOME, or what /etc/passwd says (an openvpn plug-in has no environment).
pub fn home() -> Result<PathBuf, Error> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.map(PathBuf::from).or_else(|| {
        // Read by hand: a static program cannot load the C library's NSS modules.
        passwd_home(
            &fs::read_to_string("/etc/passwd").ok()?,
            Uid::effective().as_raw(),
        )
    });
    match home {
        None => Err(Error::NoHome),
        Some(home) if home.is_absolute() => Ok(home),
        Some(home) => Err(Error::RelativeHome(home)),
    }
}

/// Where state goes when the home directory cannot be written. Not from XDG_RUNTIME_DIR: a VPN
/// client may start us without it, and both must look in the same place.
fn fallback_root() -> Option<PathBuf> {
    let path = PathBuf::from(format!("/run/user/{}", Uid::effective()));
    path.is_dir().then_some(path)
}

fn is_same_file(file: &File, path: &Path) -> bool {
    let (open, named) = (file.metadata(), fs::symlink_metadata(path));
    let (Ok(open), Ok(named)) = (open, named) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn passwd_home(passwd: &str, uid: u32) -> Option<PathBuf> {
    let mut lines = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let entry = lines.find(|entry| entry.get(2).is_some_and(|id| id.parse() == Ok(uid)))?;
    entry
        .get(5)
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

fn unwritable(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EROFS | Errno::EACCES | Errno::EPERM | Errno::ENOENT)
    )
}

/// The instance that a state directory's name stands for.
pub fn instance_of(path: &Path) -> Option<InstanceName> {
    path.file_name()?
        .to_str()?
        .strip_prefix(PREFIX)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_directory_is_found_in_passwd_by_uid() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:,,,:/home/ann:/bin/sh\n\
                      odd\nnohome:x:7:7:::\n";
        assert_eq!(passwd_home(passwd, 1000), Some(PathBuf::from("/home/ann")));
        assert_eq!(passwd_home(passwd, 7), None);
        assert_eq!(passwd_home(passwd, 8), None);
    }
}
