//! What `vpnns --log --json` prints: the last things that have happened to an instance.

use serde::{Deserialize, Serialize};

/// The document of `--log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The lines, oldest first; those before are forgotten.
    pub lines: Vec<Line>,
}

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in seconds since 1970-01-01 UTC.
    pub time: u64,
    /// What: a state, a stage, a note, or a line of the VPN client's own. Never a secret.
    pub text: String,
}
