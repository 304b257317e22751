//! What is behind the embedded gateway: one name and one web page, over IPv4 and IPv6.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{PAGE, SERVER_NAME, SERVER_V4, SERVER_V6, dns};

/// A client that does not say what it wants must not keep the others waiting.
const PATIENCE: Duration = Duration::from_millis(500);
/// Connections that are kept open, for clients that want to see them end.
const KEPT: usize = 16;
/// More than any browser sends, in bytes.
const LONGEST_REQUEST: usize = 16 * 1024;

/// The sockets of the services.
#[derive(Debug)]
pub(super) struct Services {
    names: Vec<UdpSocket>,
    pages: Vec<TcpListener>,
}

impl Services {
    /// Listens on the gateway's own addresses.
    pub(super) fn bind() -> io::Result<Self> {
        let addresses: [IpAddr; 2] = [SERVER_V4.into(), SERVER_V6.into()];
        let names = addresses.map(|address| UdpSocket::bind(SocketAddr::new(address, 53)));
        let pages = addresses.map(|address| TcpListener::bind(SocketAddr::new(address, 80)));
        Ok(Self {
            names: names.into_iter().collect::<io::Result<_>>()?,
            pages: pages.into_iter().collect::<io::Result<_>>()?,
        })
    }

    /// Answers until the process is killed, or poll fails.
    pub(super) fn serve(&self) {
        let mut kept = VecDeque::new();
        let sockets = self
            .names
            .iter()
            .map(AsFd::as_fd)
            .chain(self.pages.iter().map(AsFd::as_fd));
        let mut fds: Vec<_> = sockets
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        while matches!(poll(&mut fds, PollTimeout::NONE), Ok(_) | Err(Errno::EINTR)) {
            let fired = |fd: &PollFd| fd.any().unwrap_or(false);
            let (names, pages) = fds.split_at(self.names.len());
            for (socket, _) in self.names.iter().zip(names).filter(|(_, fd)| fired(fd)) {
                // A lost answer is asked for again.
                let _ = answer(socket);
            }
            for (listener, _) in self.pages.iter().zip(pages).filter(|(_, fd)| fired(fd)) {
                let shown = listener.accept().and_then(|(stream, _)| show(stream));
                kept.extend(shown.ok().flatten());
                kept.truncate(KEPT);
            }
        }
    }
}

fn answer(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 512];
    let (length, from) = socket.recv_from(&mut buffer)?;
    if let Some(message) = dns::answer(&buffer[..length], SERVER_NAME, SERVER_V4, SERVER_V6) {
        socket.send_to(&message, from)?;
    }
    Ok(())
}

/// Serves the page; a request for /hold gets the head of an answer that never ends.
fn show(mut stream: TcpStream) -> io::Result<Option<TcpStream>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    // To the end of the head: closing with something unread would reset the connection.
    while !request.ends_with(b"\r\n\r\n") && request.len() < LONGEST_REQUEST {
        let mut part = [0; 1024];
        match stream.read(&mut part)? {
            0 => break,
            length => request.extend(&part[..length]),
        }
    }
    let hold = request.starts_with(b"GET /hold ");
    let size = if hold { 1_000_000 } else { PAGE.len() };
    let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length:";
    stream.write_all(format!("{head} {size}\r\n\r\n{PAGE}").as_bytes())?;
    Ok(hold.then_some(stream))
}
