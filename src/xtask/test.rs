//! `cargo xtask test`: everything that must hold, in the order that fails soonest.

mod failures;

use std::io::{self, IsTerminal};
use std::process::Command;

use self::failures::Failures;
use crate::command::{cargo, run_and_read};
use crate::failure::{Act, Result};
use crate::helper;
use crate::lint::{self, Deny};
use crate::packages::Purpose;
use crate::setup::setup;
use crate::step::Steps;
use crate::workspace::Workspace;

/// Runs lints, tests and self-test; with filters only the tests that match one of them.
pub(crate) fn test(no_setup: bool, filters: &[String]) -> Result {
    let mut steps = Steps::default();
    if !no_setup {
        steps.step("setup", || setup(Purpose::Test))?;
    }
    let workspace = Workspace::find()?;
    if filters.is_empty() {
        lint::lint_in(&mut steps, &workspace, Deny::Tree)?;
    }
    steps.step("tests", || {
        let mut cargo = cargo();
        cargo
            .current_dir(&workspace.root)
            .args(["test", "--workspace", "--locked", "--no-fail-fast", "--"])
            .args(filters);
        if io::stdout().is_terminal() {
            cargo.arg("--color=always");
        }
        run_tests(&mut cargo)
    })?;
    if filters.is_empty() {
        steps.step("self-test of the static release build", || {
            helper::self_test(&helper::build(&workspace)?)
        })?;
    }
    steps.summary();
    Ok(())
}

/// Runs the command, and says once more at its end what the tests that failed have said.
fn run_tests(command: &mut Command) -> Result {
    let mut failures = Failures::default();
    let done = run_and_read(command, |printed| {
        let act = || "failed to pass on what the tests print".into();
        failures.pass_on(printed, io::stdout()).act(act)
    });
    eprint!("{}", failures.summary());
    done
}
