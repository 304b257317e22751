//! The Flatpak, installed for the lab's user from the file that is published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::command::require;
use crate::support::wireguard::{Profile, Server};
use crate::support::{Lab, address};

/// The application id.
pub const ID: &str = "org.vpnns.PerAppVpn";
/// What makes what is installed: of what is built outside of a sandbox, on a runtime that needs no Flathub.
const MAKE: [&str; 5] = ["dist", "flatpak", "--prebuilt", "--runtime", "local"];
/// The words that call the helper of the Flatpak.
pub const HELPER: [&str; 4] = ["flatpak", "run", "--command=vpnns", ID];

/// A lab whose user has installed the Flatpak, and has a WireGuard profile called `work`.
///
/// What is copied goes with the directory; what was installed is in the user's home, and goes with that.
pub fn lab() -> (Lab, Files) {
    for program in ["flatpak", "dbus-run-session", "bwrap"] {
        require(program, program);
    }
    let lab = Lab::start();
    let files = Files::copy();
    // Nobody's display but this lab's: a sandbox takes it by the file of its socket.
    let script = "mkdir -p /tmp/.X11-unix && mount -t tmpfs -o mode=1777 none /tmp/.X11-unix";
    lab.run_by_root(&["sh", "-c", script]).run().text();
    let install = lab.run_by_user(&["dbus-run-session", "--", "sh", "-c", &files.install()]);
    let output = install.limit(Duration::from_secs(300)).run();
    assert!(output.succeeded(), "{output:#?}");
    (lab, files)
}

/// The lab's WireGuard peer, which the user's profile `work` leads to: all traffic goes there.
pub fn server(lab: &Lab) -> Server<'_> {
    let profile = Profile::new();
    let server = Server::start_routed(lab, &profile.keys.public, None);
    let endpoint = format!("{}:{}", address::GATEWAY, crate::support::wireguard::PORT);
    let all = ["0.0.0.0/0", "::/0"];
    let profile = profile.peer(&server.keys.public, &endpoint, &all, "");
    profile.write(lab);
    server
}

/// What is installed, where the lab's user can read it.
pub struct Files(TempDir);

impl Files {
    /// Makes what is installed, if it is not there, and copies it.
    pub fn copy() -> Self {
        let bundle = made();
        let directory = tempfile::Builder::new()
            .prefix("vpnns-flatpak-")
            .tempdir_in("/tmp")
            .unwrap();
        let repository = target().join("flatpak/platform-repository");
        let files = Self(directory);
        run("cp", &[Path::new("-r"), &repository, &files.repository()]);
        run("cp", &[&bundle, &files.bundle()]);
        run(
            "chmod",
            &[Path::new("-R"), Path::new("a+rX"), files.0.path()],
        );
        files
    }

    /// The script by which the user installs it, with a session bus.
    pub fn install(&self) -> String {
        // Without a system bus somebody has to say that no parent forbids it.
        format!(
            "set -e; export DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS
             flatpak --user remote-add --no-gpg-verify local file://{}
             flatpak --user install --noninteractive local org.vpnns.Debian.Platform//12
             flatpak --user install --noninteractive {}",
            self.repository().display(),
            self.bundle().display()
        )
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        self.0.path()
    }

    fn repository(&self) -> PathBuf {
        self.0.path().join("repository")
    }

    fn bundle(&self) -> PathBuf {
        self.0.path().join("app.flatpak")
    }
}

/// The bundle of this tree, made once for all tests.
fn made() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let status = cargo
            .current_dir(tree)
            .args(["run", "--quiet", "--locked", "--package", "xtask", "--"])
            .args(MAKE)
            .env("CARGO_TARGET_DIR", target())
            .status();
        assert!(status.unwrap().success(), "cargo xtask {MAKE:?}");
        let made = fs::read_dir(target().join("dist")).unwrap().flatten();
        made.map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|it| it == "flatpak"))
            .expect("there is a bundle")
    };
    MADE.get_or_init(make).clone()
}

/// Where cargo and xtask put what they make.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors()
        .nth(3)
        .expect("target/debug/deps/test")
        .to_owned()
}

fn run(program: &str, words: &[&Path]) {
    let status = Command::new(program).args(words).status().unwrap();
    assert!(status.success(), "{program} {words:?}");
}
