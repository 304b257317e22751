//! Applications that would hand a launch over to a copy of themselves outside: real ones, with that copy running.
//!
//! Each in a pair: as it is, the page is asked for through the tunnel; with `--recipe none` the very same call has the
//! copy outside ask for it, which proves that the test would see it.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "handoff/browser.rs"]
mod browser;
#[path = "handoff/copy.rs"]
mod copy;
#[path = "handoff/data.rs"]
mod data;
#[allow(dead_code)] // Of the desk only a part is used here.
#[path = "handoff/desk.rs"]
mod desk;
#[path = "handoff/gtk.rs"]
mod gtk;
#[path = "handoff/link.rs"]
mod link;
#[path = "handoff/session.rs"]
mod session;
