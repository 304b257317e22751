//! Processes: fork, pidfds, and the title that `ps` shows.

pub use super::orphan::fork_orphan;

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{ForkResult, Pid, getppid, setsid};

/// Forks; the child is this program's own code, as free as the parent.
pub fn fork() -> Result<ForkResult, Errno> {
    // SAFETY: the program has one thread (see the module above), so no lock can be held by a
    // thread that does not exist in the child.
    unsafe { nix::unistd::fork() }
}

/// A descriptor for a process; it becomes readable when the process ends (pidfd_open(2), 5.3).
pub fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: pidfd_open takes two integers and returns a new descriptor or -1.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    // SAFETY: the kernel has just made this descriptor; descriptors fit an i32.
    #[allow(clippy::cast_possible_truncation)]
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Sends a signal to the very process that the descriptor was opened for; `None` only asks
/// whether it is still there (ESRCH if not).
pub fn pidfd_send_signal(pidfd: impl AsFd, signal: Option<Signal>) -> Result<(), Errno> {
    let number = signal.map_or(0, |signal| signal as libc::c_int);
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo makes the kernel fill it in as kill(2) does.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            number,
            info,
            0,
        )
    })?;
    Ok(())
}

/// Lets whoever wakes us run on (SCHED_BATCH) instead of making way for us at once; a policy that
/// somebody has chosen stays, and children start with the usual one.
pub fn interrupt_nobody() -> Result<(), Errno> {
    // SAFETY: sched_getscheduler takes a number, and changes no memory.
    let policy = Errno::result(unsafe { libc::sched_getscheduler(0) })?;
    if policy != libc::SCHED_OTHER {
        return Ok(());
    }
    let policy = libc::SCHED_BATCH | libc::SCHED_RESET_ON_FORK;
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters are read only, and outlive the call.
    Errno::result(unsafe { libc::sched_setscheduler(0, policy, &raw const none) }).map(drop)
}

/// A copy of a descriptor of that process's (pidfd_getfd(2), 5.6); it takes the right to trace it.
pub fn pidfd_getfd(pidfd: impl AsFd, number: RawFd) -> Result<OwnedFd, Errno> {
    let raw = pidfd.as_fd().as_raw_fd();
    // SAFETY: pidfd_getfd takes three integers and returns a new descriptor or -1.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, raw, number, 0) })?;
    // SAFETY: the kernel has just made this descriptor; descriptors fit an i32.
    #[allow(clippy::cast_possible_truncation)]
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Whether a pidfd's process runs. Not by a signal: that reaches a zombie, too.
pub fn is_alive(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO) == Ok(0)
}

/// Sets a signal to ignored in this process.
pub fn ignore(which: Signal) {
    // SAFETY: SIG_IGN installs no handler. It cannot fail for the signals we name.
    let _ = unsafe { signal(which, SigHandler::SigIgn) };
}

/// Sets a signal to its default action in this process.
pub fn restore(which: Signal) {
    // SAFETY: SIG_DFL installs no handler. It cannot fail for the signals we name.
    let _ = unsafe { signal(which, SigHandler::SigDfl) };
}

/// Overwrites the command line that `ps` shows, as far as the original one was long.
///
/// A keeper is forked from the launcher of an app: without this, `ps` would show the app's
/// arguments (they may hold secrets) for as long as the keeper lives, and `pkill -f` would
/// hit the keeper along with the app.
pub fn set_title(title: &str) {
    let Some((start, end)) = argument_area() else {
        return;
    };
    let length = end - start;
    let mut bytes = title.as_bytes().to_vec();
    bytes.resize(length, 0);
    // The kernel shows the text up to a NUL in the last byte.
    bytes[length - 1] = 0;
    // SAFETY: the kernel's own record (proc_pid_stat(5), fields 48 and 49) says that
    // start..end is the writable area on the stack where execve put the arguments. std reads
    // it again when asked for the arguments, as C strings: the last byte is NUL, so that it stays
    // within, and a keeper does not ask.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start as *mut u8, length) };
}

fn argument_area() -> Option<(usize, usize)> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name may hold spaces and parentheses; fields are counted from its end.
    let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
    let start = fields.nth(48 - 3)?.parse().ok()?;
    let end = fields.next()?.trim().parse().ok()?;
    (0 < start && start < end).then_some((start, end))
}

/// Sets an environment variable of this process, for the command that it becomes.
pub fn set_environment(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: nothing reads the environment at the same time in a program with one thread.
    unsafe { std::env::set_var(name, value) };
}

/// Takes an environment variable of this process away, from the command that it becomes.
pub fn unset_environment(name: &str) {
    // SAFETY: nothing reads the environment at the same time in a program with one thread.
    unsafe { std::env::remove_var(name) };
}

/// Makes an exec by root treat it like any other user (SECBIT_NOROOT, capabilities(7)).
pub fn root_without_privilege() -> Result<(), Errno> {
    const NOROOT_LOCKED: libc::c_ulong = 0b11;
    // SAFETY: PR_SET_SECUREBITS takes one number, and changes no memory.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, NOROOT_LOCKED, 0, 0, 0) })?;
    Ok(())
}

/// Ties the life of a command to ours: when this process ends, however it ends, the command gets
/// the signal. It also starts with no signal blocked, and with `apart` in a session of its own.
pub fn tie(command: &mut Command, signal: Signal, apart: bool) {
    let parent = Pid::this();
    // SAFETY: after the fork of a program with one thread anything may be called; these are
    // plain system calls.
    unsafe {
        command.pre_exec(move || {
            if apart {
                setsid()?;
            }
            set_pdeathsig(signal)?;
            // We may have ended before that was in force.
            if getppid() != parent {
                return Err(Errno::ESRCH.into());
            }
            SigSet::empty().thread_set_mask()?;
            Ok(())
        });
    }
}
