//! Installed applications: which are found, and what starts when one is opened in an instance.
//!
//! All entries are made up, in data directories of the test's own.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "apps/action.rs"]
mod action;
#[path = "apps/desktop.rs"]
mod desktop;
#[path = "apps/entry.rs"]
mod entry;
#[path = "apps/exec.rs"]
mod exec;
#[path = "apps/hostile.rs"]
mod hostile;
#[path = "apps/inside.rs"]
mod inside;
#[path = "apps/locale.rs"]
mod locale;
#[path = "apps/menu.rs"]
mod menu;
#[path = "apps/refusal.rs"]
mod refusal;
#[path = "apps/terminal.rs"]
mod terminal;
