//! Sockets of the instance's network for the forwarders of ports, and what the status shows of them.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use vpnns_protocol::port::{Port, Protocol};

use super::{FIRST_CLIENT, Keeper};
use crate::instance::control::Reply;
use crate::sys::process::pidfd_send_signal;

/// A registered forwarder.
#[derive(Debug)]
pub(super) struct Forwards {
    ports: Vec<Port>,
    of_connector: bool,
    /// The process, which is not the one that has connected; none of an older version.
    process: Option<OwnedFd>,
}

impl Forwards {
    /// A forwarder that somebody has stopped keeps its ports open, and does not see that it is over.
    fn wake(&self) {
        if let Some(process) = &self.process {
            let _ = pidfd_send_signal(process, Some(Signal::SIGCONT));
        }
    }
}

/// Why a forwarder gets no socket.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("failed to listen at {0} in the instance")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("{0} is not the instance's loopback address")]
    Elsewhere(SocketAddr),
    #[error("failed to make a socket in the instance's network")]
    Socket(#[source] Errno),
}

impl Keeper {
    /// We are root of the namespace, so that this holds for ports below 1024 as well.
    pub(super) fn listen_for(&mut self, index: usize, protocol: Protocol, at: SocketAddr) {
        let listener: Result<OwnedFd, Refusal> = if at.ip().is_loopback() {
            let made = match protocol {
                Protocol::Tcp => TcpListener::bind(at).map(OwnedFd::from),
                Protocol::Udp => UdpSocket::bind(at).map(OwnedFd::from),
            };
            made.map_err(|error| Refusal::Listen(at, error))
        } else {
            Err(Refusal::Elsewhere(at))
        };
        self.await_program();
        self.hand_over(index, listener);
    }

    /// Whoever opens ports with `--publish` or `--reach` runs a program next, which is to find them:
    /// the instance does not end in between.
    fn await_program(&mut self) {
        if self.kill_at.is_none() && self.connector.is_none() {
            let until = Instant::now() + FIRST_CLIENT;
            self.kept_until = self.kept_until.max(Some(until));
        }
    }

    pub(super) fn dial_for(&mut self, index: usize, protocol: Protocol, ipv6: bool) {
        let family = if ipv6 {
            AddressFamily::Inet6
        } else {
            AddressFamily::Inet
        };
        let kind = match protocol {
            Protocol::Tcp => SockType::Stream,
            Protocol::Udp => SockType::Datagram,
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let made = socket(family, kind, flags, None);
        self.hand_over(index, made.map_err(Refusal::Socket));
    }

    fn hand_over(&mut self, index: usize, made: Result<OwnedFd, Refusal>) {
        let connection = &mut self.connections[index];
        match made {
            Ok(fd) => connection.reply(Reply::Socket, Some(&fd)),
            Err(refusal) => connection.refuse(&refusal, None),
        }
    }

    /// A forwarder is about to begin.
    pub(super) fn forward(&mut self, index: usize, ports: Vec<Port>, of_connector: bool) {
        let forwards = Forwards {
            ports,
            of_connector,
            process: None,
        };
        if !of_connector {
            self.await_program();
        } else if self.connector.is_none() {
            // It has ended since.
            return self.connections[index].dismiss("the profile is down");
        }
        let warnings = Vec::new();
        let connection = &mut self.connections[index];
        connection.forwards = Some(forwards);
        connection.reply(Reply::Done { warnings }, None);
        self.changed = true;
    }

    /// Every port that somebody forwards right now.
    pub(super) fn open_ports(&self) -> Vec<Port> {
        let forwards = self
            .connections
            .iter()
            .filter_map(|it| it.forwards.as_ref());
        let mut ports: Vec<Port> = forwards.flat_map(|it| it.ports.clone()).collect();
        ports.sort();
        ports
    }

    /// What a profile opens is open while it is connected.
    pub(super) fn end_ports_of_connector(&mut self) {
        for connection in &mut self.connections {
            if connection
                .forwards
                .as_ref()
                .is_some_and(|it| it.of_connector)
            {
                connection.dismiss("the profile is down");
                connection.forwards.iter().for_each(Forwards::wake);
            }
        }
    }

    /// A forwarder has begun, if this is one.
    pub(super) fn forwarder_is(&mut self, index: usize, process: Option<OwnedFd>) {
        if let Some(forwards) = &mut self.connections[index].forwards {
            forwards.process = process;
        }
    }

    /// The instance is over, and with it every port: all see it by the end of their connections.
    pub(super) fn wake_forwarders(&self) {
        let forwards = self.connections.iter();
        let forwards = forwards.filter_map(|it| it.forwards.as_ref());
        forwards.for_each(Forwards::wake);
    }
}
