//! Descriptors: inherited by number, moved to a number, closed by range.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use nix::sys::socket::{SockFlag, accept4};

/// Takes over a descriptor that the parent process left open for us under a known number.
pub fn inherited(number: RawFd) -> Result<OwnedFd, Errno> {
    // The standard streams belong to std, and a wrong number must not close one of them.
    if number <= libc::STDERR_FILENO {
        return Err(Errno::EBADF);
    }
    // SAFETY: F_SETFD sets a flag of whatever the number stands for; EBADF if nothing. What we
    // start in turn (a script) is not to hold the client's socket.
    Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open (checked above), and the environment gives it to us once,
    // before this program has opened anything that it still holds.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Keeps a descriptor from the programs that are started.
pub fn close_on_exec(fd: impl AsFd) -> Result<(), Errno> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

/// Makes reading and writing return rather than wait.
pub fn set_nonblocking(fd: impl AsFd) -> Result<(), Errno> {
    let flags = OFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

/// Takes a waiting connection from a listening socket, close-on-exec and non-blocking.
pub fn accept(listener: impl AsFd) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = accept4(listener.as_fd().as_raw_fd(), flags)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Moves a descriptor to a fixed number, closing whatever was there, close-on-exec.
pub fn move_to(fd: OwnedFd, number: RawFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() == number {
        return Ok(fd);
    }
    // SAFETY: dup3 has no memory effect; the caller makes sure that
    // no owned value has this number.
    Errno::result(unsafe { libc::dup3(fd.as_raw_fd(), number, libc::O_CLOEXEC) })?;
    // SAFETY: dup3 has just opened `number`, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor from 3 on but those given.
///
/// Only for a freshly forked process that goes on with nothing but `keep`: values that own other
/// descriptors must not be used or dropped afterwards.
pub fn close_all_but(keep: &[RawFd]) {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|fd| *fd >= 3).collect();
    keep.sort_unstable();
    let mut from = 3;
    for fd in keep.into_iter().chain([RawFd::MAX]) {
        if from < fd {
            let (first, last) = (from.cast_unsigned(), (fd - 1).cast_unsigned());
            // SAFETY: closing descriptors touches no memory; the contract above covers owners.
            let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
            if closed == -1 {
                close_each(from..fd);
            }
        }
        from = fd.saturating_add(1);
    }
}

/// The same where a container's filter knows no close_range (Linux 5.9).
fn close_each(range: std::ops::Range<RawFd>) {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let numbers: Vec<RawFd> = open
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in numbers.into_iter().filter(|number| range.contains(number)) {
        // SAFETY: as above. The directory's own number is closed already (EBADF).
        unsafe { libc::close(number) };
    }
}

/// Makes sure that 0, 1 and 2 are open, so that nothing we open lands there by accident.
pub fn ensure_standard_streams() {
    for number in 0..=2 {
        // SAFETY: F_GETFD only reads a flag, and open returns the lowest free number, which is
        // `number` because all lower ones are open; it is left open on purpose.
        unsafe {
            if libc::fcntl(number, libc::F_GETFD) == -1 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}
