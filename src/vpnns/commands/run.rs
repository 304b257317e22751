//! `vpnns [--name ID] [-- COMMAND [ARG...]]`: this process becomes the command, inside.

use std::convert::Infallible;
use std::ffi::OsString;

use super::Error;
use crate::args::NAME_VARIABLE;
use crate::instance::enter::{self, Target};
use crate::isolation::command;
use crate::sys;

/// Enters the instance and becomes the command, or a shell.
pub fn run(target: &Target, command: Vec<OsString>) -> Result<Infallible, Error> {
    let command = if command.is_empty() {
        vec![command::shell()]
    } else {
        command
    };
    enter::as_app(target, &command[0])?;
    sys::process::set_environment(NAME_VARIABLE, target.name.as_str());
    Ok(command::exec(&command)?)
}
