//! Where packets would go: every route that leads somewhere, and the kernel's choice for an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::StreamExt;
use ipnet::IpNet;
use nix::net::if_::if_indextoname;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use serde::{Deserialize, Serialize};

use super::Error;
use super::configure::run;

/// A route that leads into a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The destination.
    pub to: IpNet,
    /// The device.
    pub device: String,
}

/// Every route of every table of both families that leads into a device. Nothing is sent.
pub fn ways() -> Result<Vec<Way>, Error> {
    run(|handle| async move {
        let mut found = Vec::new();
        for family in [
            RouteMessageBuilder::<Ipv4Addr>::new().build(),
            RouteMessageBuilder::<Ipv6Addr>::new().build(),
        ] {
            let mut routes = handle.route().get(family).execute();
            while let Some(route) = routes.next().await {
                let Ok(route) = route else { break };
                if !leads_nowhere(route.header.kind) {
                    let to = destination(&route);
                    found.extend(devices(&route).into_iter().map(|device| Way { to, device }));
                }
            }
        }
        Ok(found)
    })
}

/// The device into which the kernel would send a packet for an address; `None` where it would
/// refuse. Nothing is sent.
pub fn way_to(address: IpAddr) -> Result<Option<String>, Error> {
    let question = match address {
        IpAddr::V4(address) => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(address, 32)
            .build(),
        IpAddr::V6(address) => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(address, 128)
            .build(),
    };
    run(|handle| async move {
        let mut answers = handle.route().get(question).execute();
        match answers.next().await {
            Some(Ok(route)) if !leads_nowhere(route.header.kind) => {
                Ok(devices(&route).into_iter().next())
            }
            // The kernel answers a refusal with the error that a program would get.
            _ => Ok(None),
        }
    })
}

fn leads_nowhere(kind: RouteType) -> bool {
    matches!(
        kind,
        RouteType::Unreachable | RouteType::BlackHole | RouteType::Prohibit | RouteType::Throw
    )
}

fn destination(route: &RouteMessage) -> IpNet {
    let length = route.header.destination_prefix_length;
    let is_ipv6 = route.header.address_family == AddressFamily::Inet6;
    let any: IpAddr = if is_ipv6 {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let address = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => Some((*address).into()),
            RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some((*address).into()),
            _ => None,
        });
    IpNet::new(address.unwrap_or(any), length).unwrap_or(IpNet::from(any))
}

/// The devices of a route: several where it has several next hops.
fn devices(route: &RouteMessage) -> Vec<String> {
    let mut indices = Vec::new();
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => indices.push(*index),
            RouteAttribute::MultiPath(hops) => {
                indices.extend(hops.iter().map(|hop| hop.interface_index));
            }
            _ => {}
        }
    }
    let name = |index: u32| {
        let name = if_indextoname(index).ok();
        name.map_or_else(
            || format!("device {index}"),
            |name| name.to_string_lossy().into_owned(),
        )
    };
    indices.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_its_own_way() {
        assert_eq!(
            way_to(Ipv4Addr::LOCALHOST.into()).unwrap().as_deref(),
            Some("lo")
        );
        let all = ways().unwrap();
        assert!(all.iter().any(|way| way.device == "lo"), "{all:?}");
    }
}
