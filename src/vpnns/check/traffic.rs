//! Where packets of the apps can go: devices, routes, both families, addresses of the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::inside::{Answer, Device, Question};
use super::scene::{self, Scene};
use super::{Seen, listing};
use crate::net::Way;

/// Stand for everybody on the internet (RFC 5737, RFC 3849): the kernel is asked for the way to
/// them, and nothing is sent.
const ANYBODY_4: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
];
const ANYBODY_6: [IpAddr; 1] = [IpAddr::V6(Ipv6Addr::new(
    0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x51,
))];
const REMEDY: &str = "end the instance and start the apps again: vpnns --stop";

pub fn devices(scene: &mut Scene) -> Result<Seen, String> {
    let Answer::Devices(devices) = scene.ask(&Question::Devices)? else {
        return Err("the app answered something else".to_owned());
    };
    let tunnel = scene.tunnel().map(|tunnel| tunnel.device.clone());
    let others: Vec<&Device> = devices
        .iter()
        .filter(|device| device.name != "lo" && Some(&device.name) != tunnel.as_ref())
        // A client that has not ended yet may still hold the device of a tunnel that is over.
        .filter(|device| device.up || !device.addresses.is_empty())
        .collect();
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|device| device.name.as_str()).collect();
        let names = listing(&names);
        return Ok(Seen::bad(
            format!("besides the loopback and the VPN's, apps see the network device {names}"),
            REMEDY,
        ));
    }
    Ok(Seen::good(match tunnel {
        Some(tunnel) => format!("apps see the VPN's device {tunnel} and their loopback"),
        None => "apps see no network device but their loopback".to_owned(),
    }))
}

pub fn routes(scene: &mut Scene) -> Result<Seen, String> {
    let Answer::Ways(ways) = scene.ask(&Question::Ways)? else {
        return Err("the app answered something else".to_owned());
    };
    let tunnel = scene.tunnel().map(|tunnel| tunnel.device.clone());
    let others: Vec<String> = ways
        .iter()
        .filter(|way| way.device != "lo" && Some(&way.device) != tunnel.as_ref())
        .map(|Way { to, device }| format!("{to} by {device}"))
        .collect();
    if !others.is_empty() {
        let summary = format!("a route leads past the VPN: {}", listing(&others));
        return Ok(Seen::bad(summary, REMEDY));
    }
    let count = ways.len();
    Ok(match tunnel {
        Some(tunnel) => Seen::good(format!(
            "all {count} routes lead into {tunnel} or the loopback"
        )),
        None => Seen::good(format!("all {count} routes lead to the loopback")),
    })
}

pub fn ipv4(scene: &mut Scene) -> Result<Seen, String> {
    let seen = family(scene, &ANYBODY_4, IpAddr::is_ipv4)?;
    Ok(name(
        seen,
        ["IPv4 Is Offline", "IPv4 Is Limited to the VPN"],
    ))
}

pub fn ipv6(scene: &mut Scene) -> Result<Seen, String> {
    let seen = family(scene, &ANYBODY_6, IpAddr::is_ipv6)?;
    Ok(name(
        seen,
        ["IPv6 Is Offline", "IPv6 Is Limited to the VPN"],
    ))
}

/// What became of a family.
enum Family {
    /// All of it goes into the tunnel.
    Through(String),
    /// Only what the VPN names; the rest is unreachable.
    Limited(String),
    /// None of it goes anywhere.
    Offline,
    /// Some of it goes elsewhere: which address, by which device.
    Past(IpAddr, String),
}

fn name(family: Family, [offline, limited]: [&'static str; 2]) -> Seen {
    match family {
        Family::Through(device) => Seen::good(format!("every address leads into {device}")),
        Family::Limited(device) => Seen::good(format!(
            "what the VPN names leads into {device}, the rest is unreachable"
        ))
        .titled(limited),
        Family::Offline => Seen::good("every address is unreachable").titled(offline),
        Family::Past(address, device) => Seen::bad(
            format!("a packet for {address} would leave by {device}, which is not the VPN's"),
            REMEDY,
        ),
    }
}

/// Asks the kernel for the way to anybody, to the VPN's server and to the host itself.
fn family(
    scene: &mut Scene,
    anybody: &[IpAddr],
    is_of: fn(&IpAddr) -> bool,
) -> Result<Family, String> {
    let tunnel = scene.tunnel().cloned();
    let device = tunnel.as_ref().map(|tunnel| tunnel.device.clone());
    let own = |address: &IpAddr| {
        let addresses = tunnel.iter().flat_map(|tunnel| &tunnel.network.addresses);
        addresses.map(ipnet::IpNet::addr).any(|it| it == *address)
    };
    let (host, _) = scene::host().map_err(|errno| errno.desc().to_owned())?;
    let gateway = tunnel
        .as_ref()
        .and_then(|it| it.gateway.as_ref()?.parse().ok());
    let asked = host.into_iter().chain(gateway).filter(is_of);
    // A network of the host's may have the same numbers as one of the VPN's.
    let asked: Vec<IpAddr> = asked.filter(|address| !own(address)).collect();
    let mut through = 0;
    for (index, address) in anybody.iter().chain(&asked).enumerate() {
        let Answer::WayTo(way) = scene.ask(&Question::WayTo(*address))? else {
            return Err("the app answered something else".to_owned());
        };
        match way {
            Some(way) if Some(&way) != device.as_ref() => return Ok(Family::Past(*address, way)),
            Some(_) if index < anybody.len() => through += 1,
            _ => {}
        }
    }
    let has_routes = tunnel.as_ref().is_some_and(|tunnel| {
        let addresses = tunnel.network.addresses.iter();
        addresses
            .chain(&tunnel.network.routes)
            .any(|net| is_of(&net.addr()))
    });
    Ok(match device {
        Some(device) if through == anybody.len() => Family::Through(device),
        Some(device) if has_routes => Family::Limited(device),
        _ => Family::Offline,
    })
}

pub fn bound_sockets(scene: &mut Scene) -> Result<Seen, String> {
    let (addresses, devices) = scene::host().map_err(|errno| errno.desc().to_owned())?;
    let network = scene
        .tunnel()
        .map(|tunnel| tunnel.network.clone())
        .unwrap_or_default();
    let device = scene.tunnel().map(|tunnel| tunnel.device.clone());
    let own = |address: &IpAddr| network.addresses.iter().any(|it| it.addr() == *address);
    // The VPN may assign an address that the host has as well; the device's name may be the same.
    let addresses: Vec<IpAddr> = addresses.into_iter().filter(|it| !own(it)).collect();
    let devices: Vec<String> = devices
        .into_iter()
        .filter(|it| Some(it) != device.as_ref())
        .collect();
    let tried = format!(
        "{} addresses and {} devices of your own network",
        addresses.len(),
        devices.len()
    );
    match scene.ask(&Question::Bind { addresses, devices })? {
        Answer::Bound(bound) if bound.is_empty() => Ok(Seen::good(format!(
            "a socket could be bound to none of the {tried}"
        ))),
        Answer::Bound(bound) => Ok(Seen::bad(
            format!(
                "a socket could be bound to {} of your own network",
                listing(&bound)
            ),
            REMEDY,
        )),
        _ => Err("the app answered something else".to_owned()),
    }
}
