//! What VPN clients hand us, and who they are.

pub mod announcement;
pub mod command;
pub mod connector;
pub mod decision;
pub mod fault;
pub mod openconnect;
pub mod openvpn;
pub mod peer;
pub mod program;
pub mod stock;
pub mod wireguard;
