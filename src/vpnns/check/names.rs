//! Who is asked for names: the resolvers, and the services of the host that would know, too.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::bus::Seen as BusSeen;
use super::helpers::is_shared;
use super::inside::{Answer, Local, Question};
use super::scene::{Scene, namespace};
use super::{Seen, listing};
use crate::isolation::services::SystemBus;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const NSSWITCH_CONF: &str = "/etc/nsswitch.conf";
const RESTART: &str = "end the instance and start the apps again: vpnns --stop";

/// Where systemd-resolved listens besides its sockets.
const STUBS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 53), Ipv4Addr::new(127, 0, 0, 54)];
/// Services of the system bus that look names up, or change the network.
const SERVICES: [&str; 3] = [
    "org.freedesktop.resolve1",
    "org.freedesktop.NetworkManager",
    "org.freedesktop.Avahi",
];
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

pub fn resolvers(scene: &mut Scene) -> Result<Seen, String> {
    let text = read(scene, RESOLV_CONF)?;
    let named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .map(str::trim)
        .collect();
    if named.is_empty() {
        return Ok(
            Seen::good("there is no resolver, so that names are not looked up")
                .titled("Names Are Not Looked Up"),
        );
    }
    let tunnel = scene.tunnel().cloned();
    let mut resolvers: Vec<IpAddr> = Vec::new();
    for name in named {
        let Ok(resolver) = name.parse::<IpAddr>() else {
            let summary = format!("the resolver {name:?} in {RESOLV_CONF} is no address");
            return Ok(Seen::bad(summary, RESTART));
        };
        resolvers.push(resolver);
    }
    let announced = tunnel.as_ref().map(|tunnel| &tunnel.network.resolvers);
    let by_script = tunnel.as_ref().is_some_and(|tunnel| tunnel.script);
    for resolver in &resolvers {
        let Answer::WayTo(way) = scene.ask(&Question::WayTo(*resolver))? else {
            return Err("the app answered something else".to_owned());
        };
        let device = tunnel.as_ref().map(|tunnel| &tunnel.device);
        // One on the loopback is a program inside: it has no other way than the rest.
        let through = way.is_none() || way.as_ref() == device || resolver.is_loopback();
        if !through {
            let way = way.unwrap_or_default();
            let summary = format!("the resolver {resolver} is asked by {way}, past the VPN");
            return Ok(Seen::bad(summary, RESTART));
        }
        let is_known = announced.is_some_and(|known| known.contains(resolver));
        if !is_known && !by_script {
            let summary =
                format!("{RESOLV_CONF} names {resolver}, which is no resolver of the VPN's");
            return Ok(Seen::bad(summary, RESTART));
        }
    }
    let listed = listing(&resolvers);
    if !scene.is_connected() {
        return Ok(Seen::good(format!(
            "{listed}, by the VPN only; not asked, since it is not connected"
        ))
        .titled("Only the VPN Is Asked for Names"));
    }
    for resolver in &resolvers {
        match scene.ask(&Question::Resolve(*resolver))? {
            Answer::Resolved(Ok(())) => {}
            Answer::Resolved(Err(reason)) => {
                return Ok(Seen::note(
                    "Only the VPN Is Asked for Names",
                    format!("{resolver} did not answer through the VPN: {reason}"),
                    "nothing leaks by that, but names may not resolve; choose another resolver \
                     with --dns or the profile's dns",
                ));
            }
            _ => return Err("the app answered something else".to_owned()),
        }
    }
    Ok(Seen::good(format!("{listed} answered, through the VPN")))
}

pub fn name_services(scene: &mut Scene) -> Result<Seen, String> {
    let text = read(scene, NSSWITCH_CONF)?;
    let hosts = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("hosts:"));
    let sources: Vec<&str> = hosts.unwrap_or("files dns").split_whitespace().collect();
    let others: Vec<&&str> = sources
        .iter()
        .filter(|it| !["files", "dns"].contains(it))
        .collect();
    if others.is_empty() {
        return Ok(Seen::good(format!(
            "hosts: {} in {NSSWITCH_CONF}",
            sources.join(" ")
        )));
    }
    let summary = format!("{NSSWITCH_CONF} has programs ask {}", listing(&others));
    Ok(Seen::bad(summary, RESTART))
}

fn read(scene: &mut Scene, path: &str) -> Result<String, String> {
    match scene.ask(&Question::Read(path.into()))? {
        Answer::Text(text) => Ok(text.unwrap_or_default()),
        _ => Err("the app answered something else".to_owned()),
    }
}

pub fn name_cache(scene: &mut Scene) -> Result<Seen, String> {
    let paths = ["/run/nscd/socket", "/var/run/nscd/socket"];
    shut(
        scene,
        "nscd",
        "The Name Cache Is Shared",
        &paths.map(PathBuf::from),
    )
}

pub fn local_discovery(scene: &mut Scene) -> Result<Seen, String> {
    let paths = ["/run/avahi-daemon/socket", "/var/run/avahi-daemon/socket"];
    shut(
        scene,
        "avahi",
        "Local Discovery Is Shared",
        &paths.map(PathBuf::from),
    )
}

pub fn system_resolver(scene: &mut Scene) -> Result<Seen, String> {
    let directory = Path::new("/run/systemd/resolve");
    let paths = ["io.systemd.Resolve", "io.systemd.Resolve.Monitor"].map(|it| directory.join(it));
    let by_socket = shut(
        scene,
        "systemd-resolved",
        "The System Resolver Is Shared",
        &paths,
    )?;
    if by_socket.outcome != vpnns_protocol::finding::Outcome::Ok {
        return Ok(by_socket);
    }
    // The instance's own loopback: whoever answers there is inside, or found among the bridges.
    for stub in STUBS {
        let at = SocketAddr::new(stub.into(), 53);
        let Answer::Called(taken) = scene.ask(&Question::Call(at))? else {
            return Err("the app answered something else".to_owned());
        };
        if taken {
            let summary = by_socket.summary;
            return Ok(Seen::good(format!(
                "{summary}; a program inside answers at {at}"
            )));
        }
    }
    Ok(Seen::good(format!(
        "{}, nor at 127.0.0.53",
        by_socket.summary
    )))
}

/// Nobody outside of the instance answers at these paths.
fn shut(
    scene: &mut Scene,
    service: &str,
    title: &'static str,
    paths: &[PathBuf],
) -> Result<Seen, String> {
    let at: Vec<Local> = paths.iter().cloned().map(Local::Path).collect();
    let Answer::Knocked(answered) = scene.ask(&Question::Knock(at))? else {
        return Err("the app answered something else".to_owned());
    };
    for it in answered {
        let pid = u32::try_from(it.pid).unwrap_or_default();
        // A program of the instance's own has no other way out than the rest.
        if namespace(pid, "net").ok() != Some(scene.network) {
            let shared = matches!(&it.at, Local::Path(path) if is_shared(scene, path));
            if shared {
                return Ok(Seen::note(
                    title,
                    format!("{service} answers at {}, and asks your own network", it.at),
                    "you have shared it: --share says which",
                ));
            }
            return Ok(Seen::bad(
                format!("{service} answers at {}, and asks your own network", it.at),
                "an app was started before the protection was complete: end the instance and \
                 start the apps again: vpnns --stop",
            ));
        }
    }
    let first = paths.first().map(|path| path.display().to_string());
    Ok(Seen::good(format!(
        "nobody answers at {}",
        first.unwrap_or_default()
    )))
}

pub fn system_bus(scene: &mut Scene) -> Result<Seen, String> {
    let mut sockets = vec![PathBuf::from(SYSTEM_BUS)];
    let named = std::env::var("DBUS_SYSTEM_BUS_ADDRESS").unwrap_or_default();
    let named = named.split(';').filter_map(|address| {
        let path = address.strip_prefix("unix:path=")?;
        Some(PathBuf::from(path.split(',').next().unwrap_or(path)))
    });
    sockets.extend(named);
    let mut is_there = false;
    for socket in sockets {
        let services = SERVICES.map(str::to_owned).to_vec();
        let path = socket.clone();
        let Answer::Bus(seen) = scene.ask(&Question::Bus { socket, services })? else {
            return Err("the app answered something else".to_owned());
        };
        match seen {
            BusSeen::Nobody | BusSeen::Refused => {}
            BusSeen::Services(found) if found.is_empty() => is_there = true,
            BusSeen::Services(found)
                if scene.exposure.system_bus() == SystemBus::Full || is_shared(scene, &path) =>
            {
                return Ok(Seen::note(
                    "System Services Are Shared",
                    format!("{} can be asked on the system bus", listing(&found)),
                    "you have asked for it: --system-bus filtered, the default, shuts them",
                ));
            }
            BusSeen::Services(found) => {
                return Ok(Seen::bad(
                    format!(
                        "{} can be asked on the bus at {}",
                        listing(&found),
                        path.display()
                    ),
                    "names that apps look up there reach your own network: run the instance with \
                     a filtered system bus, or none",
                ));
            }
        }
    }
    Ok(Seen::good(if is_there {
        "the system bus refuses resolve1, NetworkManager and Avahi"
    } else {
        "there is no system bus to ask"
    }))
}
