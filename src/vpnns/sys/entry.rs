//! The C entry point: Rust's own is left out.
//!
//! Rust's runtime would set SIGPIPE to ignored, which the command that we become would inherit,
//! and it costs a tenth of the time that joining an instance takes.
#![cfg(not(test))]

use std::ffi::{c_char, c_int};

/// Called by the C library; `std::env` has the arguments from its own initialiser.
// SAFETY: no other symbol of this name exists, since the crate is built with `no_main`.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    c_int::from(crate::enter())
}
