//! The way up: from the device, cut to size, encrypted, into the outbox.

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use nix::errno::Errno;

use super::allowed::destination;
use super::outbox::Outbox;
use super::peer::CONTROL;
use super::{End, Peers};
use crate::net::Offload;
use crate::tunnel::offload::header::{self, Header};
use crate::tunnel::offload::split::{Segment, split};
use crate::tunnel::relay::errno;

/// Largest packet that the device hands over, in bytes.
const MAX_PACKET: usize = 65_535;
/// How many datagrams are made before they are sent; about what one packet of 64 KiB makes twice.
const BURST: usize = 96;
/// What the protocol adds to a packet: a header of 16 bytes, a tag of 16.
const OVERHEAD: usize = 32;
/// Packets are padded to a multiple of this, which hides their lengths a little.
const PADDING: usize = 16;

/// One direction's state.
#[derive(Debug)]
pub struct Up {
    offload: Offload,
    mtu: usize,
    buffer: Vec<u8>,
    segments: Vec<Segment>,
    padded: Vec<u8>,
}

impl Up {
    pub fn new(offload: Offload, mtu: usize) -> Self {
        Self {
            offload,
            mtu,
            buffer: vec![0; header::LENGTH + MAX_PACKET],
            segments: Vec::new(),
            padded: Vec::new(),
        }
    }

    /// Reads what is there, up to a batch, and encrypts it. Called while the outbox is empty.
    pub fn pass(
        &mut self,
        mut device: &File,
        peers: &mut Peers,
        outbox: &mut Outbox,
        now: Instant,
    ) -> Result<(), End> {
        let mut made = 0;
        while made < BURST {
            match device.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(length) => made += self.encrypt(length, peers, outbox, now).max(1),
                Err(error) => match errno(&error) {
                    // EIO: the link is down for the moment.
                    Errno::EAGAIN | Errno::EIO => break,
                    Errno::EINTR => {}
                    // The descriptor outlives a deleted device, and says so.
                    Errno::EBADFD | Errno::ENODEV => return Err(End::DeviceGone),
                    errno => return Err(End::Failed(errno)),
                },
            }
        }
        Ok(())
    }

    /// Puts what was read into the outbox, as datagrams to its peer; returns how many.
    fn encrypt(
        &mut self,
        length: usize,
        peers: &mut Peers,
        outbox: &mut Outbox,
        now: Instant,
    ) -> usize {
        let bytes = &mut self.buffer[..length];
        let (header, start) = match self.offload {
            Offload::None => (Header::default(), 0),
            _ => match Header::read(bytes) {
                Some((header, _)) => (header, header::LENGTH),
                None => return 0,
            },
        };
        let packet = &mut bytes[start..];
        let Some(to) = destination(packet).and_then(|to| peers.allowed.peer_of(to)) else {
            return 0;
        };
        let peer = &mut peers.list[to];
        peers.passed = true;
        self.segments.clear();
        // A packet that cannot be cut is none that the network could carry: left out.
        if split(header, packet, &mut self.segments).is_err() {
            return 0;
        }
        let Some(endpoint) = peer.endpoint else {
            return 0;
        };
        for segment in &self.segments {
            let plain = assemble(segment, packet, self.mtu, &mut self.padded);
            let room = outbox.room((plain.len() + OVERHEAD).max(CONTROL));
            let size = peer.encrypt(plain, room, now).len();
            outbox.push(size, endpoint);
        }
        self.segments.len()
    }
}

/// A segment as one piece, with its padding.
///
/// Its headers go where the segment before it had its payload, which is encrypted by now. So
/// segments are to be taken in order.
fn assemble<'a>(
    segment: &Segment,
    packet: &'a mut [u8],
    mtu: usize,
    padded: &'a mut Vec<u8>,
) -> &'a [u8] {
    let headers = segment.headers();
    // The first one's payload stands behind headers of the same length.
    let start = segment.payload.start - headers.len();
    let end = segment.payload.end;
    packet[start..segment.payload.start].copy_from_slice(headers);
    let length = end - start;
    let wanted = length.next_multiple_of(PADDING).min(mtu.max(length));
    if wanted == length {
        return &packet[start..end];
    }
    padded.clear();
    padded.extend_from_slice(&packet[start..end]);
    padded.resize(wanted, 0);
    padded
}
