//! A connection to a running keeper.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::{PeerCredentials, PeerPidfd};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, socket,
};
use nix::unistd::{Pid, Uid};

use super::control::{self, APP_NAMESPACE_FD, Reply, Request};
use super::directory::StateDirectory;
use crate::sys;

/// Why a keeper cannot be reached, other than there being none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The control socket does not work.
    #[error("failed to connect to the keeper of the instance")]
    Connect(#[source] Errno),
    /// Somebody else listens there.
    #[error("the control socket belongs to another user (uid {0})")]
    Foreign(u32),
    /// The keeper ended while we talked to it.
    #[error("the keeper ended")]
    Gone(#[source] std::io::Error),
    /// A message did not get through.
    #[error(transparent)]
    Control(#[from] control::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Control(error) => error.hint(),
            Self::Connect(_) | Self::Foreign(_) | Self::Gone(_) => None,
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Client {
    socket: OwnedFd,
    keeper: OwnedFd,
    keeper_pid: Pid,
    directory: PathBuf,
}

impl Client {
    /// Connects to the keeper; `None` where there is none.
    pub fn connect(directory: &StateDirectory) -> Result<Option<Self>, Error> {
        let socket = socket(
            AddressFamily::Unix,
            SockType::SeqPacket,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .map_err(Error::Connect)?;
        let address = UnixAddr::new(&directory.socket_path()).map_err(Error::Connect)?;
        match connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &address) {
            Ok(()) => {}
            Err(Errno::ECONNREFUSED | Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(Error::Connect(errno)),
        }
        // The credentials are those of whoever called listen: the keeper, in all our versions.
        let credentials = getsockopt(&socket, PeerCredentials).map_err(Error::Connect)?;
        if credentials.uid() != Uid::effective().as_raw() {
            return Err(Error::Foreign(credentials.uid()));
        }
        let keeper_pid = Pid::from_raw(credentials.pid());
        match peer_pidfd(&socket, keeper_pid) {
            Ok(keeper) => {
                let directory = directory.path.clone();
                Ok(Some(Self {
                    socket,
                    keeper,
                    keeper_pid,
                    directory,
                }))
            }
            // It has been killed since, with us in its queue.
            Err(Errno::ESRCH | Errno::EINVAL) => Ok(None),
            Err(errno) => Err(Error::Connect(errno)),
        }
    }

    /// The keeper as a pidfd.
    pub fn keeper(&self) -> BorrowedFd<'_> {
        self.keeper.as_fd()
    }

    /// The instance's state directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The user namespace of the instance's apps, without asking the keeper for it.
    pub fn app_namespace(&self) -> Result<File, Error> {
        let path = format!("/proc/{}/fd/{APP_NAMESPACE_FD}", self.keeper_pid);
        let file = File::open(path).map_err(Error::Gone)?;
        // The number may stand for another process only if the keeper is gone; then say so.
        sys::process::pidfd_send_signal(&self.keeper, None)
            .map_err(|errno| Error::Gone(errno.into()))?;
        Ok(file)
    }

    /// Waits until the keeper has ended, but not for long; returns whether it has.
    pub fn await_end(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(self.keeper.as_fd(), PollFlags::POLLIN)];
        // Nothing depends on how this comes out: whoever waits tries again.
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        poll(&mut fds, patience).is_ok_and(|ended| ended > 0)
    }

    /// Sends a request.
    pub fn send(&self, request: Request) -> Result<(), Error> {
        Ok(control::send(&self.socket, request, None)?)
    }

    /// Sends a request with the descriptor that it is about.
    pub fn send_with(&self, request: Request, fd: Option<&OwnedFd>) -> Result<(), Error> {
        Ok(control::send(&self.socket, request, fd)?)
    }

    /// Waits for the next reply.
    pub fn receive(&self) -> Result<(Reply, Option<OwnedFd>), Error> {
        Ok(control::receive(&self.socket, MsgFlags::empty())?)
    }

    /// Waits for the next reply, but not for ever; nothing when the time is over.
    pub fn receive_within(
        &self,
        patience: Duration,
    ) -> Result<Option<(Reply, Option<OwnedFd>)>, Error> {
        let deadline = Instant::now() + patience;
        loop {
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            let rest = deadline.saturating_duration_since(Instant::now());
            match poll(
                &mut fds,
                PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX),
            ) {
                Ok(0) => return Ok(None),
                Err(Errno::EINTR) => {}
                _ => return self.receive().map(Some),
            }
        }
    }

    /// Sends a request and waits for the reply.
    pub fn ask(&self, request: Request) -> Result<(Reply, Option<OwnedFd>), Error> {
        self.send(request)?;
        self.receive()
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The pidfd of a socket's peer: from the socket where the kernel can (6.5), by number before.
pub fn peer_pidfd(socket: impl AsFd, pid: Pid) -> Result<OwnedFd, Errno> {
    match getsockopt(&socket, PeerPidfd) {
        Err(Errno::ENOPROTOOPT) => sys::process::pidfd_open(pid),
        other => other,
    }
}
