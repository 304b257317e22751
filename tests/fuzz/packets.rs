//! Any batch of packets: merged and split it is what it was, and nothing corrupted is blessed.
//!
//! The input is a header of a device's, then packets, each behind its length in two bytes. The
//! first byte chooses what is done to the packets' checksums, without which no fuzzer gets far.

use super::tunnel::offload::checksum;
use super::tunnel::offload::header::{self, Header};
use super::tunnel::offload::merge::{Accepts, merge};
use super::tunnel::offload::packet::{Layout, TCP};
use super::tunnel::offload::split::split;

/// More than the relay passes at once.
const MOST: usize = 130;

/// Panics where the input shows a defect.
pub fn check(input: &[u8]) {
    let Some((&choice, input)) = input.split_first() else {
        return;
    };
    let Some((header, rest)) = Header::read(input) else {
        return;
    };
    let mut packets = packets(rest);
    // Whatever a device says of a packet: no panic, and headers that stay within.
    for packet in &packets {
        check_split(header, packet);
    }
    if choice & 1 != 0 {
        for packet in &mut packets {
            mend(packet);
        }
    }
    let accepts = Accepts {
        tcp: choice & 2 == 0,
        udp: choice & 4 == 0,
    };
    check_merge(&packets, accepts);
}

fn packets(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some((length, rest)) = input.split_at_checked(2) {
        let length = usize::from(u16::from_be_bytes([length[0], length[1]])).min(rest.len());
        let (packet, rest) = rest.split_at(length);
        // Neither the device nor the socket passes an empty one on.
        if !packet.is_empty() && packets.len() < MOST {
            packets.push(packet.to_vec());
        }
        input = rest;
    }
    packets
}

fn check_split(header: Header, packet: &[u8]) {
    let mut whole = packet.to_vec();
    let mut segments = Vec::new();
    if split(header, &mut whole, &mut segments).is_err() {
        assert!(segments.is_empty(), "a refused packet left segments");
        return;
    }
    let payload: usize = segments.iter().map(|segment| segment.payload.len()).sum();
    assert!(payload <= packet.len());
    for (index, segment) in segments.iter().enumerate() {
        assert!(segment.payload.end <= whole.len());
        let one = [segment.headers(), &whole[segment.payload.clone()]].concat();
        // Where it has headers of its own, they are right.
        if !segment.headers().is_empty() {
            let layout = Layout::of(&one).expect("a segment is a packet");
            assert!(layout.is_valid(&one), "a segment has a wrong length or sum");
            check_headers(packet, layout, &one, index, segments.len());
        }
    }
}

/// Whether the headers of a segment are those of the packet, but for what has to differ.
fn check_headers(packet: &[u8], layout: Layout, one: &[u8], index: usize, count: usize) {
    if !layout.ipv6 {
        let id = |packet: &[u8]| usize::from(u16::from_be_bytes([packet[4], packet[5]]));
        assert_eq!(id(one), (id(packet) + index) % 65_536);
    }
    if layout.protocol == TCP {
        let flags = layout.transport + 13;
        let (first, last) = (index == 0, index + 1 == count);
        // CWR; FIN and PSH.
        let kept = 0x76 | if first { 0x80 } else { 0 } | if last { 0x09 } else { 0 };
        assert_eq!(one[flags], packet[flags] & kept, "flags of segment {index}");
        let sequence = |packet: &[u8]| {
            let at = layout.transport + 4;
            u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
        };
        let ahead = sequence(one).wrapping_sub(sequence(packet));
        assert!(ahead < 65_536 && first == (ahead == 0), "sequence numbers");
        let options = layout.transport + 20..layout.payload;
        assert_eq!(one[options.clone()], packet[options]);
    }
}

/// Makes lengths and checksums right.
fn mend(packet: &mut [u8]) {
    let Some(layout) = Layout::of(packet) else {
        return;
    };
    let length = packet.len() - layout.transport;
    layout.set_ip_length(packet, packet.len());
    layout.set_transport_length(packet, length);
    let at = layout.transport + layout.checksum_offset();
    packet[at..at + 2].fill(0);
    // Slowly, word by word, so that the fast way is compared with something.
    let sum = packet[layout.transport..]
        .chunks(2)
        .fold(layout.pseudo_header(packet, length), |sum, pair| {
            sum + u64::from(pair[0]) * 256 + u64::from(*pair.get(1).unwrap_or(&0))
        });
    let sum = !checksum::fold(sum);
    let sum = if sum == 0 { 0xffff } else { sum };
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

fn check_merge(packets: &[Vec<u8>], accepts: Accepts) {
    let mut copies = packets.to_vec();
    let mut slices: Vec<&mut [u8]> = copies.iter_mut().map(Vec::as_mut_slice).collect();
    let aggregates = merge(&mut slices, accepts);
    let mut out = Vec::new();
    for aggregate in &aggregates {
        let mut whole = copies[aggregate.first].clone();
        for (index, range) in &aggregate.more {
            whole.extend_from_slice(&packets[*index][range.clone()]);
        }
        assert!(whole.len() <= packets[aggregate.first].len().max(65_535));
        let merged = !aggregate.more.is_empty();
        assert_eq!(aggregate.header.needs_checksum, merged);
        let indices = aggregate.more.iter().map(|(index, _)| *index);
        for index in indices.chain([aggregate.first]).filter(|_| merged) {
            let layout = Layout::of(&packets[index]).expect("only what has a layout is merged");
            assert!(layout.is_valid(&packets[index]), "blessed a wrong packet");
        }
        let bytes = aggregate.header.to_bytes();
        assert_eq!(
            Header::read(&bytes).map(|(read, rest)| (read, rest.len())),
            Some((aggregate.header, 0))
        );
        assert_eq!(bytes.len(), header::LENGTH);
        let mut segments = Vec::new();
        split(aggregate.header, &mut whole, &mut segments).expect("what was merged can be split");
        for segment in &segments {
            out.push([segment.headers(), &whole[segment.payload.clone()]].concat());
        }
    }
    // Stable: the order within a stream counts.
    let by_stream = |mut packets: Vec<Vec<u8>>| {
        packets.sort_by_key(|packet| stream(packet));
        packets
    };
    // Not assert_eq: nobody reads a page of bytes.
    assert!(
        by_stream(out) == by_stream(packets.to_vec()),
        "split(merge(x)) is not x"
    );
}

/// What tells streams apart; packets that are none are a stream of their own.
fn stream(packet: &[u8]) -> Vec<u8> {
    let Some(layout) = Layout::of(packet) else {
        return packet.to_vec();
    };
    let addresses = if layout.ipv6 { 8..40 } else { 12..20 };
    let ports = &packet[layout.transport..layout.transport + 4];
    [&[layout.protocol], &packet[addresses], ports].concat()
}
