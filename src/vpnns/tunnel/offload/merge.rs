//! Joining packets that belong together, by the rules of the kernel's receive offload.

use std::ops::Range;

use super::header::{Header, Kind};
use super::packet::{IPV4, Layout, TCP, word};

/// Most packets in one: what the kernel allows for UDP, and plenty for TCP.
const MOST_PACKETS: usize = 64;
/// Most bytes in one, headers included: what IP's length field can say.
const MOST_BYTES: usize = 65_535;
/// How many packets back a fitting one is looked for; more streams at once are rare in a batch.
const STREAMS: usize = 8;

const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// What one write hands to the device: a header, a whole packet, and more payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The header before it.
    pub header: Header,
    /// Which packet of the batch it begins with, whose headers speak for all.
    pub first: usize,
    /// Payload that follows: which packet of the batch, and which bytes of it.
    pub more: Vec<(usize, Range<usize>)>,
}

/// An aggregate that may still grow.
struct Open {
    place: usize,
    layout: Layout,
    /// Payload of every packet but the last.
    size: usize,
    /// Length with all payload so far.
    total: usize,
    /// The sequence number that comes next; for UDP without meaning.
    next: u32,
    flags: u8,
}

/// Which protocols the device takes merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepts {
    /// TCP.
    pub tcp: bool,
    /// UDP (Linux 6.2).
    pub udp: bool,
}

/// Joins what belongs together in a batch of packets.
///
/// The order within a stream is kept. The headers of merged packets are rewritten in place;
/// packets that stay alone are left as they are.
pub fn merge(batch: &mut [&mut [u8]], accepts: Accepts) -> Vec<Aggregate> {
    let mut aggregates: Vec<Aggregate> = Vec::with_capacity(batch.len());
    let mut open: Vec<Open> = Vec::new();
    for index in 0..batch.len() {
        let packet = &*batch[index];
        let alone = |aggregates: &mut Vec<Aggregate>| {
            aggregates.push(Aggregate {
                header: Header::default(),
                first: index,
                more: Vec::new(),
            });
        };
        let Some(layout) = Layout::of(packet) else {
            alone(&mut aggregates);
            continue;
        };
        let stream = open.iter().position(|open| {
            let first = &*batch[aggregates[open.place].first];
            is_same_stream(open.layout, first, layout, packet)
        });
        let allowed = if layout.protocol == TCP {
            accepts.tcp
        } else {
            accepts.udp
        };
        if !allowed || !may_merge(layout, packet) {
            // Whatever it is, it must not be overtaken by what comes after it in its stream.
            if let Some(stream) = stream {
                let done = open.swap_remove(stream);
                seal(&done, &mut aggregates, batch);
            }
            alone(&mut aggregates);
            continue;
        }
        let payload = packet.len() - layout.payload;
        if let Some(stream) = stream {
            let candidate = &mut open[stream];
            let aggregate = &mut aggregates[candidate.place];
            let first = &*batch[aggregate.first];
            if continues(candidate, aggregate.more.len() + 1, first, layout, packet) {
                aggregate.more.push((index, layout.payload..packet.len()));
                candidate.total += payload;
                candidate.next = candidate
                    .next
                    .wrapping_add(u32::try_from(payload).unwrap_or(0));
                candidate.flags |= flags(layout, packet);
                if payload < candidate.size || candidate.flags & PSH != 0 {
                    let done = open.swap_remove(stream);
                    seal(&done, &mut aggregates, batch);
                }
                continue;
            }
            let done = open.swap_remove(stream);
            seal(&done, &mut aggregates, batch);
        }
        let packet = &*batch[index];
        let begun = Open {
            place: aggregates.len(),
            layout,
            size: payload,
            total: packet.len(),
            next: sequence(layout, packet).wrapping_add(u32::try_from(payload).unwrap_or(0)),
            flags: flags(layout, packet),
        };
        if begun.flags & PSH == 0 {
            if open.len() == STREAMS {
                let oldest = open.remove(0);
                seal(&oldest, &mut aggregates, batch);
            }
            open.push(begun);
        }
        alone(&mut aggregates);
    }
    for done in open {
        seal(&done, &mut aggregates, batch);
    }
    aggregates
}

/// Whether a packet is one that merging can stand for: complete, intact, and nothing special.
fn may_merge(layout: Layout, packet: &[u8]) -> bool {
    let plain = layout.protocol != TCP
        || {
            let rest = packet[layout.transport + 13] & !(ACK | PSH);
            packet[layout.transport + 13] & ACK != 0 && rest == 0 && word(packet, layout.transport + 18) == 0
            // The reserved bits and the ninth flag of RFC 9293.
            && packet[layout.transport + 12].trailing_zeros() >= 4
        };
    plain && packet.len() > layout.payload && packet.len() <= MOST_BYTES && layout.is_valid(packet)
}

fn is_same_stream(ours: Layout, first: &[u8], theirs: Layout, packet: &[u8]) -> bool {
    let addresses = if ours.ipv6 { 8..40 } else { 12..20 };
    ours.ipv6 == theirs.ipv6
        && ours.protocol == theirs.protocol
        && first[addresses.clone()] == packet[addresses]
        && first[ours.transport..ours.transport + 4]
            == packet[theirs.transport..theirs.transport + 4]
}

/// Whether a packet of the same stream goes on where the aggregate ends, with the same headers.
fn continues(open: &Open, count: usize, first: &[u8], layout: Layout, packet: &[u8]) -> bool {
    let payload = packet.len() - layout.payload;
    let same_ip = if layout.ipv6 {
        // Version, traffic class and flow label; hop limit.
        first[..4] == packet[..4] && first[7] == packet[7]
    } else {
        // Type of service, flags, time to live; the identification counts on.
        let id = word(first, 4).wrapping_add(u16::try_from(count).unwrap_or(0));
        first[1] == packet[1]
            && first[6] == packet[6]
            && first[8] == packet[8]
            && word(packet, 4) == id
    };
    let at = layout.transport;
    let same_tcp = layout.protocol != TCP
        || (layout.payload == open.layout.payload
            && sequence(layout, packet) == open.next
            // Acknowledgement; window; options.
            && first[at + 8..at + 12] == packet[at + 8..at + 12]
            && first[at + 14..at + 16] == packet[at + 14..at + 16]
            && first[at + 20..layout.payload] == packet[at + 20..layout.payload]);
    same_ip
        && same_tcp
        && payload <= open.size
        && count < MOST_PACKETS
        && open.total + payload <= MOST_BYTES
}

fn sequence(layout: Layout, packet: &[u8]) -> u32 {
    if layout.protocol != TCP {
        return 0;
    }
    let at = layout.transport + 4;
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

fn flags(layout: Layout, packet: &[u8]) -> u8 {
    if layout.protocol == TCP {
        packet[layout.transport + 13]
    } else {
        0
    }
}

/// Makes the first packet's headers speak for the whole aggregate, if it has grown at all.
fn seal(open: &Open, aggregates: &mut [Aggregate], batch: &mut [&mut [u8]]) {
    let aggregate = &mut aggregates[open.place];
    if aggregate.more.is_empty() {
        return;
    }
    let layout = open.layout;
    let packet = &mut *batch[aggregate.first];
    let length = open.total - layout.transport;
    // The pseudo header's sum alone: the kernel adds the rest where it matters.
    let sum = super::checksum::fold(layout.pseudo_header(packet, length));
    layout.set_ip_length(packet, open.total);
    layout.set_transport_length(packet, length);
    if layout.protocol == TCP {
        packet[layout.transport + 13] |= open.flags & PSH;
    }
    let at = layout.transport + layout.checksum_offset();
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    // All within a packet's 65,535 bytes.
    let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    aggregate.header = Header {
        kind: match (layout.protocol, layout.ipv6) {
            (TCP, false) => Kind::TcpV4,
            (TCP, true) => Kind::TcpV6,
            _ => Kind::Udp,
        },
        needs_checksum: true,
        headers: short(layout.payload),
        segment_size: short(open.size),
        checksum_start: short(layout.transport),
        checksum_offset: short(layout.checksum_offset()),
    };
    debug_assert!(layout.transport >= IPV4);
}
