//! A profile: how to bring up a tunnel. One TOML file, `~/.config/vpnns/profiles/<name>.toml`.

pub mod wireguard;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use self::wireguard::WireGuard;
use crate::network::RoutePolicy;

/// The version of the file format.
pub const FORMAT: u32 = 1;

/// A profile, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Which routes lead into the tunnel.
    pub routes: RoutePolicy,
    /// Resolvers instead of the server's; an empty list means none.
    pub dns: Option<Vec<IpAddr>>,
    /// What to connect with, and where to.
    pub settings: Settings,
}

/// The part of a profile that is different for each kind; in the file, the table that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// `[openconnect]`
    OpenConnect(OpenConnect),
    /// `[openvpn]`
    OpenVpn(OpenVpn),
    /// `[wireguard]`
    WireGuard(WireGuard),
    /// `[command]`
    Command(Command),
    /// `[demo]`: the embedded gateway, which needs no account.
    Demo,
}

impl Settings {
    /// The kind's name, which is also the table's in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OpenConnect(_) => "openconnect",
            Self::OpenVpn(_) => "openvpn",
            Self::WireGuard(_) => "wireguard",
            Self::Command(_) => "command",
            Self::Demo => "demo",
        }
    }
}

/// How a client's packets get into the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The client hands them to `vpnns --attach`.
    Attach,
    /// The client's tun device is made in the instance.
    Graft,
}

/// `[openconnect]`: Cisco AnyConnect and the other protocols that openconnect speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenConnect {
    /// The server: a host name or URL, with the group's path if there is one.
    pub server: String,
    /// openconnect's --protocol.
    #[serde(default)]
    pub protocol: OpenConnectProtocol,
    /// The user name; asked for if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The group to choose in the form; asked for if it is not here and there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The user's certificate, a file or a PKCS#11 URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The certificate's key where it is in another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A file of certificate authorities to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The server's certificate, trusted by this fingerprint (`pin-sha256:...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// How the packets come; attach unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// More options for openconnect, as on its command line. Never a place for secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// openconnect's --protocol, by the same names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenConnectProtocol {
    /// Cisco AnyConnect, and ocserv.
    #[default]
    AnyConnect,
    /// Juniper Network Connect.
    Nc,
    /// Palo Alto GlobalProtect.
    Gp,
    /// Pulse Connect Secure.
    Pulse,
    /// F5 BIG-IP.
    F5,
    /// Fortinet FortiGate.
    Fortinet,
    /// Array Networks.
    Array,
}

/// `[openvpn]`: exactly one of `config` and `config-file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenVpn {
    /// The configuration itself, with its files inline. May hold the user's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The path of a configuration that is used where it is; its files are relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file: Option<PathBuf>,
    /// The user name; asked for if it is needed and not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// More options for openvpn, as on its command line. Never a place for secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// `[command]`: any VPN client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Command {
    /// The program and its arguments; no shell is between. Never a place for secrets.
    pub run: Vec<String>,
    /// How its packets come; graft unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// More environment variables for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}
