//! `[wireguard]`: an interface and its peers, in the words of wg(8) and wg-quick(8).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WireGuard {
    /// The private key; exactly one of this and `private-key-file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretKey>,
    /// A file that holds the private key in base64 and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_file: Option<PathBuf>,
    /// The device's addresses.
    pub addresses: Vec<IpNet>,
    /// Largest packet inside the tunnel, in bytes; 1420 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The UDP port to send from; the kernel's choice unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_port: Option<u16>,
    /// Domains that are appended to short names, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Its peers.
    #[serde(rename = "peer")]
    pub peers: Vec<Peer>,
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// Its public key.
    pub public_key: PublicKey,
    /// A key shared with it beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preshared_key: Option<SecretKey>,
    /// Where to reach it: `host:port`, `192.0.2.1:51820` or `[2001:db8::1]:51820`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What is sent to it, and accepted from it.
    pub allowed_ips: Vec<IpNet>,
    /// Seconds between two empty packets that keep a NAT open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_keepalive: Option<u16>,
}

impl Peer {
    /// Whether a text is an endpoint: a host, or an IPv6 address in brackets, and a port.
    pub fn is_endpoint(text: &str) -> bool {
        super::check::is_endpoint(text)
    }
}

impl WireGuard {
    /// Whether a text is a search domain.
    pub fn is_domain(text: &str) -> bool {
        super::check::is_domain(text)
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a WireGuard key is 32 bytes in base64: 44 characters, the last one '='")]
pub struct KeyError;

/// A Curve25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// A private or preshared key. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretKey(pub [u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text).map(Self)
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text).map(Self)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl TryFrom<String> for SecretKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        encode(key.0)
    }
}

impl From<SecretKey> for String {
    fn from(key: SecretKey) -> Self {
        encode(key.0)
    }
}

fn encode(key: [u8; 32]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(key)
}

fn decode(text: &str) -> Result<[u8; 32], KeyError> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim());
    bytes
        .map_err(|_| KeyError)?
        .try_into()
        .map_err(|_| KeyError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written_as_wg_does() {
        let text = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
        assert_eq!(text.parse::<PublicKey>().unwrap().to_string(), text);
        for bad in ["", "HIgo9", "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykwA"] {
            assert_eq!(bad.parse::<SecretKey>(), Err(KeyError));
        }
    }

    #[test]
    fn a_secret_key_never_shows() {
        let text = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
        let shown = format!("{:?}", text.parse::<SecretKey>().unwrap());
        assert_eq!(shown, "SecretKey");
    }
}
