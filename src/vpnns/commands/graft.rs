//! `vpnns --graft -- CLIENT [ARG...]`: runs a stock VPN client whose device is the instance's.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use vpnns_protocol::exit;
use vpnns_protocol::instance::Client as ClientProcess;
use vpnns_protocol::network::NetworkConfig;

use crate::args::{ATTACH_PROGRAM, NAME_VARIABLE};
use crate::client::decision::Wishes;
use crate::client::fault::Fault;
use crate::client::stock::{self, Hook, Recipe};
use crate::instance::client::{self, Client};
use crate::instance::control::{Graft, Prepare, Reply, Request};
use crate::instance::enter::{self, Target};
use crate::isolation::command;
use crate::report;
use crate::sys;
use crate::sys::process::pidfd_send_signal;
use crate::tunnel::graft::{self, Calls, Failure, Launched};

/// How long a client may take to log out before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the filter's users may outlive the client that we have started: its helpers.
const HELPERS_PATIENCE: Duration = Duration::from_millis(500);
/// The MTU of a device that the user has given addresses to, and nothing else.
const DEFAULT_MTU: u32 = 1420;

/// What the user asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The client and its arguments; at least one word.
    pub command: Vec<OsString>,
    /// Whether to take over from an existing tunnel.
    pub replace: bool,
    /// What the user wants otherwise than the server.
    pub wishes: Wishes,
    /// The words for the same on our own command line.
    pub wish_words: Vec<String>,
    /// Addresses of the device, for a client that cannot tell them.
    pub addresses: Vec<IpNet>,
}

/// Why the client does not run, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance cannot be reached or started.
    #[error(transparent)]
    Enter(#[from] enter::Error),
    /// The connection to the keeper broke.
    #[error("failed to ask the keeper for the tunnel")]
    Keeper(#[source] client::Error),
    /// The keeper said no.
    #[error("{message}")]
    Refused {
        /// What failed.
        message: String,
        /// The innermost causes.
        #[source]
        source: Option<report::Cause>,
        /// What to do.
        hint: Option<String>,
    },
    /// The keeper answered something else.
    #[error("the keeper gave an answer that this version does not know")]
    Answer,
    /// The client's configuration cannot work here.
    #[error(transparent)]
    Configuration(#[from] Fault),
    /// The client could not be started.
    #[error(transparent)]
    Launch(#[from] graft::LaunchError),
    /// It was started and cannot go on.
    #[error(transparent)]
    Graft(#[from] Failure),
    /// Signals or descriptors cannot be set up.
    #[error("failed to supervise the client")]
    Supervise(#[source] Errno),
    /// It has left us.
    #[error("the client has gone into the background, where nobody would see its end")]
    Background,
    /// The instance's keeper was killed.
    #[error("the keeper of the instance was killed, so the client was ended")]
    KeeperKilled,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Enter(error) => error.hint(),
            Self::Configuration(fault) => fault.hint.clone(),
            Self::Refused { hint, .. } => hint.clone(),
            Self::Launch(error) => error.hint(),
            Self::Graft(error) => error.hint(),
            Self::Background => Some(
                "leave out --daemon, --background and the like; the shell's & does it".to_owned(),
            ),
            Self::KeeperKilled => Some("start it again".to_owned()),
            Self::Keeper(_) | Self::Answer | Self::Supervise(_) => None,
        }
    }

    /// The exit code: a shell's for a command that cannot be run.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Launch(graft::LaunchError::Command(error)) => error.exit_code(),
            _ => exit::FAILED,
        }
    }
}

/// Runs the client until it ends; returns its exit code.
pub fn graft(target: &Target, options: &Options) -> Result<u8, Error> {
    let name = command::program_name(&options.command[0]);
    let hook = hook(target, options).map_err(Error::Supervise)?;
    let notes = stock::inspect(&options.command)?;
    let keeper = enter::as_client(target)?;
    let prepare = Prepare {
        client: name.clone(),
        replace: options.replace,
    };
    match keeper
        .ask(Request::Prepare(Box::new(prepare)))
        .map_err(Error::Keeper)?
    {
        (Reply::Done { .. }, _) => {}
        (
            Reply::Refused {
                message,
                causes,
                hint,
            },
            _,
        ) => {
            return Err(Error::Refused {
                message,
                source: report::Cause::of(&causes),
                hint,
            });
        }
        _ => return Err(Error::Answer),
    }
    for note in notes {
        report::note(&note);
    }
    let recipe = stock::recipe(&options.command, &hook);
    let signals = catch_signals().map_err(Error::Supervise)?;
    // A note to a closed stderr is not worth the tunnel.
    sys::process::ignore(Signal::SIGPIPE);
    // Its exit status would be lost where our parent ignores it.
    sys::process::restore(Signal::SIGCHLD);
    sys::process::set_environment(NAME_VARIABLE, target.name.as_str());
    let Launched {
        pid,
        pidfd,
        listener,
    } = match graft::launch(&recipe.command, &recipe.filter) {
        Err(error @ (graft::LaunchError::Trapped | graft::LaunchError::Seccomp(_))) => {
            return attach_instead(target, options, &keeper, error);
        }
        other => other?,
    };
    let graft = Graft {
        client: ClientProcess {
            name,
            pid: pid.as_raw().unsigned_abs(),
        },
        device: String::new(),
        flags: 0,
        network: network(options, &recipe),
        configures_itself: recipe.configures_itself,
        replace: options.replace,
    };
    Supervisor {
        keeper,
        signals,
        calls: Calls::new(listener, graft),
        client: pid,
        pidfd,
        listens: true,
        kill_at: None,
    }
    .supervise()
}

/// Where trapping is refused: becomes the client, if it can hand its packets over.
fn attach_instead(
    target: &Target,
    options: &Options,
    keeper: &Client,
    error: graft::LaunchError,
) -> Result<u8, Error> {
    let mut hook = hook(target, options).map_err(Error::Supervise)?;
    hook.arguments = vec!["--attach".into(), format!("--name={}", target.name)];
    hook.arguments.extend(options.wish_words.iter().cloned());
    let program = keeper.directory().join(ATTACH_PROGRAM);
    // One from before may lead to a program of another place.
    let _ = std::fs::remove_file(&program);
    let linked = std::os::unix::fs::symlink(&hook.program, &program);
    let attached = stock::attached(&options.command, &hook, &program);
    let (Some(command), Ok(())) = (attached, linked) else {
        return Err(error.into());
    };
    report::note(&format!(
        "{error}; it hands its packets over instead, as with --attach"
    ));
    let _ = SigSet::empty().thread_set_mask();
    sys::process::restore(Signal::SIGPIPE);
    let Err(error) = command::exec(&command);
    Err(graft::LaunchError::Command(error).into())
}

/// What the client's scripts are told: who we are, and which instance is meant.
fn hook(target: &Target, options: &Options) -> Result<Hook, Errno> {
    let program = std::env::current_exe()
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::ENOENT)))?;
    let mut environment = vec![(NAME_VARIABLE.to_owned(), target.name.as_str().into())];
    for name in ["HOME", "XDG_RUNTIME_DIR"] {
        environment.extend(std::env::var_os(name).map(|value| (name.to_owned(), value)));
    }
    let mut arguments = vec!["--configure".to_owned()];
    arguments.extend(options.wish_words.iter().cloned());
    Ok(Hook {
        program,
        arguments,
        environment,
    })
}

/// What the user says for a client that has no script.
fn network(options: &Options, recipe: &Recipe) -> Option<NetworkConfig> {
    let resolvers = options.wishes.resolvers.clone().unwrap_or_default();
    let is_needed = !options.addresses.is_empty()
        || (recipe.configures_itself && options.wishes.resolvers.is_some());
    is_needed.then(|| {
        let mut routes: Vec<IpNet> = Vec::new();
        for address in &options.addresses {
            let all = match address {
                IpNet::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
                IpNet::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
            };
            if !routes.contains(&all) {
                routes.push(all);
            }
        }
        NetworkConfig {
            mtu: DEFAULT_MTU,
            addresses: options.addresses.clone(),
            routes,
            resolvers,
            ..NetworkConfig::default()
        }
    })
}

struct Supervisor {
    keeper: Client,
    signals: SignalFd,
    calls: Calls,
    client: Pid,
    pidfd: OwnedFd,
    /// Whether calls may still arrive.
    listens: bool,
    /// When a client that was told to end is killed.
    kill_at: Option<Instant>,
}

impl Supervisor {
    fn supervise(mut self) -> Result<u8, Error> {
        // Why it was told to end, where that was not its own wish.
        let mut reason: Option<Error> = None;
        loop {
            let [keeper, signals, calls, ended] = self.wait()?;
            if !ended.is_empty() {
                break;
            }
            if calls.contains(PollFlags::POLLIN) {
                if let Err(failure) = self.calls.serve(&self.keeper) {
                    let error = explain(failure);
                    self.tell_to_end(Signal::SIGTERM);
                    reason.get_or_insert(error);
                }
            } else if !calls.is_empty() {
                self.listens = false;
            }
            if !signals.is_empty() {
                self.pass_signals_on();
            }
            if !keeper.is_empty() && self.kill_at.is_none() {
                match self.keeper.receive() {
                    Ok((Reply::Ended { reason }, _)) => {
                        report::note(&format!("the tunnel was ended: {reason}"));
                    }
                    Ok(_) => continue,
                    Err(_) => reason = Some(Error::KeeperKilled),
                }
                self.tell_to_end(Signal::SIGTERM);
            }
            if self.kill_at.is_some_and(|at| at <= Instant::now()) {
                let _ = pidfd_send_signal(&self.pidfd, Some(Signal::SIGKILL));
            }
        }
        let code = exit_code(self.client)?;
        let stayed = end_background();
        let _ = self.keeper.send(Request::Detach { reason: None });
        match reason {
            Some(error) => Err(error),
            None if stayed && code == exit::SUCCESS && self.kill_at.is_none() => {
                Err(Error::Background)
            }
            None => Ok(code),
        }
    }

    fn wait(&self) -> Result<[PollFlags; 4], Error> {
        // The keeper's last word has been heard where the end has begun.
        let keeper = if self.kill_at.is_none() {
            PollFlags::POLLIN
        } else {
            PollFlags::empty()
        };
        let calls = if self.listens {
            self.calls.as_fd()
        } else {
            self.signals.as_fd()
        };
        let mut fds = [
            PollFd::new(self.keeper.as_fd(), keeper),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(calls, PollFlags::POLLIN),
            PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN),
        ];
        let timeout = self.kill_at.map_or(PollTimeout::NONE, |at| {
            let rest = at.saturating_duration_since(Instant::now());
            PollTimeout::try_from(rest + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Supervise(errno)),
        }
        let mut events = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if !self.listens {
            events[2] = PollFlags::empty();
        }
        if self.kill_at.is_some() {
            events[0] = PollFlags::empty();
        }
        Ok(events)
    }

    fn tell_to_end(&mut self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, Some(signal));
        let _ = pidfd_send_signal(&self.pidfd, Some(Signal::SIGCONT));
        self.kill_at.get_or_insert(Instant::now() + PATIENCE);
    }

    /// What the terminal sends reaches the client by itself; what a process sends to us is meant
    /// for it.
    fn pass_signals_on(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            let Ok(signal) = Signal::try_from(info.ssi_signo.cast_signed()) else {
                continue;
            };
            let by_process = info.ssi_code <= 0;
            if by_process && signal != Signal::SIGCHLD {
                let _ = pidfd_send_signal(&self.pidfd, Some(signal));
            }
        }
    }
}

fn explain(failure: Failure) -> Error {
    match failure {
        Failure::Keeper(_) => Error::KeeperKilled,
        Failure::Refused {
            message,
            causes,
            hint,
        } => Error::Refused {
            message,
            source: report::Cause::of(&causes),
            hint,
        },
        other => Error::Graft(other),
    }
}

/// Ends what the client has left behind; whether there was anything.
///
/// Descendants are children of ours once their parents have ended (PR_SET_CHILD_SUBREAPER).
fn end_background() -> bool {
    let deadline = Instant::now() + HELPERS_PATIENCE;
    let mut stayed = false;
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let until = if signal == Signal::SIGTERM {
            deadline
        } else {
            Instant::now() + PATIENCE
        };
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(WaitStatus::StillAlive) => break,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return stayed,
            }
        }
        stayed = true;
        for child in children() {
            let _ = kill(child, signal);
        }
    }
    stayed
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

fn exit_code(client: Pid) -> Result<u8, Error> {
    loop {
        match waitpid(client, None) {
            Ok(WaitStatus::Exited(_, status)) => {
                return Ok(u8::try_from(status & 0xff).unwrap_or(exit::FAILED));
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Ok(128 + u8::try_from(signal as i32).unwrap_or_default());
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Supervise(errno)),
        }
    }
}

fn catch_signals() -> Result<SignalFd, Errno> {
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ] {
        set.add(signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}
