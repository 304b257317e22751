//! As much of D-Bus as it takes to find out whether a service answers.
//!
//! Written out by hand: three messages, in a helper that speaks the protocol nowhere else.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How long the bus may take for each answer. A service that is stuck is there all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// No answer to our questions is longer; the protocol allows 128 MiB.
const LONGEST: usize = 1 << 20;
/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const NO_AUTO_START: u8 = 2;

// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;

/// What was seen of a bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// Nobody is there.
    Nobody,
    /// It lets nobody in, or speaks another language.
    Refused,
    /// It is there, and these services of those asked for answer, or would be started.
    Services(Vec<String>),
}

/// Asks for services on the bus behind a socket; none is started by that.
pub fn look(socket: &Path, services: &[String]) -> Seen {
    let Ok(stream) = UnixStream::connect(socket) else {
        return Seen::Nobody;
    };
    match ask(stream, services) {
        Ok(found) => Seen::Services(found),
        Err(_) => Seen::Refused,
    }
}

fn ask(stream: UnixStream, services: &[String]) -> std::io::Result<Vec<String>> {
    let mut bus = Bus::enter(stream)?;
    if !matches!(
        bus.call(BUS, "/org/freedesktop/DBus", BUS, "Hello")?,
        Reply::Return(_)
    ) {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let startable = bus.call(BUS, "/org/freedesktop/DBus", BUS, "ListActivatableNames")?;
    let mut found = Vec::new();
    for service in services {
        let answers = match bus.call(service, "/", "org.freedesktop.DBus.Peer", "Ping")? {
            // One that keeps silent is there.
            Reply::Return(_) | Reply::Silence => true,
            // From the bus, on the service's behalf; anything else is the service's own word.
            Reply::Error(name) => !matches!(
                name.strip_prefix("org.freedesktop.DBus.Error."),
                Some("ServiceUnknown" | "NameHasNoOwner" | "AccessDenied")
            ),
        };
        let word = format!("{service}\0").into_bytes();
        let would_start = matches!(&startable, Reply::Return(body)
            if body.windows(word.len()).any(|window| window == word));
        if answers || would_start {
            found.push(service.clone());
        }
    }
    Ok(found)
}

enum Reply {
    /// With the body as it came.
    Return(Vec<u8>),
    /// With its name.
    Error(String),
    /// None in time.
    Silence,
}

struct Bus {
    stream: UnixStream,
    serial: u32,
}

impl Bus {
    /// Says who we are, which the bus asks of the kernel.
    fn enter(mut stream: UnixStream) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let uid = nix::unistd::Uid::effective().to_string();
        let mut hello = String::from("\0AUTH EXTERNAL ");
        for byte in uid.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(hello, "{byte:02x}");
        }
        hello.push_str("\r\n");
        stream.write_all(hello.as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < 200 {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        if !line.starts_with(b"OK ") {
            return Err(ErrorKind::PermissionDenied.into());
        }
        stream.write_all(b"BEGIN\r\n")?;
        Ok(Self { stream, serial: 0 })
    }

    /// Calls a method without arguments.
    fn call(
        &mut self,
        destination: &str,
        path: &str,
        interface: &str,
        member: &str,
    ) -> std::io::Result<Reply> {
        self.serial += 1;
        let mut fields = Vec::new();
        field(&mut fields, PATH, "o", path);
        field(&mut fields, DESTINATION, "s", destination);
        field(&mut fields, INTERFACE, "s", interface);
        field(&mut fields, MEMBER, "s", member);
        let mut message = vec![b'l', METHOD_CALL, NO_AUTO_START, 1];
        message.extend(0_u32.to_le_bytes());
        message.extend(self.serial.to_le_bytes());
        message.extend(
            u32::try_from(fields.len())
                .unwrap_or_default()
                .to_le_bytes(),
        );
        message.extend(fields);
        pad(&mut message, 8);
        self.stream.write_all(&message)?;
        let deadline = Instant::now() + PATIENCE;
        // Signals come in between.
        while Instant::now() < deadline {
            match self.receive() {
                Ok(Some((serial, reply))) if serial == self.serial => return Ok(reply),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Reply::Silence)
    }

    /// The next message; `None` for one that answers nothing.
    fn receive(&mut self) -> std::io::Result<Option<(u32, Reply)>> {
        let mut head = [0; 16];
        self.stream.read_exact(&mut head)?;
        let number = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            let number = if head[0] == b'l' {
                u32::from_le_bytes(bytes)
            } else {
                u32::from_be_bytes(bytes)
            };
            usize::try_from(number).unwrap_or(usize::MAX)
        };
        let (body_length, fields_length) = (number(4), number(12));
        if body_length > LONGEST || fields_length > LONGEST {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut fields = vec![0; fields_length.next_multiple_of(8)];
        self.stream.read_exact(&mut fields)?;
        let mut body = vec![0; body_length];
        self.stream.read_exact(&mut body)?;
        let (serial, name) = read_fields(&fields[..fields_length], head[0] == b'l');
        let reply = match head[1] {
            METHOD_RETURN => Reply::Return(body),
            ERROR => Reply::Error(name),
            _ => return Ok(None),
        };
        Ok(serial.map(|serial| (serial, reply)))
    }
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

/// Appends a header field whose value is text. The header's array starts at a multiple of 8.
fn field(fields: &mut Vec<u8>, code: u8, signature: &str, text: &str) {
    pad(fields, 8);
    fields.extend([code, 1]);
    fields.extend(signature.bytes());
    fields.push(0);
    fields.extend(u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
    fields.extend(text.bytes());
    fields.push(0);
}

/// The serial that a message answers and the error's name, of its header fields. A broken one
/// ends the list.
fn read_fields(fields: &[u8], little_endian: bool) -> (Option<u32>, String) {
    let (mut serial, mut name) = (None, String::new());
    let mut at = 0_usize;
    let number = |at: usize| {
        let bytes: [u8; 4] = fields.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    };
    while let Some([code, 1, kind, 0]) = fields.get(at..at + 4) {
        at += 4;
        match kind {
            b'u' => {
                let Some(value) = number(at) else { break };
                if *code == REPLY_SERIAL {
                    serial = Some(value);
                }
                at += 4;
            }
            b's' | b'o' => {
                let Some(length) = number(at).and_then(|it| usize::try_from(it).ok()) else {
                    break;
                };
                let end = (at + 4).saturating_add(length);
                let Some(text) = fields.get(at + 4..end) else {
                    break;
                };
                if *code == ERROR_NAME {
                    name = String::from_utf8_lossy(text).into_owned();
                }
                at = end + 1;
            }
            b'g' => at += usize::from(fields.get(at).copied().unwrap_or(0)) + 2,
            _ => break,
        }
        at = at.next_multiple_of(8);
    }
    (serial, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_are_read_as_they_are_written() {
        let mut fields = Vec::new();
        field(&mut fields, ERROR_NAME, "s", "org.example.No");
        pad(&mut fields, 8);
        fields.extend([REPLY_SERIAL, 1, b'u', 0, 7, 0, 0, 0]);
        assert_eq!(
            read_fields(&fields, true),
            (Some(7), "org.example.No".into())
        );
    }

    #[test]
    fn broken_header_fields_end_the_list() {
        for fields in [
            &[][..],
            &[5, 1, b'u', 0],
            &[4, 1, b's', 0, 255, 255, 255, 255],
            &[255; 64],
        ] {
            assert_eq!(read_fields(fields, true), (None, String::new()));
        }
    }
}
