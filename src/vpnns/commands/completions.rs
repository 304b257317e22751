//! `vpnns --completions SHELL`.

use clap_complete::Shell;
use vpnns_protocol::exit;

use super::{Error, print_bytes};
use crate::args;

/// Prints the completions for a shell.
pub fn print(shell: Shell) -> Result<u8, Error> {
    print_bytes(&args::completions(shell))?;
    Ok(exit::SUCCESS)
}
