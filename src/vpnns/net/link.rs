//! A device as it stands: its carrier, its counters, what somebody else has given it.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use futures_util::StreamExt;
use ipnet::IpNet;
use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::LinkAttribute;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use vpnns_protocol::instance::Counters;
use vpnns_protocol::network::NetworkConfig;

use super::Error;
use super::configure::run;
use crate::sys;

// From <linux/rtnetlink.h>: links, and addresses and routes of both families.
pub(super) const RTMGRP_LINK: u32 = 0x1;
pub(super) const RTMGRP_IPV4_IFADDR: u32 = 0x10;
pub(super) const RTMGRP_IPV4_ROUTE: u32 = 0x40;
pub(super) const RTMGRP_IPV6_IFADDR: u32 = 0x100;
pub(super) const RTMGRP_IPV6_ROUTE: u32 = 0x400;

/// Becomes readable when a device, an address or a route changes.
#[derive(Debug)]
pub struct LinkWatch(OwnedFd);

impl LinkWatch {
    /// Watches the network namespace that the process stands in.
    pub fn new() -> Result<Self, Error> {
        let addresses = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
        let groups = RTMGRP_LINK | addresses | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
        watch(groups)
            .map(Self)
            .map_err(|errno| Error::Netlink(errno.into()))
    }

    /// Reads away what it was told; what is so now is asked afterwards.
    pub fn drain(&self) {
        let mut buffer = [0; 8192];
        // ENOBUFS: more has happened than there was room for, which is the same news.
        while matches!(
            recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()),
            Ok(_) | Err(Errno::ENOBUFS | Errno::EINTR)
        ) {}
    }
}

impl AsFd for LinkWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

pub(super) fn watch(groups: u32) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let protocol = SockProtocol::NetlinkRoute;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok(socket)
}

/// A socket for ioctls on the devices of this network namespace.
pub fn ioctl_socket() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC;
    socket(AddressFamily::Inet, SockType::Datagram, flags, None)
}

/// A socket for rtnetlink in this network namespace, bound to nothing yet.
pub fn route_socket() -> Result<OwnedFd, Errno> {
    let (flags, protocol) = (SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute);
    socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)
}

/// Whether somebody reads the device.
pub fn has_carrier(device: &str) -> bool {
    let Ok(socket) = ioctl_socket() else {
        return false;
    };
    sys::tun::flags(&socket, device).is_ok_and(|flags| flags & libc::IFF_RUNNING != 0)
}

/// What has passed through a device since it was made.
pub fn counters(device: &str) -> Option<Counters> {
    parse_counters(&fs::read_to_string("/proc/self/net/dev").ok()?, device)
}

/// proc(5), /proc/net/dev: eight numbers of what came in, eight of what went out. A tun counts
/// from the network's side: what is written to it has come in.
fn parse_counters(table: &str, device: &str) -> Option<Counters> {
    let line = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(device)?.strip_prefix(':'))?;
    let mut numbers = line.split_whitespace().map(str::parse::<u64>);
    let mut number = |skip| numbers.nth(skip)?.ok();
    Some(Counters {
        received_bytes: number(0)?,
        received_packets: number(0)?,
        sent_bytes: number(6)?,
        sent_packets: number(0)?,
    })
}

/// Addresses, routes and MTU of a device that somebody else has configured. What cannot be read
/// is left out.
pub fn observe(device: &str) -> NetworkConfig {
    let Ok(index) = if_nametoindex(device) else {
        return NetworkConfig::default();
    };
    run(|handle| async move {
        let mut seen = NetworkConfig::default();
        let mut links = handle.link().get().match_index(index).execute();
        while let Some(Ok(link)) = links.next().await {
            for attribute in link.attributes {
                if let LinkAttribute::Mtu(mtu) = attribute {
                    seen.mtu = mtu;
                }
            }
        }
        let addresses = handle.address().get().set_link_index_filter(index);
        let mut addresses = addresses.execute();
        while let Some(Ok(message)) = addresses.next().await {
            let length = message.header.prefix_len;
            let mut local = None;
            for attribute in message.attributes {
                match attribute {
                    AddressAttribute::Local(address) => local = Some(address),
                    AddressAttribute::Address(address) => local = local.or(Some(address)),
                    _ => {}
                }
            }
            let net = local.and_then(|address| IpNet::new(address, length).ok());
            seen.addresses.extend(net.filter(|net| !is_link_local(net)));
        }
        for family in [
            RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
        ] {
            let mut routes = handle.route().get(family).execute();
            while let Some(Ok(route)) = routes.next().await {
                seen.routes.extend(destination(&route, index));
            }
        }
        Ok(seen)
    })
    .unwrap_or_default()
}

fn destination(route: &RouteMessage, index: u32) -> Option<IpNet> {
    let leads_there = route.attributes.contains(&RouteAttribute::Oif(index));
    if !leads_there || route.header.kind != RouteType::Unicast {
        return None;
    }
    let to = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => Some((*address).into()),
            RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some((*address).into()),
            _ => None,
        });
    let is_ipv6 = route.header.address_family == rtnetlink::packet_route::AddressFamily::Inet6;
    let any: std::net::IpAddr = if is_ipv6 {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    };
    let net = IpNet::new(to.unwrap_or(any), route.header.destination_prefix_length).ok()?;
    let multicast = net.addr().is_multicast() && net.prefix_len() >= 4;
    (!is_link_local(&net) && !multicast).then_some(net)
}

fn is_link_local(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_right_columns_of_the_right_line() {
        let table = "Inter-|   Receive                     |  Transmit\n \
            face |bytes    packets errs drop fifo frame compressed multicast|bytes packets ...\n    \
            lo:  7 7 0 0 0 0 0 0 7 7 0 0 0 0 0 0\n  \
            tun0: 1200 12 0 0 0 0 0 0 3400 34 0 5 0 0 0 0\n";
        let counters = parse_counters(table, "tun0").unwrap();
        assert_eq!(
            (counters.received_bytes, counters.received_packets),
            (1200, 12)
        );
        assert_eq!((counters.sent_bytes, counters.sent_packets), (3400, 34));
        assert_eq!(parse_counters(table, "tun"), None);
        assert_eq!(parse_counters("tun0: 1 x", "tun0"), None);
    }
}
