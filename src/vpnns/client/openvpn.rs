//! OpenVPN: what it tells its scripts, and its configuration files.

mod authentication;
pub mod config;
pub mod connect;
pub mod embed;
mod environment;
pub mod inspect;
pub mod management;
pub mod review;
mod trouble;

pub use self::environment::{SOCKET_VARIABLE, announcement};
