//! The other end of a local socket, as the kernel's socket diagnosis knows it.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, recv};
use nix::sys::stat::fstat;

use super::diagnosis::{self, SOCK_DIAG_BY_FAMILY, messages};

/// From <linux/unix_diag.h>: tell the peer, and the attribute that does.
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
/// Length of struct unix_diag_msg, before the attributes.
const MESSAGE: usize = 16;
/// Length of struct nlattr.
const ATTRIBUTE: usize = 4;

/// The inode of the socket at the other end of a unix socket; `None` once nobody holds it.
pub fn peer_inode(socket: impl AsFd) -> Result<Option<u32>, Errno> {
    let inode = u32::try_from(fstat(socket)?.st_ino).map_err(|_| Errno::EOVERFLOW)?;
    let diagnosis = diagnosis::open()?;
    // struct unix_diag_req: family, states, inode, what to show, and a cookie that fits any.
    let family = u32::from_ne_bytes(libc::AF_UNIX.to_ne_bytes()).to_le_bytes()[0];
    let mut request = vec![family, 0, 0, 0];
    for word in [u32::MAX, inode, UDIAG_SHOW_PEER, u32::MAX, u32::MAX] {
        request.extend(word.to_ne_bytes());
    }
    diagnosis::send(&diagnosis, SOCK_DIAG_BY_FAMILY, 0, &request)?;
    let mut buffer = [0; 1024];
    let length = recv(diagnosis.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    let found = match messages(&buffer[..length]).next() {
        Some((SOCK_DIAG_BY_FAMILY, body)) => peer_of(body),
        // An error: this kernel has no CONFIG_UNIX_DIAG.
        _ => return Err(Errno::EOPNOTSUPP),
    };
    // A closed socket is still the peer, but has no inode any more.
    Ok(found.filter(|inode| *inode != 0))
}

fn peer_of(body: &[u8]) -> Option<u32> {
    let mut rest = body.get(MESSAGE..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(ATTRIBUTE..length)?;
        if kind == UNIX_DIAG_PEER {
            return Some(u32::from_ne_bytes(value.get(..4)?.try_into().ok()?));
        }
        rest = rest.get(length.next_multiple_of(ATTRIBUTE)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn the_other_end_is_found_until_it_is_closed() {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let inode = fstat(&theirs).unwrap().st_ino;
        assert_eq!(peer_inode(&ours).unwrap().map(u64::from), Some(inode));
        let copy = theirs.try_clone().unwrap();
        drop(theirs);
        assert_eq!(peer_inode(&ours).unwrap().map(u64::from), Some(inode));
        drop(copy);
        assert_eq!(peer_inode(&ours).unwrap(), None);
    }

    #[test]
    fn a_broken_answer_names_nobody() {
        assert_eq!(peer_of(&[]), None);
        assert_eq!(peer_of(&[0; 40]), None);
        assert_eq!(peer_of(&[255; 40]), None);
    }
}
