//! Whether a process is in an instance or elsewhere, seen from either side.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::unistd::Pid;
use vpnns_protocol::name::InstanceName;

use crate::instance::directory::{self, PREFIX};
use crate::instance::record::{self, Record};

/// The network of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts {
    /// Its inode number; `None` where the instance does not run, and nobody can be in it.
    network: Option<u64>,
}

impl Whereabouts {
    /// Of the instance of this name.
    pub fn of(name: &InstanceName) -> Self {
        let roots = directory::roots().unwrap_or_default();
        let mut directories = roots
            .iter()
            .map(|root| root.join(format!("{PREFIX}{name}")));
        let record = directories.find_map(|it| Record::read(&it.join(record::FILE)));
        Self {
            network: record.map(|record| record.network_inode),
        }
    }

    /// Whether the process is there.
    ///
    /// From inside, the namespaces of a process outside cannot be read, which answers as well.
    pub fn has(&self, process: Pid) -> bool {
        let namespace = fs::metadata(format!("/proc/{process}/ns/net"));
        namespace.is_ok_and(|it| Some(it.ino()) == self.network)
    }

    /// Whether the process runs, and somewhere else.
    pub fn lacks(&self, process: Pid) -> bool {
        process.as_raw() <= 0 || (exists(process) && !self.has(process))
    }
}

fn exists(process: Pid) -> bool {
    fs::exists(format!("/proc/{process}")).unwrap_or(true)
}
