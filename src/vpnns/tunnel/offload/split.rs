//! Cutting what a device hands over in one piece into packets.

use std::ops::Range;

use super::checksum;
use super::header::{Header, Kind};
use super::packet::{Layout, TCP, UDP};

/// Longest headers: IPv6, and TCP with all its options.
pub const LONGEST_HEADERS: usize = 40 + 60;
/// More segments than 65,535 bytes have at the smallest MTU (of 68, less 40 of headers).
const MOST_SEGMENTS: usize = 2_400;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// One packet to send: headers of its own, then a range of the payload it was cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    headers: [u8; LONGEST_HEADERS],
    length: u8,
    /// Where its payload stands in the packet that was split.
    pub payload: Range<usize>,
}

impl Segment {
    /// The packet's headers; empty where the range is the whole packet.
    pub fn headers(&self) -> &[u8] {
        &self.headers[..usize::from(self.length)]
    }
}

/// Why a packet of a device's cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The header before it describes something that is not there.
    #[error("the packet's header does not fit the packet")]
    Malformed,
    /// It is of a kind that this program did not ask for.
    #[error("the packet is of an unknown kind")]
    Unknown,
}

/// Adds the packets that `packet` stands for to `segments`, completing checksums.
///
/// A packet that is one already is changed in place where its checksum is to be completed.
pub fn split(header: Header, packet: &mut [u8], segments: &mut Vec<Segment>) -> Result<(), Error> {
    match header.kind {
        Kind::Plain => {
            if header.needs_checksum {
                complete_checksum(header, packet)?;
            }
            segments.push(Segment {
                headers: [0; LONGEST_HEADERS],
                length: 0,
                payload: 0..packet.len(),
            });
            Ok(())
        }
        Kind::TcpV4 | Kind::TcpV6 | Kind::Udp => cut(header, packet, segments),
        Kind::Unknown => Err(Error::Unknown),
    }
}

/// With checksum offload on, every packet comes with the sum of its pseudo header only.
fn complete_checksum(header: Header, packet: &mut [u8]) -> Result<(), Error> {
    let start = usize::from(header.checksum_start);
    let at = start + usize::from(header.checksum_offset);
    let covered = packet.get(start..).ok_or(Error::Malformed)?;
    if packet.len() < at + 2 {
        return Err(Error::Malformed);
    }
    let sum = !checksum::fold(checksum::add(0, covered));
    // UDP's checksum stands at 6; 0 would mean that there is none (RFC 768).
    let sum = if sum == 0 && header.checksum_offset == 6 {
        0xffff
    } else {
        sum
    };
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    Ok(())
}

fn cut(header: Header, packet: &[u8], segments: &mut Vec<Segment>) -> Result<(), Error> {
    // Not from the header's own length, which some kernels have wrong.
    let layout = Layout::of(packet).ok_or(Error::Malformed)?;
    let expected = match header.kind {
        Kind::TcpV4 => layout.protocol == TCP && !layout.ipv6,
        Kind::TcpV6 => layout.protocol == TCP && layout.ipv6,
        _ => layout.protocol == UDP,
    };
    let size = usize::from(header.segment_size);
    let payload = packet.len() - layout.payload;
    if !expected || size == 0 || payload.div_ceil(size) > MOST_SEGMENTS {
        return Err(Error::Malformed);
    }
    let count = payload.div_ceil(size).max(1);
    for index in 0..count {
        let from = layout.payload + index * size;
        let to = (from + size).min(packet.len());
        segments.push(segment(layout, packet, from..to, index, index + 1 == count));
    }
    Ok(())
}

fn segment(
    layout: Layout,
    packet: &[u8],
    payload: Range<usize>,
    index: usize,
    last: bool,
) -> Segment {
    let mut headers = [0; LONGEST_HEADERS];
    headers[..layout.payload].copy_from_slice(&packet[..layout.payload]);
    let out = &mut headers[..layout.payload];
    if !layout.ipv6 {
        // Each packet has an identification of its own, counted on.
        let id = u16::from_be_bytes([out[4], out[5]]);
        // Wraps as the kernel's counter does.
        #[allow(clippy::cast_possible_truncation)]
        let id = id.wrapping_add(index as u16);
        out[4..6].copy_from_slice(&id.to_be_bytes());
    }
    layout.set_ip_length(out, layout.payload + payload.len());
    let transport = layout.transport;
    if layout.protocol == TCP {
        let sequence = &mut out[transport + 4..transport + 8];
        let first = u32::from_be_bytes([sequence[0], sequence[1], sequence[2], sequence[3]]);
        // Sequence numbers wrap; an offset in one packet always fits.
        let offset = u32::try_from(payload.start - layout.payload).unwrap_or(0);
        sequence.copy_from_slice(&first.wrapping_add(offset).to_be_bytes());
        // What ends a burst belongs to its last segment, what begins one to its first.
        let mut cleared = if last { 0 } else { FIN | PSH };
        if index > 0 {
            cleared |= CWR;
        }
        out[transport + 13] &= !cleared;
    }
    let length = layout.payload - transport + payload.len();
    layout.set_transport_length(out, length);
    let at = transport + layout.checksum_offset();
    out[at..at + 2].fill(0);
    // The headers are of even length, so that the payload may follow in the sum.
    let sum = layout.pseudo_header(packet, length);
    let sum = checksum::add(
        checksum::add(sum, &out[transport..]),
        &packet[payload.clone()],
    );
    let sum = !checksum::fold(sum);
    let sum = if sum == 0 && layout.protocol == UDP {
        0xffff
    } else {
        sum
    };
    out[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    // At most LONGEST_HEADERS.
    let length = u8::try_from(layout.payload).unwrap_or(0);
    Segment {
        headers,
        length,
        payload,
    }
}
