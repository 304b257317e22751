//! The programs that we work with: VPN clients, and whether they can hand over packets; the filter
//! of the system bus.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vpnns_protocol::finding::Finding;

use super::deadline::read_to_end;
use super::version::{leading, word};
use super::{note, ok};
use crate::args::ATTACH_PROGRAM;
use crate::bus::system;

/// Where distributions put VPN clients although an ordinary user's PATH lacks it.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
/// How long all clients together may take to tell their version.
const PATIENCE: Duration = Duration::from_millis(800);
/// The first OpenVPN with `--dev-node unix:`.
const OPENVPN_UNIX: (u32, u32) = (2, 7);

/// A client as it was found.
#[derive(Debug, PartialEq, Eq)]
enum Installed {
    /// Not at all.
    No,
    /// It is there but did not say which version it is.
    Unknown(PathBuf),
    /// With this version.
    Version(String),
}

/// Looks for the clients and asks each for its version, all at the same time.
pub(super) fn examine() -> Vec<Finding> {
    let deadline = Instant::now() + PATIENCE;
    let asked = ["openconnect", "openvpn"].map(|name| {
        let path = find(name)?;
        let child = ask(&path);
        Some((path, child))
    });
    let [openconnect, openvpn] = asked.map(|asked| match asked {
        None => Installed::No,
        Some((path, Err(_))) => Installed::Unknown(path),
        Some((path, Ok(child))) => {
            answer(child, deadline).map_or(Installed::Unknown(path), Installed::Version)
        }
    });
    let manager = PackageManager::detect();
    vec![
        judge_openconnect(&openconnect, manager),
        judge_openvpn(&openvpn, manager, &attach_program()),
        judge_proxy(find(system::PROGRAM).is_some(), manager),
    ]
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.map(PathBuf::from))
        // A relative entry means another program in each directory.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

fn ask(program: &Path) -> io::Result<Child> {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// What the program says, if it says it in time; it is gone afterwards in any case.
fn answer(mut child: Child, deadline: Instant) -> Option<String> {
    let bytes = child
        .stdout
        .take()
        .and_then(|out| read_to_end(out, deadline));
    // It has said everything, or has taken too long; both are reason enough.
    let _ = child.kill();
    let _ = child.wait();
    word(&String::from_utf8_lossy(&bytes?)).map(str::to_owned)
}

fn judge_openconnect(installed: &Installed, manager: Option<PackageManager>) -> Finding {
    const ID: &str = "openconnect";
    match installed {
        Installed::No => note(
            ID,
            "OpenConnect is not installed",
            Some(PackageManager::install(manager, "openconnect")),
        ),
        Installed::Unknown(path) => silent(ID, path),
        Installed::Version(version) => ok(ID, format!("OpenConnect {version} can be attached")),
    }
}

fn judge_openvpn(
    installed: &Installed,
    manager: Option<PackageManager>,
    attach: &Result<PathBuf, String>,
) -> Finding {
    const ID: &str = "openvpn";
    match installed {
        Installed::No => note(
            ID,
            "OpenVPN is not installed",
            Some(PackageManager::install(manager, "openvpn")),
        ),
        Installed::Unknown(path) => silent(ID, path),
        Installed::Version(version) if leading(version) < Some(OPENVPN_UNIX) => {
            ok(ID, format!("OpenVPN {version} can be grafted"))
        }
        Installed::Version(version) => match attach {
            Ok(path) => ok(
                ID,
                format!(
                    "OpenVPN {version} can be attached with --dev-node unix:{}",
                    path.display()
                ),
            ),
            Err(command) => note(
                ID,
                format!("OpenVPN {version} needs a program named {ATTACH_PROGRAM} to attach"),
                Some(command.clone()),
            ),
        },
    }
}

fn judge_proxy(installed: bool, manager: Option<PackageManager>) -> Finding {
    const ID: &str = "system-bus";
    if installed {
        return ok(ID, "the system bus can be filtered for an instance");
    }
    note(
        ID,
        format!(
            "there is no system bus in an instance, for {} is not installed",
            system::PROGRAM
        ),
        Some(PackageManager::install(manager, system::PROGRAM)),
    )
}

fn silent(id: &str, path: &Path) -> Finding {
    let path = path.display();
    note(
        id,
        format!("{path} does not tell its version"),
        Some(format!("{path} --version")),
    )
}

/// The name under which openvpn starts us, or the command that makes it.
fn attach_program() -> Result<PathBuf, String> {
    let own = crate::executable::own().unwrap_or_else(|_| "/usr/bin/vpnns".into());
    let beside = own.with_file_name(ATTACH_PROGRAM);
    if beside.exists() {
        return Ok(beside);
    }
    find(ATTACH_PROGRAM)
        .ok_or_else(|| format!("sudo ln -s '{}' /usr/bin/{ATTACH_PROGRAM}", own.display()))
}

/// How this distribution installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PackageManager {
    Apt,
    Dnf,
    Pacman,
}

impl PackageManager {
    const ALL: [Self; 3] = [Self::Apt, Self::Dnf, Self::Pacman];

    fn detect() -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|manager| find(manager.program()).is_some())
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
        }
    }

    fn command(self, package: &str) -> String {
        match self {
            Self::Apt => format!("sudo apt install {package}"),
            Self::Dnf => format!("sudo dnf install {package}"),
            Self::Pacman => format!("sudo pacman -S {package}"),
        }
    }

    /// The command that installs a package; those of all where it is not known which is right.
    ///
    /// OpenConnect and OpenVPN have the same package name everywhere.
    fn install(manager: Option<Self>, package: &str) -> String {
        match manager {
            Some(manager) => manager.command(package),
            None => Self::ALL.map(|manager| manager.command(package)).join("\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::finding::Outcome;

    #[test]
    fn a_missing_client_is_a_note_with_the_command_that_installs_it() {
        let finding = judge_openconnect(&Installed::No, Some(PackageManager::Dnf));
        assert_eq!(finding.outcome, Outcome::Note);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("sudo dnf install openconnect")
        );
        let finding = judge_openconnect(&Installed::No, None);
        assert_eq!(finding.remedy.map_or(0, |text| text.lines().count()), 3);
    }

    #[test]
    fn openvpn_is_judged_by_its_version_and_by_our_second_name() {
        let there = Ok(PathBuf::from("/usr/bin/vpnns-attach"));
        let missing = Err("sudo ln -s ...".to_owned());
        for (version, attach, outcome) in [
            ("2.6.14", &there, Outcome::Ok),
            ("2.7_beta1", &there, Outcome::Ok),
            ("2.7.0", &missing, Outcome::Note),
            ("3.0", &there, Outcome::Ok),
        ] {
            let installed = Installed::Version(version.to_owned());
            let finding = judge_openvpn(&installed, None, attach);
            assert_eq!(finding.outcome, outcome, "{version}");
            assert_eq!(
                finding.remedy.is_some(),
                outcome == Outcome::Note,
                "{version}"
            );
        }
    }

    #[test]
    fn a_client_that_hangs_does_not_hold_the_doctor() {
        let started = Instant::now();
        let child = Command::new("sleep")
            .arg("10")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert_eq!(answer(child, started + Duration::from_millis(50)), None);
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
