//! The process that makes the lab's namespaces and whose end is the end of everything in them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::process::wait_until;
use super::user::User;

/// The init of the lab's namespaces, started through `unshare`.
pub(super) struct Init {
    unshare: Child,
    pid: String,
}

impl Init {
    /// Starts it, and returns when it has built the lab.
    pub(super) fn start(user: &User, directory: &Path) -> Self {
        let (uid, gid) = (user.uid(), user.gid());
        let mut command = Command::new("unshare");
        command
            .args([
                "--user",
                &format!("--map-user={uid}"),
                &format!("--map-group={gid}"),
            ])
            .args([
                "--map-auto",
                "--setuid=0",
                "--setgid=0",
                "--net",
                "--mount",
                "--pid",
            ])
            .args(["--fork", "--kill-child", "--mount-proc", "bash"])
            .args([&directory.join("lab.sh"), directory])
            .env_clear()
            .envs(user.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.join("lab.log")).unwrap());
        if nix::unistd::getuid().is_root() {
            command.gid(gid.as_raw()).uid(uid.as_raw());
        }
        let mut unshare = command.spawn().expect("unshare is part of util-linux");
        let mut line = String::new();
        // lab.sh bounds each of its waits and ends when one was in vain, and then so does this read.
        BufReader::new(unshare.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line != "ready\n" {
            let _ = unshare.wait();
            let log = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
            panic!(
                "the lab did not start:\n{}{}",
                log("lab.log"),
                log("ocserv.log")
            );
        }
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let pid = fs::read_to_string(children).unwrap().trim().to_owned();
        Self { unshare, pid }
    }

    /// The machine's number of the init, by which commands enter.
    pub(super) fn pid(&self) -> &str {
        &self.pid
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        drop(self.unshare.stdin.take());
        let ended = || matches!(self.unshare.try_wait(), Ok(Some(_)));
        if !wait_until(Duration::from_secs(5), ended) {
            let _ = self.unshare.kill();
            let _ = self.unshare.wait();
        }
    }
}
