//! A client's descendants: children of ours once their parents have ended
//! (PR_SET_CHILD_SUBREAPER), to be reaped while it runs and ended with it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::tunnel::graft::Calls;

/// How long they may outlive the client before they are told to end: a helper that logs out.
const HELPERS_PATIENCE: Duration = Duration::from_millis(500);
/// How long they may take then, before they are killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long that is tried: a kill can be outrun only by what has more processes than we list.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// How often they are looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Forgets children that have ended, but for the client: its end is the supervisor's to see.
pub(super) fn reap(client: Pid) {
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while let Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) =
        waitid(Id::All, ended)
    {
        if pid == client || waitpid(pid, Some(WaitPidFlag::WNOHANG)).is_err() {
            return;
        }
    }
}

/// Ends what the client has left behind; whether there was anything that stayed.
///
/// Who waits for an answer to a trapped call does not hear of SIGTERM; without the listener it
/// gets an error.
pub(super) fn end(listener: Calls) -> bool {
    let mut listener = Some(listener);
    let began = Instant::now();
    let (asked_at, killed_at) = (
        began + HELPERS_PATIENCE,
        began + HELPERS_PATIENCE + PATIENCE,
    );
    // A child of a child becomes ours at any time.
    let mut told = HashSet::new();
    let mut stayed = false;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(status) => {
                // Its number may come again.
                if let Some(pid) = status.pid() {
                    told.remove(&pid);
                }
                continue;
            }
            Err(Errno::EINTR) => continue,
            Err(_) => return stayed,
        }
        let now = Instant::now();
        if now >= killed_at + LAST_PATIENCE {
            return true;
        }
        std::thread::sleep(INTERVAL);
        if now < asked_at {
            continue;
        }
        stayed = true;
        drop(listener.take());
        for child in children() {
            if now >= killed_at {
                let _ = kill(child, Signal::SIGKILL);
            } else if told.insert(child) {
                let _ = kill(child, Signal::SIGTERM);
                let _ = kill(child, Signal::SIGCONT);
            }
        }
    }
}

/// Our children, of which the kernel keeps a list (CONFIG_PROC_CHILDREN).
fn children() -> Vec<Pid> {
    let text = std::fs::read_to_string("/proc/self/task/self/children")
        .or_else(|_| {
            let pid = std::process::id();
            std::fs::read_to_string(format!("/proc/self/task/{pid}/children"))
        })
        .unwrap_or_default();
    let pids = text.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.map(Pid::from_raw).collect()
}
