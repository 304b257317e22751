//! Tun devices of the instance: making one, finding and deleting what is there.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nameindex;
use serde::{Deserialize, Serialize};

use super::Error;
use super::configure::{delete_link, delete_unreachable_routes, take_down};
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
    let clone = open_clone()?;
    let name = sys::tun::create(&clone, PATTERN, header).map_err(create_error)?;
    Ok((clone, name))
}

fn open_clone() -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).open("/dev/net/tun");
    opened.map_err(Error::OpenTun)
}

fn create_error(errno: Errno) -> Error {
    match errno {
        // The file is there, the driver is not.
        Errno::ENODEV | Errno::ENXIO => Error::OpenTun(errno.into()),
        errno => Error::CreateTun(errno),
    }
}

/// The instance's persistent device, made or attached to, for a client that reads it itself.
///
/// `name` is what a new device is called; `flags` are the client's, of which those that would
/// make something else than one tun device are not let through.
pub fn graft_device(name: &str, flags: i16) -> Result<Device, Error> {
    let name = if is_device_name(name) { name } else { PATTERN };
    let allowed = libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    let header = i32::from(flags) & libc::IFF_VNET_HDR != 0;
    let flags = libc::IFF_TUN | (i32::from(flags) & allowed);
    let clone = open_clone()?;
    let flags = i16::try_from(flags).unwrap_or_default();
    let name = sys::tun::create_with(&clone, name, flags).map_err(create_error)?;
    sys::tun::make_persistent(&clone, header).map_err(Error::CreateTun)?;
    Ok(Device {
        fd: clone.into(),
        name,
        offload: Offload::None,
    })
}

/// A client may ask for anything; the kernel takes names of up to 15 bytes, and one "%d".
fn is_device_name(name: &str) -> bool {
    let plain = name.replacen("%d", "", 1);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // What the kernel's own files are called, which have devices' names.
    let is_reserved = matches!(&*plain, "lo" | "." | "..");
    !name.is_empty() && name.len() < libc::IFNAMSIZ && !is_reserved && plain.chars().all(fits)
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

/// Takes every device besides the loopback down, and every address from it: nothing passes, and
/// whoever reads one of them is not disturbed.
pub fn shut() {
    for (index, name) in devices() {
        let _ = take_down(index);
        super::unconfigure(&name);
    }
    let _ = delete_unreachable_routes();
}

/// Deletes every device besides the loopback, and every route that leads nowhere. What cannot be
/// deleted is left to its owner.
pub fn clear() {
    for (index, _) in devices() {
        let _ = delete_link(index);
    }
    let _ = delete_unreachable_routes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_choose_a_name_that_the_kernel_takes() {
        for name in ["tun0", "tun%d", "vpn.work-1_"] {
            assert!(is_device_name(name), "{name}");
        }
        for name in [
            "",
            "lo",
            ".",
            "..",
            "a b",
            "a/b",
            "%d%d",
            "sixteen-bytes-xx",
        ] {
            assert!(!is_device_name(name), "{name}");
        }
    }
}
