//! How packets get between a VPN client and an instance's device.

pub mod graft;
pub mod offload;
pub mod relay;
pub mod script;
pub mod wireguard;
