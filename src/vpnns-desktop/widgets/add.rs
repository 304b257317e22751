//! Adding, editing, duplicating and deleting a VPN.

use gtk::gio;

use super::Window;
use crate::model::Vpn;

/// Asks for the kind, then for the rest.
pub fn present(_window: &Window) {}

/// Asks for a file to import.
pub fn import_file(_window: &Window) {}

/// Imports a file.
pub fn import(_window: &Window, _file: &gio::File) {}

/// Adds the demonstration, and connects it.
pub fn add_demonstration(_window: &Window) {}

/// Edits a VPN.
pub fn edit(_window: &Window, _vpn: &Vpn) {}

/// Adds a copy of a VPN.
pub fn duplicate(_window: &Window, _vpn: &Vpn) {}

/// Deletes a VPN, after a question.
pub fn delete(_window: &Window, _vpn: &Vpn) {}
