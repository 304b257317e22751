//! `vpnns [--name ID] [-- COMMAND [ARG...]]`: this process becomes the command, inside.

use std::convert::Infallible;
use std::ffi::OsString;

use vpnns_protocol::port::Port;

use super::Error;
use crate::args::NAME_VARIABLE;
use crate::instance::enter::{self, Target};
use crate::isolation::command;
use crate::ports::Opening;
use crate::sys;

/// Enters the instance, opens ports if there are any, and becomes the command, or a shell.
pub fn run(target: &Target, ports: &[Port], command: Vec<OsString>) -> Result<Infallible, Error> {
    if !ports.is_empty() {
        // Refused before anything is started, as far as it can be.
        let opening = Opening::outside(ports)?;
        opening.inside(&target.name, enter::as_client(target)?, false)?;
    }
    let command = if command.is_empty() {
        vec![command::shell()]
    } else {
        command
    };
    enter::as_app(target, &command[0])?;
    sys::process::set_environment(NAME_VARIABLE, target.name.as_str());
    Ok(command::exec(&command)?)
}
