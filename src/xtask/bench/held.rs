//! Instances kept alive for a measurement, their names, and their end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::remove_tree;
use crate::command::output;
use crate::failure::{Act, Failure, Result};

/// Where Debian's package ocproxy puts the original.
pub(crate) const ORIGINAL: &str = "/usr/bin/vpnns";

/// How long an instance may take to end after its last app, or to begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// The names of the instances made here, and what the file system and /proc show of them.
pub(crate) struct Names {
    /// The home directory, where the instances keep their state.
    pub(crate) home: PathBuf,
    prefix: String,
}

impl Names {
    /// Names of this process's own, in the user's home directory.
    pub(crate) fn new() -> Result<Self> {
        let home = std::env::var_os("HOME").map(PathBuf::from).ok_or_else(|| {
            Failure::new("HOME is not set").hint("the instances keep their state there")
        })?;
        let prefix = format!("bench-{}", std::process::id());
        Ok(Self { home, prefix })
    }

    /// A name that is no prefix of another: the end of `r1c2` is always a contestant's digit.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}.", self.prefix)
    }

    /// Waits until no process of the instance is left, and removes its directory.
    pub(crate) fn forget(&self, name: &str) -> Result {
        wait_until(|| !names_a_process(name)).map_err(|()| {
            Failure::new(format!(
                "the instance {name} did not end within {PATIENCE:?}"
            ))
            .hint("look at its processes with: ps -ef")
        })?;
        let directory = self.home.join(format!(".vpnns-{name}"));
        if !directory.exists() {
            return Ok(());
        }
        remove_tree(&directory).act(|| format!("failed to remove {}", directory.display()))
    }
}

impl Drop for Names {
    /// Removes what a failure left behind; nothing is to be done where that fails too.
    fn drop(&mut self) {
        let prefix = format!(".vpnns-{}-", self.prefix);
        for entry in fs::read_dir(&self.home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = remove_tree(&entry.path());
            }
        }
    }
}

/// Whether a process was started with the name in its arguments, as keepers are.
fn names_a_process(name: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.windows(name.len()).any(|part| part == name.as_bytes()))
}

fn wait_until(mut condition: impl FnMut() -> bool) -> std::result::Result<(), ()> {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return Err(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// An instance kept alive by an app that ends when its stdin does, so that it cannot outlive us.
pub(crate) struct Held {
    /// The instance's name.
    pub(crate) name: String,
    app: Child,
}

impl Held {
    /// Starts an instance under a name that ends in `suffix`.
    pub(crate) fn start(program: &Path, names: &Names, suffix: &str) -> Result<Self> {
        let name = names.name(suffix);
        let mut app = Command::new(program)
            .args(["--name", &name, "--", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .act(|| format!("failed to start {}", program.display()))?;
        // The word, or the original's complaint, or an end of file.
        let mut line = String::new();
        let stdout = app.stdout.take().expect("it was piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .act(|| format!("failed to read what {} prints", program.display()))?;
        if line.trim() != "ready" {
            let program = program.display();
            let failure = format!("{program} did not run a command in the instance {name}");
            return Err(Failure::new(failure).hint(format!("it said: {:?}", line.trim())));
        }
        Ok(Self { name, app })
    }

    /// Starts an instance of the original's, which loses a race of its own now and then.
    pub(crate) fn start_original(program: &Path, names: &Names, suffix: &str) -> Result<Self> {
        Self::start(program, names, suffix)
            .or_else(|_| Self::start(program, names, &format!("{suffix}-again")))
    }

    /// Ends the app, waits for the end of the instance, and removes its directory.
    pub(crate) fn end(mut self, names: &Names) -> Result {
        drop(self.app.stdin.take());
        self.app
            .wait()
            .act(|| format!("failed to wait for the end of {}", self.name))?;
        names.forget(&self.name)
    }
}

/// The path may hold an installed copy of ours, and that comparison would be a flattering one.
pub(crate) fn refuse_ourselves(original: &Path) -> Result {
    if !original.exists() {
        return Err(
            Failure::new(format!("{} is not installed", original.display()))
                .hint("install Debian's package ocproxy, or name another place with --original"),
        );
    }
    let version = output(Command::new(original).arg("--version")).unwrap_or_default();
    if !String::from_utf8_lossy(&version).contains("ocproxy") {
        return Err(
            Failure::new(format!("{} is not the original vpnns", original.display()))
                .hint("name it with --original"),
        );
    }
    Ok(())
}

/// Ends the process when the time is up, whatever it hangs on; the held instances end with it.
pub(crate) fn end_after(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        eprintln!("xtask: the measurement hangs, and was ended after {limit:?}");
        std::process::exit(1);
    });
}
