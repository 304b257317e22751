//! `cargo xtask test`: everything that must hold, in the order that fails soonest.

use crate::command::{cargo, run};
use crate::failure::Result;
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
        run(&mut cargo)
    })?;
    if filters.is_empty() {
        steps.step("self-test of the static release build", || {
            helper::self_test(&helper::build(&workspace)?)
        })?;
    }
    steps.summary();
    Ok(())
}
