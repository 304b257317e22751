//! `vpnns`: per-app VPN for the Linux desktop, without root.
//!
//! | room | what it is for |
//! |---|---|
//! | `args`, `commands` | the command line, and one file for each thing it can ask for |
//! | `apps` | installed applications, the commands in their entries, and what keeps them inside |
//! | `bus` | the filtered way to the system bus, and a session bus of the instance's own |
//! | `instance` | the keeper, its socket and state, getting in, adoption |
//! | `check` | the leak check, from inside and from outside |
//! | `isolation` | the ladder from an ordinary process to an app of an instance |
//! | `net` | devices, addresses, routes, resolvers inside an instance; all netlink |
//! | `ports` | single doors between an instance and its surroundings |
//! | `profiles`, `import` | how to bring up a tunnel, and where that comes from |
//! | `tunnel` | the relay between a VPN client's socket and the device; the graft; WireGuard |
//! | `client` | what VPN clients hand us; the built-in one |
//! | `executable` | where this program is, also after an update |
//! | `sandbox` | the way out of our Flatpak's sandbox, to the host |
//! | `gateway` | an embedded VPN gateway to try everything with |
//! | `sys` | the only unsafe code |
#![cfg_attr(not(test), no_main)]
#![deny(unsafe_code)]
#![cfg_attr(test, allow(dead_code, clippy::unwrap_used))]

mod apps;
mod args;
mod bus;
mod check;
mod client;
mod commands;
mod executable;
mod gateway;
mod import;
mod instance;
mod isolation;
mod net;
mod ports;
mod profiles;
mod report;
mod sandbox;
#[allow(unsafe_code)]
mod sys;
mod text_file;
mod tunnel;

/// Runs the program; returns its exit code.
fn enter() -> u8 {
    sys::fd::ensure_standard_streams();
    let arguments: Vec<_> = std::env::args_os().collect();
    match args::parse(&arguments) {
        Ok(action) if sandbox::is_here() => sandbox::leave(&action, &arguments),
        Ok(action) => commands::run(action),
        Err(answer) => answer.print(),
    }
}
