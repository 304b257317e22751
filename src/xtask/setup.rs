//! `cargo xtask setup`: finds what is missing, and installs it where apt is at hand.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{self, command, run};
use crate::failure::{Act, Failure, Result};
use crate::ordinary_user;
use crate::packages::{self, Package, Purpose};

/// Units that Debian starts when it installs the package; the tests start their own server.
const UNITS: [(&str, &[&str]); 1] = [("ocserv", &["ocserv.service", "ocserv.socket"])];

/// Makes the machine ready for the purpose; changes nothing when it is.
pub(crate) fn setup(purpose: Purpose) -> Result {
    let with_apt = command::find("apt-get").is_some() && command::find("dpkg-query").is_some();
    let missing = if with_apt {
        missing_by_dpkg(purpose)?
    } else {
        missing_by_trace(purpose)
    };
    if missing.is_empty() {
        eprintln!(
            "setup: every package needed to {} is installed",
            verb(purpose)
        );
    } else if with_apt {
        install(&missing, purpose)?;
    } else {
        return Err(name_packages(&missing, purpose));
    }
    if purpose == Purpose::Test {
        add_components()?;
    }
    if ordinary_user::we_are_root() {
        ordinary_user::ensure()?;
    }
    Ok(())
}

fn verb(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Run => "run",
        Purpose::Desktop => "build the app",
        Purpose::Test => "test",
        Purpose::Bench => "measure",
        Purpose::Fuzz => "fuzz",
    }
}

fn missing_by_trace(purpose: Purpose) -> Vec<&'static Package> {
    packages::needed_for(purpose)
        .filter(|package| !package.trace.is_there())
        .collect()
}

fn missing_by_dpkg(purpose: Purpose) -> Result<Vec<&'static Package>> {
    // It exits 1 and complains when it knows nothing of a package: that is an answer too.
    let output = command("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\\n"])
        .args(packages::needed_for(purpose).map(|package| package.deb))
        .stderr(Stdio::null())
        .output()
        .act(|| "failed to ask dpkg-query what is installed".into())?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let installed = installed(&answer);
    Ok(packages::needed_for(purpose)
        .filter(|package| !installed.contains(package.deb))
        .collect())
}

fn installed(answer: &str) -> HashSet<&str> {
    answer
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .collect()
}

fn install(missing: &[&Package], purpose: Purpose) -> Result {
    eprintln!(
        "setup: to {}, these packages are missing and will be installed:",
        verb(purpose)
    );
    for package in missing {
        eprintln!("  {:<14} {}", package.deb, package.why);
    }
    let names: Vec<_> = missing.iter().map(|package| package.deb).collect();
    let apt = |words: &[&str]| -> Result<Command> {
        let mut command = as_root(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
            .ok_or_else(|| {
                Failure::new("packages are missing, and only root can install them").hint(format!(
                    "install sudo, or run as root: apt-get install {}",
                    names.join(" ")
                ))
            })?;
        // Another apt may be at work on a machine that has just booted.
        command.arg("--option=DPkg::Lock::Timeout=120").args(words);
        Ok(command)
    };
    run(&mut apt(&["update"])?)?;
    run(apt(&["install", "--yes", "--no-install-recommends"])?.args(&names))?;
    stop_services(&names)
}

/// Stops what Debian started at the installation: nobody asked for a VPN server on this machine.
fn stop_services(installed: &[&str]) -> Result {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    for (_, units) in UNITS
        .iter()
        .filter(|(package, _)| installed.contains(package))
    {
        let systemctl = as_root(&["systemctl", "disable", "--now"]);
        run(systemctl
            .expect("the installation was done as root")
            .args(*units))?;
    }
    Ok(())
}

/// A command that runs as root: directly, or through sudo where that is installed.
fn as_root(words: &[&str]) -> Option<Command> {
    let mut command = if ordinary_user::we_are_root() {
        command(words[0])
    } else {
        command::find("sudo")?;
        let mut sudo = command("sudo");
        sudo.arg(words[0]);
        sudo
    };
    command.args(&words[1..]);
    Some(command)
}

fn name_packages(missing: &[&Package], purpose: Purpose) -> Failure {
    eprintln!("setup: to {}, these are missing:", verb(purpose));
    for package in missing {
        eprintln!("  {:<14} {}", package.deb, package.why);
    }
    let names = |name: fn(&Package) -> &'static str| -> String {
        let names: BTreeSet<_> = missing
            .iter()
            .map(|package| name(package))
            .filter(|name| !name.is_empty())
            .collect();
        names.into_iter().collect::<Vec<_>>().join(" ")
    };
    eprintln!(
        "On Fedora:  sudo dnf install {}",
        names(|package| package.fedora)
    );
    eprintln!(
        "On Arch:    sudo pacman -S --needed {}",
        names(|package| package.arch)
    );
    let elsewhere: Vec<_> = missing
        .iter()
        .filter(|package| package.arch.is_empty())
        .map(|package| package.deb)
        .collect();
    if !elsewhere.is_empty() {
        eprintln!(
            "            and, from its user repository: {}",
            elsewhere.join(" ")
        );
    }
    Failure::new("packages are missing, and this machine has no apt to install them with")
        .hint("install the packages named above, then run the same command again")
}

/// Adds rustfmt and clippy, which a minimal toolchain lacks.
fn add_components() -> Result {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if command::succeeds(command::cargo().args([subcommand, "--version"])) {
            continue;
        }
        if command::find("rustup").is_none() {
            return Err(
                Failure::new(format!("the Rust toolchain has no {component}"))
                    .hint("install it from where the toolchain came from"),
            );
        }
        eprintln!("setup: the Rust toolchain lacks {component}, which the lints need");
        run(command("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_removed_but_not_purged_counts_as_missing() {
        let installed = installed("gcc installed\nocserv config-files\nzsh not-installed\n");
        assert_eq!(installed, HashSet::from(["gcc"]));
    }
}
