//! Writing the file format.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::wireguard::WireGuard;
use super::{Command, FORMAT, OnDrop, OpenConnect, OpenVpn, Profile, Settings};
use crate::network::RoutePolicy;
use crate::port::Direction;

/// The file as it stands, in the order of its fields.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "is_default")]
    routes: RoutePolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<&'a [IpAddr]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    publish: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reach: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    on_drop: OnDrop,
    #[serde(skip_serializing_if = "is_default")]
    connect_on_open: bool,
    #[serde(skip_serializing_if = "is_default")]
    start_at_login: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    apps: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    openconnect: Option<&'a OpenConnect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openvpn: Option<&'a OpenVpn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wireguard: Option<&'a WireGuard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a Command>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demo: Option<BTreeMap<String, String>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Profile {
    fn ports_of(&self, direction: Direction) -> Vec<String> {
        let ports = self.ports.iter();
        let ports = ports.filter(|port| port.direction == direction);
        ports.map(ToString::to_string).collect()
    }

    /// The profile as the text of its file.
    pub fn to_toml(&self) -> String {
        let mut file = File {
            version: FORMAT,
            title: self.title.as_deref(),
            routes: self.routes,
            dns: self.dns.as_deref(),
            on_drop: self.on_drop,
            publish: self.ports_of(Direction::Publish),
            reach: self.ports_of(Direction::Reach),
            connect_on_open: self.connect_on_open,
            start_at_login: self.start_at_login,
            apps: &self.apps,
            openconnect: None,
            openvpn: None,
            wireguard: None,
            command: None,
            demo: None,
        };
        match &self.settings {
            Settings::OpenConnect(it) => file.openconnect = Some(it),
            Settings::OpenVpn(it) => file.openvpn = Some(it),
            Settings::WireGuard(it) => file.wireguard = Some(it),
            Settings::Command(it) => file.command = Some(it),
            Settings::Demo => file.demo = Some(BTreeMap::new()),
        }
        // Fails for maps with keys that are no text and for paths that are no UTF-8; a path that
        // came from a profile is UTF-8, and one that did not is refused when it is read back.
        toml::to_string_pretty(&file).unwrap_or_default()
    }
}
