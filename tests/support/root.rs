//! A clean Debian 12 to install things into: its files are made once, and each test changes them for itself.
//!
//! # Theory of operation
//!
//! mmdebstrap makes an archive, kept below `target`; in it is also what apt would fetch for the app, since
//! no lab reaches the network. A test program unpacks it once, as the root of a user namespace. `root.sh`
//! lays a file system over it that forgets what is changed, and makes it the root of a mount namespace in
//! the lab: network, servers and users are the lab's, programs and files are Debian's. The user's home is
//! where it is outside.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use nix::unistd::chown;
use tempfile::TempDir;

use super::command::{Invocation, require};
use super::lab::Lab;
use super::process::Running;
use super::user::{User, directory_for_all};

/// What is installed beside Debian's smallest: what the tests use, and nothing of what they install.
const INSTALLED: &str = "bash-completion,ca-certificates,firefox-esr,fonts-dejavu-core,man-db";
/// What is only fetched: the libraries that the packages ask for, the package that has the same program, and
/// what a Flatpak needs.
const FETCHED: &str = "libgtk-4-1 libadwaita-1-0 librsvg2-common xdg-dbus-proxy ocproxy \
                       flatpak dbus-daemon dbus-session-bus-common";
/// Reading and writing it all takes a while on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A Debian in a lab.
pub struct Root<'lab> {
    lab: &'lab Lab,
    inside: Running,
    _tree: Arc<Tree>,
}

impl<'lab> Root<'lab> {
    /// One that is as Debian installs it. The lab's screens are to be there already.
    pub fn new(lab: &'lab Lab) -> Self {
        let tree = Tree::shared(lab.user());
        let script = lab.directory().join("root.sh");
        fs::write(&script, include_str!("root.sh")).unwrap();
        let user = lab.user();
        let words = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "bash",
            &text(&script),
            &text(&tree.files()),
            &text(lab.directory()),
            &text(user.directory()),
            &user.uid().to_string(),
            &user.gid().to_string(),
        ];
        let inside = lab.run_by_root(&words).spawn();
        inside.wait_for("entered");
        Self {
            lab,
            inside,
            _tree: tree,
        }
    }

    /// The lab that it is in.
    pub fn lab(&self) -> &'lab Lab {
        self.lab
    }

    /// A command run by the root of this Debian.
    pub fn run_by_root(&self, words: &[&str]) -> Invocation {
        let all = [&["env", "HOME=/root"], words].concat();
        self.lab.run_by_root(&self.entering(&all)).limit(PATIENCE)
    }

    /// A command run by the user.
    pub fn run_by_user(&self, words: &[&str]) -> Invocation {
        let (uid, gid) = (self.lab.user().uid(), self.lab.user().gid());
        let home = text(&self.lab.user().home());
        let (uid, gid) = (format!("--reuid={uid}"), format!("--regid={gid}"));
        let way = [
            "setpriv",
            "--clear-groups",
            "--inh-caps=-all",
            &uid,
            &gid,
            // The test may be killed: what it ran then ends with the way in, not with the lab.
            "--pdeathsig",
            "KILL",
            "--",
            "env",
            "--chdir",
            &home,
        ];
        self.lab
            .run_by_root(&self.entering(&[&way, words].concat()))
    }

    /// A script of the root's, stopped by its first failure.
    pub fn root_shell(&self, script: &str) -> String {
        let output = self.run_by_root(&["bash", "-euo", "pipefail", "-c", script]);
        output.run().text().to_owned()
    }

    /// A script of the user's, stopped by its first failure.
    pub fn user_shell(&self, script: &str) -> String {
        let output = self.run_by_user(&["bash", "-euo", "pipefail", "-c", script]);
        output.run().text().to_owned()
    }

    /// Copies a file of the test's to where this Debian sees it; returns where.
    pub fn bring(&self, path: &Path) -> String {
        let name = path.file_name().unwrap();
        let there = self.lab.directory().join(name);
        fs::copy(path, &there).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        chown(
            &there,
            Some(self.lab.user().uid()),
            Some(self.lab.user().gid()),
        )
        .unwrap();
        text(&there)
    }

    /// The processes that run from a file of this Debian, or from one that it has replaced.
    pub fn running_from(&self, program: &str) -> Vec<String> {
        let script = "for process in /proc/[0-9]*; do
                case $(readlink $process/exe) in
                    $1 | \"$1 (deleted)\") echo ${process#/proc/} ;;
                esac
            done";
        let words = ["bash", "-c", script, "running", program];
        let output = self.run_by_root(&words).run();
        output.stdout.lines().map(str::to_owned).collect()
    }

    fn entering(&self, words: &[&str]) -> Vec<String> {
        let target = format!("--target={}", self.inside.number_inside());
        let way = ["nsenter", &target, "--mount", "--"];
        [&way, words]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// The files that all tests running now see below their own.
struct Tree {
    directory: TempDir,
    user: Vec<String>,
    ids: (u32, u32),
}

impl Tree {
    fn shared(user: &User) -> Arc<Self> {
        static CURRENT: Mutex<Weak<Tree>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = current.upgrade() {
            return tree;
        }
        let tree = Arc::new(Self::unpack(user));
        *current = Arc::downgrade(&tree);
        tree
    }

    fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    fn unpack(user: &User) -> Self {
        let archive = archive(user);
        let directory = directory_for_all("vpnns-debian-");
        chown(directory.path(), Some(user.uid()), Some(user.gid())).unwrap();
        let namespace = [
            "unshare".to_owned(),
            "--user".into(),
            format!("--map-user={}", user.uid()),
            format!("--map-group={}", user.gid()),
            "--map-auto".into(),
            "--setuid=0".into(),
            "--setgid=0".into(),
        ];
        let tree = Self {
            directory,
            user: namespace.into(),
            ids: (user.uid().as_raw(), user.gid().as_raw()),
        };
        let files = tree.files();
        // Devices are the lab's, and nobody may make any in a user namespace.
        let script = "mkdir \"$1\"; exec tar --extract --directory \"$1\" --numeric-owner --same-owner \
                      --preserve-permissions --exclude './dev/*'";
        let mut command = tree.command(&["sh", "-euc", script, "sh", &text(&files)]);
        let status = command.stdin(File::open(&archive).unwrap()).status();
        assert!(
            status.unwrap().success(),
            "cannot unpack {}",
            archive.display()
        );
        tree
    }

    /// A command by the root to whom the files belong.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.user[0]);
        command.args(&self.user[1..]).args(words);
        as_user(&mut command, self.ids);
        command
    }
}

impl Drop for Tree {
    /// Not everybody may remove them: they are of many users.
    fn drop(&mut self) {
        let files = text(&self.files());
        let _ = self.command(&["rm", "-rf", &files]).status();
    }
}

/// The archive of the files, made if it is not there.
fn archive(user: &User) -> PathBuf {
    require("mmdebstrap", "mmdebstrap");
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).expect("target/debug/deps/test");
    let directory = target.join("debian");
    fs::create_dir_all(&directory).unwrap();
    let mut hasher = DefaultHasher::new();
    (INSTALLED, FETCHED).hash(&mut hasher);
    let path = directory.join(format!("12-{:016x}.tar", hasher.finish()));
    if path.exists() {
        return path;
    }
    let new = path.with_extension("new");
    let fetch = format!(
        "chroot \"$1\" apt-get install --yes --no-install-recommends --download-only {FETCHED}"
    );
    let mut command = Command::new("mmdebstrap");
    command
        .args([
            "--quiet",
            "--variant=minbase",
            "--mode=unshare",
            "--format=tar",
        ])
        // The lists and what was fetched are for later.
        .arg("--skip=cleanup/apt")
        .arg("--aptopt=APT::Keep-Downloaded-Packages \"true\"")
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        // Nobody needs these files after a crash of the machine.
        .arg("--dpkgopt=force-unsafe-io")
        .arg(format!("--include={INSTALLED}"))
        .arg(format!("--customize-hook={fetch}"))
        .args(["bookworm", "-"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(File::create(&new).unwrap());
    as_user(&mut command, (user.uid().as_raw(), user.gid().as_raw()));
    let status = command.status();
    assert!(
        status.unwrap().success(),
        "mmdebstrap cannot make a Debian 12"
    );
    fs::rename(&new, &path).unwrap();
    path
}

fn as_user(command: &mut Command, (uid, gid): (u32, u32)) {
    command
        .env_clear()
        .env("PATH", super::user::SYSTEM_PATH)
        .env("LANG", "C.UTF-8");
    if nix::unistd::getuid().is_root() {
        command.gid(gid).uid(uid);
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("the tests' paths are text").to_owned()
}
