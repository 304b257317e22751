//! `vpnns --stop`: ends the tunnel and every program of an instance.

use nix::sys::socket::MsgFlags;
use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use super::Error;
use crate::instance::control::{self, Reply, Request};
use crate::instance::{client, discovery, enter};

/// Asks the keeper and waits until it is gone.
pub fn stop(name: &InstanceName) -> Result<u8, Error> {
    let running = discovery::connect_by_name(name)?;
    // Apps of a killed keeper are found, and ended, through a new one.
    let adopted = match running {
        Some(client) => Some(client),
        None => enter::adopt_orphans(name)?,
    };
    let client = adopted.ok_or_else(|| Error::NotRunning(name.clone()))?;
    client.send(Request::Stop)?;
    loop {
        match control::receive::<Reply>(&client, MsgFlags::empty()) {
            Ok((reply, _)) => drop(reply.accepted()?),
            Err(control::Error::Closed) => return Ok(exit::SUCCESS),
            Err(error) => return Err(client::Error::from(error).into()),
        }
    }
}
