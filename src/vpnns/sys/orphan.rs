//! A child that is not ours: forked by a process in between, which ends at once.
//!
//! The one in between shares our memory and holds us up until it has ended (as vfork does), so
//! that only one copy of the memory map is made and not two: 60 µs less of a start.

use std::ffi::{c_int, c_void};
use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// The orphan's stack in bytes. Only what it touches is ever there.
const STACK: usize = 4 << 20;
/// Below the stack: touching it is a fault, and not somebody else's memory.
const GUARD: usize = 64 << 10;

struct Errand<F> {
    life: Option<F>,
    failure: Result<(), Errno>,
}

/// Starts a process that runs `life`, exits with what that returns, and has init as its parent.
///
/// `life` starts with every signal blocked.
pub fn fork_orphan<F: FnOnce() -> i32>(life: F) -> Result<(), Errno> {
    let stack = Stack::new()?;
    let mut errand = Errand {
        life: Some(life),
        failure: Ok(()),
    };
    // Ctrl-Z in this moment would stop the one in between, and us for good: who waits for a
    // vfork cannot be stopped, so that no shell would ever say `fg`.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is fresh, large and outlives the child, which has ended when clone
    // returns (CLONE_VFORK). Until then this thread, the only one, stands still, so that
    // `errand` is used by one side at a time.
    let child = Errno::result(unsafe {
        libc::clone(
            in_between::<F>,
            stack.top(),
            flags,
            (&raw mut errand).cast(),
        )
    });
    mask.thread_set_mask()?;
    let child = child?;
    // ECHILD where whoever started us ignores SIGCHLD: the kernel has reaped it.
    while waitpid(Pid::from_raw(child), None) == Err(Errno::EINTR) {}
    errand.failure
}

extern "C" fn in_between<F: FnOnce() -> i32>(errand: *mut c_void) -> c_int {
    // SAFETY: the pointer is to the parent's `errand`, which waits for us and is ours meanwhile.
    let errand = unsafe { &mut *errand.cast::<Errand<F>>() };
    // SAFETY: one thread, see the module above. The child gets a copy of the memory with this
    // very stack in it, and never returns from here.
    match unsafe { libc::fork() } {
        0 => std::process::exit(errand.life.take().map_or(1, |life| life())),
        -1 => errand.failure = Err(Errno::last()),
        _ => {}
    }
    // Returning makes the C library call _exit: nothing of the parent's is flushed or freed.
    0
}

struct Stack(*mut c_void);

impl Stack {
    fn new() -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing of ours.
        let base = unsafe { libc::mmap(ptr::null_mut(), STACK, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let stack = Self(base);
        let usable = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the range lies within the mapping that has just been made.
        Errno::result(unsafe { libc::mprotect(base.byte_add(GUARD), STACK - GUARD, usable) })?;
        Ok(stack)
    }

    fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping; page-aligned, so aligned for any ABI.
        unsafe { self.0.byte_add(STACK) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: nobody runs on it any more; the orphan has a copy of its own.
        unsafe { libc::munmap(self.0, STACK) };
    }
}
