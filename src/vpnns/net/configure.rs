//! Links, addresses and routes, through rtnetlink.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use ipnet::IpNet;
use nix::net::if_::if_nametoindex;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags};
use rtnetlink::packet_route::route::{
    RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::{Handle, LinkUnspec, RouteMessageBuilder};
use vpnns_protocol::network::NetworkConfig;

use super::Error;

/// Longest time that one configuration may take. The keeper does nothing else meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// RFC 8200, section 5: the smallest MTU on which the kernel keeps IPv6 enabled.
const IPV6_MIN_MTU: u32 = 1280;
/// The priority of excluded IPv6 prefixes: before all others. (In IPv4 all have the same.)
const EXCLUDED_PRIORITY: u32 = 1;

/// Gives a device everything it needs and brings it up.
///
/// Returns a sentence for each part that could be left out without harm.
pub fn configure(device: &str, network: &NetworkConfig) -> Result<Vec<String>, Error> {
    let index = if_nametoindex(device).map_err(|errno| Error::Netlink(errno.into()))?;
    run(|handle| async move { apply(&handle, index, device, network).await })
}

/// Takes every address from a device, and with them its routes; what cannot be taken stays.
pub fn unconfigure(device: &str) {
    let Ok(index) = if_nametoindex(device) else {
        return;
    };
    let _ = run(|handle| async move {
        let found = handle.address().get().set_link_index_filter(index);
        let addresses: Vec<_> = found.execute().collect().await;
        for address in addresses.into_iter().flatten() {
            // Each for itself.
            let _ = handle.address().del(address).execute().await;
        }
        Ok(())
    });
    let _ = delete_routes_of(index);
    let _ = delete_unreachable_routes();
}

/// Deletes the routes into a device that are ours.
fn delete_routes_of(index: u32) -> Result<(), Error> {
    delete_routes(move |route| route.attributes.contains(&RouteAttribute::Oif(index)))
}

/// Takes a device down, and with it its routes.
pub(super) fn take_down(index: u32) -> Result<(), Error> {
    run(|handle| async move {
        let down = LinkUnspec::new_with_index(index).down().build();
        let done = handle.link().set(down).execute().await;
        done.map_err(|error| Error::Link {
            device: index.to_string(),
            mtu: 0,
            source: Box::new(error),
        })
    })
}

/// Deletes a device.
pub(super) fn delete_link(index: u32) -> Result<(), Error> {
    run(|handle| async move {
        handle
            .link()
            .del(index)
            .execute()
            .await
            .map_err(|error| Error::Link {
                device: index.to_string(),
                mtu: 0,
                source: Box::new(error),
            })
    })
}

/// Deletes the routes that lead nowhere: they belong to no device, and outlive the tunnel's.
pub(super) fn delete_unreachable_routes() -> Result<(), Error> {
    delete_routes(|route| route.header.kind == RouteType::Unreachable)
}

/// Deletes those of our routes that are meant.
fn delete_routes(is_meant: impl Fn(&RouteMessage) -> bool) -> Result<(), Error> {
    run(|handle| async move {
        let families = [
            RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
        ];
        for family in families {
            let routes: Vec<_> = handle.route().get(family).execute().collect().await;
            for route in routes.into_iter().flatten() {
                // The kernel has some of its own, and rtnetlink marks ours as static.
                if route.header.protocol == RouteProtocol::Static && is_meant(&route) {
                    // Each for itself: one that is gone already must not keep the others.
                    let _ = handle.route().del(route).execute().await;
                }
            }
        }
        Ok(())
    })
}

/// Runs one conversation with the kernel on a runtime of its own, which ends with it: the
/// keeper stays a program without a runtime, and small.
pub(super) fn run<T, F>(conversation: impl FnOnce(Handle) -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Netlink)?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(Error::Netlink)?;
        tokio::spawn(connection);
        let limited = tokio::time::timeout(PATIENCE, conversation(handle));
        limited.await.unwrap_or(Err(Error::TimedOut))
    })
}

async fn apply(
    handle: &Handle,
    index: u32,
    device: &str,
    network: &NetworkConfig,
) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let link = |error| Error::Link {
        device: device.to_owned(),
        mtu: network.mtu,
        source: Box::new(error),
    };
    let up = LinkUnspec::new_with_index(index)
        .mtu(network.mtu)
        .up()
        .build();
    handle.link().set(up).execute().await.map_err(link)?;
    let ipv6 = network.mtu >= IPV6_MIN_MTU && has_ipv6(device);
    let wanted = network
        .addresses
        .iter()
        .any(|address| matches!(address, IpNet::V6(_)));
    if wanted && !ipv6 {
        let reason = if network.mtu < IPV6_MIN_MTU {
            format!("the MTU {} is below {IPV6_MIN_MTU}", network.mtu)
        } else {
            "IPv6 is switched off in this kernel".to_owned()
        };
        let mut addresses = network.addresses.iter();
        if addresses.all(|address| matches!(address, IpNet::V6(_))) {
            return Err(Error::NoUsableAddress(reason));
        }
        warnings.push(format!("IPv6 is left out of the tunnel: {reason}"));
    }
    let usable = |net: &&IpNet| ipv6 || matches!(net, IpNet::V4(_));
    for address in network.addresses.iter().filter(usable) {
        add_address(handle, index, *address).await?;
    }
    // Unreachable first: an excluded prefix must not be reachable for even a moment.
    for route in network.excluded.iter().filter(usable) {
        add_route(handle, None, *route).await?;
    }
    for route in network.routes.iter().filter(usable) {
        add_route(handle, Some(index), *route).await?;
    }
    Ok(warnings)
}

fn has_ipv6(device: &str) -> bool {
    let path = format!("/proc/sys/net/ipv6/conf/{device}/disable_ipv6");
    std::fs::read_to_string(path).is_ok_and(|text| text.trim() == "0")
}

async fn add_address(handle: &Handle, index: u32, address: IpNet) -> Result<(), Error> {
    let mut request = handle
        .address()
        .add(index, address.addr(), address.prefix_len());
    if matches!(address, IpNet::V6(_)) {
        // There is nobody on a tunnel to detect a duplicate, and a tentative address cannot be
        // used for the second that asking takes.
        let flags = AddressAttribute::Flags(AddressFlags::Nodad);
        request.message_mut().attributes.push(flags);
    }
    request
        .execute()
        .await
        .or_else(exists)
        .map_err(|error| Error::Address {
            address,
            source: Box::new(error),
        })
}

/// Leads a prefix into the device, or without one, nowhere.
async fn add_route(handle: &Handle, index: Option<u32>, route: IpNet) -> Result<(), Error> {
    let route = route.trunc();
    let message = match (route.network(), route.prefix_len()) {
        (IpAddr::V4(network), length) => {
            let builder = RouteMessageBuilder::<std::net::Ipv4Addr>::new()
                .destination_prefix(network, length);
            match index {
                Some(index) => builder.output_interface(index).scope(RouteScope::Link),
                None => builder.kind(RouteType::Unreachable),
            }
            .build()
        }
        (IpAddr::V6(network), length) => {
            let builder = RouteMessageBuilder::<std::net::Ipv6Addr>::new()
                .destination_prefix(network, length);
            match index {
                Some(index) => builder.output_interface(index),
                None => builder
                    .kind(RouteType::Unreachable)
                    .priority(EXCLUDED_PRIORITY),
            }
            .build()
        }
    };
    let request = handle.route().add(message);
    let added = match index {
        Some(_) => request.execute().await.or_else(exists),
        // Also over the route of an address whose own network the server keeps out.
        None => request.replace().execute().await,
    };
    added.map_err(|error| Error::Route {
        route,
        source: Box::new(error),
    })
}

/// A server may name a prefix twice, or one that an address brings along.
fn exists(error: rtnetlink::Error) -> Result<(), rtnetlink::Error> {
    match &error {
        rtnetlink::Error::NetlinkError(message) if message.raw_code() == -(nix::libc::EEXIST) => {
            Ok(())
        }
        _ => Err(error),
    }
}
