//! `cargo xtask run`: from a fresh tree to a helper that has shown that it works here.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Act, Result};
use crate::helper;
use crate::ordinary_user::we_are_root;
use crate::packages::Purpose;
use crate::setup::setup;
use crate::workspace::Workspace;

/// Sets up, builds, runs the self-test; then becomes the helper, or says what to try next.
pub(crate) fn run(no_setup: bool, arguments: &[OsString]) -> Result {
    if !no_setup {
        setup(Purpose::Run)?;
    }
    let helper = helper::build(&Workspace::find()?)?;
    helper::self_test(&helper)?;
    if !arguments.is_empty() {
        let error = Command::new(&helper).args(arguments).exec();
        return Err(error).act(|| format!("failed to start {}", helper.display()));
    }
    println!("{}", next_steps(we_are_root()));
    Ok(())
}

fn next_steps(root: bool) -> String {
    let prefix = if root { "/usr/local" } else { "~/.local" };
    format!(
        "
The helper works here. Install it:

    cargo xtask install --prefix {prefix}

Then, in two terminals of an ordinary user:

    vpnns --name work -- firefox -no-remote -P vpn
    openconnect --script 'vpnns --attach --name work' --script-tun vpn.example.com

Or have a look without installing it:

    cargo xtask run -- --help"
    )
}
