//! Choosing an installed application to open in a VPN.

use super::Window;
use crate::model::Vpn;

/// Shows it.
pub fn present(_window: &Window, _vpn: &Vpn) {}

/// The options of the helper with which an application is opened, as the settings say.
pub fn options_for(_session: &crate::session::Session, _entry: &str) -> Vec<String> {
    Vec::new()
}
