//! `vpnns --attach` behind a stand-in for VPN clients, which does what real ones do seldom or only elsewhere.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "clients/announcement.rs"]
mod announcement;
#[path = "clients/background.rs"]
mod background;
#[path = "clients/input.rs"]
mod input;
#[path = "clients/openvpn.rs"]
mod openvpn;
#[path = "clients/refusal.rs"]
mod refusal;
#[path = "clients/relay.rs"]
mod relay;
#[path = "clients/script.rs"]
mod script;

/// The far side's addresses, all of which are the stand-in's.
const FAR: &str = "203.0.113.7";
const FAR_6: &str = "2001:db8:113::7";
/// How the manual has openconnect call the helper.
const ATTACH: &str = "vpnns --attach --name work";
