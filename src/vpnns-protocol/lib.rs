//! What the helper `vpnns` and the desktop app say to one another.
//!
//! Pure data: names, states, snapshots, events and exit codes, with their JSON form. Nothing in
//! here does I/O or a system call, and nothing knows the kernel, GTK or either of the two faces.
//!
//! Every JSON document carries `"version": 1`. Readers ignore fields they do not know; a field
//! changes its meaning only together with the version.
#![forbid(unsafe_code)]

pub mod app;
pub mod argv;
pub mod event;
pub mod exit;
pub mod finding;
pub mod instance;
pub mod log;
pub mod name;
pub mod network;
pub mod port;
pub mod profile;
pub mod question;

/// The version that every JSON document of the helper carries.
pub const VERSION: u32 = 1;
