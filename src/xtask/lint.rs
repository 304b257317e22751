//! `cargo xtask lint`: the checks that need no run of the program.

use crate::command::{cargo, run, succeeds};
use crate::failure::Result;
use crate::step::Steps;
use crate::workspace::Workspace;

/// Which of cargo-deny's checks to make.
#[derive(Clone, Copy)]
pub(crate) enum Deny {
    /// All of them: the one for advisories asks the network, and its answer changes by the day.
    All,
    /// Those whose answer depends on the tree alone.
    Tree,
}

/// Runs every lint, stopping at the first that fails.
pub(crate) fn lint() -> Result {
    let mut steps = Steps::default();
    lint_in(&mut steps, &Workspace::find()?, Deny::All)?;
    steps.summary();
    Ok(())
}

/// Runs the lints as steps of something larger.
pub(crate) fn lint_in(steps: &mut Steps, workspace: &Workspace, deny: Deny) -> Result {
    let cargo = || {
        let mut cargo = cargo();
        cargo.current_dir(&workspace.root);
        cargo
    };
    steps.step("format", || run(cargo().args(["fmt", "--all", "--check"])))?;
    steps.step("clippy", || {
        run(cargo()
            .args(["clippy", "--workspace", "--all-targets", "--locked"])
            .args(["--", "--deny", "warnings"]))
    })?;
    steps.step("dependencies", || {
        if !succeeds(cargo().args(["deny", "--version"])) {
            eprintln!("NOT CHECKED: cargo-deny is not installed (cargo install cargo-deny)");
            return Ok(());
        }
        let mut command = cargo();
        // It finds .cargo/deny.toml by itself; the option to name it has moved between versions.
        command.args(["deny", "--locked", "check"]);
        if let Deny::Tree = deny {
            command.args(["bans", "licenses", "sources"]);
        }
        run(&mut command)
    })
}
