//! The lines that `--monitor --json` writes, one JSON object a line.

use serde::{Deserialize, Serialize};

use crate::instance::{Counters, Instance};
use crate::name::InstanceName;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The monitor has told every instance that was there when it started.
    Ready,
    /// An instance is there that was not known before.
    Appeared {
        /// Its snapshot.
        instance: Instance,
    },
    /// Something about an instance is different now.
    Changed {
        /// Its new snapshot, whole.
        instance: Instance,
    },
    /// An instance is gone.
    Gone {
        /// Its identifier.
        name: InstanceName,
    },
    /// What has passed through a connected instance's tunnel by now. Only if asked for.
    Traffic {
        /// Its identifier.
        name: InstanceName,
        /// Since the tunnel's device was made.
        counters: Counters,
    },
    /// A newer helper says something that this reader does not know.
    #[serde(other)]
    Unknown,
}

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_future_is_read_as_unknown() {
        let line = r#"{"version":1,"event":"invented-later"}"#;
        assert_eq!(
            serde_json::from_str::<Line>(line).map(|l| l.event).ok(),
            Some(Event::Unknown)
        );
    }
}
