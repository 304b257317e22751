//! The way up: from the device, cut to size, into the socket.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::{BURST, End, MAX_PACKET, MOST, errno};
use crate::net::Offload;
use crate::sys::batch::Batch;
use crate::tunnel::offload::header::{self, Header};
use crate::tunnel::offload::split::{Segment, split};

/// How many reads one batch is made of at most: plain packets come one a read.
const READS: usize = BURST;

/// One direction's state.
#[derive(Debug)]
pub(super) struct Up {
    offload: Offload,
    /// What was read: virtio-net header, if any, and packet.
    buffers: Vec<Vec<u8>>,
    /// Packets on their way, in order; each belongs to one of the buffers.
    segments: Vec<Segment>,
    owners: Vec<usize>,
    /// How many of them have been sent.
    sent: usize,
    batch: Batch,
}

impl Up {
    pub(super) fn new(offload: Offload) -> Self {
        let (buffers, segments, owners) = Default::default();
        Self {
            offload,
            buffers,
            segments,
            owners,
            sent: 0,
            batch: Batch::default(),
        }
    }

    /// Whether packets wait for room in the socket.
    pub(super) fn waits(&self) -> bool {
        self.sent < self.segments.len()
    }

    /// Reads a batch and sends it. Only called while nothing waits.
    pub(super) fn pass(&mut self, mut device: &File, socket: &OwnedFd) -> Result<(), End> {
        self.segments.clear();
        self.owners.clear();
        self.sent = 0;
        let mut used = 0;
        let mut end = None;
        while used < READS && self.segments.len() < BURST {
            if used == self.buffers.len() {
                // Made as they are needed; pages that no packet reaches are never there.
                self.buffers.push(vec![0; header::LENGTH + MAX_PACKET]);
            }
            match device.read(&mut self.buffers[used]) {
                Ok(0) => break,
                Ok(length) => {
                    self.cut(used, length);
                    used += 1;
                }
                Err(error) => match errno(&error) {
                    // EIO: the link is down for the moment.
                    Errno::EAGAIN | Errno::EIO => break,
                    Errno::EINTR => {}
                    // The descriptor outlives a deleted device, and says so.
                    Errno::EBADFD | Errno::ENODEV => {
                        end = Some(End::DeviceGone);
                        break;
                    }
                    errno => {
                        end = Some(End::Failed(errno));
                        break;
                    }
                },
            }
        }
        self.flush(socket)?;
        end.map_or(Ok(()), Err)
    }

    /// Turns what was read into packets to send.
    fn cut(&mut self, index: usize, length: usize) {
        let bytes = &mut self.buffers[index][..length];
        let (header, start) = match self.offload {
            Offload::None => (Header::default(), 0),
            _ => match Header::read(bytes) {
                Some((header, _)) => (header, header::LENGTH),
                None => return,
            },
        };
        // A packet that cannot be cut is none that the network could carry: left out.
        let _ = split(header, &mut bytes[start..], &mut self.segments);
        self.owners.resize(self.segments.len(), index);
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self, socket: &OwnedFd) -> Result<(), End> {
        let start = if self.offload == Offload::None {
            0
        } else {
            header::LENGTH
        };
        while self.waits() {
            let segments = self.segments[self.sent..]
                .iter()
                .zip(&self.owners[self.sent..]);
            let packets = segments.take(MOST).map(|(segment, owner)| {
                let packet = &self.buffers[*owner][start..];
                [segment.headers(), &packet[segment.payload.clone()]]
            });
            match self.batch.send(socket, packets) {
                Ok(count) => self.sent += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return Ok(()),
                // Larger than the socket's whole buffer: no wait would help this packet.
                Err(Errno::EMSGSIZE) => self.sent += 1,
                Err(Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::EPIPE | Errno::ECONNRESET) => {
                    return Err(End::SocketClosed);
                }
                Err(errno) => return Err(End::Failed(errno)),
            }
        }
        Ok(())
    }
}
