//! `vpnns [--name ID] [-- COMMAND [ARG...]]`: this process becomes the command, inside.

use std::convert::Infallible;
use std::ffi::OsString;

use vpnns_protocol::port::Port;

use super::Error;
use crate::apps;
use crate::apps::handoff::{self, Handling, Launch, Plan};
use crate::apps::links;
use crate::args::NAME_VARIABLE;
use crate::instance::enter::{self, Target};
use crate::isolation::command;
use crate::isolation::services::SessionBus;
use crate::ports::Opening;
use crate::{report, sys};

/// Enters the instance, opens ports if there are any, and becomes the command, or a shell.
pub fn run(
    target: &Target,
    ports: &[Port],
    command: Vec<OsString>,
    handling: &Handling,
) -> Result<Infallible, Error> {
    let command = if command.is_empty() {
        vec![command::shell()]
    } else {
        command
    };
    let plan = handoff::plan(Launch {
        name: &target.name,
        command,
        handling,
        entry: None,
    });
    carry_out(target, ports, plan.map_err(apps::Error::from)?)
}

/// The same for what was decided.
pub fn carry_out(target: &Target, ports: &[Port], plan: Plan) -> Result<Infallible, Error> {
    if !ports.is_empty() {
        // Refused before anything is started, as far as it can be.
        let opening = Opening::outside(ports)?;
        opening.inside(&target.name, enter::as_client(target)?, false)?;
    }
    for note in &plan.notes {
        report::note(note);
    }
    let links = if plan.links {
        links::variables()
    } else {
        Vec::new()
    };
    let target = &Target {
        session_bus: plan.session_bus,
        ..target.clone()
    };
    enter::as_app(target, &plan.command[0])?;
    // Before the plan's variables, which may lead to the user's bus after all.
    if target.session_bus == SessionBus::Private {
        handoff::introduce_display();
    }
    for (name, value) in links {
        sys::process::set_environment(name, value);
    }
    for (name, value) in plan.environment {
        sys::process::set_environment(&name, value);
    }
    sys::process::set_environment(NAME_VARIABLE, target.name.as_str());
    Ok(command::exec(&plan.command)?)
}
