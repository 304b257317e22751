//! The one table of what an instance sees of the host's services, each row with its reason.
//!
//! # Theory of operation
//!
//! A network namespace does not hold back a socket that has a path. What is behind such a socket
//! answers in the host's network, so that a program inside would get there without knowing it.
//! The rows say for each such place how the instance sees it; `masks` does it, and does it again
//! whenever the host makes the place anew. A row that is kept is here so that it is a decision.
//!
//! Two paths of the user's change the table for one instance: one that is shared takes the rows
//! at, above and below it out; one that is masked is a row of its own.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};

/// Where a row's path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// At the root of the file system.
    Root,
    /// In the user's run-time directory: $XDG_RUNTIME_DIR, and /run/user/UID, which some use
    /// whatever the variable says.
    Runtime,
    /// In the home directory.
    Home,
}

/// How an instance sees a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// As the host does.
    Kept,
    /// As a directory with nothing in it.
    Empty,
    /// The same, but for hosts whose users are looked up with this module (nsswitch.conf(5)).
    EmptyWithout(&'static str),
    /// As a socket that nobody listens at.
    Dead,
    /// As a directory of the instance's own, in which these entries lead to the host's.
    Own(&'static [&'static str]),
    /// As a copy of the directory in which the network's files are the instance's.
    FlatpakMonitor,
    /// As [`SystemBus`] says.
    SystemBus,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Where the path starts.
    pub base: Base,
    /// The path; of kept ones, perhaps with a `*`.
    pub path: &'static str,
    /// How it is seen.
    pub seen: Seen,
    /// Why.
    pub reason: &'static str,
}

const fn row(base: Base, path: &'static str, seen: Seen, reason: &'static str) -> Row {
    Row {
        base,
        path,
        seen,
        reason,
    }
}

/// What of GnuPG's sockets is a matter of keys, and not of the network.
const GNUPG: &[&str] = &[
    "S.gpg-agent",
    "S.gpg-agent.browser",
    "S.gpg-agent.extra",
    "S.gpg-agent.ssh",
    "S.keyboxd",
    "S.scdaemon",
];

use Base::{Home, Root, Runtime};
use Seen::{Dead, Empty, EmptyWithout, FlatpakMonitor, Kept, Own};

/// The table.
#[rustfmt::skip] // one row a place reads as the table it is
pub const TABLE: &[Row] = &[
    // Names.
    row(Root, "/run/nscd", Empty, "glibc asks nscd first, before it looks at nsswitch.conf: every name would leak"),
    row(Root, "/run/systemd/resolve", Empty, "systemd-resolved, by varlink: nss-resolve, and Flatpak hands it to its applications"),
    row(Root, "/run/avahi-daemon", Empty, "mDNS of the host's network"),
    row(Root, "/var/lib/sss/pipes", EmptyWithout("sss"), "sssd, which can look up hosts; where it knows the users, it is needed"),
    // The buses.
    row(Root, "/run/dbus", Seen::SystemBus, "systemd-resolved, NetworkManager, Avahi and others answer for the host's network"),
    row(Runtime, "systemd/private", Dead, "systemd-run --user and systemctl --user start programs outside"),
    // What fetches by itself, or starts programs in the host's network.
    row(Root, "/run/docker.sock", Dead, "Docker's containers have the host's network"),
    row(Root, "/run/podman", Empty, "so do those of Podman's service"),
    row(Root, "/run/containerd", Empty, "and containerd's"),
    row(Root, "/run/buildkit", Empty, "and BuildKit's"),
    row(Root, "/run/libvirt", Empty, "virtual machines on the host's bridges"),
    row(Root, "/run/incus", Empty, "the same for Incus"),
    row(Root, "/var/lib/incus/unix.socket", Dead, "the same for Incus"),
    row(Root, "/var/lib/lxd/unix.socket", Dead, "the same for LXD"),
    row(Root, "/var/snap/lxd/common/lxd/unix.socket", Dead, "the same for LXD as a snap"),
    row(Root, "/run/snapd.socket", Dead, "snapd downloads, and starts services"),
    row(Root, "/run/tor", Empty, "a SOCKS proxy that leads into the host's network"),
    row(Runtime, "docker.sock", Dead, "Docker without root"),
    row(Runtime, "podman", Empty, "Podman without root"),
    row(Runtime, "buildkit", Empty, "BuildKit without root"),
    row(Runtime, "libvirt", Empty, "virtual machines of the user's session"),
    row(Runtime, "snapd-session-agent.socket", Dead, "starts services of snaps"),
    row(Home, ".docker/desktop/docker.sock", Dead, "Docker Desktop"),
    row(Home, ".docker/run/docker.sock", Dead, "Docker Desktop"),
    row(Runtime, "gnupg", Own(GNUPG), "dirmngr fetches keys and certificates; inside, gpg starts one of the instance's own"),
    row(Home, ".gnupg/S.dirmngr", Dead, "the same where there is no run-time directory"),
    row(Runtime, ".flatpak-helper/monitor", FlatpakMonitor, "Flatpak's applications have this resolv.conf, and not that of /etc"),
    // What makes a desktop: none of it carries an application's traffic.
    row(Root, "/tmp/.X11-unix", Kept, "X11"),
    row(Root, "/tmp/.ICE-unix", Kept, "the session manager, where programs say that they are to be saved"),
    row(Root, "/run/cups", Kept, "printing: what the user prints goes to the host's printers"),
    row(Root, "/run/pcscd", Kept, "smart cards"),
    row(Root, "/run/udev", Kept, "devices"),
    row(Root, "/run/systemd/userdb", Kept, "users and groups"),
    row(Root, "/run/systemd/journal", Kept, "the log"),
    row(Runtime, "wayland-*", Kept, "Wayland"),
    row(Runtime, "pipewire-*", Kept, "sound, cameras, screen sharing"),
    row(Runtime, "pulse", Kept, "sound"),
    row(Runtime, "bus", Kept, "the session bus: notifications, secrets, portals, input methods; --session-bus gives another"),
    row(Runtime, "at-spi", Kept, "accessibility"),
    row(Runtime, "dconf", Kept, "settings"),
    row(Runtime, "doc", Kept, "the document portal"),
    row(Runtime, "gvfs", Kept, "network volumes that the user has mounted"),
    row(Runtime, "keyring", Kept, "secrets and keys for SSH"),
];

/// What the system bus is inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SystemBus {
    /// The host's
    Full,
    /// Only services that do not use the network (needs xdg-dbus-proxy, else none)
    #[default]
    Filtered,
    /// None
    None,
}

impl SystemBus {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Filtered => "filtered",
            Self::None => "none",
        }
    }
}

/// Which session bus a program is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionBus {
    /// The user's
    #[default]
    Shared,
    /// One of the instance's own, on which nobody outside is
    Private,
}

/// What of the host's services an instance sees: the table, and what the user has changed in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Places that are seen as on the host.
    #[serde(default)]
    pub shared: Vec<PathBuf>,
    /// Places that are hidden besides.
    #[serde(default)]
    pub masked: Vec<PathBuf>,
    /// What the system bus is; `None` where nobody has said it.
    #[serde(default)]
    pub system_bus: Option<SystemBus>,
}

/// A place with its whole path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub path: PathBuf,
    /// How it is seen; never [`Seen::Kept`].
    pub seen: Seen,
    /// Why.
    pub reason: &'static str,
}

impl Exposure {
    /// What the system bus is.
    pub fn system_bus(&self) -> SystemBus {
        self.system_bus.unwrap_or_default()
    }

    /// Whether nothing was asked for.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The first wish of `wanted` that is not in force here, in the words of the command line.
    pub fn lacks(&self, wanted: &Self) -> Option<String> {
        let missing = |option: &str, wanted: &[PathBuf], here: &[PathBuf]| {
            let path = wanted.iter().find(|path| !here.contains(path))?;
            Some(format!("{option} {}", path.display()))
        };
        missing("--share", &wanted.shared, &self.shared)
            .or_else(|| missing("--mask", &wanted.masked, &self.masked))
            .or_else(|| {
                let bus = wanted.system_bus.filter(|bus| *bus != self.system_bus())?;
                Some(format!("--system-bus {}", bus.word()))
            })
    }

    /// Every place that is not seen as on the host. To be asked outside, as
    /// [`runtime_directories`] is.
    pub fn places(&self) -> Vec<Place> {
        let mut places = Vec::with_capacity(TABLE.len() + 8);
        let runtime = runtime_directories();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let home = home.filter(|home| home.is_absolute());
        for row in TABLE.iter().filter(|row| row.seen != Kept) {
            match row.base {
                Root => self.add(&mut places, row.path.into(), row),
                Runtime => {
                    for directory in &runtime {
                        self.add(&mut places, directory.join(row.path), row);
                    }
                }
                Home => {
                    if let Some(home) = &home {
                        self.add(&mut places, home.join(row.path), row);
                    }
                }
            }
        }
        places.extend(self.masked.iter().map(|path| Place {
            path: path.clone(),
            seen: Dead,
            reason: "the user wants it so",
        }));
        places
    }

    fn add(&self, places: &mut Vec<Place>, path: PathBuf, row: &Row) {
        let shares = |shared: &PathBuf| shared.starts_with(&path) || path.starts_with(shared);
        let seen = match (row.seen, self.system_bus()) {
            (Seen::SystemBus, SystemBus::Full) => return,
            (Seen::SystemBus, SystemBus::None) => Empty,
            (seen, _) => seen,
        };
        if !self.shared.iter().any(shares) {
            let reason = row.reason;
            places.push(Place { path, seen, reason });
        }
    }
}

/// Where the user's sockets are, as far as it exists. To be asked outside, where the user's number is the user's.
pub fn runtime_directories() -> Vec<PathBuf> {
    let usual = PathBuf::from(format!("/run/user/{}", Uid::effective()));
    let said = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut directories: Vec<PathBuf> =
        said.filter(|path| path.is_absolute()).into_iter().collect();
    if !directories.contains(&usual) {
        directories.push(usual);
    }
    directories.retain(|directory| directory.is_dir());
    directories
}

/// A path of the user's as the host names it: absolute, and without links on the way.
pub fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    // A socket that is not there yet, in a directory that is.
    let path = std::path::absolute(path)?;
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(exposure: &Exposure) -> Vec<PathBuf> {
        exposure.places().into_iter().map(|p| p.path).collect()
    }

    #[test]
    fn each_row_is_there_once_and_has_a_reason() {
        for (index, row) in TABLE.iter().enumerate() {
            let same = |other: &Row| (other.base, other.path) == (row.base, row.path);
            assert_eq!(TABLE.iter().position(same), Some(index), "{}", row.path);
            assert!(!row.reason.is_empty(), "{}", row.path);
            assert_eq!(row.path.starts_with('/'), row.base == Root, "{}", row.path);
        }
    }

    #[test]
    fn a_shared_path_takes_what_is_at_above_and_below_it_out() {
        let nscd = PathBuf::from("/run/nscd");
        assert!(paths(&Exposure::default()).contains(&nscd));
        for shared in ["/run/nscd", "/run/nscd/socket", "/run"] {
            let exposure = Exposure {
                shared: vec![shared.into()],
                ..Exposure::default()
            };
            assert!(!paths(&exposure).contains(&nscd), "{shared}");
        }
        let exposure = Exposure {
            shared: vec!["/run/nscd2".into()],
            ..Exposure::default()
        };
        assert!(paths(&exposure).contains(&nscd));
    }

    #[test]
    fn a_wish_that_is_not_in_force_is_named() {
        let here = Exposure {
            shared: vec!["/a".into(), "/b".into()],
            ..Exposure::default()
        };
        let wish = |text: &str| Exposure {
            shared: vec![text.into()],
            ..Exposure::default()
        };
        assert_eq!(here.lacks(&wish("/b")), None);
        assert_eq!(here.lacks(&wish("/c")), Some("--share /c".to_owned()));
        let bus = |bus| Exposure {
            system_bus: Some(bus),
            ..Exposure::default()
        };
        assert_eq!(here.lacks(&bus(SystemBus::Filtered)), None);
        let lacking = here.lacks(&bus(SystemBus::Full));
        assert_eq!(lacking.as_deref(), Some("--system-bus full"));
    }
}
