//! `vpnns --disconnect`: takes the tunnel of an instance down in order; its programs stay.

use std::time::{Duration, Instant};

use vpnns_protocol::exit;
use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::name::InstanceName;

use super::Error;
use crate::instance::control::{Reply, Request};
use crate::instance::discovery;

/// How long logging out may take: longer than a connector gives its client.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks the keeper and waits until the tunnel is down.
pub fn disconnect(name: &InstanceName) -> Result<u8, Error> {
    let keeper =
        discovery::connect_by_name(name)?.ok_or_else(|| Error::NotRunning(name.clone()))?;
    keeper.send(Request::Watch)?;
    keeper.send(Request::Disconnect)?;
    let deadline = Instant::now() + PATIENCE;
    let mut is_told = false;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        match keeper.receive_within(rest) {
            Ok(Some((Reply::Status(instance), _))) if is_told && is_down(&instance) => {
                return Ok(exit::SUCCESS);
            }
            Ok(Some((Reply::Done { .. }, _))) => {
                is_told = true;
                // It may have been so quick that no change follows; a keeper that has gone by now
                // is heard of below.
                let _ = keeper.send(Request::Status);
            }
            Ok(Some((reply, _))) => drop(reply.accepted()?),
            Ok(None) => return Err(Error::StillUp(name.clone())),
            // An instance that nobody uses any more ends with its tunnel.
            Err(_) => return Ok(exit::SUCCESS),
        }
    }
}

fn is_down(instance: &Instance) -> bool {
    instance.tunnel.is_none() && matches!(instance.state, State::Isolated | State::Failed { .. })
}
