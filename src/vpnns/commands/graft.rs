//! `vpnns --graft -- CLIENT [ARG...]`: runs a stock VPN client whose device is the instance's.

mod leftovers;
mod supervisor;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};

use ipnet::IpNet;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use vpnns_protocol::exit;
use vpnns_protocol::instance::Client as ClientProcess;
use vpnns_protocol::network::NetworkConfig;

use self::supervisor::{Family, Supervisor, catch_signals};
use crate::args::{ATTACH_PROGRAM, CONNECTOR_VARIABLE, NAME_VARIABLE, SESSION_VARIABLE};
use crate::client::decision::Wishes;
use crate::client::fault::Fault;
use crate::client::stock::{self, Hook, Recipe};
use crate::instance::client::{self, Client};
use crate::instance::control::{Graft, Prepare, Refusal, Reply, Request};
use crate::instance::enter::{self, Target};
use crate::isolation::command;
use crate::report;
use crate::sys;
use crate::tunnel::graft::{self, Calls, Failure, Launched};

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
    #[error(transparent)]
    Refused(#[from] Refusal),
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
            Self::Refused(refusal) => refusal.hint.clone(),
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
    let session = session().map_err(|error| Error::Supervise(errno(&error)))?;
    let hook = hook(target, options, &session).map_err(Error::Supervise)?;
    let notes = stock::inspect(&options.command)?;
    let prepare = Prepare {
        client: name.clone(),
        session: session.clone(),
        connector: std::env::var(CONNECTOR_VARIABLE).ok(),
        replace: options.replace,
    };
    let request = Request::Prepare(Box::new(prepare));
    let (keeper, answer) = enter::ask_as_client(target, &request)?;
    let Reply::Done { .. } = answer.map_err(Error::Keeper)?.accepted()? else {
        return Err(Error::Answer);
    };
    for note in notes {
        report::note(&note);
    }
    // Exit statuses would be lost where our parent ignores it: the client's, and that of a
    // client which is asked for its version.
    sys::process::restore(Signal::SIGCHLD);
    let recipe = stock::recipe(&options.command, &hook);
    let signals = catch_signals().map_err(Error::Supervise)?;
    // A note to a closed stderr is not worth the tunnel.
    sys::process::ignore(Signal::SIGPIPE);
    sys::process::set_environment(NAME_VARIABLE, target.name.as_str());
    sys::process::set_environment(SESSION_VARIABLE, &session);
    let Launched {
        pid,
        pidfd,
        listener,
    } = match graft::launch(&recipe.command, &recipe.filter) {
        Err(error @ (graft::LaunchError::Trapped | graft::LaunchError::Seccomp(_))) => {
            return attach_instead(&hook, target, options, &keeper, error);
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
    // So that the client does not outlive us, however we end.
    let told = keeper.send_with(Request::Launched, Some(&pidfd));
    let family = Family {
        signals,
        client: pid,
        pidfd,
    };
    let mut supervisor = Supervisor::new(keeper, family, Calls::new(listener, graft));
    if told.is_err() {
        supervisor.keeper_is_gone();
    }
    supervisor.supervise()
}

/// Where trapping is refused: becomes the client, if it can hand its packets over.
fn attach_instead(
    hook: &Hook,
    target: &Target,
    options: &Options,
    keeper: &Client,
    error: graft::LaunchError,
) -> Result<u8, Error> {
    let mut hook = hook.clone();
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
fn hook(target: &Target, options: &Options, session: &str) -> Result<Hook, Errno> {
    let program = crate::executable::own().map_err(|error| errno(&error))?;
    let mut environment = vec![
        (NAME_VARIABLE.to_owned(), target.name.as_str().into()),
        (SESSION_VARIABLE.to_owned(), session.into()),
    ];
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

/// What no other client of the instance calls itself; no secret.
fn session() -> io::Result<String> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::ENOENT))
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
