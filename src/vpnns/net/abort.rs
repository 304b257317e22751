//! Ending the connections of apps when their tunnel goes, so that they see an error at once.
//!
//! # Theory of operation
//!
//! A TCP connection whose device has vanished is not told: it waits for minutes. The kernel's
//! socket diagnosis (sock_diag(7)) lists the sockets of a network namespace and, with
//! SOCK_DESTROY, aborts one: its next call returns ECONNABORTED. The root of the namespace's
//! owner may do so. Connections of the instance with itself are left alone.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, recv};

use super::diagnosis::{self, SOCK_DIAG_BY_FAMILY, messages};

// From <linux/sock_diag.h> and <linux/netlink.h>.
const SOCK_DESTROY: u16 = 21;
const NLM_F_ACK: u16 = 0x004;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// Length of struct inet_diag_sockid: two ports, two 16-byte addresses, interface, cookie.
const ID: usize = 48;
/// TCP_LISTEN, the one state in which a socket has no peer and is not to be touched.
const LISTEN: u8 = 10;

/// Aborts every TCP and connected UDP socket whose peer is outside. Best effort: kernels without
/// CONFIG_INET_DIAG_DESTROY leave apps to their own time limits.
pub fn abort_connections() {
    for family in [libc::AF_INET, libc::AF_INET6] {
        for protocol in [libc::IPPROTO_TCP, libc::IPPROTO_UDP] {
            // Constants below 256.
            let (family, protocol) = (family.to_ne_bytes(), protocol.to_ne_bytes());
            let _ = abort_of(low_byte(family), low_byte(protocol));
        }
    }
}

/// Whether the kernel can abort connections at all (CONFIG_INET_DIAG_DESTROY).
pub fn can_abort_connections() -> bool {
    // To abort a connection that does not exist is refused in one way where the kernel knows how
    // to, and in another where it does not.
    refusal_of_nothing().is_ok_and(|errno| errno != Errno::EOPNOTSUPP)
}

fn refusal_of_nothing() -> Result<Errno, Errno> {
    let socket = diagnosis::open()?;
    let family = low_byte(libc::AF_INET.to_ne_bytes());
    let protocol = low_byte(libc::IPPROTO_TCP.to_ne_bytes());
    let id = [0; ID];
    send(
        &socket,
        SOCK_DESTROY,
        NLM_F_ACK,
        family,
        protocol,
        u32::MAX,
        &id,
    )?;
    let mut buffer = [0; 1024];
    let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    // struct nlmsgerr starts with the negated error number.
    let answer = messages(&buffer[..length]).next();
    let number = answer.and_then(|(_, payload)| payload.get(..4)?.try_into().ok());
    number
        .map(|bytes| Errno::from_raw(-i32::from_ne_bytes(bytes)))
        .ok_or(Errno::EBADMSG)
}

fn low_byte(bytes: [u8; 4]) -> u8 {
    i32::from_ne_bytes(bytes).to_le_bytes()[0]
}

fn abort_of(family: u8, protocol: u8) -> Result<(), Errno> {
    let socket = diagnosis::open()?;
    let all_but_listening = !(1_u32 << LISTEN);
    send(
        &socket,
        SOCK_DIAG_BY_FAMILY,
        NLM_F_DUMP,
        family,
        protocol,
        all_but_listening,
        &[0; ID],
    )?;
    let mut victims = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    'dump: loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        for (kind, payload) in messages(&buffer[..length]) {
            match kind {
                NLMSG_DONE | NLMSG_ERROR => break 'dump,
                // struct inet_diag_msg: family, state, timer, retransmissions, then the id.
                _ => victims.extend(
                    payload
                        .get(4..4 + ID)
                        .filter(|id| is_outside(id))
                        .map(<[u8]>::to_vec),
                ),
            }
        }
    }
    for id in victims {
        // Each for itself: a socket may be gone by now, and one in TIME_WAIT cannot be aborted.
        if send(
            &socket,
            SOCK_DESTROY,
            NLM_F_ACK,
            family,
            protocol,
            u32::MAX,
            &id,
        )
        .is_ok()
        {
            let _ = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty());
        }
    }
    Ok(())
}

/// Sends one struct inet_diag_req_v2.
fn send(
    socket: &OwnedFd,
    kind: u16,
    flags: u16,
    family: u8,
    protocol: u8,
    states: u32,
    id: &[u8],
) -> Result<(), Errno> {
    let mut request = Vec::with_capacity(8 + ID);
    request.extend([family, protocol, 0, 0]);
    request.extend(states.to_ne_bytes());
    request.extend(id);
    diagnosis::send(socket, kind, flags, &request)
}

/// Whether a socket's peer is neither this very namespace nor nobody at all.
fn is_outside(id: &[u8]) -> bool {
    // struct inet_diag_sockid: ports at 0, source at 4, destination at 20.
    let Some(peer) = id.get(20..36) else {
        return false;
    };
    let ipv4_loopback = peer[0] == 127 && peer[4..].iter().all(|byte| *byte == 0);
    let mapped_loopback = peer[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] && peer[12] == 127;
    let ipv6_loopback = peer[..15].iter().all(|byte| *byte == 0) && peer[15] == 1;
    let nobody = peer.iter().all(|byte| *byte == 0);
    !(ipv4_loopback || mapped_loopback || ipv6_loopback || nobody)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(peer: [u8; 16]) -> Vec<u8> {
        let mut id = vec![0; ID];
        id[20..36].copy_from_slice(&peer);
        id
    }

    #[test]
    fn only_peers_outside_are_aborted() {
        let v4 = |a, b, c, d| [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(is_outside(&id(v4(10, 0, 0, 1))));
        assert!(!is_outside(&id(v4(127, 0, 0, 1))));
        assert!(!is_outside(&id([0; 16])));
        assert!(!is_outside(&id([
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
        ])));
        assert!(!is_outside(&id([
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1
        ])));
        assert!(is_outside(&id([
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
        ])));
        assert!(!is_outside(&[]));
    }
}
