//! AllowedIPs: which peer a packet belongs to, by its address inside the tunnel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The AllowedIPs of all peers, the longest prefix first.
///
/// A list and not a tree: it is asked once for as much as 64 KiB, and has a handful of entries.
#[derive(Debug, Default)]
pub struct AllowedIps {
    v4: Vec<Entry<u32>>,
    v6: Vec<Entry<u128>>,
}

#[derive(Debug)]
struct Entry<T> {
    network: T,
    mask: T,
    peer: usize,
}

impl AllowedIps {
    /// From each peer's list; a prefix that two peers have is the later one's, as in wg(8).
    pub fn new<'a>(lists: impl Iterator<Item = &'a [IpNet]>) -> Self {
        let mut it = Self::default();
        for (peer, list) in lists.enumerate() {
            for net in list {
                it.add(*net, peer);
            }
        }
        // A longer mask is a larger number.
        it.v4.sort_by_key(|entry| std::cmp::Reverse(entry.mask));
        it.v6.sort_by_key(|entry| std::cmp::Reverse(entry.mask));
        it
    }

    fn add(&mut self, net: IpNet, peer: usize) {
        match net.trunc() {
            IpNet::V4(net) => {
                let (network, mask) = (net.network().to_bits(), net.netmask().to_bits());
                self.v4
                    .retain(|entry| (entry.network, entry.mask) != (network, mask));
                self.v4.push(Entry {
                    network,
                    mask,
                    peer,
                });
            }
            IpNet::V6(net) => {
                let (network, mask) = (net.network().to_bits(), net.netmask().to_bits());
                self.v6
                    .retain(|entry| (entry.network, entry.mask) != (network, mask));
                self.v6.push(Entry {
                    network,
                    mask,
                    peer,
                });
            }
        }
    }

    /// The peer that an address belongs to.
    pub fn peer_of(&self, address: IpAddr) -> Option<usize> {
        match address {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                let mut entries = self.v4.iter();
                entries.find(|entry| bits & entry.mask == entry.network)
            }
            .map(|entry| entry.peer),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let mut entries = self.v6.iter();
                entries.find(|entry| bits & entry.mask == entry.network)
            }
            .map(|entry| entry.peer),
        }
    }
}

/// The destination of an IP packet; `None` for anything else.
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => v4(packet.get(16..20)?),
        6 => v6(packet.get(24..40)?),
        _ => None,
    }
}

/// The source of an IP packet; `None` for anything else.
pub fn source(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => v4(packet.get(12..16)?),
        6 => v6(packet.get(8..24)?),
        _ => None,
    }
}

fn v4(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 4] = bytes.try_into().ok()?;
    Some(Ipv4Addr::from(bytes).into())
}

fn v6(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    Some(Ipv6Addr::from(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(lists: &[&[&str]]) -> AllowedIps {
        let lists: Vec<Vec<IpNet>> = lists
            .iter()
            .map(|list| list.iter().map(|net| net.parse().unwrap()).collect())
            .collect();
        AllowedIps::new(lists.iter().map(Vec::as_slice))
    }

    #[test]
    fn the_longest_prefix_decides() {
        let ips = allowed(&[
            &["0.0.0.0/0", "::/0"],
            &["10.1.0.0/16", "fd00::/8"],
            &["10.1.2.3/32"],
        ]);
        for (address, peer) in [
            ("10.1.2.3", 2),
            ("10.1.2.4", 1),
            ("10.2.0.1", 0),
            ("fd01::1", 1),
            ("2001:db8::1", 0),
        ] {
            assert_eq!(
                ips.peer_of(address.parse().unwrap()),
                Some(peer),
                "{address}"
            );
        }
    }

    #[test]
    fn what_nobody_has_is_nobodys() {
        let ips = allowed(&[&["10.0.0.0/8"]]);
        assert_eq!(ips.peer_of("11.0.0.1".parse().unwrap()), None);
        assert_eq!(ips.peer_of("::1".parse().unwrap()), None);
    }

    #[test]
    fn a_prefix_that_two_have_is_the_later_ones() {
        let ips = allowed(&[&["10.0.0.1/8"], &["10.0.0.0/8"]]);
        assert_eq!(ips.peer_of("10.0.0.1".parse().unwrap()), Some(1));
    }

    #[test]
    fn no_packet_has_no_destination() {
        for bytes in [&[][..], &[0x45; 19], &[0x60; 39], &[0x10; 60]] {
            assert_eq!(destination(bytes), None, "{bytes:?}");
        }
    }
}
