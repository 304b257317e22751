//! Questions to namespace descriptors (ioctl_ns(2)) and to sockets about their network namespace.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

// From <linux/nsfs.h>: _IO(0xb7, n). Other numbers on MIPS, PowerPC and SPARC.
#[cfg(any(
    target_arch = "mips64",
    target_arch = "powerpc64",
    target_arch = "sparc64"
))]
compile_error!("the numbers of the namespace requests differ on this architecture");
const NS_GET_USERNS: libc::c_ulong = 0xb701;
const NS_GET_PARENT: libc::c_ulong = 0xb702;
const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;

/// The user namespace that owns this namespace.
pub fn owner(namespace: impl AsFd) -> Result<OwnedFd, Errno> {
    related(namespace, NS_GET_USERNS)
}

/// The parent of this user namespace.
pub fn parent(namespace: impl AsFd) -> Result<OwnedFd, Errno> {
    related(namespace, NS_GET_PARENT)
}

fn related(namespace: impl AsFd, request: libc::c_ulong) -> Result<OwnedFd, Errno> {
    // SAFETY: these requests take no argument and return a new descriptor or -1.
    let fd = Errno::result(unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), request) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The user id, as seen from our own user namespace, of whoever made this user namespace.
pub fn owner_uid(namespace: impl AsFd) -> Result<u32, Errno> {
    let mut uid: libc::uid_t = 0;
    // SAFETY: NS_GET_OWNER_UID writes one uid_t to the address, which outlives the call.
    Errno::result(unsafe {
        libc::ioctl(
            namespace.as_fd().as_raw_fd(),
            NS_GET_OWNER_UID,
            &raw mut uid,
        )
    })?;
    Ok(uid)
}

/// The cookie of a socket's network namespace: never used twice while the machine runs (5.14).
pub fn cookie(socket: impl AsFd) -> Result<u64, Errno> {
    let mut cookie = 0_u64;
    let mut length: libc::socklen_t = 8;
    // SAFETY: the option is 8 bytes, and both addresses outlive the call.
    Errno::result(unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    })?;
    Ok(cookie)
}
