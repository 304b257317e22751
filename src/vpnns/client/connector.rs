//! The connector: the process that brings a profile up in an instance and keeps it up.
//!
//! # Theory of operation
//!
//! `vpnns --connect` is two processes. The *front* is what the user sees: it shows stages and
//! asks questions. The *connector* works: it is an orphan in a session of its own, stands in the
//! host's namespaces, owns the VPN client's processes, and is registered at the keeper, which
//! keeps the device while it tries again. Between the two is the leash, a socket: the front's
//! end, however it comes, is seen there, and ends the connector in order unless the front has
//! let it go before. With `--background` it never does: whoever has started the front, the desktop
//! app for example, may crash while the user is still asked, and the question can be answered by
//! others. A front that is told to end says so to the keeper. The client's processes are tied to the connector by the
//! kernel, and the keeper sees the connector's own end: nothing stays up that nobody watches.
//!
//! A connector is one thread that waits in one place, [`Session::wait`]; what a kind of client
//! needs is written as a sequence around it.

mod backoff;
mod child;
mod leash;
mod lines;
mod scrub;
mod session;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::setsid;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::network::RoutePolicy;
use vpnns_protocol::profile::wireguard::WireGuard;
use vpnns_protocol::profile::{Profile, Settings};

pub use self::backoff::Backoff;
pub use self::child::Child;
pub use self::leash::{Failure, Report};
pub use self::lines::Lines;
pub use self::session::{Event, Session};
use super::{command, openconnect, openvpn, wireguard};
use crate::args::CONNECTOR_VARIABLE;
use crate::instance::client::Client;
use crate::instance::control::Request;
use crate::report;
use crate::sys;

/// What is to be brought up, and where.
#[derive(Clone, Debug)]
pub struct Job {
    /// The instance.
    pub instance: InstanceName,
    /// The profile's name.
    pub profile_name: InstanceName,
    /// The profile.
    pub profile: Profile,
    /// This very program.
    pub program: PathBuf,
    /// By which the keeper knows what this connector starts.
    pub token: String,
    /// Whether it goes on without its front, also before it is connected.
    pub background: bool,
}

impl Job {
    /// The options of ours that express the profile's wishes about routes and resolvers.
    pub fn wishes(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.profile.routes == RoutePolicy::All {
            words.push("--routes=all".to_owned());
        }
        if let Some(resolvers) = &self.profile.dns {
            let list: Vec<String> = resolvers.iter().map(ToString::to_string).collect();
            let list = if list.is_empty() {
                "none".to_owned()
            } else {
                list.join(",")
            };
            words.push(format!("--dns={list}"));
        }
        words
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Somebody wanted it.
    Disconnected,
    /// The keeper was killed.
    KeeperGone,
    /// It is pointless to go on.
    Failed(Failure),
}

/// Starts the connector, which is registered by `keeper`; `leash` is its end of the leash.
pub fn spawn(job: &Job, keeper: Client, leash: OwnedFd) -> Result<(), Errno> {
    sys::process::fork_orphan(move || {
        let keep = [&keeper.as_fd(), &keeper.keeper(), &leash.as_fd()].map(AsRawFd::as_raw_fd);
        sys::fd::close_all_but(&keep);
        live(job, keeper, leash)
    })
}

/// The connector's life; every signal is blocked.
fn live(job: &Job, keeper: Client, leash: OwnedFd) -> i32 {
    // It leads no group already: it has just been forked.
    let _ = setsid();
    leave_terminal();
    sys::process::set_title(&format!("vpnns: connecting {}", job.instance));
    // What the user types is in our memory.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    sys::process::restore(Signal::SIGCHLD);
    sys::process::set_environment(CONNECTOR_VARIABLE, &job.token);
    let ending = match Session::new(
        keeper,
        leash,
        !job.background,
        job.profile.settings.server(),
    ) {
        Ok(mut session) => {
            let ending = run(&mut session, job);
            session.finish(&ending);
            ending
        }
        // Our end of the connection says the rest to the keeper.
        Err(errno) => Ending::Failed(Failure::new(format!(
            "failed to prepare the connector: {}",
            errno.desc()
        ))),
    };
    i32::from(ending != Ending::Disconnected)
}

fn run(session: &mut Session, job: &Job) -> Ending {
    match &job.profile.settings {
        Settings::OpenConnect(settings) => openconnect::connect::run(session, job, settings),
        Settings::Command(settings) => command::run(session, job, settings),
        Settings::Demo => command::demo(session, job),
        Settings::OpenVpn(settings) => openvpn::connect::run(session, job, settings),
        Settings::WireGuard(settings) => built_in(session, job, settings),
    }
}

/// WireGuard needs no client: its loop runs here.
fn built_in(session: &Session, job: &Job, settings: &WireGuard) -> Ending {
    let quit = match session.quit() {
        Ok(quit) => quit,
        Err(errno) => {
            let reason = format!("failed to prepare the tunnel: {}", errno.desc());
            return Ending::Failed(Failure::new(reason));
        }
    };
    let ended = wireguard::run(
        session.keeper(),
        quit.0.as_fd(),
        session.uplink(),
        settings,
        job.profile.routes,
        job.profile.dns.as_deref(),
        &|sentence| session.note(sentence),
    );
    match ended {
        Ok(wireguard::Ending::Disconnected) => Ending::Disconnected,
        Ok(wireguard::Ending::KeeperGone) => Ending::KeeperGone,
        Err(error) => Ending::Failed(Failure {
            reason: report::chain(&error),
            hint: error.hint(),
        }),
    }
}

/// Nothing of ours is to be written to, or read from, the front's terminal.
fn leave_terminal() {
    let Ok(null) = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
    else {
        return;
    };
    let _ = nix::unistd::dup2_stdin(&null);
    let _ = nix::unistd::dup2_stdout(&null);
    let _ = nix::unistd::dup2_stderr(&null);
    // A directory that is there as long as the user is.
    if let Some(home) = std::env::var_os("HOME") {
        let _ = std::env::set_current_dir(home);
    }
}

impl Session {
    /// Says goodbye to the keeper and to the front.
    fn finish(&mut self, ending: &Ending) {
        let failure = match ending {
            Ending::Disconnected => None,
            Ending::KeeperGone => Some(Failure::new(
                "the keeper of the instance was killed, so the VPN was disconnected".to_owned(),
            )),
            Ending::Failed(failure) => Some(failure.clone()),
        };
        let (reason, hint) = match failure.clone() {
            Some(Failure { reason, hint }) => (Some(reason), hint),
            None => (None, None),
        };
        self.send(Request::Finish { reason, hint });
        self.report(&Report::End { failure });
    }
}
