//! Many datagrams in one system call: sendmmsg(2) and recvmmsg(2), with memory that is used again.

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc;

/// Room for the kernel's view of a batch.
#[derive(Debug, Default)]
pub struct Batch {
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Batch {
    /// Sends packets, each in two pieces, without waiting; returns how many went.
    ///
    /// Fewer than asked where there was no room for the next one; an error only for the first.
    pub fn send<'a>(
        &mut self,
        socket: &OwnedFd,
        packets: impl Iterator<Item = [&'a [u8]; 2]>,
    ) -> Result<usize, Errno> {
        self.vectors.clear();
        for piece in packets.flatten() {
            // The kernel only reads what is sent.
            let iov_base = piece.as_ptr().cast_mut().cast();
            self.vectors.push(libc::iovec {
                iov_base,
                iov_len: piece.len(),
            });
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let count = self.point_at_vectors(2);
        // SAFETY: `count` headers point at two iovecs each, which point at slices that the
        // iterator's lifetime keeps alive; all are left alone until the call returns.
        let sent = Errno::result(unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count, flags)
        })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }

    /// Receives what is there, a datagram a buffer, without waiting; returns how many came.
    ///
    /// Puts each length into `lengths`; `None` for a datagram that was larger than its buffer.
    pub fn receive<'a>(
        &mut self,
        socket: &OwnedFd,
        buffers: impl Iterator<Item = &'a mut [u8]>,
        lengths: &mut Vec<Option<usize>>,
    ) -> Result<usize, Errno> {
        self.vectors.clear();
        for buffer in buffers {
            let iov_base = buffer.as_mut_ptr().cast();
            self.vectors.push(libc::iovec {
                iov_base,
                iov_len: buffer.len(),
            });
        }
        let count = self.point_at_vectors(1);
        let (fd, headers) = (socket.as_raw_fd(), self.headers.as_mut_ptr());
        // SAFETY: `count` headers point at one iovec each, which points at a buffer that the
        // iterator's lifetime keeps borrowed mutably. A null timeout is allowed.
        let received = Errno::result(unsafe {
            libc::recvmmsg(fd, headers, count, libc::MSG_DONTWAIT, ptr::null_mut())
        })?;
        let received = usize::try_from(received).unwrap_or(0);
        lengths.clear();
        lengths.extend(self.headers[..received].iter().map(|header| {
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            // A length in bytes, below the buffer's.
            whole.then_some(header.msg_len as usize)
        }));
        Ok(received)
    }

    /// Makes a header for every `pieces` iovecs; returns how many.
    fn point_at_vectors(&mut self, pieces: usize) -> libc::c_uint {
        self.headers.clear();
        for vectors in self.vectors.chunks_exact_mut(pieces) {
            // SAFETY: mmsghdr is plain old data; all zeroes is an empty message.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_iov = vectors.as_mut_ptr();
            header.msg_hdr.msg_iovlen = pieces;
            self.headers.push(header);
        }
        // Batches are small.
        libc::c_uint::try_from(self.headers.len()).unwrap_or(0)
    }
}
