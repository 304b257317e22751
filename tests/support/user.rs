//! The ordinary user for whom everything is run, with a home and a copy of the program of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, User as Account, chown};
use tempfile::TempDir;

use super::command::Invocation;

/// The account used when the tests themselves are run by root; `cargo xtask setup` makes it.
pub const TEST_ACCOUNT: &str = "vpnns-test";

/// A user with a fresh home; what is in it goes away with this value.
pub struct User {
    name: String,
    uid: Uid,
    gid: Gid,
    directory: TempDir,
    program: Arc<Program>,
}

impl User {
    /// Whoever runs the tests, or `vpnns-test` when that is root, in a home nobody used before.
    pub fn new() -> Self {
        let account = account();
        let directory = directory_for_all("vpnns-home-");
        let user = Self {
            name: account.name,
            uid: account.uid,
            gid: account.gid,
            directory,
            program: Program::shared(),
        };
        for private in [user.home(), user.runtime_directory()] {
            user.make_directory(&private);
        }
        user
    }

    /// `$HOME`.
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// What holds both, and goes with this value.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `$XDG_RUNTIME_DIR`.
    pub fn runtime_directory(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// The program under test, where the user can execute it.
    pub fn program(&self) -> PathBuf {
        self.program.directory().join("vpnns")
    }

    /// The user's number, the same on the machine and inside the lab.
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// The user's group.
    pub fn gid(&self) -> Gid {
        self.gid
    }

    /// A command run by this user in the machine's own namespaces.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        let mut invocation = Invocation::new(self, words[0].as_ref());
        invocation.args(words[1..].iter().map(AsRef::as_ref));
        invocation.current_directory(&self.home());
        invocation
    }

    /// Writes a file that belongs to the user, its path relative to the home, with these permissions.
    pub fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.home().join(name);
        // Somebody may be about to read it.
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return path;
        }
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        chown(&path, Some(self.uid), Some(self.gid)).unwrap();
        path
    }

    /// Makes a directory only the user can look into.
    pub fn make_directory(&self, path: &Path) {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        chown(path, Some(self.uid), Some(self.gid)).unwrap();
    }

    /// The whole environment of the user's commands: nothing of the test's own leaks into them.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_str().expect("temporary paths are text").to_owned();
        let path = format!("{}:{SYSTEM_PATH}", text(self.program.directory()));
        vec![
            ("HOME", text(self.home())),
            ("XDG_RUNTIME_DIR", text(self.runtime_directory())),
            ("USER", self.name.clone()),
            ("LOGNAME", self.name.clone()),
            ("SHELL", "/bin/sh".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("PATH", path),
        ]
    }
}

impl Drop for User {
    /// Ends what a failed test has left behind: a keeper, or a client in the background.
    fn drop(&mut self) {
        let home = format!("HOME={}", self.home().display()).into_bytes();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(number) = number
                && environment
                    .split(|byte| *byte == 0)
                    .any(|word| word == home)
            {
                let _ = kill(Pid::from_raw(number), Signal::SIGKILL);
            }
        }
    }
}

/// Where commands are looked for; openconnect and ip are in the `sbin`s.
pub(super) const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// A temporary directory that every uid of the lab can pass through; tempfile makes them 0700.
pub(super) fn directory_for_all(prefix: &str) -> TempDir {
    // Not $TMPDIR: it may be private, or too long for the 108 bytes of a socket's path.
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in("/tmp")
        .unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn account() -> Account {
    let myself = nix::unistd::getuid();
    let found = if myself.is_root() {
        Account::from_name(TEST_ACCOUNT)
    } else {
        Account::from_uid(myself)
    };
    found
        .expect("the user database can be read")
        .unwrap_or_else(|| {
            panic!("the user {TEST_ACCOUNT} is missing: run `cargo xtask setup` once, as root")
        })
}

/// The vpnns under test, copied to where the user can execute it: the checkout may be in a private directory.
struct Program {
    directory: TempDir,
}

impl Program {
    /// One copy for all tests running now; the last of them removes it.
    fn shared() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Program>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = current.upgrade() {
            return program;
        }
        let original = std::env::var_os("VPNNS_BIN").map_or_else(built, PathBuf::from);
        let program = Arc::new(Self {
            directory: directory_for_all("vpnns-bin-"),
        });
        let copy = program.directory().join("vpnns");
        fs::copy(&original, &copy)
            .unwrap_or_else(|error| panic!("cannot copy {}: {error}", original.display()));
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        *current = Arc::downgrade(&program);
        program
    }

    fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

/// The helper that cargo has built. Tests of the app, another package, find it beside the app.
fn built() -> PathBuf {
    if let Some(path) = option_env!("CARGO_BIN_EXE_vpnns") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let helper = test.ancestors().nth(2).unwrap().join("vpnns");
    assert!(
        helper.exists(),
        "{} is missing: run `cargo build -p vpnns` first, or test the whole workspace",
        helper.display()
    );
    helper
}
