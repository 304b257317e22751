//! Carrying bytes and descriptors between connections and a server's socket.
//!
//! One thread that polls. Each direction holds at most one piece: what has been read is written
//! before more is read, so that a slow reader slows its writer down, and nobody else.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Shutdown, SockFlag, SockType, UnixAddr, connect, shutdown, socket,
};

use crate::sys;

/// How much is carried at once, in bytes.
const PIECE: usize = 64 * 1024;
/// How long nobody is let in who comes when there is no descriptor left, in milliseconds.
const EXHAUSTED: u8 = 100;

/// Serves each connection of `listener` by one to `server`, until `life` has something to read.
pub(super) fn run(listener: &OwnedFd, server: &Path, life: impl AsFd) -> Result<(), Errno> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut buffer = vec![0; PIECE];
    let mut is_exhausted = false;
    loop {
        // With no descriptor left, whoever knocks would be told again and again.
        let (knocks, limit) = if is_exhausted {
            (PollFlags::empty(), PollTimeout::from(EXHAUSTED))
        } else {
            (PollFlags::POLLIN, PollTimeout::NONE)
        };
        let mut fds = vec![
            PollFd::new(life.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), knocks),
        ];
        let mut whose = Vec::new();
        for (index, pair) in pairs.iter().enumerate() {
            let [near, far] = pair.wanted();
            for (end, wanted) in [(&pair.near, near), (&pair.far, far)] {
                // One without a wish is left out: its hang-up would be told again and again, for
                // as long as the other end takes nothing.
                if !wanted.is_empty() {
                    fds.push(PollFd::new(end.as_fd(), wanted));
                    whose.push(index);
                }
            }
        }
        match poll(&mut fds, limit) {
            Err(Errno::EINTR) => continue,
            other => other?,
        };
        let fired: Vec<bool> = fds
            .iter()
            .map(|fd| fd.revents().is_some_and(|events| !events.is_empty()))
            .collect();
        if fired[0] {
            return Ok(());
        }
        let mut ready = vec![false; pairs.len()];
        for (index, fired) in whose.into_iter().zip(&fired[2..]) {
            ready[index] |= fired;
        }
        let mut ready = ready.into_iter();
        pairs.retain_mut(|pair| !ready.next().unwrap_or(false) || pair.carry(&mut buffer).is_ok());
        if fired[1] || is_exhausted {
            is_exhausted = loop {
                match sys::fd::accept(listener) {
                    // Not to be had: the connection is closed, as it would be by a bus that ends.
                    Ok(near) => pairs.extend(dial(server).ok().map(|far| Pair::new(near, far))),
                    Err(error) => break matches!(error, Errno::EMFILE | Errno::ENFILE),
                }
            };
        }
    }
}

fn dial(server: &Path) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(server)?)?;
    Ok(socket)
}

/// A connection, and the one to the server that it stands for.
struct Pair {
    near: OwnedFd,
    far: OwnedFd,
    out: Direction,
    back: Direction,
}

impl Pair {
    fn new(near: OwnedFd, far: OwnedFd) -> Self {
        let (out, back) = (Direction::default(), Direction::default());
        Self {
            near,
            far,
            out,
            back,
        }
    }

    /// What each end is waited for.
    fn wanted(&self) -> [PollFlags; 2] {
        let end = |reads: &Direction, writes: &Direction| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, reads.can_take());
            flags.set(PollFlags::POLLOUT, writes.is_full());
            flags
        };
        [end(&self.out, &self.back), end(&self.back, &self.out)]
    }

    /// Carries what can be carried now; an error when both ends are done, or one is broken.
    fn carry(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        self.out.carry(&self.near, &self.far, buffer)?;
        self.back.carry(&self.far, &self.near, buffer)?;
        if self.out.is_done() || self.back.is_done() {
            // A bus that hears nothing more from one side is done with it.
            return Err(Errno::EPIPE);
        }
        Ok(())
    }
}

/// One direction of a pair.
#[derive(Default)]
struct Direction {
    bytes: VecDeque<u8>,
    fds: Vec<OwnedFd>,
    ended: bool,
}

impl Direction {
    fn can_take(&self) -> bool {
        self.bytes.is_empty() && !self.ended
    }

    fn is_full(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn is_done(&self) -> bool {
        self.ended && self.bytes.is_empty()
    }

    fn carry(&mut self, from: &OwnedFd, to: &OwnedFd, buffer: &mut [u8]) -> Result<(), Errno> {
        if self.can_take() {
            match sys::socket::receive_all(from, buffer) {
                Ok((0, _)) => {
                    self.ended = true;
                    let _ = shutdown(to.as_raw_fd(), Shutdown::Write);
                }
                Ok((length, fds)) => {
                    self.bytes.extend(&buffer[..length]);
                    self.fds = fds;
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        while !self.bytes.is_empty() {
            let raw: Vec<RawFd> = self.fds.iter().map(AsRawFd::as_raw_fd).collect();
            match sys::socket::send_all(to, self.bytes.make_contiguous(), &raw) {
                Ok(sent) => {
                    self.bytes.drain(..sent);
                    // They have gone with the first byte.
                    self.fds.clear();
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}
