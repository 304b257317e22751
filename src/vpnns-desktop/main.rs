//! Per-App VPN: choose applications, run them through a VPN, see the truth.
//!
//! # Theory of operation
//!
//! ```text
//! helper (runs vpnns) ──> monitor (reads its events) ──> model (no widgets) ──> Presentation ──> widgets, tray
//!        ^                                                                                        │
//!        └───────────────────────────── actions of the application <──────────────────────────────┘
//! ```
//!
//! Whatever is shown comes from `vpnns --monitor --json`; whatever is done is a call of `vpnns`. The
//! app keeps no state of a VPN of its own, so that it may crash and be started again at any time.
#![forbid(unsafe_code)]

mod application;
mod config;
mod executable;
mod helper;
mod i18n;
mod launcher;
mod model;
mod monitor;
mod runtime;
mod sandbox;
mod secrets;
mod session;
mod tray;
mod widgets;

use std::os::unix::process::CommandExt;
use std::process::Command;

use adw::prelude::*;
use gtk::{gio, glib};

fn main() -> glib::ExitCode {
    without_screen_reader_where_that_crashes();
    i18n::init();
    glib::set_application_name(&i18n::gettext("Per-App VPN"));
    if let Err(error) = gio::resources_register_include!("vpnns-desktop.gresource") {
        eprintln!("vpnns-desktop: failed to read the built-in resources: {error}");
        return glib::ExitCode::FAILURE;
    }
    application::Application::new().run()
}

/// Without a session bus GTK 4.8 crashes by what it tells a screen reader whose bus it finds in another way
/// (a property of the X server): starts the program again with that switched off.
fn without_screen_reader_where_that_crashes() {
    const SWITCH: &str = "GTK_A11Y";
    const OFF: &str = "none";
    let is_off = std::env::var_os(SWITCH).is_some_and(|value| value == OFF);
    if is_off || gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).is_ok() {
        return;
    }
    // By exec and not by set_var, which is unsafe. If that fails, most is well without it.
    if let Ok(program) = std::env::current_exe() {
        let words = std::env::args_os().skip(1);
        let error = Command::new(program).args(words).env(SWITCH, OFF).exec();
        eprintln!("vpnns-desktop: cannot start again without a screen reader: {error}");
    }
}
