//! The Internet checksum (RFC 1071) and its pseudo headers.

use std::net::IpAddr;

/// Adds bytes, as big-endian 16-bit words, to a running sum. An odd last byte is padded with a
/// zero, so only the last piece may be odd.
pub fn add(sum: u64, bytes: &[u8]) -> u64 {
    // In the machine's own order, turned once at the end: the sum does not mind (RFC 1071, 2B).
    // Four sums side by side, which the compiler makes one vector of; 32 bits at a time, so that
    // the carries stay within 64 bits for any packet.
    let mut sums = [0_u64; 4];
    let mut chunks = bytes.chunks_exact(16);
    for chunk in &mut chunks {
        for (sum, word) in sums.iter_mut().zip(chunk.chunks_exact(4)) {
            *sum += u64::from(u32::from_ne_bytes(word.try_into().unwrap_or([0; 4])));
        }
    }
    let mut rest = [0; 16];
    let tail = chunks.remainder();
    rest[..tail.len()].copy_from_slice(tail);
    for (sum, word) in sums.iter_mut().zip(rest.chunks_exact(4)) {
        *sum += u64::from(u32::from_ne_bytes(word.try_into().unwrap_or([0; 4])));
    }
    sum + u64::from(u16::from_be(fold(sums.iter().sum())))
}

/// Folds a sum to 16 bits.
pub fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    // At most 0xffff after the loop.
    u16::try_from(sum).unwrap_or(0xffff)
}

/// The sum over the pseudo header of TCP and UDP: addresses, protocol and length (RFC 9293,
/// section 3.1; RFC 8200, section 8.1).
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> u64 {
    let mut sum = u64::from(protocol) + length as u64;
    for address in [source, destination] {
        sum = match address {
            IpAddr::V4(address) => add(sum, &address.octets()),
            IpAddr::V6(address) => add(sum, &address.octets()),
        };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(fold(add(0, &bytes)), 0xddf2);
    }

    #[test]
    fn every_length_agrees_with_the_plain_way() {
        let bytes: Vec<u8> = (0..100)
            .map(|i: u8| i.wrapping_mul(37).wrapping_add(200))
            .collect();
        for length in 0..bytes.len() {
            let plain = bytes[..length].chunks(2).fold(0_u64, |sum, pair| {
                sum + u64::from(pair[0]) * 256 + u64::from(*pair.get(1).unwrap_or(&0))
            });
            assert_eq!(fold(add(0, &bytes[..length])), fold(plain), "{length}");
        }
    }
}
