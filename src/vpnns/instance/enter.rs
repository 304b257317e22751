//! Getting into an instance: joining a running one, starting one, adopting an orphaned one.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Gid, Pid, Uid};
use vpnns_protocol::name::InstanceName;

use super::adoption;
use super::client::{self, Client};
use super::control::{self, Request};
use super::directory::{self, SOCKET, StateDirectory};
use super::entry;
use super::keeper::{self, AppNamespace, Member, Seed};
use super::record::{self, Record};
use crate::isolation::{self, command, identity};
use crate::sys;

/// A keeper may end just as we come; the next try finds the door free. More than a few in a row
/// cannot happen by chance.
const TRIES: usize = 8;
/// How many milliseconds a keeper that seems to be ending is waited for, try by try.
const PATIENCE: [u64; TRIES] = [1, 4, 16, 64, 128, 256, 256, 256];

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
}

/// Makes this process an app of the instance. What is left to do is `exec`.
pub fn as_app(target: &Target, program: &OsStr) -> Result<(), Error> {
    // The path, not a descriptor: that would keep pointing at the host's mounts.
    let working_directory = std::env::current_dir().ok();
    let program = command::program_name(program);
    let _unstopped = Unstopped::new();
    for patience in PATIENCE {
        match reach(target)? {
            Reached::Running(client) => match join(target, &client, &program) {
                Err(
                    Error::Client(client::Error::Gone(_) | client::Error::Control(_))
                    | Error::Isolation(isolation::Error::Join(Errno::ESRCH)),
                ) => client.await_end(Duration::from_millis(patience)),
                other => {
                    return_to(working_directory);
                    return other;
                }
            },
            Reached::Nobody { directory, lock } => {
                let started = start(target, directory, lock, Some(program));
                return_to(working_directory);
                return started;
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
            Reached::Running(client) => return Ok(client),
            Reached::Nobody { directory, lock } => {
                // A child goes down the ladder and leaves the keeper behind.
                in_child(|| start(target, directory, lock, None))?;
            }
        }
    }
    Err(Error::KeeperGone)
}

/// Takes over the apps of a killed keeper, if there are any; starts nothing.
pub fn adopt_orphans(name: &InstanceName) -> Result<Option<Client>, Error> {
    for (found, path) in directory::roots()?
        .iter()
        .flat_map(|root| super::discovery::directories(root))
    {
        if found == *name && path.join(super::record::FILE).exists() {
            let target = Target {
                name: name.clone(),
                hostname: None,
            };
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

fn join(target: &Target, client: &Client, program: &str) -> Result<(), Error> {
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
    Ok(())
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
    program: Option<String>,
) -> Result<(), Error> {
    let listener = control_socket(&directory)?;
    let (uid, gid) = descend(target, &directory.path).inspect_err(|_| directory.forget_if_new())?;
    // Before the fork: a short app is gone by the time the keeper looks for it.
    let first = program.map(|command| {
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
        members: first.into_iter().collect(),
        adopted: false,
    })
    .map_err(Error::Spawn)?;
    let app_namespace = identity::become_app(uid, gid)?;
    sys::socket::send(&ours, b"U2", Some(&app_namespace)).map_err(|_| Error::KeeperGone)
}

fn descend(target: &Target, directory: &std::path::Path) -> Result<(Uid, Gid), Error> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    identity::become_keeper()?;
    isolation::isolate(directory, target.hostname.as_deref())?;
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
