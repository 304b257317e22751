//! Instances as their user meets them: started, joined, killed, looked at, ended. No VPN but in one test.
//!
//! Each test has a [`support::Session`] of its own, which fails the test if it leaves a process behind.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "instance/busy.rs"]
mod busy;
#[path = "instance/close.rs"]
mod close;
#[path = "instance/detached.rs"]
mod detached;
#[path = "instance/etc.rs"]
mod etc;
#[path = "instance/exit.rs"]
mod exit;
#[path = "instance/filtered.rs"]
mod filtered;
#[path = "instance/forbidden.rs"]
mod forbidden;
#[path = "instance/home.rs"]
mod home;
#[path = "instance/hostname.rs"]
mod hostname;
#[path = "instance/identity.rs"]
mod identity;
#[path = "instance/joining.rs"]
mod joining;
#[path = "instance/killed.rs"]
mod killed;
#[path = "instance/masks.rs"]
mod masks;
#[path = "instance/monitor.rs"]
mod monitor;
#[path = "instance/original.rs"]
mod original;
#[path = "instance/output.rs"]
mod output;
#[path = "instance/race.rs"]
mod race;
#[path = "instance/shell.rs"]
mod shell;
#[path = "instance/stale.rs"]
mod stale;
#[path = "instance/stop.rs"]
mod stop;
#[path = "instance/terminal.rs"]
mod terminal;
#[path = "instance/untouched.rs"]
mod untouched;
#[path = "instance/versions.rs"]
mod versions;
#[path = "instance/view.rs"]
mod view;
