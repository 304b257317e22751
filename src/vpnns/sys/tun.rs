//! Network devices by ioctl: making a tun, and bringing the loopback up without netlink.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

nix::ioctl_write_int!(tunsetiff, b'T', 202);
nix::ioctl_write_int!(tunsetoffload, b'T', 208);
nix::ioctl_write_int!(tunsetpersist, b'T', 203);
nix::ioctl_write_ptr!(tunsetvnethdrsz, b'T', 216, libc::c_int);

/// The ioctl that makes a tun device, _IOW('T', 202, int).
pub const TUNSETIFF: u32 = 0x4004_54ca;

// From <linux/if_tun.h>.
const TUN_F_CSUM: libc::c_ulong = 0x01;
const TUN_F_TSO4: libc::c_ulong = 0x02;
const TUN_F_TSO6: libc::c_ulong = 0x04;
const TUN_F_USO4: libc::c_ulong = 0x20;
const TUN_F_USO6: libc::c_ulong = 0x40;

/// Makes a tun device in the network namespace that `clone` (an open /dev/net/tun) belongs to;
/// returns the name that the kernel chose.
///
/// One read or write is one IP packet (IFF_NO_PI), behind a virtio-net header if `header`.
pub fn create(clone: &File, pattern: &str, header: bool) -> Result<String, Errno> {
    let header = if header { libc::IFF_VNET_HDR } else { 0 };
    let flags = libc::IFF_TUN | libc::IFF_NO_PI | header;
    create_with(
        clone,
        pattern,
        libc::c_short::try_from(flags).unwrap_or_default(),
    )
}

/// The same with flags of the caller's choice; an existing device of that name is attached to.
pub fn create_with(clone: &File, pattern: &str, flags: libc::c_short) -> Result<String, Errno> {
    let mut request = interface_request(pattern);
    request.ifr_ifru.ifru_flags = flags;
    // SAFETY: TUNSETIFF reads and writes one ifreq at the address, which outlives the call.
    unsafe { tunsetiff(clone.as_raw_fd(), (&raw mut request) as libc::c_ulong) }?;
    let name: Vec<u8> = request
        .ifr_name
        .iter()
        .map(|c| c.cast_unsigned())
        .take_while(|byte| *byte != 0)
        .collect();
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// Lets the device hand over and take packets of up to 64 KiB of TCP, and of UDP if `udp` (6.2).
///
/// The setting is the device's, and stays when the descriptor is closed.
pub fn set_offload(device: &File, udp: bool) -> Result<(), Errno> {
    let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    let mask = if udp {
        tcp | TUN_F_USO4 | TUN_F_USO6
    } else {
        tcp
    };
    // SAFETY: TUNSETOFFLOAD takes a number, and changes no memory.
    unsafe { tunsetoffload(device.as_raw_fd(), mask) }.map(drop)
}

/// Makes the device stay when its last descriptor is closed, and takes from it what an earlier
/// reader has set: those settings are the device's, too.
pub fn make_persistent(device: &File, header: bool) -> Result<(), Errno> {
    // SAFETY: TUNSETPERSIST takes a number, and changes no memory.
    unsafe { tunsetpersist(device.as_raw_fd(), 1) }?;
    // SAFETY: TUNSETOFFLOAD takes a number, and changes no memory.
    unsafe { tunsetoffload(device.as_raw_fd(), 0) }?;
    if header {
        // struct virtio_net_hdr, from <linux/virtio_net.h>: what a client expects that asks for
        // nothing else.
        let size: libc::c_int = 10;
        // SAFETY: TUNSETVNETHDRSZ reads one int at the address, which outlives the call.
        unsafe { tunsetvnethdrsz(device.as_raw_fd(), &raw const size) }?;
    }
    Ok(())
}

/// The flags (IFF_UP, IFF_RUNNING and others) of a device of the socket's network namespace.
pub fn flags(socket: &OwnedFd, device: &str) -> Result<i32, Errno> {
    let mut request = interface_request(device);
    let fd = socket.as_raw_fd();
    // SAFETY: SIOCGIFFLAGS fills the flags of the ifreq at the address.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS, &raw mut request) })?;
    // SAFETY: the kernel has just written this member of the union.
    Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// Sets IFF_UP on a device of the socket's network namespace.
///
/// An ioctl and not netlink: it is on the way of every start, and a runtime for one message
/// costs more than the message.
pub fn bring_up(socket: &OwnedFd, device: &str) -> Result<(), Errno> {
    let mut request = interface_request(device);
    let fd = socket.as_raw_fd();
    // SAFETY: SIOCGIFFLAGS fills the flags of the ifreq at the address.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS, &raw mut request) })?;
    // SAFETY: the kernel has just written this member of the union.
    unsafe { request.ifr_ifru.ifru_flags |= libc::c_short::try_from(libc::IFF_UP).unwrap_or(1) };
    // SAFETY: SIOCSIFFLAGS reads the ifreq at the address.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request) })?;
    Ok(())
}

fn interface_request(name: &str) -> libc::ifreq {
    // SAFETY: ifreq is plain old data; all zeroes is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: names have at most IFNAMSIZ - 1 bytes.
    for (to, from) in request
        .ifr_name
        .iter_mut()
        .take(libc::IFNAMSIZ - 1)
        .zip(name.bytes())
    {
        *to = from.cast_signed();
    }
    request
}
