//! The log of one VPN.

use super::Window;
use crate::model::Vpn;

/// Shows it.
pub fn present(_window: &Window, _vpn: &Vpn) {}
