//! OpenVPN: what it tells its scripts, and its configuration files.

pub mod config;
pub mod embed;
mod environment;
pub mod inspect;
pub mod management;
pub mod review;

pub use self::environment::{SOCKET_VARIABLE, announcement};
