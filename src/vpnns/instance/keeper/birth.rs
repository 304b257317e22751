//! From a launcher in the keeper's namespaces to a keeper of its own.
//!
//! # Theory of operation
//!
//! The launcher goes on to become its app without waiting for us. So nothing that may fail is
//! left to be done here: the control socket was bound, and its errors told, before the fork. What
//! a full disk or a strange /dev can still spoil is done without: the record, which matters only
//! if the keeper is killed, and the silence of descriptors 0 to 2.
//!
//! The lock is held all the while. Whoever looks for the instance waits for it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{Backlog, MsgFlags, listen};
use nix::unistd::setsid;
use vpnns_protocol::name::InstanceName;

use super::{Keeper, Member};
use crate::bus::system;
use crate::instance::control::APP_NAMESPACE_FD;
use crate::instance::directory::StateDirectory;
use crate::instance::record::{self, Record};
use crate::isolation::masks::Masks;
use crate::isolation::services::SystemBus;
use crate::sys;

/// Everything that a keeper starts with.
#[derive(Debug)]
pub struct Seed {
    /// The instance.
    pub name: InstanceName,
    /// Its state directory.
    pub directory: StateDirectory,
    /// The directory's lock, held until the keeper listens.
    pub lock: File,
    /// The control socket, bound and not listening yet.
    pub listener: OwnedFd,
    /// The apps' user namespace, or where it comes from.
    pub app_namespace: AppNamespace,
    /// What is hidden in the instance.
    pub masks: Masks,
    /// The socket of the instance's session bus, where one is wanted already.
    pub session_bus: Option<OwnedFd>,
    /// Who is in from the start.
    pub members: Vec<Member>,
    /// Whether the namespaces were those of a killed keeper.
    pub adopted: bool,
}

/// The apps' user namespace, U2.
#[derive(Debug)]
pub enum AppNamespace {
    /// It exists.
    Known(OwnedFd),
    /// The launcher makes it after the keeper is forked, and sends it through this socket.
    FromLauncher(OwnedFd),
}

impl AppNamespace {
    fn fd(&self) -> &OwnedFd {
        match self {
            Self::Known(fd) | Self::FromLauncher(fd) => fd,
        }
    }
}

/// What a keeper has when it is ready.
pub(super) struct Born {
    pub(super) name: InstanceName,
    pub(super) directory: StateDirectory,
    pub(super) lock: File,
    pub(super) listener: OwnedFd,
    pub(super) app_namespace: OwnedFd,
    pub(super) network_inode: u64,
    pub(super) masks: Masks,
    pub(super) session_bus: Option<OwnedFd>,
    pub(super) members: Vec<Member>,
    pub(super) adopted: bool,
}

/// Forks a keeper off this process, which stands in the keeper's namespaces.
///
/// It is nobody's child, so that the app which this process becomes has none that it does not
/// know of.
pub fn spawn(seed: Seed) -> Result<(), Errno> {
    sys::process::fork_orphan(|| {
        let kept = seed.grow().and_then(|born| Ok(Keeper::keep(born)?));
        i32::from(kept.is_err())
    })
}

impl Seed {
    fn grow(mut self) -> io::Result<Born> {
        self.detach()?;
        // Only whoever comes after a killed keeper would miss it.
        let _ = self.record();
        let app_namespace = match self.app_namespace {
            AppNamespace::Known(fd) => fd,
            AppNamespace::FromLauncher(socket) => {
                let mut byte = [0; 8];
                let received = sys::socket::receive(&socket, &mut byte, MsgFlags::empty())?;
                // Nothing where the launcher has been killed.
                received.1.ok_or(Errno::EPIPE)?
            }
        };
        let network_inode = fs::metadata("/proc/self/ns/net")?.ino();
        // A launcher that inherited many descriptors may have been given that very number.
        self.directory.clear_of(APP_NAMESPACE_FD)?;
        if self.lock.as_raw_fd() == APP_NAMESPACE_FD {
            self.lock = self.lock.try_clone()?;
        }
        let members = self.members.iter_mut().map(|member| &mut member.pidfd);
        let door = self.masks.system_bus.as_mut();
        let door = door
            .into_iter()
            .flat_map(|it| [&mut it.listener, &mut it.host]);
        let others = door.chain(self.session_bus.as_mut());
        for fd in members.chain([&mut self.listener]).chain(others) {
            if fd.as_raw_fd() == APP_NAMESPACE_FD {
                *fd = fd.try_clone()?;
            }
        }
        let app_namespace = sys::fd::move_to(app_namespace, APP_NAMESPACE_FD)?;
        listen(&self.listener, Backlog::MAXCONN)?;
        self.lock.unlock()?;
        Ok(Born {
            name: self.name,
            directory: self.directory,
            lock: self.lock,
            listener: self.listener,
            app_namespace,
            network_inode,
            masks: self.masks,
            session_bus: self.session_bus,
            members: self.members,
            adopted: self.adopted,
        })
    }

    /// Cuts the ties to the launcher: session, terminal, descriptors, directory, title.
    fn detach(&self) -> io::Result<()> {
        setsid()?;
        let mut keep = vec![
            self.directory.raw_fd(),
            self.lock.as_raw_fd(),
            self.listener.as_raw_fd(),
            self.app_namespace.fd().as_raw_fd(),
        ];
        keep.extend(self.members.iter().map(|member| member.pidfd.as_raw_fd()));
        let door = self.masks.system_bus.iter();
        keep.extend(door.flat_map(|it| [it.listener.as_raw_fd(), it.host.as_raw_fd()]));
        keep.extend(self.session_bus.iter().map(AsRawFd::as_raw_fd));
        sys::fd::close_all_but(&keep);
        // A descriptor for each member: an instance may have more than a shell's usual limit.
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        // A pipe that the launcher's output goes to must not wait for us.
        if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            nix::unistd::dup2_stdin(&null)?;
            nix::unistd::dup2_stdout(&null)?;
            nix::unistd::dup2_stderr(&null)?;
        }
        std::env::set_current_dir("/")?;
        if self.masks.exposure.system_bus() != SystemBus::Full {
            // Its children inherit it, and a session bus hands it on to the services that it
            // starts: a socket in some other place, which is not hidden.
            sys::process::unset_environment(system::VARIABLE);
        }
        sys::process::set_title(&format!("vpnns: keeper of {}", self.name));
        sys::process::ignore(Signal::SIGPIPE);
        // Ignored by a launcher under nohup, or blocked by whoever started it: not our business.
        // Nor is what came while we were still in the launcher's group: its terminal was closed,
        // say, and the app may have been told to stay. Ignoring a signal forgets it.
        for signal in [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGHUP,
            Signal::SIGCHLD,
        ] {
            sys::process::ignore(signal);
            sys::process::restore(signal);
        }
        Ok(SigSet::empty().thread_set_mask()?)
    }

    /// Leaves word of the namespaces for whoever comes if we are killed.
    fn record(&self) -> io::Result<()> {
        Record::of_this_process(&self.masks.exposure)?.write(&self.directory.inside(record::FILE))
    }
}
