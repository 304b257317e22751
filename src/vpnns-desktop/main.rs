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
mod helper;
mod i18n;
mod launcher;
mod model;
mod monitor;
mod runtime;
mod secrets;
mod session;
mod tray;
mod widgets;

use adw::prelude::*;
use gtk::{gio, glib};

fn main() -> glib::ExitCode {
    i18n::init();
    glib::set_application_name(&i18n::gettext("Per-App VPN"));
    if let Err(error) = gio::resources_register_include!("vpnns-desktop.gresource") {
        eprintln!("vpnns-desktop: failed to read the built-in resources: {error}");
        return glib::ExitCode::FAILURE;
    }
    application::Application::new().run()
}
