//! Datagrams that are passed on: a socket for each sender, so that answers find back.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockaddrStorage, recvfrom, sendto};
use vpnns_protocol::port::Port;

use super::forwarder::{Door, Over, Ways};

/// How long an answer is waited for after the last datagram; DNS and games are done by then, and
/// RFC 4787 asks for two minutes.
const IDLE: Duration = Duration::from_secs(120);
/// Senders at the same time; beyond them the one that was silent for longest is forgotten.
const MOST: usize = 1024;
/// Datagrams taken in one turn, so that connections get theirs.
const AT_ONCE: usize = 64;

/// What senders and their servers have to do with one another.
#[derive(Default)]
pub(super) struct Datagrams(Vec<Flow>);

struct Flow {
    door: usize,
    port: Port,
    sender: SocketAddr,
    server: UdpSocket,
    /// The server's other address, while it has not answered at the first.
    other: Option<SocketAddr>,
    last: Instant,
}

impl Datagrams {
    /// What becomes readable when servers answer.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|flow| flow.server.as_fd())
    }

    /// When the next sender is forgotten.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|flow| flow.last + IDLE).min()
    }

    /// Forgets who has been silent for long.
    pub(super) fn forget_old(&mut self, now: Instant) {
        self.0.retain(|flow| flow.last + IDLE > now);
    }

    /// Passes on what has come to a door.
    pub(super) fn forth(
        &mut self,
        index: usize,
        door: &Door,
        ways: &mut Ways,
        buffer: &mut [u8],
    ) -> Result<(), Over> {
        for _ in 0..AT_ONCE {
            let raw = door.listener.as_raw_fd();
            let (length, sender) = match recvfrom::<SockaddrStorage>(raw, buffer) {
                Ok((length, sender)) => (length, sender.and_then(|it| address(&it))),
                Err(Errno::EAGAIN) => break,
                // A sender has gone meanwhile.
                Err(_) => continue,
            };
            let Some(sender) = sender else { continue };
            let known = |flow: &Flow| flow.door == index && flow.sender == sender;
            let at = match self.0.iter().position(known) {
                Some(at) => at,
                None => match self.flow(index, door.port, sender, ways)? {
                    Some(at) => at,
                    None => continue,
                },
            };
            let flow = &mut self.0[at];
            flow.last = Instant::now();
            flow.send(&buffer[..length], ways)?;
        }
        Ok(())
    }

    fn flow(
        &mut self,
        door: usize,
        port: Port,
        sender: SocketAddr,
        ways: &mut Ways,
    ) -> Result<Option<usize>, Over> {
        let targets = Ways::targets(port);
        let Some(server) = ways.datagrams(port, targets[0])? else {
            return Ok(None);
        };
        if self.0.len() >= MOST {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, flow)| flow.last);
            if let Some(oldest) = oldest.map(|(index, _)| index) {
                self.0.swap_remove(oldest);
            }
        }
        self.0.push(Flow {
            door,
            port,
            sender,
            server,
            other: targets.get(1).copied(),
            last: Instant::now(),
        });
        Ok(Some(self.0.len() - 1))
    }

    /// Passes a server's answers back to the sender.
    pub(super) fn back(&mut self, index: usize, doors: &[Door], buffer: &mut [u8]) {
        // The list may have become another one in this turn; what is missed is told again.
        let Some(flow) = self.0.get_mut(index) else {
            return;
        };
        for _ in 0..AT_ONCE {
            match flow.server.recv(buffer) {
                Ok(length) => {
                    flow.last = Instant::now();
                    flow.other = None;
                    let to = SockaddrStorage::from(flow.sender);
                    let raw = doors[flow.door].listener.as_raw_fd();
                    let _ = sendto(raw, &buffer[..length], &to, MsgFlags::MSG_DONTWAIT);
                }
                // Nobody is there (any more).
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => break,
            }
        }
    }
}

impl Flow {
    /// Sends to the server, at its other address if nobody is at the first. What is lost is lost:
    /// that is what datagrams are for.
    fn send(&mut self, bytes: &[u8], ways: &mut Ways) -> Result<(), Over> {
        // An error is that of a datagram before, and has kept this one from being sent.
        if self.server.send(bytes).is_err() {
            let _ = self.server.send(bytes);
        }
        let Some(other) = self.other else {
            return Ok(());
        };
        // On a loopback a refusal is there as soon as the datagram is sent.
        if matches!(self.server.take_error(), Ok(Some(_))) {
            self.other = None;
            if let Some(server) = ways.datagrams(self.port, other)? {
                self.server = server;
                let _ = self.server.send(bytes);
            }
        }
        Ok(())
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage
        .as_sockaddr_in()
        .map(|it| SocketAddr::from((it.ip(), it.port())));
    v4.or_else(|| {
        storage
            .as_sockaddr_in6()
            .map(|it| (it.ip(), it.port()).into())
    })
}
