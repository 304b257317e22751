//! The way down: from the sockets, decrypted, checked, joined where it belongs together, into the
//! device.

use std::fs::File;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use nix::errno::Errno;

use super::peer::{Outcome, kind};
use super::sockets::Sockets;
use super::{End, Peers};
use crate::net::Offload;
use crate::sys::udp::{Batch, Message, Received};
use crate::tunnel::offload::merge::{Accepts, merge};
use crate::tunnel::relay::down::{write, write_apart};

/// Largest message of the kernel's, in bytes.
const MAX_MESSAGE: usize = 65_535;
/// How far apart the places for messages are, in bytes: room for the largest and one byte more, so
/// that a cut one is noticed, and some cache lines. At a distance of 64 KiB they would all lie
/// over one another in the processor's caches, and drive each other out.
const PLACE: usize = MAX_MESSAGE + 1 + 23 * 64;
/// How many messages are taken at once at most; where the kernel merges, each holds up to 64
/// datagrams.
const MOST: usize = 64;
/// Room for so many is made even where they come one by one.
const FEWEST: usize = 4;

/// One direction's state.
#[derive(Debug)]
pub struct Down {
    /// Whether a header stands before each packet.
    headers: bool,
    accepts: Accepts,
    /// One place after the other, [`PLACE`] bytes each.
    messages: Vec<u8>,
    /// How many messages to make room for, which costs time of its own.
    expected: usize,
    received: Vec<Option<Received>>,
    plain: Vec<u8>,
    packets: Vec<Range<usize>>,
    batch: Batch,
    replies: Batch,
}

impl Down {
    pub fn new(offload: Offload) -> Self {
        Self {
            headers: offload != Offload::None,
            accepts: Accepts {
                tcp: offload != Offload::None,
                udp: offload == Offload::TcpUdp,
            },
            // Pages that no message reaches are never there.
            messages: vec![0; MOST * PLACE],
            expected: FEWEST,
            received: Vec::new(),
            plain: Vec::new(),
            packets: Vec::new(),
            batch: Batch::default(),
            replies: Batch::default(),
        }
    }

    /// Receives a batch, decrypts it and writes it.
    pub fn pass(
        &mut self,
        socket: BorrowedFd<'_>,
        sockets: &Sockets,
        device: &File,
        peers: &mut Peers,
        now: Instant,
    ) -> Result<(), End> {
        let places = self.messages.chunks_exact_mut(PLACE).take(self.expected);
        match self.batch.receive(socket, places, &mut self.received) {
            // An error is that of a datagram that we have sent: the network's, or a filter's.
            Ok(()) | Err(Errno::EAGAIN) => {}
            Err(Errno::ENOTSOCK | Errno::EBADF) => return Err(End::Failed(Errno::EBADF)),
            Err(_) => return Ok(()),
        }
        self.expected = (self.received.len() * 2).clamp(FEWEST, MOST);
        let total: usize = self.received.iter().flatten().map(|it| it.length).sum();
        // What is decrypted is shorter than what came. But a handshake may set free a packet that
        // has waited for it, and where that would not fit, boringtun panics.
        let needed = total + MAX_MESSAGE * 2;
        if self.plain.len() < needed {
            self.plain.resize(needed, 0);
        }
        self.packets.clear();
        let mut used = 0;
        for index in 0..self.received.len() {
            let Some(Received {
                length,
                from,
                segment,
            }) = self.received[index]
            else {
                continue;
            };
            let message = &self.messages[index * PLACE..][..length];
            for datagram in message.chunks(segment) {
                let room = &mut self.plain[used..];
                let reply = |bytes: &[u8]| send(&mut self.replies, sockets, from, bytes);
                if let Some(size) = peers.take(from, datagram, room, reply, now) {
                    self.packets.push(used..used + size);
                    used += size;
                }
            }
        }
        peers.passed |= used > 0;
        self.write(device)
    }

    /// Sends one message of the protocol's own, if there is one and a place for it.
    pub fn send(&mut self, sockets: &Sockets, to: Option<SocketAddr>, message: &[u8]) {
        if let Some(to) = to.filter(|_| !message.is_empty()) {
            send(&mut self.replies, sockets, to, message);
        }
    }

    fn write(&mut self, device: &File) -> Result<(), End> {
        let mut packets: Vec<&mut [u8]> = Vec::with_capacity(self.packets.len());
        let mut rest = &mut self.plain[..];
        for range in &self.packets {
            let (packet, behind) = rest.split_at_mut(range.len());
            packets.push(packet);
            rest = behind;
        }
        for aggregate in merge(&mut packets, self.accepts) {
            match write(device, self.headers, &aggregate, &packets) {
                Err(Errno::EBADFD | Errno::ENODEV) => return Err(End::DeviceGone),
                // Some kernels refuse what they said they would take: never again, and one by one.
                Err(Errno::EINVAL) if !aggregate.more.is_empty() => {
                    self.accepts = Accepts {
                        tcp: false,
                        udp: false,
                    };
                    write_apart(device, &aggregate, &packets);
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

fn send(batch: &mut Batch, sockets: &Sockets, to: SocketAddr, bytes: &[u8]) {
    let segment = None;
    if let Some(socket) = sockets.to(to) {
        // What does not go is lost, as on any network; the protocol tries again.
        let _ = batch.send(socket, std::iter::once(Message { bytes, to, segment }));
    }
}

impl Peers {
    /// Takes one datagram; returns the length of the packet that it held, at the beginning of
    /// `out`.
    fn take(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut [u8],
        mut reply: impl FnMut(&[u8]),
        now: Instant,
    ) -> Option<usize> {
        let index = match *datagram.first()? {
            kind::INITIATION => self.initiator(from, datagram, out, &mut reply)?,
            kind::RESPONSE => receiver(datagram.get(8..12)?),
            _ => receiver(datagram.get(4..8)?),
        };
        let peer = self.list.get_mut(index)?;
        let (before, handshake) = (peer.endpoint, peer.handshake);
        let outcome = peer.decrypt(from, datagram, out, now);
        let packet = match outcome {
            Outcome::Packet(packet) => {
                let source = super::allowed::source(packet)?;
                // Cryptokey routing: nobody speaks for an address that is another peer's.
                (self.allowed.peer_of(source) == Some(index)).then_some(packet.len())
            }
            Outcome::Send(message) => {
                reply(message);
                // What waited for the handshake.
                while let Outcome::Send(message) = peer.decrypt(from, &[], out, now) {
                    reply(message);
                }
                None
            }
            Outcome::Nothing | Outcome::Refused => None,
        };
        self.news |= peer.endpoint != before || peer.handshake != handshake;
        packet
    }

    /// Who begins a handshake; says no where there are too many of them.
    fn initiator(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut [u8],
        reply: &mut impl FnMut(&[u8]),
    ) -> Option<usize> {
        use boringtun::noise::{Packet, TunnResult, handshake::parse_handshake_anon};
        self.limiter.reset_count();
        match self.limiter.verify_packet(Some(from.ip()), datagram, out) {
            Ok(Packet::HandshakeInit(packet)) => {
                let half = parse_handshake_anon(&self.own, &self.own_public, &packet).ok()?;
                let key = half.peer_static_public;
                self.list.iter().position(|peer| peer.key.0 == key)
            }
            Err(TunnResult::WriteToNetwork(cookie)) => {
                reply(cookie);
                None
            }
            _ => None,
        }
    }
}

/// Which peer a receiver's index names: its number above eight bits that count sessions.
fn receiver(bytes: &[u8]) -> usize {
    let index = u32::from_le_bytes(bytes.try_into().unwrap_or_default());
    usize::try_from(index >> 8).unwrap_or(usize::MAX)
}
