//! `vpnns --close`: ends one program of an instance, with what it has started.

use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use super::{Error, tell};
use crate::instance::control::Request;

/// Asks the keeper; does not wait for the program's end.
pub fn close(name: &InstanceName, pid: u32, force: bool) -> Result<u8, Error> {
    tell(name, Request::Close { pid, force })?;
    Ok(exit::SUCCESS)
}
