//! The record of an instance's network namespace, for whoever comes after a killed keeper.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use serde::{Deserialize, Serialize};

use crate::isolation::services::Exposure;
use crate::sys;

/// The file's name in the state directory.
pub const FILE: &str = "namespaces";

/// What identifies a network namespace beyond the life of its keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The inode number of the namespace, to find it by. Such numbers are used again.
    pub network_inode: u64,
    /// The namespace's cookie, to know it by: never used twice while the machine runs. Absent
    /// before Linux 5.14, where a killed keeper's apps cannot be adopted.
    pub network_cookie: Option<u64>,
    /// The inode number of the mount namespace: an app may have one of its own.
    #[serde(default)]
    pub mount_inode: u64,
    /// The same of the UTS namespace.
    #[serde(default)]
    pub uts_inode: u64,
    /// What of the host's services the instance sees.
    #[serde(default)]
    pub exposure: Exposure,
    /// The boot in which cookie and inode hold.
    pub boot: String,
}

impl Record {
    /// The record of the network namespace that this process stands in.
    pub fn of_this_process(exposure: &Exposure) -> io::Result<Self> {
        let inode = |kind| fs::metadata(format!("/proc/self/ns/{kind}")).map(|ns| ns.ino());
        Ok(Self {
            network_inode: inode("net")?,
            mount_inode: inode("mnt")?,
            uts_inode: inode("uts")?,
            network_cookie: own_cookie()?,
            exposure: exposure.clone(),
            boot: boot()?,
        })
    }

    /// Reads the record of a keeper of this boot; `None` where the last one ended properly.
    pub fn read(path: &Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (record.boot == boot().ok()?).then_some(record)
    }

    /// Writes the record whole: a half-written one would hide apps that are still there.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("new");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(temporary, path)
    }
}

/// The cookie of this process's network namespace; `None` where the kernel has none to give.
pub fn own_cookie() -> io::Result<Option<u64>> {
    let socket = socket(
        AddressFamily::Unix,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    match sys::namespace::cookie(&socket) {
        Ok(cookie) => Ok(Some(cookie)),
        Err(Errno::ENOPROTOOPT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}
