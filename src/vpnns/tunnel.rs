//! Carrying packets between a VPN client and an instance's device.

pub mod offload;
pub mod relay;
pub mod script;
