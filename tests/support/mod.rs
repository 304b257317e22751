//! The test lab: an ordinary user, a real VPN server, and namespaces to have them to oneself.
//!
//! Nothing here skips: a missing program fails the test with the name of its package.

// Each test program uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

pub mod capture;
pub mod command;
pub mod desktop;
mod init;
pub mod instance;
pub mod lab;
pub mod ocserv;
pub mod openconnect;
pub mod openvpn;
pub mod probe;
pub mod process;
pub mod root;
pub mod session;
pub mod stand_in;
pub mod tray;
pub mod user;
mod view;
pub mod wire;
pub mod wireguard;

pub use capture::Capture;
pub use command::Invocation;
pub use instance::{Instance, processor_ticks};
pub use lab::{Lab, address};
pub use ocserv::Gateway;
pub use openconnect::uses_dtls;
pub use openvpn::{OpenVpn, OpenVpnServer};
pub use probe::{Echo, Hold, Moment, Sighting};
pub use process::{LIMIT, Output, Running, wait_until};
pub use root::Root;
pub use session::{Session, assert_complaint, assert_gave_up, exists, has_asked, has_ended};
pub use stand_in::{Client, StandIn};
pub use user::User;
pub use wire::Wire;
