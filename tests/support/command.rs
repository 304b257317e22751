//! Preparing a command that is run as the user.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{LIMIT, Output, Running};
use super::user::{SYSTEM_PATH, User};

/// A command about to be run.
pub struct Invocation {
    command: Command,
    words: Vec<String>,
    input: Vec<u8>,
    limit: Duration,
    entered: bool,
}

impl Invocation {
    pub(super) fn new(user: &User, program: &str) -> Self {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(user.environment())
            .process_group(0);
        if nix::unistd::getuid().is_root() {
            // The standard library also drops root's supplementary groups here.
            command.gid(user.gid().as_raw()).uid(user.uid().as_raw());
        }
        let words = vec![program.to_owned()];
        Self {
            command,
            words,
            input: Vec::new(),
            limit: LIMIT,
            entered: false,
        }
    }

    pub(super) fn current_directory(&mut self, path: &Path) {
        self.command.current_dir(path);
    }

    /// Says that the program is only the way in, and that its one child is the command.
    pub(super) fn entered(mut self) -> Self {
        self.entered = true;
        self
    }

    pub(super) fn args<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        for word in words {
            self.command.arg(word);
            self.words.push(word.to_owned());
        }
    }

    /// Sets one more variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Gives the command this to read; otherwise its input is empty.
    pub fn input(mut self, text: &str) -> Self {
        text.as_bytes().clone_into(&mut self.input);
        self
    }

    /// Allows the command more or less time than [`LIMIT`].
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the command to its end, which is a failed test if it does not come in time.
    pub fn run(self) -> Output {
        let limit = self.limit;
        self.spawn().wait(limit)
    }

    /// Starts the command and returns at once.
    pub fn spawn(mut self) -> Running {
        let files = tempfile::tempdir().unwrap();
        let create = |name: &str| fs::File::create(files.path().join(name)).unwrap();
        let input = files.path().join("input");
        fs::File::create(&input)
            .unwrap()
            .write_all(&self.input)
            .unwrap();
        let child = self
            .command
            .stdin(fs::File::open(input).unwrap())
            .stdout(Stdio::from(create("stdout")))
            .stderr(Stdio::from(create("stderr")))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", self.words));
        Running::new(child, self.words, files, self.entered)
    }
}

/// Fails the test, and does not skip it, when a program it needs is not installed.
pub fn require(program: &str, package: &str) {
    let found = SYSTEM_PATH.split(':').any(|directory| {
        fs::metadata(Path::new(directory).join(program)).is_ok_and(|file| file.mode() & 0o111 != 0)
    });
    assert!(
        found,
        "these tests need {program}: run `apt-get install {package}`"
    );
}

/// The same for a file that is no program on the path.
pub fn require_file(path: &str, package: &str) {
    assert!(
        Path::new(path).exists(),
        "these tests need {path}: run `apt-get install {package}`"
    );
}
