//! `cargo xtask run`: from a fresh tree to a helper that has shown that it works here.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::command;
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::ordinary_user::we_are_root;
use crate::packages::Purpose;
use crate::setup::setup;
use crate::workspace::Workspace;

/// Sets up, builds, runs the self-test; then becomes the app or the helper, or says what to try next.
pub(crate) fn run(no_setup: bool, desktop: bool, arguments: &[OsString]) -> Result {
    if desktop && we_are_root() {
        return Err(Failure::new("the app is not for root").hint("run it as an ordinary user"));
    }
    if !no_setup {
        setup(if desktop {
            Purpose::Desktop
        } else {
            Purpose::Run
        })?;
    }
    let workspace = Workspace::find()?;
    let helper = helper::build(&workspace)?;
    helper::self_test(&helper)?;
    if desktop {
        let mut app = command::cargo();
        app.current_dir(&workspace.root)
            .args(["run", "--locked", "--package", "vpnns-desktop", "--"])
            .args(arguments)
            // Beside the app is no helper, and one in PATH may be another.
            .env("VPNNS_HELPER", &helper);
        return Err(app.exec()).act(|| "failed to start cargo".into());
    }
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

Then, as an ordinary user, with what you have got for your VPN:

    vpnns --import https://vpn.example.com --profile work    (or a file: .ovpn, WireGuard's .conf)
    vpnns --connect work --background
    vpnns --name work -- firefox

Or have a look without installing it:

    cargo xtask run -- --help
    cargo xtask run --desktop"
    )
}
