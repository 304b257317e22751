//! Messages with descriptors over a unix socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// The most descriptors that the kernel takes at once (SCM_MAX_FD).
const MOST_FDS: usize = 253;

/// Sends one message, at most one descriptor with it.
pub fn send(socket: impl AsFd, bytes: &[u8], fd: Option<&OwnedFd>) -> Result<(), Errno> {
    let fds: Vec<RawFd> = fd.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let control = if fds.is_empty() {
        &rights[..0]
    } else {
        &rights[..]
    };
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(
        socket.as_fd().as_raw_fd(),
        &[IoSlice::new(bytes)],
        control,
        flags,
        None,
    )?;
    Ok(())
}

/// Receives one message and the descriptor that came with it; an empty one is the end.
///
/// EMSGSIZE where the message did not fit into the buffer.
pub fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    flags: MsgFlags,
) -> Result<(usize, Option<OwnedFd>), Errno> {
    let (length, fds, got) = receive_into(socket, buffer, nix::cmsg_space!([RawFd; 4]), flags)?;
    if got.contains(MsgFlags::MSG_TRUNC) {
        return Err(Errno::EMSGSIZE);
    }
    Ok((length, fds.into_iter().next()))
}

/// Receives from a stream what is there and the descriptors that came with it; nothing is its end.
pub fn receive_all(socket: impl AsFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let control = nix::cmsg_space!([RawFd; MOST_FDS]);
    let (length, fds, _) = receive_into(socket, buffer, control, MsgFlags::empty())?;
    Ok((length, fds))
}

/// Sends on a stream as much as there is room for, the descriptors with the first byte.
pub fn send_all(socket: impl AsFd, bytes: &[u8], fds: &[RawFd]) -> Result<usize, Errno> {
    let rights = [ControlMessage::ScmRights(fds)];
    let control = if fds.is_empty() { &[][..] } else { &rights };
    let raw = socket.as_fd().as_raw_fd();
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(raw, &[IoSlice::new(bytes)], control, flags, None)
}

fn receive_into(
    socket: impl AsFd,
    buffer: &mut [u8],
    mut control: Vec<u8>,
    flags: MsgFlags,
) -> Result<(usize, Vec<OwnedFd>, MsgFlags), Errno> {
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let raw = socket.as_fd().as_raw_fd();
    let message = recvmsg::<()>(raw, &mut slices, Some(&mut control), flags)?;
    let mut fds = Vec::new();
    for item in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = item {
            for fd in received {
                // SAFETY: the kernel has just opened these descriptors for us; owning each makes
                // sure that surplus ones are closed again.
                fds.push(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
    }
    Ok((message.bytes, fds, message.flags))
}
