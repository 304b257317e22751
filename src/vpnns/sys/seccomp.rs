//! Seccomp user notification: some system calls of another program, answered by us.
//!
//! See seccomp_unotify(2). The filter is inherited by everything that the filtered process
//! starts; nobody can take it off again.

use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

/// What is trapped, and what is answered on the spot.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// ioctl requests to be trapped, by number.
    pub ioctls: Vec<u32>,
    /// Whether to trap `socket(AF_NETLINK, ..., NETLINK_ROUTE)`.
    pub route_sockets: bool,
    /// Whether to answer attempts to become another user with a success that changes nothing.
    pub ignore_identity: bool,
}

/// A trapped system call, whose caller waits.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// To answer by.
    pub id: u64,
    /// The calling thread; 0 if it is in no PID namespace of ours.
    pub thread: u32,
    /// The system call's number.
    pub number: i64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// Where a descriptor goes in the caller.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Over the one with this number, which is closed; the call is still to be answered.
    Over(RawFd),
    /// The lowest free number, which is also the call's result: it is answered with that.
    Result,
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCHITECTURE: u32 = 0xc000_00f3;

// From <linux/bpf_common.h>: load a word, compare, return.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// Filters this process and everything that it starts from now on; returns the descriptor by
/// which trapped calls are received.
///
/// EBUSY: it is filtered by such a filter already. EINVAL, ENOSYS: the kernel is before 5.0, or
/// built without.
pub fn install(filter: &Filter) -> Result<OwnedFd, Errno> {
    nix::sys::prctl::set_no_new_privs()?;
    let mut program = program(filter);
    let list = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?,
        filter: program.as_mut_ptr(),
    };
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let killable = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let set = |flags: libc::c_ulong| {
        // SAFETY: the kernel copies the program; `list` and what it points to outlive the call.
        Errno::result(unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const list,
            )
        })
    };
    // Linux 5.19: otherwise a signal, of which Go has many, starts a trapped call over again.
    let number = match set(listener | killable) {
        Err(Errno::EINVAL) => set(listener)?,
        other => other?,
    };
    // SAFETY: the kernel has just made this descriptor; descriptors fit an i32.
    #[allow(clippy::cast_possible_truncation)]
    Ok(unsafe { OwnedFd::from_raw_fd(number as libc::c_int) })
}

/// Waits for the next trapped call. ENOENT: its caller is gone meanwhile.
pub fn receive(listener: impl AsFd) -> Result<Call, Errno> {
    // SAFETY: seccomp_notif is plain old data, and the kernel wants it zeroed.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel fills the structure at the address, which outlives the call.
    Errno::result(unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) })?;
    Ok(Call {
        id: call.id,
        thread: call.pid,
        number: i64::from(call.data.nr),
        arguments: call.data.args,
    })
}

/// Whether the caller still waits: if not, its number may stand for another process by now.
pub fn is_waiting(listener: impl AsFd, call: &Call) -> bool {
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads one number at the address, which outlives the call.
    let answer = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const call.id) };
    answer == 0
}

/// Answers a call. ENOENT: its caller is gone.
pub fn answer(listener: impl AsFd, call: &Call, result: Result<i64, Errno>) -> Result<(), Errno> {
    let (val, error) = match result {
        Ok(value) => (value, 0),
        Err(errno) => (0, -(errno as i32)),
    };
    respond(listener, call.id, val, error, 0)
}

/// Lets the kernel carry the call out as if it had not been trapped.
pub fn pass(listener: impl AsFd, call: &Call) -> Result<(), Errno> {
    // A flag of one bit.
    #[allow(clippy::cast_possible_truncation)]
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    respond(listener, call.id, 0, 0, flags)
}

fn respond(listener: impl AsFd, id: u64, val: i64, error: i32, flags: u32) -> Result<(), Errno> {
    let mut response = libc::seccomp_notif_resp {
        id,
        val,
        error,
        flags,
    };
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads the structure at the address, which outlives the call.
    Errno::result(unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) })?;
    Ok(())
}

/// Gives the caller a descriptor.
pub fn add_fd(
    listener: impl AsFd,
    call: &Call,
    fd: impl AsFd,
    place: Place,
    close_on_exec: bool,
) -> Result<(), Errno> {
    // Not both flags at once: the call would then return the number.
    match place {
        Place::Over(number) => {
            let flags = libc::SECCOMP_ADDFD_FLAG_SETFD;
            put_fd(&listener, call, fd, flags, number, close_on_exec).map(drop)
        }
        Place::Result => {
            let flags = libc::SECCOMP_ADDFD_FLAG_SEND;
            match put_fd(&listener, call, &fd, flags, 0, close_on_exec) {
                // Before Linux 5.14 it takes two steps. A caller that a signal calls away between
                // them has a descriptor too many.
                Err(Errno::EINVAL) => {
                    let number = put_fd(&listener, call, fd, 0, 0, close_on_exec)?;
                    answer(listener, call, Ok(number.into()))
                }
                other => other.map(drop),
            }
        }
    }
}

/// Puts a descriptor into the caller; returns its number there.
fn put_fd(
    listener: impl AsFd,
    call: &Call,
    fd: impl AsFd,
    flags: libc::c_ulong,
    number: RawFd,
    close_on_exec: bool,
) -> Result<RawFd, Errno> {
    let close_on_exec = if close_on_exec { libc::O_CLOEXEC } else { 0 };
    // Flags of one bit each, and a number that the caller has given us as a descriptor.
    #[allow(clippy::cast_possible_truncation)]
    let mut request = libc::seccomp_notif_addfd {
        id: call.id,
        flags: flags as u32,
        srcfd: fd.as_fd().as_raw_fd().cast_unsigned(),
        newfd: number.cast_unsigned(),
        newfd_flags: close_on_exec.cast_unsigned(),
    };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads the structure at the address, which outlives the call.
    Errno::result(unsafe {
        libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw mut request)
    })
}

/// The filter as a program for the kernel: a load, a comparison and a jump for each question.
fn program(filter: &Filter) -> Vec<libc::sock_filter> {
    let mut program = Vec::new();
    let field = |offset: usize| u32::try_from(offset).unwrap_or_default();
    let argument = |index: usize| {
        // The lower half comes first on every architecture above.
        field(offset_of!(libc::seccomp_data, args) + index * 8)
    };
    let system_call = field(offset_of!(libc::seccomp_data, nr));
    // A program for another architecture is not understood, and so not trapped: its calls fail
    // for lack of privilege, as they would without us.
    load(&mut program, field(offset_of!(libc::seccomp_data, arch)));
    unless_equal(&mut program, ARCHITECTURE, libc::SECCOMP_RET_ALLOW);
    for request in &filter.ioctls {
        load(&mut program, system_call);
        let next = if_equal(&mut program, number(libc::SYS_ioctl));
        load(&mut program, argument(1));
        let other = if_equal(&mut program, *request);
        give(&mut program, libc::SECCOMP_RET_USER_NOTIF);
        land(&mut program, &[next, other]);
    }
    if filter.route_sockets {
        load(&mut program, system_call);
        let next = if_equal(&mut program, number(libc::SYS_socket));
        load(&mut program, argument(0));
        let family = if_equal(&mut program, libc::AF_NETLINK.cast_unsigned());
        load(&mut program, argument(2));
        let protocol = if_equal(&mut program, libc::NETLINK_ROUTE.cast_unsigned());
        give(&mut program, libc::SECCOMP_RET_USER_NOTIF);
        land(&mut program, &[next, family, protocol]);
    }
    if filter.ignore_identity {
        load(&mut program, system_call);
        for call in [
            libc::SYS_setuid,
            libc::SYS_setgid,
            libc::SYS_setreuid,
            libc::SYS_setregid,
            libc::SYS_setresuid,
            libc::SYS_setresgid,
            libc::SYS_setgroups,
            libc::SYS_capset,
        ] {
            let next = if_equal(&mut program, number(call));
            give(&mut program, libc::SECCOMP_RET_ERRNO);
            land(&mut program, &[next]);
        }
    }
    give(&mut program, libc::SECCOMP_RET_ALLOW);
    program
}

fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

fn load(program: &mut Vec<libc::sock_filter>, offset: u32) {
    push(program, LOAD, 0, offset);
}

fn give(program: &mut Vec<libc::sock_filter>, verdict: u32) {
    push(program, RETURN, 0, verdict);
}

fn unless_equal(program: &mut Vec<libc::sock_filter>, value: u32, verdict: u32) {
    program.push(libc::sock_filter {
        code: JUMP_IF_EQUAL,
        jt: 1,
        jf: 0,
        k: value,
    });
    give(program, verdict);
}

/// Goes on if equal, else to where the returned jump is made to [`land`].
fn if_equal(program: &mut Vec<libc::sock_filter>, value: u32) -> usize {
    push(program, JUMP_IF_EQUAL, 0, value);
    program.len() - 1
}

fn land(program: &mut [libc::sock_filter], jumps: &[usize]) {
    for jump in jumps {
        let distance = program.len() - jump - 1;
        // The longest question above has seven steps.
        program[*jump].jf = u8::try_from(distance).unwrap_or(u8::MAX);
    }
}

fn push(program: &mut Vec<libc::sock_filter>, code: u16, jf: u8, k: u32) {
    program.push(libc::sock_filter { code, jt: 0, jf, k });
}
