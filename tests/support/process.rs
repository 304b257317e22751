//! A running command: every wait has an end, and nothing outlives its guard.
//!
//! Output goes to files, not pipes: a keeper that inherits them must not keep a test waiting.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long a command may take when a test says nothing else; generous for a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A command that runs; dropping it ends it by SIGKILL.
pub struct Running {
    child: Child,
    pid: Pid,
    words: Vec<String>,
    files: TempDir,
    started: Instant,
}

impl Running {
    /// Takes charge of a process; `entered` says that its one child is the command.
    pub(super) fn new(child: Child, words: Vec<String>, files: TempDir, entered: bool) -> Self {
        let pid = Pid::from_raw(child.id().try_into().expect("process numbers fit"));
        let started = Instant::now();
        let mut running = Self {
            child,
            pid,
            words,
            files,
            started,
        };
        if entered {
            running.find_entered();
        }
        running
    }

    /// The command's process, as the machine numbers it.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The number under which the other programs of its pid namespace know it.
    pub fn number_inside(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status =
            status.unwrap_or_else(|_| panic!("{:?} has ended: {}", self.words, self.log()));
        let line = status
            .lines()
            .find(|line| line.starts_with("NSpid:"))
            .unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// Both outputs, for programs that use either.
    pub fn log(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Waits until the outputs contain `text`.
    pub fn wait_for(&self, text: &str) {
        let seen = wait_until(LIMIT, || self.log().contains(text));
        assert!(
            seen,
            "{:?} never said {text:?}, only:\n{}",
            self.words,
            self.log()
        );
    }

    /// Sends a signal to the command itself.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).unwrap_or_else(|error| panic!("{:?}: {error}", self.words));
    }

    /// Whether it has ended, without waiting.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end; a millisecond of delay at most, so that the time after it can be measured.
    pub fn wait(mut self, limit: Duration) -> Output {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Output {
                    status,
                    stdout: self.stdout(),
                    stderr: self.stderr(),
                    elapsed: self.started.elapsed(),
                    words: std::mem::take(&mut self.words),
                };
            }
            let (words, log) = (&self.words, || self.log());
            assert!(
                Instant::now() < end,
                "{words:?} did not end in {limit:?}:\n{}",
                log()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.files.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The child of nsenter, which forks because only children enter a pid namespace.
    fn find_entered(&mut self) {
        let pid = self.pid;
        let list = format!("/proc/{pid}/task/{pid}/children");
        wait_until(LIMIT, || {
            let children = fs::read_to_string(&list).unwrap_or_default();
            let first = children
                .split_whitespace()
                .next()
                .and_then(|word| word.parse().ok());
            if let Some(child) = first {
                self.pid = Pid::from_raw(child);
            }
            first.is_some() || self.ended().is_some()
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // No panic in here: it may be one that brought us here.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // The command before nsenter: afterwards its number could belong to someone else.
            match kill(self.pid, Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => eprintln!("cannot end {:?}: {error}", self.words),
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    status: ExitStatus,
    /// Standard output, as text.
    pub stdout: String,
    /// Standard error, as text.
    pub stderr: String,
    /// From start to end.
    pub elapsed: Duration,
    words: Vec<String>,
}

impl Output {
    /// The exit code; for a signal the shell's 128+n.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .or_else(|| self.status.signal().map(|n| 128 + n))
            .unwrap_or(-1)
    }

    /// Both outputs.
    pub fn log(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Whether the exit code was 0.
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Fails the test unless the command succeeded; returns its standard output without the last newline.
    pub fn text(&self) -> &str {
        assert!(self.succeeded(), "{self:#?}");
        self.stdout.trim_end()
    }
}

/// Waits until `condition` holds, or says that it never did.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
