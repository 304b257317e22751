//! A profile: how to bring up a tunnel. One TOML file, `~/.config/vpnns/profiles/<name>.toml`.
//!
//! The types are here; [`Profile::parse`] reads the format, with a line and a column for whatever
//! is wrong in it, and [`Profile::to_toml`] writes it. What every field means is in
//! vpnns-profile(5), and a test keeps the two together.

mod check;
mod edit;
mod error;
pub mod listing;
mod parse;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod round_trip;
mod secret;
pub mod similar;
pub mod wireguard;
mod write;

pub use self::error::ProfileError;
pub use self::parse::fields;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use self::wireguard::WireGuard;
use crate::network::RoutePolicy;
use crate::port::Port;

/// The version of the file format.
pub const FORMAT: u32 = 1;

/// A profile, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What people see instead of the file's name.
    pub title: Option<String>,
    /// Whether the desktop app connects it when one of its apps is opened.
    pub connect_on_open: bool,
    /// Whether the desktop app connects it when the user's session starts.
    pub start_at_login: bool,
    /// Ids of desktop entries (`firefox.desktop`) to open once it is connected.
    pub apps: Vec<String>,
    /// Which routes lead into the tunnel.
    pub routes: RoutePolicy,
    /// Resolvers instead of the server's; an empty list means none.
    pub dns: Option<Vec<IpAddr>>,
    /// What happens to the programs when the tunnel is lost.
    pub on_drop: OnDrop,
    /// Ports to open while it is connected: servers inside, and services of the host's.
    pub ports: Vec<Port>,
    /// What to connect with, and where to.
    pub settings: Settings,
}

impl Profile {
    /// A profile with nothing but what to connect with.
    pub fn new(settings: Settings) -> Self {
        Self {
            title: None,
            connect_on_open: false,
            start_at_login: false,
            apps: Vec::new(),
            routes: RoutePolicy::default(),
            dns: None,
            on_drop: OnDrop::default(),
            ports: Vec::new(),
            settings,
        }
    }
}

/// What happens to the programs of an instance when its tunnel is lost against the user's wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDrop {
    /// They go on, offline.
    #[default]
    Keep,
    /// They are stopped until it is back.
    Freeze,
    /// They are told to end.
    Close,
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

    /// Where it leads to, as far as the profile itself says so.
    pub fn server(&self) -> Option<String> {
        match self {
            Self::OpenConnect(it) => Some(it.server.clone()),
            Self::OpenVpn(it) => it.config.as_deref().and_then(first_remote),
            Self::WireGuard(it) => it.peers.iter().find_map(|peer| peer.endpoint.clone()),
            Self::Command(_) | Self::Demo => None,
        }
    }
}

/// The first server that an OpenVPN configuration names. A look, not a reader: the helper has that.
fn first_remote(config: &str) -> Option<String> {
    config.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "remote")
            .then(|| words.next())
            .flatten()
            .map(|host| host.trim_matches(['"', '\'']).to_owned())
    })
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
