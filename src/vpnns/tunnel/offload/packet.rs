//! Where things stand in a TCP or UDP packet that offload can work with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum;

/// TCP's number in an IP header.
pub const TCP: u8 = 6;
/// UDP's number in an IP header.
pub const UDP: u8 = 17;

/// Length of an IPv4 header without options.
pub const IPV4: usize = 20;
/// Length of an IPv6 header without extensions.
pub const IPV6: usize = 40;
/// Length of a UDP header.
pub const UDP_HEADER: usize = 8;
/// Shortest TCP header.
const TCP_HEADER: usize = 20;

/// A packet's layout: an IP header without options or extensions, then TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether it is IPv6.
    pub ipv6: bool,
    /// [`TCP`] or [`UDP`].
    pub protocol: u8,
    /// Where the TCP or UDP header begins.
    pub transport: usize,
    /// Where the payload begins.
    pub payload: usize,
}

impl Layout {
    /// Looks at the headers; `None` for whatever offload leaves alone: fragments, options,
    /// extension headers, other protocols, and anything cut.
    pub fn of(packet: &[u8]) -> Option<Self> {
        let (ipv6, protocol, transport) = match packet.first()? >> 4 {
            4 => {
                let header = packet.get(..IPV4)?;
                // 5 words; neither "more fragments" nor an offset.
                let whole = header[6] & 0x3f | header[7] == 0;
                (header[0] == 0x45 && whole).then_some((false, header[9], IPV4))?
            }
            6 => (true, *packet.get(..IPV6)?.get(6)?, IPV6),
            _ => return None,
        };
        let payload = transport
            + match protocol {
                TCP => {
                    let header = packet.get(transport..transport + TCP_HEADER)?;
                    let length = usize::from(header[12] >> 4) * 4;
                    (length >= TCP_HEADER).then_some(length)?
                }
                UDP => UDP_HEADER,
                _ => return None,
            };
        (packet.len() >= payload).then_some(Self {
            ipv6,
            protocol,
            transport,
            payload,
        })
    }

    /// Where the checksum stands, from the transport header's beginning.
    pub fn checksum_offset(&self) -> usize {
        if self.protocol == TCP { 16 } else { 6 }
    }

    /// Source and destination.
    pub fn addresses(&self, packet: &[u8]) -> (IpAddr, IpAddr) {
        if self.ipv6 {
            let read = |at: usize| -> IpAddr {
                Ipv6Addr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap_or_default())
                    .into()
            };
            (read(8), read(24))
        } else {
            let read = |at: usize| -> IpAddr {
                Ipv4Addr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap_or_default()).into()
            };
            (read(12), read(16))
        }
    }

    /// The sum over the pseudo header for a transport header and payload of this length.
    pub fn pseudo_header(&self, packet: &[u8], length: usize) -> u64 {
        let (source, destination) = self.addresses(packet);
        checksum::pseudo_header(source, destination, self.protocol, length)
    }

    /// Whether lengths and checksums are what they should be, of this one complete packet.
    pub fn is_valid(&self, packet: &[u8]) -> bool {
        let length = packet.len() - self.transport;
        let lengths = if self.ipv6 {
            usize::from(word(packet, 4)) == packet.len() - IPV6
        } else {
            usize::from(word(packet, 2)) == packet.len()
                && checksum::fold(checksum::add(0, &packet[..IPV4])) == 0xffff
        };
        let udp = self.protocol == UDP;
        // UDP over IPv4 may go without a checksum, written as 0. Merging could not restore that.
        let at = self.transport + self.checksum_offset();
        let checksummed = !udp
            || (usize::from(word(packet, self.transport + 4)) == length && word(packet, at) != 0);
        let sum = self.pseudo_header(packet, length);
        lengths
            && checksummed
            && checksum::fold(checksum::add(sum, &packet[self.transport..])) == 0xffff
    }

    /// Writes the IP header's length, and the IPv4 header's checksum.
    pub fn set_ip_length(&self, header: &mut [u8], total: usize) {
        // Callers keep to 65,535 bytes, the most that the fields can say.
        let value = if self.ipv6 { total - IPV6 } else { total };
        let bytes = u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes();
        let at = if self.ipv6 { 4 } else { 2 };
        header[at..at + 2].copy_from_slice(&bytes);
        if !self.ipv6 {
            header[10..12].fill(0);
            let sum = !checksum::fold(checksum::add(0, &header[..IPV4]));
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
    }

    /// Writes UDP's own length field; TCP has none.
    pub fn set_transport_length(&self, header: &mut [u8], length: usize) {
        if self.protocol == UDP {
            let bytes = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
            header[self.transport + 4..self.transport + 6].copy_from_slice(&bytes);
        }
    }
}

/// The big-endian word at a place that the caller knows to be there.
pub fn word(packet: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([packet[at], packet[at + 1]])
}
