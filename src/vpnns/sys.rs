//! The system calls that nix does not offer safely, and the only `unsafe` of this program.
//!
//! # Theory of operation
//!
//! The program never starts a thread: `unshare` and `setns` of a user namespace are refused in a
//! threaded process, and a fork of a single-threaded process may go on to do anything. The one
//! async runtime (for rtnetlink) is tokio's current-thread one. Every block below relies on that
//! where it says so, and each function here takes and returns owned types, so that its callers
//! need no care of their own.

pub mod batch;
pub mod clock;
mod entry;
pub mod fd;
pub mod memory;
pub mod namespace;
mod orphan;
pub mod process;
pub mod seccomp;
pub mod socket;
pub mod tun;
pub mod udp;
