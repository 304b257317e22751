//! A user's session: instances are made in it, and at its end nothing of them may be left.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vpnns_protocol::instance::{Instance, Report};

use super::command::{Invocation, require};
use super::process::{LIMIT, Output, Running, wait_until};
use super::user::User;

/// How long the last keeper may take to notice that nobody needs it.
const AFTERMATH: Duration = LIMIT;

/// A user, and a promise: when this is dropped, no process of the user's home is left.
pub struct Session {
    user: User,
}

impl Session {
    /// A session in a home nobody used before.
    pub fn new() -> Self {
        Self { user: User::new() }
    }

    /// Whose session it is.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// `$HOME`.
    pub fn home(&self) -> std::path::PathBuf {
        self.user.home()
    }

    /// A command outside of every instance.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        self.user.command(words)
    }

    /// A shell script outside of every instance, stopped by its first failure.
    pub fn script(&self, text: &str) -> Invocation {
        self.command(&["bash", "-euo", "pipefail", "-c", text])
    }

    /// A shell script with mounts of its own, in which it is root and can change what it likes: it is
    /// the machine that `vpnns` sees. No file of the real machine is touched.
    pub fn script_with_mounts(&self, text: &str) -> Invocation {
        require("unshare", "util-linux");
        let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
        let shell = ["bash", "-euo", "pipefail", "-c", text];
        self.command(&[&unshare[..], &shell[..]].concat())
    }

    /// `vpnns` with these words.
    pub fn vpnns(&self, words: &[&str]) -> Invocation {
        self.command(&[&["vpnns"], words].concat())
    }

    /// A command in the instance called `default`.
    pub fn inside(&self, words: &[&str]) -> Invocation {
        self.vpnns(&[&["--"], words].concat())
    }

    /// A shell script in the instance called `default`.
    pub fn shell_inside(&self, text: &str) -> Invocation {
        self.inside(&["sh", "-c", text])
    }

    /// Starts an app that keeps the instance alive until the guard is dropped.
    pub fn keep(&self, name: &str) -> Running {
        let words = ["--name", name, "--", "sh", "-c", "echo on; exec sleep 600"];
        let app = self.vpnns(&words).spawn();
        app.wait_for("on\n");
        app
    }

    /// The network namespace that a new app of the instance is in.
    pub fn network(&self, name: &str) -> String {
        let words = ["--name", name, "--", "readlink", "/proc/self/ns/net"];
        self.vpnns(&words).run().text().to_owned()
    }

    /// What `vpnns` says of the instance, if it runs.
    pub fn status(&self, name: &str) -> Option<Instance> {
        let output = self.vpnns(&["--status", "--json", "--name", name]).run();
        let report: Report = serde_json::from_str(output.text()).unwrap();
        report.instances.into_iter().next()
    }

    /// The process of the instance's keeper.
    pub fn keeper(&self, name: &str) -> Pid {
        let instance = self.status(name).expect("the instance does not run");
        Pid::from_raw(instance.keeper.try_into().unwrap())
    }

    /// Kills the instance's keeper, and waits until it is gone.
    pub fn kill_keeper(&self, name: &str) {
        let keeper = self.keeper(name);
        kill(keeper, Signal::SIGKILL).unwrap();
        assert!(wait_until(LIMIT, || has_ended(keeper)));
    }

    /// Waits until the instance is gone by itself.
    pub fn wait_for_end(&self, name: &str) {
        let gone = wait_until(AFTERMATH, || self.status(name).is_none());
        assert!(gone, "{name} is still there: {:#?}", self.status(name));
    }

    /// Waits until no process of this session runs: an instance is gone a moment before its
    /// keeper, which takes its name off the list before it exits.
    pub fn wait_for_nothing(&self) {
        let none = wait_until(AFTERMATH, || self.processes().is_empty());
        assert!(none, "left behind: {:#?}", self.processes());
    }

    /// Every process of this session that still runs, as number and command line.
    pub fn processes(&self) -> Vec<(Pid, String)> {
        // Set for all, by the user's environment, and different in each session.
        let marker = format!(
            "XDG_RUNTIME_DIR={}",
            self.user.runtime_directory().display()
        );
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers
            .filter(|pid: &i32| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == marker.as_bytes())
            })
            .map(|pid| (Pid::from_raw(pid), command_line(pid)))
            .collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if wait_until(AFTERMATH, || self.processes().is_empty()) {
            return;
        }
        let left = self.processes();
        for (pid, words) in &left {
            match kill(*pid, Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => eprintln!("cannot end {words}: {error}"),
            }
        }
        // A test that failed half-way has an excuse.
        assert!(std::thread::panicking(), "left behind: {left:#?}");
    }
}

fn command_line(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

/// Whether the process is gone, or a zombie that nobody has waited for yet.
pub fn has_ended(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
}

/// Whether a `vpnns` sleeps with a socket open: it waits for an answer.
pub fn has_asked(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let mut files = files.filter_map(|file| fs::read_link(file.path()).ok());
    stat.contains("(vpnns) S ") && files.any(|file| file.to_string_lossy().starts_with("socket:"))
}

/// Whether something is at the path, a dangling link included.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Fails the test unless the output is a complaint as `vpnns` makes it: nothing on stdout, one sentence
/// on stderr, its causes and a hint; and unless it has this exit code and contains this text.
pub fn assert_complaint(output: &Output, code: i32, text: &str) {
    assert_eq!(output.stdout, "", "{output:#?}");
    assert_gave_up(output, code, text);
}

/// The same for a program that has told on stdout how far it came.
pub fn assert_gave_up(output: &Output, code: i32, text: &str) {
    assert_eq!(output.code(), code, "{output:#?}");
    let mut lines = output.stderr.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("vpnns: "), "{output:#?}");
    let mut rest = lines.skip_while(|line| line.starts_with("caused by: "));
    let hint = rest.next();
    assert!(
        hint.is_none_or(|line| line.starts_with("hint: ")),
        "{output:#?}"
    );
    assert_eq!(rest.next(), None, "{output:#?}");
    assert!(
        output.stderr.contains(text),
        "{text:?} is not in {output:#?}"
    );
}
