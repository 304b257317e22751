//! A child that goes down the ladder of isolation for real, and tells what it saw.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid};
use serde::{Deserialize, Serialize};

use super::deadline::read_to_end;
use crate::isolation::masks::Masks;
use crate::isolation::services::Exposure;
use crate::isolation::{self, identity};
use crate::{net, report, sys};

/// Making the namespaces takes a few milliseconds, or longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// How far the child came, and what there was to see on the way.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The stage that failed; none after it was tried.
    pub(super) failure: Option<(Stage, Failure)>,
    /// How /etc is provided.
    pub(super) etc: Option<Etc>,
    /// Whether a tun device can be made in the instance's network, or where the child did not
    /// come so far, whether at least its file can be opened.
    pub(super) tun: Option<Result<Tun, Failure>>,
    /// Whether open connections can be aborted there.
    pub(super) aborts: Option<bool>,
    /// Whether an app may open the kind of socket that ping uses.
    pub(super) ping: Option<bool>,
}

/// The stages of the ladder, as far as they can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// The keeper's user namespace.
    Keeper,
    /// The network, mount and UTS namespaces, and what is set up in them.
    Isolation,
    /// The apps' user namespace.
    App,
}

/// An error as text, on its way from the child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// What failed and why, in one line.
    pub(super) text: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Failure {
    fn new(error: &dyn std::error::Error, hint: Option<String>) -> Self {
        let mut parts = vec![error.to_string()];
        parts.extend(report::causes(error));
        Self {
            text: parts.join(": "),
            hint,
        }
    }
}

/// How far a tun device was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tun {
    /// It can be made.
    Made,
    /// /dev/net/tun can be opened.
    Opened,
}

/// The two ways to /etc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Etc {
    /// An overlay on the host's.
    Overlay,
    /// A directory of binds.
    Substitute,
}

/// Sends a child down the ladder, with a state directory to work in.
pub(super) fn probe(directory: &Path) -> Seen {
    let mut seen = send_child(directory).unwrap_or_else(|text| Seen {
        failure: Some((Stage::Keeper, Failure { text, hint: None })),
        ..Seen::default()
    });
    seen.tun.get_or_insert_with(|| {
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun");
        match open.map_err(net::Error::OpenTun) {
            Ok(_) => Ok(Tun::Opened),
            Err(error) => Err(Failure::new(&error, error.hint())),
        }
    });
    seen
}

fn send_child(directory: &Path) -> Result<Seen, String> {
    let failed = |what: &str, why: &dyn std::fmt::Display| format!("{what}: {why}");
    let (reader, mut writer) =
        std::io::pipe().map_err(|error| failed("failed to make a pipe", &error))?;
    let forked = sys::process::fork();
    let child = match forked.map_err(|errno| failed("failed to start a process", &errno))? {
        ForkResult::Child => {
            let bytes = serde_json::to_vec(&descend(directory)).unwrap_or_default();
            let told = writer.write_all(&bytes);
            // Not by returning: what the parent owns is the parent's to clean up.
            std::process::exit(i32::from(told.is_err()));
        }
        ForkResult::Parent { child } => child,
    };
    drop(writer);
    let answer = read_to_end(reader, Instant::now() + PATIENCE);
    if answer.is_none() {
        let _ = kill(child, Signal::SIGKILL);
    }
    let status = loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            other => break other,
        }
    };
    match (answer, status) {
        (None, _) => Err("creating the namespaces took too long".to_owned()),
        // A system call filter may answer with death.
        (_, Ok(WaitStatus::Signaled(_, signal, _))) => {
            Err(format!("creating the namespaces was ended by {signal}"))
        }
        (Some(bytes), _) => serde_json::from_slice(&bytes)
            .map_err(|error| failed("the probe gave no answer", &error)),
    }
}

fn descend(directory: &Path) -> Seen {
    let mut seen = Seen::default();
    seen.failure = stages(directory, &mut seen)
        .err()
        .map(|(stage, error)| (stage, Failure::new(&error, error.hint())));
    seen
}

fn stages(directory: &Path, seen: &mut Seen) -> Result<(), (Stage, isolation::Error)> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    let mut masks = Masks::new(directory, &Exposure::default());
    identity::become_keeper().map_err(|error| (Stage::Keeper, error))?;
    isolation::isolate(directory, None, &mut masks).map_err(|error| (Stage::Isolation, error))?;
    seen.etc = statfs("/etc").ok().map(|etc| {
        if etc.filesystem_type() == OVERLAYFS_SUPER_MAGIC {
            Etc::Overlay
        } else {
            Etc::Substitute
        }
    });
    seen.tun = Some(match net::open_device(true) {
        Ok(_) => Ok(Tun::Made),
        Err(error) => Err(Failure::new(&error, error.hint())),
    });
    seen.aborts = Some(net::can_abort_connections());
    identity::become_app(uid, gid).map_err(|error| (Stage::App, error))?;
    seen.ping = Some(
        socket(
            AddressFamily::Inet,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::Icmp,
        )
        .is_ok(),
    );
    Ok(())
}
