//! Questions of the server as dialogs.

use super::Window;
use crate::model::Vpn;

/// Shows it.
pub fn present(_window: &Window, _vpn: &Vpn) {}
