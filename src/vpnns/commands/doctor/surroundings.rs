//! Whether this is a plain host, a container, a chroot, or the inside of an instance.

use std::path::Path;

use vpnns_protocol::finding::Finding;

use super::{note, ok};
use crate::args::NAME_VARIABLE;

/// Where we run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// On a host, as far as can be told.
    Plain,
    /// In a Flatpak sandbox.
    Flatpak,
    /// In a container of some kind.
    Container(String),
    /// Below a changed root directory.
    Chroot,
    /// Inside an instance of ours.
    Instance(String),
}

impl Surroundings {
    /// Looks around.
    pub(super) fn detect() -> Self {
        let variable = |name| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(|value| value.to_string_lossy().into_owned())
        };
        if Path::new("/.flatpak-info").exists() {
            return Self::Flatpak;
        }
        if let Some(name) = variable(NAME_VARIABLE) {
            return Self::Instance(name);
        }
        let systemd = std::fs::read_to_string("/run/systemd/container").ok();
        let marked = [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")];
        let marked = marked.iter().find(|(path, _)| Path::new(path).exists());
        let container = variable("container")
            .or_else(|| systemd.map(|name| name.trim().to_owned()))
            .or_else(|| marked.map(|(_, name)| (*name).to_owned()));
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        match container {
            Some(name) => Self::Container(name),
            None if is_chroot(&mounts) => Self::Chroot,
            None => Self::Plain,
        }
    }

    /// What to do where something fails and this is the likely reason.
    pub(super) fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Plain => return None,
            Self::Flatpak => "flatpak-spawn --host vpnns --doctor",
            Self::Container(name) if name == "podman" || name == "docker" => {
                return Some(format!(
                    "{name} run --security-opt seccomp=unconfined \
                     --security-opt apparmor=unconfined --device /dev/net/tun ..."
                ));
            }
            Self::Container(_) => "run vpnns on the host, outside of the container",
            Self::Chroot => "run vpnns outside of the chroot; the kernel allows no other way",
            Self::Instance(_) => "run vpnns in a shell outside of the instance",
        };
        Some(text.to_owned())
    }
}

/// Whether the root directory is no mount: what a chroot into a directory looks like.
fn is_chroot(mountinfo: &str) -> bool {
    // proc_pid_mountinfo(5): the fifth field is the mount point as seen from our root.
    let mut points = mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .peekable();
    points.peek().is_some() && !points.any(|point| point == "/")
}

/// The finding: worth a note only where something has failed and nothing else explains it.
pub(super) fn finding(surroundings: &Surroundings, unexplained: bool) -> Finding {
    const ID: &str = "surroundings";
    let place = match surroundings {
        Surroundings::Plain => return ok(ID, "this is not a container and not a chroot"),
        Surroundings::Flatpak => "this is a Flatpak sandbox".to_owned(),
        Surroundings::Container(name) => format!("this is a container ({name})"),
        Surroundings::Chroot => "this is a chroot".to_owned(),
        Surroundings::Instance(name) => format!("this is the inside of the instance {name}"),
    };
    if unexplained {
        let summary = format!("{place}, which may forbid what vpnns needs");
        note(ID, summary, surroundings.remedy())
    } else {
        ok(ID, format!("{place}, which does not stand in the way"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::finding::Outcome;

    #[test]
    fn a_root_directory_that_is_no_mount_is_a_chroot() {
        let host = "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n29 28 0:5 / /proc rw - proc proc rw\n";
        assert!(!is_chroot(host));
        assert!(is_chroot("29 28 0:5 / /proc rw - proc proc rw\n"));
        // /proc/self/mountinfo may be empty or hidden; that says nothing.
        assert!(!is_chroot(""));
    }

    #[test]
    fn a_container_counts_only_where_something_failed() {
        let docker = Surroundings::Container("docker".into());
        assert_eq!(finding(&docker, false).outcome, Outcome::Ok);
        let failed = finding(&docker, true);
        assert_eq!(failed.outcome, Outcome::Note);
        assert!(
            failed
                .remedy
                .is_some_and(|text| text.starts_with("docker run "))
        );
        assert_eq!(finding(&Surroundings::Plain, true).outcome, Outcome::Ok);
    }
}
