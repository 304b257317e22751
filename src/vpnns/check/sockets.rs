//! Sockets that would join two networks: brought along, shared by name, or held on both sides.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrLike, SockaddrStorage, UnixAddr, bind,
    getsockname, listen, socket,
};
use nix::unistd::Pid;
use vpnns_protocol::port::Direction;

use super::inside::{Answer, Local, Question, abstract_listeners};
use super::processes::{self, Process};
use super::scene::{Scene, namespace};
use super::{Seen, listing};
use crate::sys;

/// Sockets that apps hold and that belong to another network than theirs.
pub fn inherited(scene: &mut Scene) -> Result<Seen, String> {
    let Some(ours) = scene.cookie else {
        return Ok(Seen::note(
            "Connections Cannot Be Looked At",
            "this kernel does not tell to which network a socket belongs",
            "nothing leaks by that; Linux 5.14 can tell",
        ));
    };
    let (mut looked_at, mut foreign, mut closed) = (0, Vec::new(), Vec::new());
    for process in processes::of(scene)? {
        if process.is_ours(scene) || process.network != Some(scene.network) {
            continue;
        }
        let Ok(pidfd) = sys::process::pidfd_open(Pid::from_raw(process.pid.cast_signed())) else {
            continue;
        };
        for number in socket_numbers(process.pid) {
            let copy = match sys::process::pidfd_getfd(&pidfd, number) {
                Ok(copy) => copy,
                // Gone since, or the process is.
                Err(nix::errno::Errno::EBADF | nix::errno::Errno::ESRCH) => continue,
                Err(_) => {
                    closed.push(process.to_string());
                    break;
                }
            };
            looked_at += 1;
            if is_of_a_network(&copy) && sys::namespace::cookie(&copy) != Ok(ours) {
                foreign.push(format!("{process}, descriptor {number}"));
            }
        }
    }
    if !foreign.is_empty() {
        return Ok(Seen::bad(
            format!(
                "a socket of another network was brought along by {}",
                listing(&foreign)
            ),
            "end that app: it was started with a connection that is not the VPN's",
        ));
    }
    if !closed.is_empty() {
        return Ok(Seen::note(
            "Connections Cannot Be Looked At",
            format!(
                "this system does not show what {} has open",
                listing(&closed)
            ),
            "nothing leaks by that; kernel.yama.ptrace_scope=3 forbids it, for example",
        ));
    }
    Ok(Seen::good(format!(
        "all {looked_at} sockets that apps hold belong to the VPN's network"
    )))
}

fn socket_numbers(pid: u32) -> Vec<i32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let sockets = entries.flatten().filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    sockets
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Local sockets cross networks by design; the files that they go by are looked at elsewhere.
fn is_of_a_network(socket: impl AsFd) -> bool {
    use std::os::fd::AsRawFd;
    let name = getsockname::<SockaddrStorage>(socket.as_fd().as_raw_fd());
    let family = name.ok().and_then(|name| name.family());
    family != Some(AddressFamily::Unix)
}

/// Nobody of the host is reached by the loopback or by a name in the network namespace.
pub fn apart(scene: &mut Scene) -> Result<Seen, String> {
    let words = |error: std::io::Error| super::plain(&error);
    // Somebody to be reached, if that could be.
    let name = format!("vpnns-check-{}", std::process::id()).into_bytes();
    let _listener = listen_at(&name).map_err(|errno| errno.desc().to_owned())?;
    let mut names: Vec<Vec<u8>> = abstract_listeners().into_iter().map(|it| it.0).collect();
    names.sort();
    names.dedup();
    let tried = names.len();
    let at = names.into_iter().map(Local::Abstract).collect();
    let Answer::Knocked(answered) = scene.ask(&Question::Knock(at))? else {
        return Err("the app answered something else".to_owned());
    };
    for it in answered {
        let pid = u32::try_from(it.pid).unwrap_or_default();
        // An app of the instance may use a name that somebody outside uses as well.
        if namespace(pid, "net").ok() != Some(scene.network) {
            let process = processes::describe(pid);
            return Ok(Seen::bad(
                format!("{process} outside answers at the local socket {}", it.at),
                "end that program, or whatever brought its socket into the instance",
            ));
        }
    }
    let mut loopback = 0;
    for address in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        // A host may have one family only.
        let Ok(listener) = TcpListener::bind(SocketAddr::new(address, 0)) else {
            continue;
        };
        let at = listener.local_addr().map_err(words)?;
        let datagrams = UdpSocket::bind(at).map_err(words)?;
        datagrams.set_nonblocking(true).map_err(words)?;
        let Answer::Called(taken) = scene.ask(&Question::Call(at))? else {
            return Err("the app answered something else".to_owned());
        };
        listener.set_nonblocking(true).map_err(words)?;
        if taken && listener.accept().is_ok() || datagrams.recv(&mut [0; 16]).is_ok() {
            return Ok(Seen::bad(
                format!("a program of the host was reached at {at}"),
                "end the instance and start the apps again: vpnns --stop",
            ));
        }
        loopback += 1;
    }
    if loopback == 0 {
        return Err("the host has no loopback address to try".to_owned());
    }
    Ok(Seen::good(format!(
        "none of {tried} local sockets of your computer answers, nor its loopback"
    )))
}

fn listen_at(name: &[u8]) -> nix::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsRawFd;
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new_abstract(name)?)?;
    listen(&listener, Backlog::new(4)?)?;
    Ok(listener)
}

/// What listens inside is held by nobody outside: such a program could pass everything on.
pub fn bridges(scene: &mut Scene) -> Result<Seen, String> {
    let Answer::Listeners(listeners) = scene.ask(&Question::Listeners)? else {
        return Err("the app answered something else".to_owned());
    };
    let at: HashMap<u64, String> = listeners.into_iter().map(|it| (it.inode, it.at)).collect();
    let inside = processes::of(scene)?;
    let is_inside = |pid: u32| inside.iter().any(|process| process.pid == pid);
    let mut held = Vec::new();
    for process in processes::all().into_iter().filter(|it| !is_inside(it.pid)) {
        // The ports that the user has opened are held by a process of ours.
        if process.is_ours(scene) {
            continue;
        }
        for inode in socket_inodes(process.pid) {
            if let Some(at) = at.get(&inode) {
                held.push(format!("{process} at {at}"));
            }
        }
    }
    if held.is_empty() {
        let count = at.len();
        return Ok(Seen::good(format!(
            "{count} sockets answer inside, and nobody outside holds one of them"
        )));
    }
    Ok(Seen::bad(
        format!("a program outside answers inside: {}", listing(&held)),
        "end that program, unless it is what you want",
    ))
}

fn socket_inodes(pid: u32) -> impl Iterator<Item = u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    entries.flatten().filter_map(|entry| {
        let to = fs::read_link(entry.path()).ok()?;
        to.to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    })
}

/// The doors that the user has opened.
#[allow(clippy::unnecessary_wraps)] // A check like the others.
pub fn ports(scene: &mut Scene) -> Result<Seen, String> {
    let ports = &scene.status.ports;
    if ports.is_empty() {
        return Ok(Seen::good(
            "nothing is published, and nothing of your network is reached",
        ));
    }
    let words: Vec<String> = ports
        .iter()
        .map(vpnns_protocol::port::Port::in_words)
        .collect();
    let past = ports
        .iter()
        .any(|port| port.direction == Direction::Reach && !port.is_local());
    let title = if past {
        "Something Is Reached Past the VPN"
    } else {
        "Ports Are Open"
    };
    Ok(Seen::note(
        title,
        words.join("; "),
        "you have opened them: --publish and --reach, or the profile, say which",
    ))
}

/// The inode of a process's program, by which ours are known.
pub fn program(pid: u32) -> Option<(u64, u64)> {
    let file = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((file.dev(), file.ino()))
}

impl Process {
    /// Whether it is a process of this very program's: the keeper, the check's app, ports.
    pub fn is_ours(&self, scene: &Scene) -> bool {
        let mine = program(self.pid);
        self.pid == scene.status.keeper
            || mine.is_some()
                && (mine == program(std::process::id()) || mine == program(scene.status.keeper))
    }
}
