//! Getting into an instance: joining a running one, starting one, adopting an orphaned one.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Gid, Pid, Uid};
use vpnns_protocol::name::InstanceName;

use super::adoption;
use super::client::{self, Client};
use super::control::{self, Refusal, Reply, Request};
use super::directory::{self, SOCKET, StateDirectory};
use super::entry;
use super::keeper::{self, AppNamespace, Member, Seed};
use super::record::{self, Record};
use crate::bus::{session, system};
use crate::client::program;
use crate::isolation::masks::Masks;
use crate::isolation::services::{Exposure, SessionBus, SystemBus};
use crate::isolation::{self, command, identity};
use crate::sys;

/// A keeper may end just as we come; the next try finds the door free. More than a few in a row
/// cannot happen by chance.
const TRIES: usize = 8;
/// How long a killed keeper may take to be gone.
const KILLED: Duration = Duration::from_secs(1);
/// How many milliseconds a keeper that seems to be ending is waited for, try by try.
const PATIENCE: [u64; TRIES] = [1, 4, 16, 64, 128, 256, 256, 256];

/// How long an instance that looks otherwise than wanted may take to end: its last program may
/// have ended just before we came.
const LAST_MOMENTS: Duration = Duration::from_millis(300);

/// Why a process is not in the instance.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state directory is unusable.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The keeper is there but cannot be talked to.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// A stage of the ladder failed.
    #[error(transparent)]
    Isolation(#[from] isolation::Error),
    /// The apps of a killed keeper cannot be taken over.
    #[error(transparent)]
    Adoption(#[from] adoption::Error),
    /// The control socket could not be made.
    #[error("failed to make the control socket {}", path.display())]
    Bind {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: Errno,
    },
    /// The keeper could not be started.
    #[error("failed to start the keeper of the instance")]
    Spawn(#[source] Errno),
    /// The keeper started and was gone at once.
    #[error("the keeper of the instance ended before it was ready")]
    KeeperGone,
    /// A starting process has already said what went wrong.
    #[error("failed to start the instance")]
    Said,
    /// The instance runs already, and sees something else of the host.
    #[error("the instance {name} already runs, and without {wish}")]
    Exposure {
        /// The instance.
        name: InstanceName,
        /// The first wish that is not in force.
        wish: String,
    },
    /// The filter of the system bus is not installed.
    #[error(
        "failed to filter the system bus: {} is not installed",
        system::PROGRAM
    )]
    NoProxy,
    /// There is nothing to make a session bus with.
    #[error(
        "failed to give the program a session bus of its own: {} is not installed",
        session::PROGRAM
    )]
    NoDaemon,
    /// The session bus could not be made.
    #[error("failed to give the program a session bus of its own")]
    SessionBus(#[source] Errno),
    /// The keeper did not make it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another host name was asked for than the running instance has.
    #[error("the instance {name} already runs with the host name {running}")]
    HostName {
        /// The instance.
        name: InstanceName,
        /// The name in force.
        running: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Directory(error) => error.hint(),
            Self::Isolation(error) => error.hint(),
            Self::Adoption(error) => error.hint(),
            Self::Exposure { name, wish } => {
                let option = wish.split(' ').next().unwrap_or_default();
                Some(format!(
                    "leave out {option}, or end the instance: vpnns --stop --name {name}"
                ))
            }
            Self::NoProxy => Some(format!(
                "install the package {}, or say --system-bus none or full",
                system::PROGRAM
            )),
            Self::NoDaemon => Some(format!("install the package {}", session::PROGRAM)),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::HostName { name, .. } => Some(format!(
                "leave out --hostname, or end the instance: vpnns --stop --name {name}"
            )),
            _ => None,
        }
    }
}

/// Which instance, and how it looks if it has to be started.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The identifier.
    pub name: InstanceName,
    /// Another host name than the host's.
    pub hostname: Option<String>,
    /// What of the host's services it sees, beside what is usual.
    pub exposure: Exposure,
    /// Which session bus this program gets; others in the instance may have the other.
    pub session_bus: SessionBus,
}

impl Target {
    /// The instance of this name, as it usually looks.
    pub fn named(name: InstanceName) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

/// Makes this process an app of the instance. What is left to do is `exec`.
pub fn as_app(target: &Target, program: &OsStr) -> Result<(), Error> {
    // The path, not a descriptor: that would keep pointing at the host's mounts.
    let working_directory = std::env::current_dir().ok();
    let program = command::program_name(program);
    if target.session_bus == SessionBus::Private && !session::is_available() {
        return Err(Error::NoDaemon);
    }
    let _unstopped = Unstopped::new();
    for patience in PATIENCE {
        match reach(target)? {
            Reached::Running(client) => match join(target, &client, &program) {
                Err(
                    Error::Client(client::Error::Gone(_) | client::Error::Control(_))
                    | Error::Isolation(isolation::Error::Join(Errno::ESRCH)),
                ) => {
                    client.await_end(Duration::from_millis(patience));
                }
                // Nobody may be in it any more.
                Err(Error::Exposure { .. }) if is_ending(&client) => {}
                other => {
                    return_to(working_directory);
                    return other.map(|in_force| take_buses(target, in_force, client.directory()));
                }
            },
            Reached::Nobody { directory, lock } => {
                let path = directory.path.clone();
                let started = start(target, directory, lock, Some(program));
                return_to(working_directory);
                let in_force = target.exposure.system_bus();
                return started.map(|()| take_buses(target, in_force, &path));
            }
        }
    }
    Err(Error::KeeperGone)
}

/// Connects to the instance's keeper, starting one if need be; this process stays outside.
pub fn as_client(target: &Target) -> Result<Client, Error> {
    let _unstopped = Unstopped::new();
    for _ in 0..TRIES {
        match reach(target)? {
            Reached::Running(client) => {
                match refuse_other_exposure(target, &client) {
                    Err(_) if is_ending(&client) => continue,
                    refused => refused?,
                }
                return Ok(client);
            }
            Reached::Nobody { directory, lock } => {
                // A child goes down the ladder and leaves the keeper behind.
                in_child(|| start(target, directory, lock, None))?;
            }
        }
    }
    Err(Error::KeeperGone)
}

/// The same with a first request, and its answer.
///
/// A killed keeper's socket takes callers until the kernel gets round to closing it: whoever has
/// asked one comes back, and finds its successor.
pub fn ask_as_client(
    target: &Target,
    request: &Request,
) -> Result<(Client, Result<Reply, client::Error>), Error> {
    let mut tries = 0;
    loop {
        let keeper = as_client(target)?;
        tries += 1;
        match keeper.ask(request.clone()) {
            Err(_) if tries < TRIES && keeper.await_end(KILLED) => {}
            answer => return Ok((keeper, answer.map(|(reply, _)| reply))),
        }
    }
}

/// Takes over the apps of a killed keeper, if there are any; starts nothing.
pub fn adopt_orphans(name: &InstanceName) -> Result<Option<Client>, Error> {
    for (found, path) in directory::roots()?
        .iter()
        .flat_map(|root| super::discovery::directories(root))
    {
        if found == *name && path.join(super::record::FILE).exists() {
            let target = Target::named(name.clone());
            if let Reached::Running(client) = reach(&target)? {
                return Ok(Some(client));
            }
        }
    }
    Ok(None)
}

/// Puts Ctrl-Z off: a stopped process would keep the lock, and everybody else out.
struct Unstopped(Option<SigSet>);

impl Unstopped {
    fn new() -> Self {
        Self(
            SigSet::from(Signal::SIGTSTP)
                .thread_swap_mask(SigmaskHow::SIG_BLOCK)
                .ok(),
        )
    }
}

impl Drop for Unstopped {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            let _ = before.thread_set_mask();
        }
    }
}

enum Reached {
    Running(Client),
    Nobody {
        directory: StateDirectory,
        lock: fs::File,
    },
}

fn reach(target: &Target) -> Result<Reached, Error> {
    for _ in 0..TRIES {
        if let Some(reached) = try_to_reach(target)? {
            return Ok(reached);
        }
    }
    Err(Error::KeeperGone)
}

/// One try; `None` if what was found is gone by now, or was forgotten as something else's.
fn try_to_reach(target: &Target) -> Result<Option<Reached>, Error> {
    let directory = StateDirectory::open(&target.name)?;
    if let Some(client) = Client::connect(&directory)? {
        return Ok(Some(Reached::Running(client)));
    }
    let lock = directory.lock();
    if !directory.is_current() {
        // Whoever made it has failed, and taken it away again.
        return Ok(None);
    }
    let lock = lock?;
    // Whoever held the lock before us may have started it.
    if let Some(client) = Client::connect(&directory)? {
        return Ok(Some(Reached::Running(client)));
    }
    directory.refuse_original()?;
    if let Some(orphan) = adoption::find(&directory)? {
        let handle = StateDirectory::open(&target.name)?;
        in_child(|| {
            let listener = control_socket(&directory)?;
            Ok(adoption::adopt(
                &target.name,
                directory,
                lock,
                listener,
                &orphan,
            )?)
        })?;
        // The new keeper has its own copy of the lock and lets it go when it listens.
        drop(handle.lock()?);
        return Ok(Client::connect(&handle)?.map(Reached::Running));
    }
    Ok(Some(Reached::Nobody { directory, lock }))
}

/// Returns what the system bus is inside.
fn join(target: &Target, client: &Client, program: &str) -> Result<SystemBus, Error> {
    refuse_other_exposure(target, client)?;
    // Matters only to those who have it elsewhere.
    let in_force = match std::env::var_os(system::VARIABLE) {
        Some(_) => exposure_of(client).system_bus(),
        None => SystemBus::default(),
    };
    if target.session_bus == SessionBus::Private {
        ask_for_session_bus(client)?;
    }
    let request = Request::Join {
        command: program.to_owned(),
        entry: entry::of_this_process(),
    };
    match client.app_namespace() {
        Ok(app_namespace) => {
            client.send(request)?;
            identity::join(client.keeper(), app_namespace)?;
        }
        // An app may not look into the keeper; one of this instance is where it should be.
        Err(client::Error::Gone(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            if !is_inside(client) {
                // Nobody may look into a process that is being killed: its memory goes first, and
                // its socket, which has let us in, only then.
                if client.await_end(LAST_MOMENTS) {
                    return Err(client::Error::Gone(error).into());
                }
                return Err(isolation::Error::Join(Errno::EPERM).into());
            }
            client.send(request)?;
        }
        Err(error) => return Err(error.into()),
    }
    if let Some(wanted) = &target.hostname {
        let running = nix::unistd::gethostname().unwrap_or_default();
        if running != wanted.as_str() {
            return Err(Error::HostName {
                name: target.name.clone(),
                running: running.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(in_force)
}

/// What an instance sees of the host is the same for all in it, and settled when it is made.
fn refuse_other_exposure(target: &Target, client: &Client) -> Result<(), Error> {
    if target.exposure.is_default() {
        return Ok(());
    }
    match exposure_of(client).lacks(&target.exposure) {
        None => Ok(()),
        Some(wish) => Err(Error::Exposure {
            name: target.name.clone(),
            wish,
        }),
    }
}

/// Whether the instance ends, now that nobody of us wants to come in.
fn is_ending(client: &Client) -> bool {
    // A keeper does not end while somebody has come and not said what for.
    client.send(Request::Status).is_err() || client.await_end(LAST_MOMENTS)
}

fn exposure_of(client: &Client) -> Exposure {
    let record = Record::read(&client.directory().join(record::FILE));
    record.map(|record| record.exposure).unwrap_or_default()
}

fn ask_for_session_bus(client: &Client) -> Result<(), Error> {
    let (reply, _) = client.ask(Request::SessionBus)?;
    reply.accepted()?;
    Ok(())
}

/// Leads the program that this process becomes to the buses that are meant for it.
fn take_buses(target: &Target, in_force: SystemBus, directory: &Path) {
    if target.session_bus == SessionBus::Private {
        sys::process::set_environment(session::VARIABLE, session::address(directory));
        sys::process::unset_environment(session::STARTER_VARIABLE);
    }
    // A socket in some other place, which is not hidden.
    if in_force != SystemBus::Full && std::env::var_os(system::VARIABLE).is_some() {
        sys::process::unset_environment(system::VARIABLE);
    }
}

/// Whether this process stands in the instance's network already.
pub fn is_inside(client: &Client) -> bool {
    let record = Record::read(&client.directory().join(record::FILE));
    let theirs = record.and_then(|record| record.network_cookie);
    theirs.is_some() && record::own_cookie().ok() == Some(theirs)
}

/// Goes down the whole ladder, leaving a keeper behind.
///
/// Without a program the keeper waits for its first client instead of watching this process.
fn start(
    target: &Target,
    directory: StateDirectory,
    lock: fs::File,
    name: Option<String>,
) -> Result<(), Error> {
    let wanted = target.exposure.system_bus;
    if wanted == Some(SystemBus::Filtered) && program::find(system::PROGRAM).is_err() {
        directory.forget_if_new();
        return Err(Error::NoProxy);
    }
    let listener = control_socket(&directory)?;
    let mut masks = Masks::new(&directory.path, &target.exposure);
    let descended = descend(target, &directory.path, &mut masks);
    let (uid, gid) = descended.inspect_err(|_| directory.forget_if_new())?;
    let session_bus = match target.session_bus {
        SessionBus::Private => session::listener(&directory.path).map(Some),
        SessionBus::Shared => Ok(None),
    };
    let session_bus = session_bus.map_err(Error::SessionBus)?;
    // Before the fork: a short app is gone by the time the keeper looks for it.
    let first = name.map(|command| {
        let pid = Pid::this();
        sys::process::pidfd_open(pid).map(|pidfd| Member {
            pidfd,
            pid,
            command,
            entry: entry::of_this_process(),
        })
    });
    let first = first.transpose().map_err(Error::Spawn)?;
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(Error::Spawn)?;
    keeper::spawn(Seed {
        name: target.name.clone(),
        directory,
        lock,
        listener,
        app_namespace: AppNamespace::FromLauncher(theirs),
        masks,
        session_bus,
        members: first.into_iter().collect(),
        adopted: false,
    })
    .map_err(Error::Spawn)?;
    let app_namespace = identity::become_app(uid, gid)?;
    sys::socket::send(&ours, b"U2", Some(&app_namespace)).map_err(|_| Error::KeeperGone)
}

fn descend(target: &Target, directory: &Path, masks: &mut Masks) -> Result<(Uid, Gid), Error> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    identity::become_keeper()?;
    isolation::isolate(directory, target.hostname.as_deref(), masks)?;
    Ok((uid, gid))
}

fn control_socket(directory: &StateDirectory) -> Result<std::os::fd::OwnedFd, Error> {
    control::bind(directory).map_err(|source| Error::Bind {
        path: directory.join(SOCKET),
        source,
    })
}

/// Runs a step in a child process, which says itself what went wrong.
fn in_child(step: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    // A message and not the exit status: that is lost where SIGCHLD is ignored.
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(Error::Spawn)?;
    match sys::process::fork().map_err(Error::Spawn)? {
        ForkResult::Child => {
            match step() {
                Ok(()) => {
                    let _ = sys::socket::send(&theirs, b"done", None);
                }
                Err(error) => {
                    crate::report::print(&error, error.hint().as_deref());
                    let _ = sys::socket::send(&theirs, b"said", None);
                }
            }
            std::process::exit(0)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut message = [0; 4];
            let received = loop {
                match sys::socket::receive(&ours, &mut message, MsgFlags::empty()) {
                    Err(Errno::EINTR) => {}
                    other => break other,
                }
            };
            while waitpid(child, None) == Err(Errno::EINTR) {}
            match received {
                Ok((4, _)) if message == *b"done" => Ok(()),
                Ok((4, _)) => Err(Error::Said),
                // Killed before it could say anything.
                _ => Err(Error::KeeperGone),
            }
        }
    }
}

/// Goes to the same path as before, seen through the instance's mounts.
fn return_to(directory: Option<PathBuf>) {
    let gone = directory.is_none_or(|path| std::env::set_current_dir(path).is_err());
    if gone {
        // setns has put us into /. A removed directory cannot be entered again.
        let _ = std::env::set_current_dir("/");
    }
}
