//! The installed Flatpak: its window, its tray icon, its command line and a browser, as the user of a host has them.

#![allow(clippy::unwrap_used)]

mod support;

#[allow(dead_code)] // The Flatpak has a test of its own for what it leaves behind.
#[path = "artefacts/browser.rs"]
mod browser;
#[path = "flatpak/clean.rs"]
mod clean;
#[path = "flatpak/command.rs"]
mod command;
#[path = "handoff/copy.rs"]
mod copy;
#[allow(dead_code)] // Of the desk only a part is used here.
#[path = "handoff/desk.rs"]
mod desk;
#[path = "flatpak/browser.rs"]
mod firefox;
#[path = "flatpak/installed.rs"]
mod installed;
#[path = "flatpak/window.rs"]
mod window;

use std::time::Duration;

/// How long something may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
