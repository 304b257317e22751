//! `vpnns --open ENTRY [--name ID] [URL|FILE...]`: this process becomes an installed application.

use std::convert::Infallible;

use vpnns_protocol::port::Port;

use super::{Error, run};
use crate::apps::{self, Wish};
use crate::instance::enter::Target;
use crate::instance::entry::{FILE_VARIABLE, PROCESS_VARIABLE};
use crate::sys;

/// Enters the instance and becomes the application.
pub fn open(target: &Target, ports: &[Port], wish: &Wish) -> Result<Infallible, Error> {
    let start = apps::start(wish, &target.name)?;
    sys::process::set_environment(FILE_VARIABLE, &start.file);
    sys::process::set_environment(PROCESS_VARIABLE, std::process::id().to_string());
    run::carry_out(target, ports, start.plan)
}
