//! The relay: packets between a datagram socket and a tun device, one packet a datagram.
//!
//! # Theory of operation
//!
//! One thread, one poll set: device, socket, the client's pidfd, the keeper, signals. The two
//! directions are independent halves. [`Up`] (device to socket) never drops: what the socket has
//! no room for is kept, and the device is not read until there is room (POLLOUT comes when it is
//! a quarter full at most), so that the queue grows where TCP notices. [`Down`] (socket to
//! device) drops only what the device refuses, as a network does.
//!
//! Both work in batches, and where the device has offload, in packets of up to 64 KiB on its
//! side ([`super::offload`]); the socket always carries packets that fit the tunnel.
//!
//! It is a batch process to the scheduler: where the client sends packet by packet, each would
//! wake us in its stead, and we would hand the packets to the device one by one. As it is we run
//! beside it, or after it with all that it has sent meanwhile. With openconnect over TLS that is
//! 10 % less of the chain's processor time up, and 13 % down.
//!
//! The death of the client is invisible on a datagram socket (no end of file, no hang-up), so
//! its pidfd is watched; a send to a closed socket says ECONNREFUSED.

pub(super) mod down;
mod up;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::down::Down;
use self::up::Up;
use crate::net::Offload;

/// Largest packet that either side can hand over, in bytes: the IPv4 and IPv6 length fields'.
const MAX_PACKET: usize = 65_535;
/// How many packets at least are read from the device, if they are there, before they are sent.
const BURST: usize = 64;
/// How many packets one system call passes at most: more than the 93 full ones that a socket's
/// usual buffer holds, so that a full one is filled or emptied in one go.
const MOST: usize = 128;

/// Why the relay stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// One of the watched descriptors became readable; its position in the list.
    Watched(usize),
    /// The other end of the socket is closed.
    SocketClosed,
    /// The device has been deleted.
    DeviceGone,
    /// A system call failed in a way that is none of the above.
    Failed(Errno),
}

/// A relay between a device and a socket.
#[derive(Debug)]
pub struct Relay {
    device: File,
    socket: OwnedFd,
    up: Up,
    down: Down,
}

impl Relay {
    /// Takes over both descriptors and makes them non-blocking.
    ///
    /// `offload` is what the device was made with.
    pub fn new(device: OwnedFd, socket: OwnedFd, offload: Offload) -> Result<Self, Errno> {
        for fd in [device.as_fd(), socket.as_fd()] {
            let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
            fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        let (up, down) = (Up::new(offload), Down::new(offload));
        Ok(Self {
            device: device.into(),
            socket,
            up,
            down,
        })
    }

    /// The socket, to ask the kernel about.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Gives the socket back, and closes the device.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Carries packets until one of `watched` is readable or a side is gone.
    pub fn run(&mut self, watched: &[BorrowedFd<'_>]) -> End {
        loop {
            let waits = self.up.waits();
            let read = if waits {
                PollFlags::empty()
            } else {
                PollFlags::POLLIN
            };
            let mut both = PollFlags::POLLIN;
            both.set(PollFlags::POLLOUT, waits);
            let mut fds = vec![
                PollFd::new(self.device.as_fd(), read),
                PollFd::new(self.socket.as_fd(), both),
            ];
            fds.extend(watched.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return End::Failed(errno),
                Ok(_) => {}
            }
            let events = |index: usize| fds[index].revents().unwrap_or(PollFlags::empty());
            let fired = (2..fds.len()).find(|index| !events(*index).is_empty());
            let (device, socket) = (events(0), events(1));
            if let Some(index) = fired {
                return End::Watched(index - 2);
            }
            if let Err(end) = self.pass(device, socket) {
                return end;
            }
        }
    }

    fn pass(&mut self, device: PollFlags, socket: PollFlags) -> Result<(), End> {
        if device.intersects(PollFlags::POLLERR | PollFlags::POLLNVAL) {
            return Err(End::DeviceGone);
        }
        if socket.contains(PollFlags::POLLNVAL) {
            return Err(End::SocketClosed);
        }
        if socket.contains(PollFlags::POLLOUT) {
            self.up.flush(&self.socket)?;
        }
        if device.contains(PollFlags::POLLIN) {
            self.up.pass(&self.device, &self.socket)?;
        }
        // POLLERR too: a receive fetches the pending error and clears it.
        if socket.intersects(PollFlags::POLLIN | PollFlags::POLLERR) {
            self.down.pass(&self.socket, &self.device)?;
        }
        Ok(())
    }
}

pub(super) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO))
}
