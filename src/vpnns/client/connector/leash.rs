//! The leash between front and connector: what is said on it, one JSON object a packet.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::MsgFlags;
use serde::{Deserialize, Serialize};

use crate::sys;

/// More than any report needs; a longer one is cut by whoever writes it.
const MAX_REPORT: usize = 64 * 1024;

/// Why a connector gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One sentence.
    pub reason: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure that speaks for itself.
    pub fn new(reason: String) -> Self {
        Self { reason, hint: None }
    }

    /// The same with what to do.
    pub fn with_hint(reason: String, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { reason, hint }
    }
}

/// What the connector tells its front.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Something to show that is no state.
    Note {
        /// One sentence.
        text: String,
    },
    /// It is over.
    End {
        /// Why, unless somebody wanted it.
        failure: Option<Failure>,
    },
}

impl Report {
    /// Tells it; a front that is gone, or does not read, misses it.
    pub fn send(&self, leash: impl AsFd) {
        // Strings only: this cannot fail.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let _ = sys::socket::send(leash, &bytes, None);
    }

    /// Hears one; an error is the connector's end.
    pub fn receive(leash: impl AsFd) -> Result<Self, Errno> {
        let mut buffer = vec![0; MAX_REPORT];
        let (length, _) = sys::socket::receive(leash, &mut buffer, MsgFlags::MSG_DONTWAIT)?;
        if length == 0 {
            return Err(Errno::EPIPE);
        }
        serde_json::from_slice(&buffer[..length]).map_err(|_| Errno::EBADMSG)
    }
}
