//! The virtio-net header before each packet (virtio 1.2, section 5.1.6; <linux/virtio_net.h>).

/// Length of the header in bytes, as a tun device has it unless TUNSETVNETHDRSZ says otherwise.
pub const LENGTH: usize = 10;

/// The checksum is only that of the pseudo header; the rest is to be added.
const NEEDS_CSUM: u8 = 1;
/// Set beside the kind where the segments may carry ECN bits.
const ECN: u8 = 0x80;

/// What the packet behind the header is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// One packet.
    #[default]
    Plain,
    /// TCP segments in IPv4.
    TcpV4,
    /// TCP segments in IPv6.
    TcpV6,
    /// UDP datagrams, in either.
    Udp,
    /// Something that was not asked for.
    Unknown,
}

/// The header's fields that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// Whether the checksum has to be completed.
    pub needs_checksum: bool,
    /// Length of the headers before the payload, in bytes. A hint: do not trust it.
    pub headers: u16,
    /// Payload bytes of each segment but the last.
    pub segment_size: u16,
    /// Where the checksummed part begins.
    pub checksum_start: u16,
    /// Where the checksum stands, from there.
    pub checksum_offset: u16,
}

impl Header {
    /// Reads the header and what is behind it; `None` where it is cut.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, packet) = bytes.split_at_checked(LENGTH)?;
        // In the byte order of the machine.
        let word = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let kind = match header[1] & !ECN {
            0 => Kind::Plain,
            1 => Kind::TcpV4,
            4 => Kind::TcpV6,
            5 => Kind::Udp,
            _ => Kind::Unknown,
        };
        let it = Self {
            kind,
            needs_checksum: header[0] & NEEDS_CSUM != 0,
            headers: word(2),
            segment_size: word(4),
            checksum_start: word(6),
            checksum_offset: word(8),
        };
        Some((it, packet))
    }

    /// The header as bytes. A kind that is unknown is written as a plain packet.
    pub fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = if self.needs_checksum { NEEDS_CSUM } else { 0 };
        bytes[1] = match self.kind {
            Kind::Plain | Kind::Unknown => 0,
            Kind::TcpV4 => 1,
            Kind::TcpV6 => 4,
            Kind::Udp => 5,
        };
        let words = [
            self.headers,
            self.segment_size,
            self.checksum_start,
            self.checksum_offset,
        ];
        for (place, word) in bytes[2..].chunks_exact_mut(2).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}
