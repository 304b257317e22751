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
        run_tests(&mut cargo, &workspace)
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
fn run_tests(command: &mut Command, workspace: &Workspace) -> Result {
    let (failures, done) = run_and_note(command);
    eprint!("{}", failures.summary());
    match (done, failures.names()) {
        (Err(failure), Some(names)) => repeat(&names, workspace).map_err(|()| failure),
        (done, _) => done,
    }
}

/// Runs tests of the window again, each alone on the machine. A person whose click is lost by a
/// machine under load clicks again; one whose click is lost then as well has found a bug. Nothing
/// else is tried twice.
fn repeat(names: &[&str], workspace: &Workspace) -> std::result::Result<(), ()> {
    let mut cargo = cargo();
    cargo
        .current_dir(&workspace.root)
        .args(["test", "--workspace", "--test=desktop"])
        .args(["--locked", "--", "--test-threads=1", "--exact"])
        .args(names);
    let (again, done) = run_and_note(&mut cargo);
    eprint!("{}", again.summary());
    // Those of other programs are not found here, and so do not pass.
    if done.is_err() || again.passed() != names.len() {
        return Err(());
    }
    eprintln!("\nFAILED AT FIRST, and passed alone: {}", names.join(", "));
    Ok(())
}

fn run_and_note(command: &mut Command) -> (Failures, Result) {
    let mut failures = Failures::default();
    let done = run_and_read(command, |printed| {
        let act = || "failed to pass on what the tests print".into();
        failures.pass_on(printed, io::stdout()).act(act)
    });
    (failures, done)
}
