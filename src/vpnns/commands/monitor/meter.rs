//! What has passed through an instance's tunnel, asked of its keeper.

use std::path::PathBuf;
use std::time::Duration;

use vpnns_protocol::instance::Counters;

use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::instance::discovery;

/// How long a keeper may take: the monitor has others to listen to.
const PATIENCE: Duration = Duration::from_millis(300);

/// A connection of its own: a keeper from before there were counters hangs up on whoever asks for
/// them, and the one that tells the changes is to stay.
pub struct Meter {
    path: PathBuf,
    keeper: Option<Client>,
    /// Its keeper cannot tell.
    is_useless: bool,
}

impl Meter {
    /// For the instance with this state directory. Nothing is connected to yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            keeper: None,
            is_useless: false,
        }
    }

    /// What has passed until now, where there is a tunnel and the keeper tells it.
    pub fn read(&mut self) -> Option<Counters> {
        if self.is_useless {
            return None;
        }
        let keeper = match self.keeper.take() {
            Some(keeper) => keeper,
            None => discovery::connect(self.path.clone())?,
        };
        keeper.send(Request::Counters).ok()?;
        match keeper.receive_within(PATIENCE) {
            Ok(Some((Reply::Counters { counters }, _))) => {
                self.keeper = Some(keeper);
                counters
            }
            Ok(Some(_)) => {
                self.is_useless = true;
                None
            }
            // Busy, stopped or gone: the next time with a new connection.
            Ok(None) | Err(_) => None,
        }
    }
}
