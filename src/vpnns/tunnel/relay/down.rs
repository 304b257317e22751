//! The way down: from the socket, joined where it belongs together, into the device.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::{End, MAX_PACKET, MOST, errno};
use crate::net::Offload;
use crate::sys::batch::Batch;
use crate::tunnel::offload::header::Header;
use crate::tunnel::offload::merge::{Accepts, Aggregate, merge};
use crate::tunnel::offload::split::split;

/// How far apart the places for packets are, in bytes: room for the largest, and 23 cache lines
/// more. At a distance of 64 KiB the packets would all lie over one another in the processor's
/// caches, and drive each other out.
const PLACE: usize = MAX_PACKET + 1 + 23 * 64;

/// Room for so many packets is made even where they come one by one.
const FEWEST: usize = 8;

/// One direction's state.
#[derive(Debug)]
pub(super) struct Down {
    /// Whether a header stands before each packet.
    headers: bool,
    accepts: Accepts,
    /// One place after the other, [`PLACE`] bytes each.
    buffers: Vec<u8>,
    lengths: Vec<Option<usize>>,
    /// How many packets to make room for, which costs time of its own.
    expected: usize,
    batch: Batch,
}

impl Down {
    pub(super) fn new(offload: Offload) -> Self {
        Self {
            headers: offload != Offload::None,
            accepts: Accepts {
                tcp: offload != Offload::None,
                udp: offload == Offload::TcpUdp,
            },
            // Pages that no packet reaches are never there.
            buffers: vec![0; MOST * PLACE],
            expected: FEWEST,
            lengths: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Receives a batch and writes it.
    pub(super) fn pass(&mut self, socket: &OwnedFd, device: &File) -> Result<(), End> {
        // One byte more than a packet can have, so that a cut one is noticed.
        let places = self.buffers.chunks_exact_mut(PLACE);
        let places = places
            .take(self.expected)
            .map(|place| &mut place[..=MAX_PACKET]);
        let count = match self.batch.receive(socket, places, &mut self.lengths) {
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::ECONNRESET) => {
                return Err(End::SocketClosed);
            }
            Err(errno) => return Err(End::Failed(errno)),
        };
        self.expected = (count * 2).clamp(FEWEST, MOST);
        let received = self.buffers.chunks_exact_mut(PLACE).zip(&self.lengths);
        // Left out: an empty datagram, which is no end on this kind of socket and no packet
        // either, and one that was cut or is larger than IP can carry.
        let mut packets: Vec<&mut [u8]> = received
            .filter_map(|(buffer, length)| Some(&mut buffer[..(*length)?]))
            .filter(|packet| (1..=MAX_PACKET).contains(&packet.len()))
            .collect();
        for aggregate in merge(&mut packets, self.accepts) {
            match write(device, self.headers, &aggregate, &packets) {
                Err(Errno::EBADFD | Errno::ENODEV) => return Err(End::DeviceGone),
                // Some kernels refuse what they said they would take: never again, and one by
                // one. A packet of another sort than IP is refused the same way, and dropped.
                Err(Errno::EINVAL) if !aggregate.more.is_empty() => {
                    self.accepts = Accepts {
                        tcp: false,
                        udp: false,
                    };
                    write_apart(device, &aggregate, &packets);
                }
                // EIO: the link is down. Anything else hits this packet alone, too: the device
                // has no state that a single write could break.
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

pub(in crate::tunnel) fn write(
    mut device: &File,
    headers: bool,
    aggregate: &Aggregate,
    packets: &[&mut [u8]],
) -> Result<(), Errno> {
    let header = aggregate.header.to_bytes();
    let mut pieces = Vec::with_capacity(2 + aggregate.more.len());
    if headers {
        pieces.push(IoSlice::new(&header));
    }
    pieces.push(IoSlice::new(packets[aggregate.first]));
    let more = aggregate.more.iter();
    pieces.extend(more.map(|(index, range)| IoSlice::new(&packets[*index][range.clone()])));
    device
        .write_vectored(&pieces)
        .map(drop)
        .map_err(|error| errno(&error))
}

/// Takes an aggregate apart again; its headers have been rewritten, so it is put together first.
pub(in crate::tunnel) fn write_apart(
    mut device: &File,
    aggregate: &Aggregate,
    packets: &[&mut [u8]],
) {
    let mut whole = packets[aggregate.first].to_vec();
    for (index, range) in &aggregate.more {
        whole.extend_from_slice(&packets[*index][range.clone()]);
    }
    let mut segments = Vec::new();
    if split(aggregate.header, &mut whole, &mut segments).is_err() {
        return;
    }
    let header = Header::default().to_bytes();
    for segment in segments {
        let pieces = [
            &header[..],
            segment.headers(),
            &whole[segment.payload.clone()],
        ];
        // Like any packet that the device refuses.
        let _ = device.write_vectored(&pieces.map(IoSlice::new));
    }
}
