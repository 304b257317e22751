//! The host's own way out: notices that it is another one, or that the machine has slept.
//!
//! # Theory of operation
//!
//! rtnetlink tells of every link, address and route, which is far more than what matters:
//! containers come and go, routers repeat themselves. So its news only make us look, a moment
//! later, and what is compared is the address from which the server would be called: as long as
//! that stays, the client's connection can stay. A resume is seen by a timer that never fires but
//! is cancelled when the clock jumps. Nothing here wakes an idle machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::link::{
    RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE, RTMGRP_LINK,
    watch,
};

/// A changing network changes several times: we look when it has settled.
const SETTLE: Duration = Duration::from_secs(1);
/// A moment that never comes, in seconds since 1970 (the year 2200).
const NEVER: i64 = 7_258_118_400;
/// Where nobody is (RFC 5737 and RFC 3849): stands for every server not known by address.
const ANYWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x51)),
];

/// Watches the way to a server.
#[derive(Debug)]
pub struct Uplink {
    news: OwnedFd,
    clock: TimerFd,
    server: Option<IpAddr>,
    known: Vec<Option<IpAddr>>,
    look_at: Option<Instant>,
    slept: bool,
}

impl Uplink {
    /// Watches the network namespace that the process stands in.
    pub fn new() -> Result<Self, Errno> {
        let groups = RTMGRP_LINK
            | RTMGRP_IPV4_IFADDR
            | RTMGRP_IPV6_IFADDR
            | RTMGRP_IPV4_ROUTE
            | RTMGRP_IPV6_ROUTE;
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let mut uplink = Self {
            news: watch(groups)?,
            clock: TimerFd::new(ClockId::CLOCK_REALTIME, flags)?,
            server: None,
            known: Vec::new(),
            look_at: None,
            slept: false,
        };
        uplink.arm();
        uplink.known = uplink.look();
        Ok(uplink)
    }

    /// Says where the client is connected to, as far as it is known.
    pub fn set_server(&mut self, server: IpAddr) {
        if self.server != Some(server) {
            self.server = Some(server);
            self.known = self.look();
        }
    }

    /// What becomes readable: news of the network, and the end of a sleep.
    pub fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.news.as_fd(), self.clock.as_fd()]
    }

    /// What becomes readable with any news of the network; whoever reads it away has them.
    pub fn news(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }

    /// When [`changed`](Self::changed) is to be asked, if nothing is readable before.
    pub fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// Reads the news away; true if by now there is another way out, or was a sleep.
    pub fn changed(&mut self) -> bool {
        let mut buffer = [0; 8192];
        loop {
            match recv(self.news.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                // ENOBUFS: more has happened than there was room for, which is the same news.
                Ok(1..) | Err(Errno::ENOBUFS) => {
                    self.look_at = Some(Instant::now() + SETTLE);
                }
                Err(Errno::EINTR) => {}
                _ => break,
            }
        }
        if self.clock.wait() == Err(Errno::ECANCELED) {
            self.arm();
            self.slept = true;
            self.look_at = Some(Instant::now() + SETTLE);
        }
        if self.look_at.is_none_or(|at| at > Instant::now()) {
            return false;
        }
        self.look_at = None;
        let now = self.look();
        let is_there = now.iter().any(Option::is_some);
        let is_other = now != self.known;
        if is_there {
            // A network that comes back the same has lost nothing.
            self.known = now;
        }
        is_there && (is_other || std::mem::take(&mut self.slept))
    }

    fn arm(&self) {
        let flags =
            TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        // Without it only the network's own news are left.
        let _ = self
            .clock
            .set(Expiration::OneShot(TimeSpec::seconds(NEVER)), flags);
    }

    /// From which addresses the server would be called; nothing is sent.
    fn look(&self) -> Vec<Option<IpAddr>> {
        let one = self.server.as_ref().map(std::slice::from_ref);
        let servers = one.unwrap_or(&ANYWHERE);
        servers.iter().copied().map(source_towards).collect()
    }
}

fn source_towards(server: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(server, 443)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_called_from_itself() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(source_towards(loopback), Some(loopback));
    }

    #[test]
    fn a_network_at_rest_has_not_changed() {
        let mut uplink = Uplink::new().unwrap();
        uplink.set_server(Ipv4Addr::LOCALHOST.into());
        assert!(!uplink.changed());
    }
}
