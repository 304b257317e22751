//! Another process's memory, and ioctls on its behalf.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

/// Length of struct ifreq in bytes.
pub const INTERFACE_REQUEST: usize = size_of::<libc::ifreq>();

/// Reads from a stopped or waiting thread's memory. EPERM: it does not let us (ptrace(2)).
pub fn read(thread: Pid, address: u64, buffer: &mut [u8]) -> Result<(), Errno> {
    let base = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let len = buffer.len();
    let remote = [RemoteIoVec { base, len }];
    match process_vm_readv(thread, &mut [IoSliceMut::new(buffer)], &remote)? {
        read if read == len => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// Writes to it.
pub fn write(thread: Pid, address: u64, bytes: &[u8]) -> Result<(), Errno> {
    let base = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let len = bytes.len();
    let remote = [RemoteIoVec { base, len }];
    match process_vm_writev(thread, &[IoSlice::new(bytes)], &remote)? {
        written if written == len => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// Carries out an ioctl whose argument is one ifreq without pointers in it.
///
/// `request` must be one of [`is_plain`]; EINVAL otherwise.
pub fn interface_ioctl(
    socket: impl AsFd,
    request: u32,
    argument: &mut [u8; INTERFACE_REQUEST],
) -> Result<i64, Errno> {
    if !is_plain(request) {
        return Err(Errno::EINVAL);
    }
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: each of these requests reads and writes within one ifreq, which the array is as
    // long as and outlives the call; none follows a pointer in it.
    let result = Errno::result(unsafe {
        libc::ioctl(fd, libc::Ioctl::from(request), argument.as_mut_ptr())
    })?;
    Ok(i64::from(result))
}

/// The ioctls of netdevice(7) by name of the device that carry their argument in the ifreq.
pub const PLAIN: [u32; 17] = [
    0x8913, // SIOCGIFFLAGS
    0x8914, // SIOCSIFFLAGS
    0x8915, // SIOCGIFADDR
    0x8916, // SIOCSIFADDR
    0x8917, // SIOCGIFDSTADDR
    0x8918, // SIOCSIFDSTADDR
    0x8919, // SIOCGIFBRDADDR
    0x891a, // SIOCSIFBRDADDR
    0x891b, // SIOCGIFNETMASK
    0x891c, // SIOCSIFNETMASK
    0x891d, // SIOCGIFMETRIC
    0x8921, // SIOCGIFMTU
    0x8922, // SIOCSIFMTU
    0x8927, // SIOCGIFHWADDR
    0x8933, // SIOCGIFINDEX
    0x8942, // SIOCGIFTXQLEN
    0x8943, // SIOCSIFTXQLEN
];

/// Whether an ioctl is one of [`PLAIN`].
pub fn is_plain(request: u32) -> bool {
    PLAIN.contains(&request)
}
