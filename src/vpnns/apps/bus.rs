//! What is said to the session bus: who owns a name, and how its programs find the display.
//!
//! # Theory of operation
//!
//! An application with one process for all its windows is found by its name on the session bus.
//! To know whether it would take a launch over, that name's owner is looked up before the launch.
//! That is one connection with two calls, and one more call to a bus of the instance's own, for which the libraries bring an executor or a
//! serializer for every type there is; here it is a socket and one kind of message.
//!
//! Nothing is waited for longer than [`PATIENCE`] in all. A bus that is not there has nobody on
//! it; one that is there and says nothing is an error, since the launch may still reach it.

mod address;
mod message;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::{Pid, Uid};

use self::message::{Body, Kind, Message};

/// A bus answers within a millisecond; on a machine that swaps it may take a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest line of the authentication: a bus that says more is none.
const LONGEST_LINE: usize = 1024;

/// Why the bus has not told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its socket does not work, or it says nothing.
    #[error("failed to talk to the session bus")]
    Talk(#[source] io::Error),
    /// It does not know this user.
    #[error("the session bus refuses this user: {0:?}")]
    Refused(String),
    /// It says something that is not in the specification.
    #[error("the session bus sent a message that is none")]
    Nonsense,
}

/// A connection to the bus of this user's session.
#[derive(Debug)]
pub struct Bus {
    socket: UnixStream,
    deadline: Instant,
    serial: u32,
}

/// Whether there may be one, without asking it.
pub fn may_be_there() -> bool {
    let is_there = |address: &UnixAddr| address.path().is_none_or(Path::exists);
    address::of_this_session().iter().any(is_there)
}

impl Bus {
    /// Connects; `None` where there is no bus.
    pub fn session() -> Result<Option<Self>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let Some(socket) = address::of_this_session().iter().find_map(open) else {
            return Ok(None);
        };
        let mut bus = Self {
            socket,
            deadline,
            serial: 0,
        };
        bus.authenticate()?;
        bus.call("Hello", Body::Empty)?;
        Ok(Some(bus))
    }

    /// The process that owns a name; `None` where nobody does.
    pub fn owner(&mut self, name: &str) -> Result<Option<Pid>, Error> {
        let reply = self.call("GetConnectionUnixProcessID", Body::Text(name))?;
        if reply.kind == Kind::Error {
            // NameHasNoOwner, of all that it may be: what cannot be asked about hands nothing over.
            return Ok(None);
        }
        let number = reply.number().ok_or(Error::Nonsense)?;
        // 0 is what an owner in another pid namespace looks like: out of reach, and outside.
        Ok(Some(Pid::from_raw(number.try_into().unwrap_or_default())))
    }

    /// Tells the bus what the programs that it starts are to find in their environment.
    pub fn set_environment(&mut self, variables: &[(String, String)]) -> Result<(), Error> {
        let reply = self.call("UpdateActivationEnvironment", Body::Pairs(variables))?;
        match reply.kind {
            Kind::Return => Ok(()),
            _ => Err(Error::Nonsense),
        }
    }

    /// RFC 4422's EXTERNAL, as the specification of D-Bus spells it: the kernel vouches for us.
    fn authenticate(&mut self) -> Result<(), Error> {
        // The user's number in decimal digits, and those in hexadecimal, where a digit is 3 and itself.
        let digits = Uid::effective().to_string();
        let hex: String = digits.chars().flat_map(|digit| ['3', digit]).collect();
        self.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let mut line = Vec::new();
        // Byte by byte: what follows the line is not ours to read yet.
        while !line.ends_with(b"\r\n") && line.len() < LONGEST_LINE {
            line.extend(self.receive(1)?);
        }
        if !line.starts_with(b"OK") {
            let said = String::from_utf8_lossy(&line);
            return Err(Error::Refused(said.trim_end().to_owned()));
        }
        self.send(b"BEGIN\r\n")
    }

    /// Calls a method of the bus itself, and waits for its answer.
    fn call(&mut self, member: &str, argument: Body) -> Result<Message, Error> {
        self.serial += 1;
        self.send(&message::call(self.serial, member, argument))?;
        loop {
            let start = self.receive(message::START)?;
            let rest = message::rest(&start).ok_or(Error::Nonsense)?;
            let rest = self.receive(rest)?;
            let message = Message::read(&start, &rest).ok_or(Error::Nonsense)?;
            // Signals come in between: NameAcquired, for one.
            if message.reply_to == Some(self.serial) {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let left = self.left()?;
        let socket = &mut self.socket;
        let sent = socket.set_write_timeout(Some(left));
        sent.and_then(|()| socket.write_all(bytes))
            .map_err(Error::Talk)
    }

    fn receive(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length];
        let mut have = 0;
        while have < length {
            let left = self.left()?;
            let timeout = self.socket.set_read_timeout(Some(left));
            match timeout.and_then(|()| self.socket.read(&mut bytes[have..])) {
                Ok(0) => return Err(Error::Talk(Errno::ECONNRESET.into())),
                Ok(read) => have += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Talk(error)),
            }
        }
        Ok(bytes)
    }

    fn left(&self) -> Result<Duration, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        // A timeout of zero would mean none.
        if left < Duration::from_millis(1) {
            return Err(Error::Talk(Errno::ETIMEDOUT.into()));
        }
        Ok(left)
    }
}

/// Connects to one address; a socket that nobody listens on is no bus.
fn open(address: &UnixAddr) -> Option<UnixStream> {
    let kind = SockType::Stream;
    let socket = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None).ok()?;
    // connect(2) waits where the queue is full, for as long as this says.
    let patience = TimeVal::seconds(1);
    setsockopt(&socket, SendTimeout, &patience).ok()?;
    connect(std::os::fd::AsRawFd::as_raw_fd(&socket), address).ok()?;
    Some(UnixStream::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bus whose other end is played by the test.
    fn bus() -> (Bus, UnixStream) {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let deadline = Instant::now() + Duration::from_millis(300);
        let bus = Bus {
            socket,
            deadline,
            serial: 0,
        };
        (bus, theirs)
    }

    #[test]
    fn a_bus_that_says_nothing_is_not_waited_for_for_ever() {
        let (mut bus, _theirs) = bus();
        assert!(matches!(bus.authenticate(), Err(Error::Talk(_))));
    }

    #[test]
    fn a_bus_that_hangs_up_or_refuses_is_told_apart_from_one_that_is_not_there() {
        let (mut ours, theirs) = bus();
        drop(theirs);
        assert!(matches!(ours.authenticate(), Err(Error::Talk(_))));
        let (mut ours, mut theirs) = bus();
        theirs.write_all(b"REJECTED EXTERNAL\r\n").unwrap();
        assert!(matches!(ours.authenticate(), Err(Error::Refused(_))));
    }

    #[test]
    fn a_message_that_is_none_is_an_error_and_no_panic() {
        for bytes in [&[b'x'; 16][..], &[0xff; 16]] {
            let (mut ours, mut theirs) = bus();
            theirs.write_all(bytes).unwrap();
            assert!(matches!(ours.owner("a.b"), Err(Error::Nonsense)));
        }
    }
}
