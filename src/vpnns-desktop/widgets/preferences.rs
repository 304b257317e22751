//! The settings window.

use super::Window;

/// Shows it.
pub fn present(_window: &Window) {}
