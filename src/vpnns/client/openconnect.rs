//! openconnect: what it tells its script, and how a profile of its is kept up.

mod authenticate;
pub mod browser;
pub mod connect;
mod environment;
mod login;
mod prompt;
mod report;

pub use self::environment::announcement;
