//! The snapshot of an instance: what `--list`, `--status` and `--monitor` tell.

use serde::{Deserialize, Serialize};

use crate::name::InstanceName;
use crate::network::NetworkConfig;
use crate::port::Port;
use crate::profile::wireguard::PublicKey;
use crate::question::Question;

/// The state of an instance. No keeper means no instance, so there is no "off" here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// The namespaces are up and there is no tunnel: the safe state.
    Isolated,
    /// A tunnel is on its way up.
    Connecting {
        /// What is being done right now, in a few words.
        stage: String,
    },
    /// The tunnel carries traffic.
    Connected,
    /// The device and its addresses are kept, nothing passes.
    Reconnecting,
    /// Isolated again, for a reason.
    Failed {
        /// One sentence for the user.
        reason: String,
    },
}

impl State {
    /// The state's name as it stands in JSON, log, window and man page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Connecting { .. } => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A program running in an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// Its process id in the host.
    pub pid: u32,
    /// The name of its program, without arguments: those may hold secrets.
    pub command: String,
    /// The program that has started it, where that one is in the instance as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The launcher entry that it, or what has started it, was opened by: `firefox.desktop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// The VPN client at the other end of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The name of its program, as the kernel tells it.
    pub name: String,
    /// Its process id in the host.
    pub pid: u32,
}

/// A tunnel as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The VPN client that carries the packets.
    pub client: Client,
    /// The device's name inside the instance.
    pub device: String,
    /// The server's address, where the client tells it.
    pub gateway: Option<String>,
    /// When the tunnel came up, in seconds since 1970-01-01 UTC.
    pub since: u64,
    /// Whether a script of the user's configured the device instead of the keeper.
    pub script: bool,
    /// Addresses, routes and resolvers in force; with a script, what the client announced.
    pub network: NetworkConfig,
    /// What has passed since the device was made.
    #[serde(default)]
    pub counters: Counters,
    /// How often the tunnel has come back after it was lost.
    #[serde(default)]
    pub reconnects: u32,
    /// What the client tells about itself.
    #[serde(flatten, default)]
    pub facts: Facts,
}

/// What has passed through a tunnel, seen from inside the instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Counters {
    /// Bytes that came in.
    pub received_bytes: u64,
    /// Bytes that went out.
    pub sent_bytes: u64,
    /// Packets that came in.
    pub received_packets: u64,
    /// Packets that went out.
    pub sent_packets: u64,
}

/// What only the VPN client knows about a tunnel; what it does not tell is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Facts {
    /// The server as the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The cipher in use, in the client's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// When the server ends the session, in seconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// After how many seconds without traffic the server ends the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u32>,
    /// WireGuard's peers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
}

/// A WireGuard peer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Peer {
    /// Its public key.
    pub public_key: PublicKey,
    /// Where it was last heard from, or is expected: address and port.
    pub endpoint: Option<String>,
    /// When the last handshake was completed, in seconds since 1970-01-01 UTC.
    pub handshake: Option<u64>,
    /// Bytes received from it, inside the tunnel.
    pub received_bytes: u64,
    /// Bytes sent to it, inside the tunnel.
    pub sent_bytes: u64,
}

/// A wait before the next try to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// When it is over, in seconds since 1970-01-01 UTC.
    pub at: u64,
    /// Why the last try has failed, in one sentence, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Everything known about one instance at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instance {
    /// Its identifier.
    pub name: InstanceName,
    /// Its state, flattened: `"state": "failed", "reason": "..."`.
    #[serde(flatten)]
    pub state: State,
    /// When it entered this state, in seconds since 1970-01-01 UTC.
    pub since: u64,
    /// In the state failed: what to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// While a lost or failed connection waits for its next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The programs are stopped until the VPN is back, as the profile wants it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// The process id of its keeper in the host.
    pub keeper: u32,
    /// The profile that is, or was last, brought up in it.
    #[serde(default)]
    pub profile: Option<String>,
    /// What the user is asked right now.
    #[serde(default)]
    pub question: Option<Question>,
    /// The programs running in it.
    pub apps: Vec<App>,
    /// Its tunnel, if there is one.
    pub tunnel: Option<Tunnel>,
    /// The ports that are open between it and its surroundings.
    #[serde(default)]
    pub ports: Vec<Port>,
}

/// The document that `--list --json` and `--status --json` print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// The running instances, sorted by name.
    pub instances: Vec<Instance>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_flattened_into_the_instance() {
        let instance = Instance {
            name: InstanceName::default(),
            state: State::Failed {
                reason: "wrong password".into(),
            },
            since: 1,
            hint: None,
            retry: None,
            frozen: false,
            keeper: 2,
            profile: None,
            question: None,
            apps: vec![],
            tunnel: None,
            ports: vec![],
        };
        let json = serde_json::to_value(&instance).unwrap_or_default();
        assert_eq!(json["state"], "failed");
        assert_eq!(json["reason"], "wrong password");
        assert_eq!(
            serde_json::from_value::<Instance>(json).ok(),
            Some(instance)
        );
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let json = r#"{"name":"a","state":"isolated","since":0,"keeper":1,"apps":[],
                       "tunnel":null,"from the future":[1]}"#;
        assert_eq!(
            serde_json::from_str::<Instance>(json).map(|i| i.state).ok(),
            Some(State::Isolated)
        );
    }
}
