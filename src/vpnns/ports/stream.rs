//! One connection that is passed on: two sockets, and what is on its way between them.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::PollFlags;
use nix::sys::socket::sockopt::{Linger, SocketError, TcpNoDelay};
use nix::sys::socket::{
    MsgFlags, Shutdown, SockaddrStorage, connect, getsockopt, recv, send, setsockopt, shutdown,
};
use vpnns_protocol::port::Port;

use super::forwarder::{Over, Ways, Wish};

/// Reads of one direction in one turn, so that other connections get theirs.
const AT_ONCE: usize = 16;

/// A connection and its continuation.
pub(super) struct Stream {
    port: Port,
    client: OwnedFd,
    server: OwnedFd,
    /// Where else the server may be, while it is not connected.
    others: Option<Vec<SocketAddr>>,
    forth: Half,
    back: Half,
    broken: bool,
}

/// What passes in one direction.
#[derive(Default)]
struct Half {
    /// What was read and not taken yet; nothing more is read meanwhile.
    rest: Vec<u8>,
    /// There is nothing more to read.
    ended: bool,
    /// The other side has been told so.
    shut: bool,
}

impl Stream {
    /// Goes on with a connection that has been taken; `None` where there is no way.
    pub(super) fn open(client: OwnedFd, port: Port, ways: &mut Ways) -> Result<Option<Self>, Over> {
        let mut others = Ways::targets(port);
        others.reverse();
        let Some(server) = begin(port, &mut others, ways)? else {
            reset(&client);
            return Ok(None);
        };
        let _ = setsockopt(&client, TcpNoDelay, &true);
        Ok(Some(Self {
            port,
            client,
            server,
            others: Some(others),
            forth: Half::default(),
            back: Half::default(),
            broken: false,
        }))
    }

    /// What is waited for at either end.
    pub(super) fn wishes(&self) -> [Wish<'_>; 2] {
        if self.others.is_some() {
            return [
                (self.client.as_fd(), PollFlags::empty()),
                (self.server.as_fd(), PollFlags::POLLOUT),
            ];
        }
        let flags = |reads: &Half, writes: &Half| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, !reads.ended && reads.rest.is_empty());
            flags.set(PollFlags::POLLOUT, !writes.rest.is_empty());
            flags
        };
        [
            (self.client.as_fd(), flags(&self.forth, &self.back)),
            (self.server.as_fd(), flags(&self.back, &self.forth)),
        ]
    }

    /// Passes on what there is, in both directions.
    pub(super) fn pass(&mut self, ways: &mut Ways, buffer: &mut [u8]) -> Result<(), Over> {
        if let Some(others) = &mut self.others {
            match getsockopt(&self.server, SocketError) {
                Ok(0) if is_connected(&self.server) => self.others = None,
                // Not yet.
                Ok(0) => return Ok(()),
                _ => {
                    match begin(self.port, others, ways)? {
                        Some(server) => self.server = server,
                        None => self.broken = true,
                    }
                    return Ok(());
                }
            }
        }
        let done = self.forth.pass(&self.client, &self.server, buffer);
        let done = done.and_then(|()| self.back.pass(&self.server, &self.client, buffer));
        self.broken |= done.is_err();
        Ok(())
    }

    /// Whether both sides have said all, or one is gone.
    pub(super) fn is_over(&self) -> bool {
        self.broken || self.forth.shut && self.back.shut
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // One that broke is not to look like one that ended.
        if self.broken {
            reset(&self.client);
            reset(&self.server);
        }
    }
}

impl Half {
    fn pass(&mut self, from: &OwnedFd, to: &OwnedFd, buffer: &mut [u8]) -> Result<(), Errno> {
        match write(to, &self.rest) {
            Ok(sent) => drop(self.rest.drain(..sent)),
            Err(_) => self.give_up(),
        }
        for _ in 0..AT_ONCE {
            if self.ended || !self.rest.is_empty() {
                break;
            }
            match recv(from.as_raw_fd(), buffer, MsgFlags::empty()) {
                Ok(0) => self.ended = true,
                Ok(length) => match write(to, &buffer[..length]) {
                    Ok(sent) => self.rest.extend(&buffer[sent..length]),
                    Err(_) => self.give_up(),
                },
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        if self.ended && self.rest.is_empty() && !self.shut {
            self.shut = true;
            match shutdown(to.as_raw_fd(), Shutdown::Write) {
                // It has ended as well, and heard enough.
                Ok(()) | Err(Errno::ENOTCONN) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Nobody takes it any more. What comes the other way may still be of interest.
    fn give_up(&mut self) {
        self.rest.clear();
        self.ended = true;
        self.shut = true;
    }
}

/// As much as is taken now.
fn write(to: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    let mut sent = 0;
    while sent < bytes.len() {
        match send(to.as_raw_fd(), &bytes[sent..], MsgFlags::MSG_NOSIGNAL) {
            Ok(length) => sent += length,
            Err(Errno::EAGAIN) => break,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(sent)
}

/// Begins to connect to the last of the targets that can be tried, and takes it off the list.
fn begin(
    port: Port,
    targets: &mut Vec<SocketAddr>,
    ways: &mut Ways,
) -> Result<Option<OwnedFd>, Over> {
    while let Some(target) = targets.pop() {
        let Some(socket) = ways.socket(port, target)? else {
            continue;
        };
        let address = SockaddrStorage::from(target);
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) | Err(Errno::EINPROGRESS | Errno::EINTR) => {
                let _ = setsockopt(&socket, TcpNoDelay, &true);
                return Ok(Some(socket));
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

fn is_connected(socket: &OwnedFd) -> bool {
    nix::sys::socket::getpeername::<SockaddrStorage>(socket.as_raw_fd()).is_ok()
}

/// Has the kernel say, when the socket is closed, that the connection broke.
fn reset(socket: &OwnedFd) {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let _ = setsockopt(socket, Linger, &at_once);
}
