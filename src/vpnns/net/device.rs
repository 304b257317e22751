//! Tun devices of the instance: making one, finding and deleting what is there.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;

use nix::net::if_::if_nameindex;
use serde::{Deserialize, Serialize};

use super::Error;
use super::configure::{delete_link, delete_unreachable_routes};
use crate::sys;

/// The kernel puts the lowest free number in.
const PATTERN: &str = "tun%d";

/// What a device hands over and takes in one piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offload {
    /// One packet, without a header before it.
    #[default]
    None,
    /// Up to 64 KiB of TCP, behind a virtio-net header.
    Tcp,
    /// The same, and of UDP (Linux 6.2).
    TcpUdp,
}

/// A tun device of the instance.
#[derive(Debug)]
pub struct Device {
    /// Where its packets are read and written.
    pub fd: OwnedFd,
    /// What the kernel called it.
    pub name: String,
    /// How its packets come.
    pub offload: Offload,
}

/// Makes a tun device, with offload if that is asked for and to be had.
pub fn open_device(offload: bool) -> Result<Device, Error> {
    if offload {
        let (clone, name) = create(true)?;
        if sys::tun::set_offload(&clone, true).is_ok() {
            return Ok(Device {
                fd: clone.into(),
                name,
                offload: Offload::TcpUdp,
            });
        }
        if sys::tun::set_offload(&clone, false).is_ok() {
            return Ok(Device {
                fd: clone.into(),
                name,
                offload: Offload::Tcp,
            });
        }
        // Closing it deletes it; the name is free again.
    }
    let (clone, name) = create(false)?;
    Ok(Device {
        fd: clone.into(),
        name,
        offload: Offload::None,
    })
}

fn create(header: bool) -> Result<(File, String), Error> {
    let clone: File = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .map_err(Error::OpenTun)?;
    let name = sys::tun::create(&clone, PATTERN, header).map_err(|errno| match errno {
        // The file is there, the driver is not.
        nix::errno::Errno::ENODEV | nix::errno::Errno::ENXIO => Error::OpenTun(errno.into()),
        errno => Error::CreateTun(errno),
    })?;
    Ok((clone, name))
}

/// Index and name of each device besides the loopback.
pub fn devices() -> Vec<(u32, String)> {
    let Ok(list) = if_nameindex() else {
        return Vec::new();
    };
    let named = list
        .iter()
        .map(|i| (i.index(), i.name().to_string_lossy().into_owned()));
    named.filter(|(_, name)| name != "lo").collect()
}

/// Deletes every device besides the loopback, and every route that leads nowhere. What cannot be
/// deleted is left to its owner.
pub fn clear() {
    for (index, _) in devices() {
        let _ = delete_link(index);
    }
    let _ = delete_unreachable_routes();
}
