//! Why the built-in WireGuard does not carry packets, each in one sentence.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;
use vpnns_protocol::profile::wireguard::KeyError;

use crate::instance::client;
use crate::instance::control::Refusal;
use crate::tunnel::wireguard::SocketError;

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None, or two.
    #[error("the profile needs a private key, as private-key or as private-key-file")]
    NoKey,
    /// The key's file cannot be read.
    #[error("failed to read the private key in {}", path.display())]
    KeyFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key's file holds something else.
    #[error("there is no private key in {}", path.display())]
    BadKeyFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// No packet could be that large, or that small.
    #[error("the MTU {0} is not one that a tunnel can have")]
    Mtu(u32),
    /// Nothing to send from.
    #[error("the profile gives the tunnel no address")]
    NoAddress,
    /// Nobody to talk to.
    #[error("the profile names no peer")]
    NoPeer,
    /// An endpoint is neither address nor name with a port.
    #[error("the endpoint {0:?} is not HOST:PORT")]
    Endpoint(String),
    /// An endpoint's name has no address.
    #[error("the name {0} of the server does not resolve")]
    Resolve(String),
    /// There is no way to look a name up.
    #[error("failed to look up the name {name} of the server")]
    Lookup {
        /// The name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The sockets are not to be had.
    #[error(transparent)]
    Sockets(#[from] SocketError),
    /// The connection to the keeper broke before the tunnel was there.
    #[error("failed to ask the keeper for the tunnel")]
    Keeper(#[source] client::Error),
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The keeper answered something else.
    #[error("the keeper gave an answer that this version does not know")]
    Answer,
    /// Nobody has answered the first handshake.
    #[error("no answer to the WireGuard handshake with {peer} in {seconds} s")]
    NoAnswer {
        /// Where it went to.
        peer: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Packets cannot be carried.
    #[error("failed to carry packets")]
    Carry(#[source] Errno),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoKey => Some("exactly one of the two; wg genkey makes a key".to_owned()),
            Self::BadKeyFile { .. } => {
                Some("it holds what wg genkey prints, and no more".to_owned())
            }
            Self::Mtu(_) => Some("leave mtu out for 1420".to_owned()),
            Self::Endpoint(_) => {
                Some("as in vpn.example.com:51820 or [2001:db8::1]:51820".to_owned())
            }
            Self::Resolve(_) => {
                Some("check the name, and whether this computer is online".to_owned())
            }
            Self::Lookup { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "names are looked up with getent(1), which is missing; give an address".to_owned(),
            ),
            Self::Sockets(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::NoAnswer { .. } => Some(
                "a server is silent to whom it does not know: check the keys and the endpoint"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
