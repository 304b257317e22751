//! What is merged and split again is what it was.

#![allow(clippy::cast_possible_truncation)] // Test packets are small.

use proptest::prelude::*;

use super::checksum::{self, add, fold};
use super::merge::{Accepts, merge};
use super::packet::{Layout, TCP};
use super::split::split;

/// Everything that a packet of the tests is made from.
#[derive(Clone, Debug)]
struct Recipe {
    ipv6: bool,
    tcp: bool,
    stream: u8,
    flags: u8,
    tos: u8,
    ttl: u8,
    options: usize,
    window: u16,
    payload: usize,
    /// Whether it goes on where its stream has got to.
    continues: bool,
    /// A byte to spoil, if any.
    corrupt: Option<usize>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let odd_flags = prop_oneof![8 => Just(0x10_u8), 2 => Just(0x18), 1 => any::<u8>()];
    let sizes = prop_oneof![6 => Just(1348_usize), 2 => 0..1400_usize, 1 => Just(1_usize)];
    let corrupt = prop_oneof![9 => Just(None), 1 => (0..1400_usize).prop_map(Some)];
    (
        (
            prop::bool::weighted(0.3),
            prop::bool::weighted(0.8),
            0..3_u8,
            odd_flags,
        ),
        (
            prop_oneof![9 => Just(0_u8), 1 => any::<u8>()],
            prop_oneof![9 => Just(64_u8), 1 => any::<u8>()],
        ),
        (
            prop_oneof![9 => Just(12_usize), 1 => (0..11_usize).prop_map(|n| n * 4)],
            prop_oneof![9 => Just(501_u16), 1 => any::<u16>()],
        ),
        (sizes, prop::bool::weighted(0.9), corrupt),
    )
        .prop_map(
            |((ipv6, tcp, stream, flags), (tos, ttl), (options, window), rest)| Recipe {
                ipv6,
                tcp,
                stream,
                flags,
                tos,
                ttl,
                options,
                window,
                payload: rest.0,
                continues: rest.1,
                corrupt: rest.2,
            },
        )
}

/// A valid packet, then spoiled if the recipe says so.
fn build(recipe: &Recipe, id: u16, sequence: u32) -> Vec<u8> {
    let ports = [4000 + u16::from(recipe.stream), 443];
    let mut transport: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    if recipe.tcp {
        transport.extend(sequence.to_be_bytes());
        transport.extend(77_u32.to_be_bytes());
        transport.extend([((20 + recipe.options) / 4 * 16) as u8, recipe.flags]);
        transport.extend(recipe.window.to_be_bytes());
        transport.extend([0; 4]);
        transport.extend((0..recipe.options).map(|n| n as u8));
    } else {
        transport.extend(((8 + recipe.payload) as u16).to_be_bytes());
        transport.extend([0; 2]);
    }
    transport.extend((0..recipe.payload).map(|n| (n as u32).wrapping_add(sequence) as u8));
    let protocol = if recipe.tcp { 6 } else { 17 };
    let mut packet = if recipe.ipv6 {
        let mut ip = vec![0x60 | (recipe.tos >> 4), recipe.tos << 4, 0, 0];
        ip.extend((transport.len() as u16).to_be_bytes());
        ip.extend([protocol, recipe.ttl]);
        ip.extend([0xfd; 16]);
        ip.extend([0xfe; 16]);
        ip
    } else {
        let mut ip = vec![0x45, recipe.tos];
        ip.extend(((20 + transport.len()) as u16).to_be_bytes());
        ip.extend(id.to_be_bytes());
        ip.extend([
            0x40, 0, recipe.ttl, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        let sum = !fold(add(0, &ip));
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        ip
    };
    let start = packet.len();
    packet.extend(transport);
    let layout = Layout::of(&packet).unwrap();
    let sum = layout.pseudo_header(&packet, packet.len() - start);
    let sum = !fold(add(sum, &packet[start..]));
    let sum = if sum == 0 && !recipe.tcp { 0xffff } else { sum };
    let at = start + layout.checksum_offset();
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    if let Some(place) = recipe.corrupt {
        let place = place % packet.len();
        packet[place] ^= 0x5a;
    }
    packet
}

fn batch(recipes: &[Recipe]) -> Vec<Vec<u8>> {
    let mut next = [[(7_u16, 0xffff_f000_u32); 4]; 3];
    recipes
        .iter()
        .map(|recipe| {
            let kind = usize::from(recipe.ipv6) * 2 + usize::from(recipe.tcp);
            let (id, sequence) = &mut next[usize::from(recipe.stream)][kind];
            if !recipe.continues {
                *sequence = sequence.wrapping_add(5000);
                *id = id.wrapping_add(3);
            }
            let packet = build(recipe, *id, *sequence);
            *id = id.wrapping_add(1);
            *sequence = sequence.wrapping_add(recipe.payload as u32);
            packet
        })
        .collect()
}

/// What tells streams apart; packets that are none are a stream of their own.
fn stream(packet: &[u8]) -> Vec<u8> {
    match Layout::of(packet) {
        Some(layout) => {
            let addresses = if layout.ipv6 {
                &packet[8..40]
            } else {
                &packet[12..20]
            };
            let ports = &packet[layout.transport..layout.transport + 4];
            [&[layout.protocol], addresses, ports].concat()
        }
        None => packet.to_vec(),
    }
}

fn sorted_by_stream(mut packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // Stable: the order within a stream is kept, and is what is compared.
    packets.sort_by_key(|packet| stream(packet));
    packets
}

fn merge_and_split(packets: &[Vec<u8>], accepts: Accepts) -> (Vec<Vec<u8>>, usize) {
    let mut copies = packets.to_vec();
    let mut slices: Vec<&mut [u8]> = copies.iter_mut().map(Vec::as_mut_slice).collect();
    let aggregates = merge(&mut slices, accepts);
    let mut out = Vec::new();
    for aggregate in &aggregates {
        let mut whole = copies[aggregate.first].clone();
        for (index, range) in &aggregate.more {
            whole.extend(&packets[*index][range.clone()]);
        }
        let mut segments = Vec::new();
        split(aggregate.header, &mut whole, &mut segments).unwrap();
        assert_eq!(segments.len(), aggregate.more.len() + 1);
        for segment in segments {
            out.push([segment.headers(), &whole[segment.payload.clone()]].concat());
        }
    }
    (out, aggregates.len())
}

const BOTH: Accepts = Accepts {
    tcp: true,
    udp: true,
};

proptest! {
    // Without files of failed cases: each test prints its own, and the tree stays as it is.
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn merged_packets_split_into_themselves(recipes in prop::collection::vec(recipe(), 1..64)) {
        let packets = batch(&recipes);
        let (out, _) = merge_and_split(&packets, BOTH);
        prop_assert_eq!(sorted_by_stream(out), sorted_by_stream(packets));
    }

    #[test]
    fn a_corrupted_packet_is_never_blessed(recipes in prop::collection::vec(recipe(), 1..64)) {
        let mut packets = batch(&recipes);
        let wrong: Vec<bool> = packets
            .iter()
            .map(|packet| !Layout::of(packet).is_some_and(|layout| layout.is_valid(packet)))
            .collect();
        let mut slices: Vec<&mut [u8]> = packets.iter_mut().map(Vec::as_mut_slice).collect();
        for aggregate in merge(&mut slices, BOTH) {
            let merged = !aggregate.more.is_empty();
            prop_assert_eq!(aggregate.header.needs_checksum, merged);
            prop_assert!(!(merged && wrong[aggregate.first]));
            for (index, _) in aggregate.more {
                prop_assert!(!wrong[index]);
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(
        mut packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20),
        header in prop::collection::vec(any::<u8>(), 10),
    ) {
        for packet in &mut packets {
            if let Some((header, _)) = super::header::Header::read(&header) {
                let _ = split(header, packet, &mut Vec::new());
            }
        }
        let mut slices: Vec<&mut [u8]> = packets.iter_mut().map(Vec::as_mut_slice).collect();
        merge(&mut slices, BOTH);
    }
}

fn plain(payload: usize) -> Recipe {
    Recipe {
        ipv6: false,
        tcp: true,
        stream: 0,
        flags: 0x10,
        tos: 0,
        ttl: 64,
        options: 12,
        window: 501,
        payload,
        continues: true,
        corrupt: None,
    }
}

#[test]
fn a_burst_of_a_stream_becomes_one() {
    for (ipv6, tcp) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut recipes = vec![
            Recipe {
                ipv6,
                tcp,
                ..plain(1000)
            };
            40
        ];
        recipes[39].payload = 10;
        let packets = batch(&recipes);
        let (out, count) = merge_and_split(&packets, BOTH);
        assert_eq!(count, 1);
        assert_eq!(out, packets);
        let none = Accepts {
            tcp: false,
            udp: false,
        };
        assert_eq!(merge_and_split(&packets, none).1, 40);
    }
}

#[test]
fn a_burst_that_is_pushed_ends_there() {
    let mut recipes = vec![plain(1000); 6];
    recipes[2].flags = 0x18;
    assert_eq!(merge_and_split(&batch(&recipes), BOTH).1, 2);
}

#[test]
fn nothing_grows_beyond_what_an_ip_header_can_say() {
    let packets = batch(&vec![plain(1400); 64]);
    let (out, count) = merge_and_split(&packets, BOTH);
    assert_eq!((out, count), (packets, 2));
}

#[test]
fn a_plain_packet_gets_its_whole_checksum() {
    let whole = build(&plain(999), 1, 1);
    let layout = Layout::of(&whole).unwrap();
    let mut partial = whole.clone();
    let at = layout.transport + layout.checksum_offset();
    let sum = checksum::fold(layout.pseudo_header(&whole, whole.len() - layout.transport));
    partial[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    let header = super::header::Header {
        needs_checksum: true,
        checksum_start: layout.transport as u16,
        checksum_offset: layout.checksum_offset() as u16,
        ..Default::default()
    };
    assert_eq!(layout.protocol, TCP);
    split(header, &mut partial, &mut Vec::new()).unwrap();
    assert_eq!(partial, whole);
}
