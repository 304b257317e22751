//! `vpnns --reconnect`: makes a connection anew at once, or the next try of a lost one.

use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use super::{Error, tell};
use crate::instance::control::Request;

/// Asks the keeper, which passes it on; does not wait for what comes of it.
pub fn reconnect(name: &InstanceName) -> Result<u8, Error> {
    tell(name, Request::Reconnect)?;
    Ok(exit::SUCCESS)
}
