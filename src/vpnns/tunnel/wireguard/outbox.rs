//! Datagrams on their way out: kept until the socket takes them, many of one size in one message.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::sockets::Sockets;
use crate::sys::udp::{Batch, Message};

/// Most datagrams in one message: what UDP_SEGMENT takes on every kernel that has it.
const MOST_DATAGRAMS: usize = 64;
/// Most bytes in one message: an IPv4 packet's, without its header and UDP's.
const MOST_BYTES: usize = 65_535 - 20 - 8;
/// How soon a message is tried again when there is no way to the peer.
const RETRY: Duration = Duration::from_millis(500);

/// Datagrams of one size to one address, the last of them perhaps shorter.
#[derive(Clone, Debug)]
struct Group {
    start: usize,
    end: usize,
    size: usize,
    count: usize,
    to: SocketAddr,
    /// A shorter datagram has closed it.
    closed: bool,
}

/// Why nothing goes at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The socket to this address has no room.
    Room(SocketAddr),
    /// There is no way; to be tried again then.
    Until(Instant),
}

/// The outgoing datagrams.
#[derive(Debug)]
pub struct Outbox {
    bytes: Vec<u8>,
    used: usize,
    groups: Vec<Group>,
    sent: usize,
    wait: Option<Wait>,
    batch: Batch,
    /// Whether many datagrams go in one message.
    segments: bool,
    /// Whether what has no way is kept, rather than dropped.
    keep: bool,
}

impl Outbox {
    /// An empty one. With `keep`, a lost way holds everything up until it is back.
    pub fn new(keep: bool) -> Self {
        Self {
            bytes: Vec::new(),
            used: 0,
            groups: Vec::new(),
            sent: 0,
            wait: None,
            batch: Batch::default(),
            segments: true,
            keep,
        }
    }

    /// Why something waits, if it does.
    pub fn wait(&self) -> Option<Wait> {
        self.wait
    }

    /// Room for one more datagram of at most this size; [`push`](Self::push) takes what was
    /// written to its beginning.
    pub fn room(&mut self, size: usize) -> &mut [u8] {
        let end = self.used + size;
        if self.bytes.len() < end {
            self.bytes.resize(end.next_multiple_of(1 << 16), 0);
        }
        &mut self.bytes[self.used..end]
    }

    /// Adds the datagram that was written into the [`room`](Self::room).
    pub fn push(&mut self, size: usize, to: SocketAddr) {
        if size == 0 {
            return;
        }
        let start = self.used;
        self.used += size;
        if let Some(group) = self.groups.last_mut()
            && self.segments
            && !group.closed
            && group.to == to
            && size <= group.size
            && group.count < MOST_DATAGRAMS
            && self.used - group.start <= MOST_BYTES
        {
            group.end = self.used;
            group.count += 1;
            group.closed = size < group.size;
            return;
        }
        self.groups.push(Group {
            start,
            end: self.used,
            size,
            count: 1,
            to,
            closed: false,
        });
    }

    /// Sends what is there, as far as there is room.
    pub fn flush(&mut self, sockets: &Sockets) {
        self.wait = None;
        while let Some(first) = self.groups.get(self.sent) {
            let to = first.to;
            let Some(socket) = sockets.to(to) else {
                self.sent += 1;
                continue;
            };
            match self.send(socket, to.is_ipv4()) {
                Ok(count) => self.sent += count.max(1),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return self.wait = Some(Wait::Room(to)),
                // No way, or one that a filter has closed for the moment.
                Err(
                    Errno::ENETUNREACH
                    | Errno::EHOSTUNREACH
                    | Errno::ENETDOWN
                    | Errno::EADDRNOTAVAIL
                    | Errno::EPERM,
                ) if self.keep => {
                    return self.wait = Some(Wait::Until(Instant::now() + RETRY));
                }
                // A device without checksums (EIO), a way that takes less at once (EINVAL).
                Err(Errno::EIO | Errno::EINVAL | Errno::EMSGSIZE) if self.takes_apart() => {}
                // Lost, as on any network.
                Err(_) => self.sent += 1,
            }
        }
        self.clear();
    }

    fn send(&mut self, socket: BorrowedFd<'_>, ipv4: bool) -> Result<usize, Errno> {
        let waiting = self.groups[self.sent..].iter();
        let messages = waiting
            .take_while(|group| group.to.is_ipv4() == ipv4)
            .map(|group| Message {
                bytes: &self.bytes[group.start..group.end],
                to: group.to,
                segment: (group.count > 1).then(|| u16::try_from(group.size).unwrap_or(u16::MAX)),
            });
        self.batch.send(socket, messages)
    }

    /// Makes single datagrams of what waits, and of what comes; false if they are that already.
    fn takes_apart(&mut self) -> bool {
        if self.groups[self.sent].count == 1 {
            return false;
        }
        self.segments = false;
        let waiting = self.groups.split_off(self.sent);
        for group in waiting {
            let starts = (group.start..group.end).step_by(group.size);
            self.groups.extend(starts.map(|start| Group {
                start,
                end: (start + group.size).min(group.end),
                count: 1,
                ..group
            }));
        }
        true
    }

    fn clear(&mut self) {
        self.groups.clear();
        self.sent = 0;
        self.used = 0;
    }

    /// Another way leads out: what was learned of the old one does not hold.
    pub fn forget_way(&mut self) {
        self.segments = true;
    }
}
