//! `cargo xtask run`: from a fresh tree to a helper that has shown that it works here.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Act, Result};
use crate::helper;
use crate::packages::Purpose;
use crate::setup::setup;
use crate::workspace::Workspace;

/// Sets up, builds, runs the self-test; then becomes the helper, or says what to try next.
pub(crate) fn run(no_setup: bool, arguments: &[OsString]) -> Result {
    if !no_setup {
        setup(Purpose::Run)?;
    }
    let helper = helper::build(&Workspace::find()?)?;
    crate::command::run(Command::new(&helper).arg("--self-test"))?;
    if !arguments.is_empty() {
        let error = Command::new(&helper).args(arguments).exec();
        return Err(error).act(|| format!("failed to start {}", helper.display()));
    }
    let path = helper.display();
    println!("\nThe helper works here. It is at\n\n    {path}\n\nTry next, in two terminals:\n");
    println!("    {path} --name work -- firefox -no-remote -P vpn");
    println!(
        "    openconnect --script \"{path} --attach --name work\" --script-tun vpn.example.com"
    );
    Ok(())
}
