//! Segmentation offload in software: what the kernel hands over in one piece is many packets.
//!
//! # Theory of operation
//!
//! A tun device with IFF_VNET_HDR puts a virtio-net header before each packet. With it, one read
//! returns up to 64 KiB of a TCP stream or a UDP burst behind one set of headers, and one write
//! takes as much: the kernel's network stack is passed once instead of forty-five times.
//!
//! *Up*, [`split`] cuts such a packet into those that fit the tunnel. *Down*, [`merge`] joins
//! packets that belong together, by the rules of the kernel's own receive offload. Neither
//! copies payload: they make headers, and refer to ranges.
//!
//! A merged packet is marked so that the kernel no longer verifies its checksum. So merging
//! verifies first: a corrupted packet is never blessed, it is passed on as it is.
//!
//! All functions are pure, on slices, and take any input.

pub mod checksum;
pub mod header;
pub mod merge;
pub mod packet;
pub mod split;

#[cfg(test)]
mod round_trip;
