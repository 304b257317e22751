//! A runtime of Debian's packages, for where that of GNOME is out of reach: tests need no Flathub.
//!
//! # Theory of operation
//!
//! A runtime is a directory whose `usr` becomes `/usr` and whose `usr/etc` becomes `/etc` of a sandbox. Debian's
//! is made by mmdebstrap, exported into a repository below target/ and installed from there for the one who
//! builds, in a directory that no other Flatpak looks into. It is made anew when the list of what is in it has
//! changed, and otherwise kept.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::require;
use super::manifest::Runtime;
use crate::command::{self, command, run};
use crate::failure::{Act, Failure, Result};
use crate::release::Rustc;

/// The distribution: the oldest one that the app is for.
const SUITE: &str = "bookworm";
/// Its version, and that of the runtime.
const VERSION: &str = "12";
/// The first part of the ids.
const ID: &str = "org.vpnns.Debian";

/// What the app needs to run.
const PLATFORM: &[&str] = &[
    "adwaita-icon-theme",
    "ca-certificates",
    "dconf-gsettings-backend",
    "flatpak-xdg-utils",
    "fonts-cantarell",
    "fonts-dejavu-core",
    "gsettings-desktop-schemas",
    "hicolor-icon-theme",
    "libadwaita-1-0",
    "libglib2.0-bin",
    "libgtk-4-1",
    "librsvg2-common",
    "shared-mime-info",
    "xkb-data",
];
/// What it needs besides to be built; the compiler is the one that builds this program.
const SDK: &[&str] = &[
    "appstream-util",
    "desktop-file-utils",
    "gcc",
    "gettext",
    "gtk-update-icon-cache",
    "libadwaita-1-dev",
    "libc6-dev",
    "libglib2.0-dev-bin",
    "libgtk-4-dev",
    "pkg-config",
];

/// Where everything of it is.
pub(super) struct Local {
    directory: PathBuf,
}

impl Local {
    /// Below this directory.
    pub(super) fn below(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// What it is called.
    pub(super) fn runtime() -> Runtime {
        Runtime {
            platform: format!("{ID}.Platform"),
            sdk: format!("{ID}.Sdk"),
            version: VERSION.to_owned(),
        }
    }

    /// The installation of the one who builds: nothing of it is mixed with the user's own.
    pub(super) fn installation(&self) -> PathBuf {
        self.directory.join("installation")
    }

    /// `flatpak` for that installation.
    pub(super) fn flatpak(&self, words: &[&str]) -> Command {
        let mut flatpak = command("flatpak");
        flatpak
            .args(words)
            .env("FLATPAK_USER_DIR", self.installation());
        flatpak
    }

    /// Sees that the platform is there.
    pub(super) fn platform(&self) -> Result {
        self.provide("Platform", PLATFORM, |_| Ok(()))
    }

    /// Sees that what the app is built on is there, with this machine's Rust.
    pub(super) fn sdk(&self) -> Result {
        let all = [PLATFORM, SDK].concat();
        self.provide("Sdk", &all, |root| {
            let toolchain = Rustc::ask()?.root;
            let to = root.join("usr/lib/sdk/rust-stable");
            fs::create_dir_all(&to).act(|| format!("failed to make {}", to.display()))?;
            // Without its documents, which are the larger half.
            let parts = ["bin", "lib", "libexec"].map(|part| toolchain.join(part));
            run(command("cp")
                .args(["--archive", "--reflink=auto"])
                .args(parts.iter().filter(|part| part.exists()))
                .arg(to))
        })
    }

    fn provide(&self, kind: &str, packages: &[&str], add: impl FnOnce(&Path) -> Result) -> Result {
        let stamp = self.directory.join(format!("{kind}.stamp"));
        let wanted = format!("{SUITE} {} {}", Rustc::ask()?.version, packages.join(" "));
        if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
            return Ok(());
        }
        require("mmdebstrap", "mmdebstrap")?;
        let root = self.directory.join(kind);
        remove(&root)?;
        let made = fs::create_dir_all(&self.directory);
        made.act(|| format!("failed to make {}", self.directory.display()))?;
        Self::bootstrap(&root, packages)?;
        arrange(&root, kind)?;
        add(&root)?;
        self.export(&root, kind)?;
        remove(&root)?;
        fs::write(&stamp, wanted).act(|| format!("failed to write {}", stamp.display()))
    }

    /// By way of an archive: made by an ordinary user, the files of a directory would not be the user's.
    fn bootstrap(root: &Path, packages: &[&str]) -> Result {
        let archive = root.with_extension("tar");
        let mut mmdebstrap = command("mmdebstrap");
        mmdebstrap
            .args(["--variant=minbase", "--quiet"])
            // Nobody reads them in a sandbox.
            .args(
                [
                    "/usr/share/doc/*",
                    "/usr/share/man/*",
                    "/usr/share/locale/*",
                ]
                .map(|path| format!("--dpkgopt=path-exclude={path}")),
            )
            .arg(format!("--include={}", packages.join(",")))
            .args([SUITE.as_ref(), archive.as_os_str()]);
        run(&mut mmdebstrap).map_err(|failure| {
            failure.hint("it needs Debian's packages from the network, and their keys: debian-archive-keyring")
        })?;
        fs::create_dir_all(root).act(|| format!("failed to make {}", root.display()))?;
        run(command("tar")
            .args(["--extract", "--no-same-owner", "--exclude=./dev/*"])
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(root))?;
        remove(&archive)
    }

    fn export(&self, root: &Path, kind: &str) -> Result {
        // The tests take the platform's, and nothing that they do not need.
        let name = format!("{}-repository", kind.to_lowercase());
        let repository = self.directory.join(&name);
        let mut export = self.flatpak(&["build-export", "--runtime", "--disable-fsync"]);
        run(export.arg(&repository).arg(root).arg(VERSION))?;
        // Into the installation of the one who builds.
        let url = format!("file://{}", repository.display());
        run(&mut self.flatpak(&[
            "--user",
            "remote-add",
            "--if-not-exists",
            "--no-gpg-verify",
            &name,
            &url,
        ]))?;
        let id = format!("{ID}.{kind}//{VERSION}");
        run(&mut self.flatpak(&[
            "--user",
            "install",
            "--noninteractive",
            "--reinstall",
            &name,
            &id,
        ]))
    }
}

/// Makes a root directory of Debian's one that Flatpak takes.
fn arrange(root: &Path, kind: &str) -> Result {
    let failed = || format!("failed to arrange {}", root.display());
    // A sandbox has only these two.
    fs::rename(root.join("etc"), root.join("usr/etc")).act(failed)?;
    for entry in fs::read_dir(root).act(failed)? {
        let entry = entry.act(failed)?;
        if entry.file_name() != "usr" {
            remove(&entry.path())?;
        }
    }
    for directory in ["files", "var"] {
        fs::create_dir(root.join(directory)).act(failed)?;
    }
    for (name, target) in [
        (
            "flatpak-spawn",
            "../libexec/flatpak-xdg-utils/flatpak-spawn",
        ),
        // Flatpak calls it for the cache of a sandbox, by this name.
        ("ldconfig", "../sbin/ldconfig"),
    ] {
        let link = root.join("usr/bin").join(name);
        if !link.is_symlink() && !link.exists() {
            symlink(target, link).act(failed)?;
        }
    }
    let arch = env::consts::ARCH;
    let metadata = format!(
        "[Runtime]\nname={ID}.{kind}\nruntime={ID}.Platform/{arch}/{VERSION}\nsdk={ID}.Sdk/{arch}/{VERSION}\n"
    );
    fs::write(root.join("metadata"), metadata).act(failed)
}

/// Removes whatever is there: a root directory has files that nobody but root may look at.
fn remove(path: &Path) -> Result {
    let done = match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    done.act(|| format!("failed to remove {}", path.display()))
}

/// Fails, with what to do, where the one who builds cannot make a runtime.
pub(super) fn require_root() -> Result {
    if crate::ordinary_user::we_are_root() || command::find("newuidmap").is_some() {
        return Ok(());
    }
    Err(
        Failure::new("a runtime of Debian's packages cannot be made here")
            .hint("install uidmap, or run this as root"),
    )
}
