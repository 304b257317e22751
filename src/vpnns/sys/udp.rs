//! Many UDP datagrams in one system call, each way with the kernel's segmentation: one message is
//! up to 64 KiB of datagrams of one size, but for a shorter last one (udp(7): UDP_SEGMENT, Linux
//! 4.18; UDP_GRO, 5.0).

use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage};

/// One message to send.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its datagrams, one after the other.
    pub bytes: &'a [u8],
    /// Where to.
    pub to: SocketAddr,
    /// The size of each but the last, in bytes; `None` for a single datagram.
    pub segment: Option<u16>,
}

/// What was received into one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// All bytes.
    pub length: usize,
    /// Where from.
    pub from: SocketAddr,
    /// The size of each datagram but the last, in bytes.
    pub segment: usize,
}

/// A control message that holds UDP_SEGMENT's or UDP_GRO's number, laid out as cmsg(3) says.
#[derive(Clone, Copy)]
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    /// UDP_SEGMENT takes the first two bytes, UDP_GRO gives all four.
    number: [u8; 4],
    padding: [u8; 4],
}

/// Room for the kernel's view of a batch, used again.
#[derive(Default)]
pub struct Batch {
    addresses: Vec<libc::sockaddr_storage>,
    names: Vec<SockaddrStorage>,
    vectors: Vec<libc::iovec>,
    controls: Vec<Control>,
    headers: Vec<libc::mmsghdr>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Batch")
    }
}

/// Lets a socket hand over datagrams of one sender in one piece; false where the kernel cannot.
pub fn receive_merged(socket: impl AsFd) -> bool {
    let one: libc::c_int = 1;
    // SAFETY: setsockopt reads one int at the address.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_GRO,
            (&raw const one).cast(),
            size(mem::size_of::<libc::c_int>()),
        )
    };
    result == 0
}

impl Batch {
    /// Sends messages without waiting; returns how many went.
    ///
    /// Fewer than asked where the next one failed; an error only for the first.
    pub fn send<'a>(
        &mut self,
        socket: BorrowedFd<'_>,
        messages: impl Iterator<Item = Message<'a>>,
    ) -> Result<usize, Errno> {
        self.names.clear();
        self.vectors.clear();
        self.controls.clear();
        self.headers.clear();
        for Message { bytes, to, segment } in messages {
            self.names.push(SockaddrStorage::from(to));
            self.vectors.push(libc::iovec {
                // The kernel only reads what is sent.
                iov_base: bytes.as_ptr().cast_mut().cast(),
                iov_len: bytes.len(),
            });
            let mut control = empty_control();
            control.header.cmsg_len = control_length(mem::size_of::<u16>());
            control.header.cmsg_level = libc::SOL_UDP;
            control.header.cmsg_type = libc::UDP_SEGMENT;
            control.number[..2].copy_from_slice(&segment.unwrap_or(0).to_ne_bytes());
            self.controls.push(control);
            let mut header = empty_header();
            // Says whether there is a control message; set to a length below.
            header.msg_controllen = usize::from(segment.is_some()) as _;
            self.headers.push(libc::mmsghdr {
                msg_hdr: header,
                msg_len: 0,
            });
        }
        // Only now: a vector that grows moves.
        for (index, header) in self.headers.iter_mut().enumerate() {
            let header = &mut header.msg_hdr;
            header.msg_name = self.names[index].as_ptr().cast_mut().cast();
            header.msg_namelen = self.names[index].len();
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            if header.msg_controllen > 0 {
                header.msg_control = (&raw mut self.controls[index]).cast();
                header.msg_controllen = mem::size_of::<Control>() as _;
            }
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let count = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: `count` headers point at a name, an iovec and perhaps a control message each,
        // all in vectors of this value that are left alone until the call returns; the iovecs
        // point at slices that outlive it.
        let sent = Errno::result(unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count, flags)
        })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }

    /// Receives what is there without waiting, a message a buffer.
    ///
    /// Leaves out what is unusable: cut messages, and those of an unknown kind of sender; their
    /// place in `received` is `None`.
    pub fn receive<'a>(
        &mut self,
        socket: BorrowedFd<'_>,
        buffers: impl Iterator<Item = &'a mut [u8]>,
        received: &mut Vec<Option<Received>>,
    ) -> Result<(), Errno> {
        received.clear();
        self.vectors.clear();
        self.headers.clear();
        // SAFETY: sockaddr_storage is plain old data; all zeroes is a valid value.
        let nobody: libc::sockaddr_storage = unsafe { mem::zeroed() };
        for buffer in buffers {
            self.vectors.push(libc::iovec {
                iov_base: buffer.as_mut_ptr().cast(),
                iov_len: buffer.len(),
            });
        }
        self.addresses.resize(self.vectors.len(), nobody);
        self.controls.resize(self.vectors.len(), empty_control());
        for index in 0..self.vectors.len() {
            let mut header = empty_header();
            header.msg_name = (&raw mut self.addresses[index]).cast();
            header.msg_namelen = size(mem::size_of::<libc::sockaddr_storage>());
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut self.controls[index]).cast();
            header.msg_controllen = mem::size_of::<Control>() as _;
            self.headers.push(libc::mmsghdr {
                msg_hdr: header,
                msg_len: 0,
            });
        }
        let (fd, headers) = (socket.as_raw_fd(), self.headers.as_mut_ptr());
        let count = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: `count` headers point at an address, a control buffer and an iovec each, all in
        // vectors of this value that are left alone until the call returns; the iovecs point at
        // buffers that the iterator's lifetime keeps borrowed mutably. A null timeout is allowed.
        let filled = Errno::result(unsafe {
            libc::recvmmsg(fd, headers, count, libc::MSG_DONTWAIT, ptr::null_mut())
        })?;
        for index in 0..usize::try_from(filled).unwrap_or(0) {
            let header = &self.headers[index];
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            let length = header.msg_len as usize;
            let (name, name_length) = (&self.addresses[index], header.msg_hdr.msg_namelen);
            let from = socket_address(name, name_length).filter(|_| whole);
            let segment = self.merged_size(index).unwrap_or(length).max(1);
            received.push(from.map(|from| Received {
                length,
                from,
                segment,
            }));
        }
        Ok(())
    }

    fn merged_size(&self, index: usize) -> Option<usize> {
        let header = &self.headers[index].msg_hdr;
        let control = &self.controls[index];
        let said = header.msg_controllen >= mem::size_of::<libc::cmsghdr>()
            && control.header.cmsg_level == libc::SOL_UDP
            && control.header.cmsg_type == libc::UDP_GRO;
        let size = usize::try_from(i32::from_ne_bytes(control.number)).ok()?;
        (said && size > 0).then_some(size)
    }
}

fn empty_header() -> libc::msghdr {
    // SAFETY: msghdr is plain old data; all zeroes is an empty message.
    unsafe { mem::zeroed() }
}

fn empty_control() -> Control {
    // SAFETY: cmsghdr is plain old data, and so is what stands beside it.
    unsafe { mem::zeroed() }
}

/// The length field of a control message with this much data: CMSG_LEN(3).
fn control_length(data: usize) -> libc::size_t {
    mem::size_of::<libc::cmsghdr>() + data
}

fn size(bytes: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(bytes).unwrap_or(0)
}

fn socket_address(address: &libc::sockaddr_storage, length: libc::socklen_t) -> Option<SocketAddr> {
    let pointer: *const libc::sockaddr = ptr::from_ref(address).cast();
    // SAFETY: the kernel has filled in `length` bytes of an address, within the storage. Both
    // constructors check family and length before they copy.
    unsafe {
        SockaddrIn::from_raw(pointer, Some(length))
            .map(|address| SocketAddr::V4(address.into()))
            .or_else(|| {
                SockaddrIn6::from_raw(pointer, Some(length))
                    .map(|address| SocketAddr::V6(address.into()))
            })
    }
}
