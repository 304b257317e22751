//! Addresses of a name, asked for in a child process.
//!
//! This program is linked statically, and a static C library cannot load the host's name service
//! (files, mDNS, systemd-resolved). getent(1) is the C library's own way to ask it, and a child
//! does not hold up the packets.

use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// More text than any name has addresses.
const MOST_TEXT: usize = 64 * 1024;

/// A question that is being answered.
#[derive(Debug)]
pub struct Lookup {
    child: Child,
    output: ChildStdout,
    text: Vec<u8>,
    deadline: Instant,
}

/// Whether a text can be a host's name; nothing else is handed to a program.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    !text.is_empty() && text.len() <= 253 && !text.starts_with('-') && text.chars().all(fits)
}

impl Lookup {
    /// Begins to ask.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let mut child = Command::new("getent")
            .args(["ahosts", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let Some(output) = child.stdout.take() else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self {
            child,
            output,
            text: Vec::new(),
            deadline: Instant::now() + PATIENCE,
        })
    }

    /// When it is given up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The addresses, best first, once they are there; none for a name that has none.
    pub fn answer(&mut self) -> Option<Vec<IpAddr>> {
        let mut buffer = [0; 4096];
        loop {
            match self.output.read(&mut buffer) {
                Ok(0) => return Some(addresses(&self.text)),
                Ok(length) if self.text.len() < MOST_TEXT => {
                    self.text.extend_from_slice(&buffer[..length]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => return Some(Vec::new()),
            }
        }
        (Instant::now() >= self.deadline).then(Vec::new)
    }
}

impl AsFd for Lookup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        // Ended or not: a killed child is there to be waited for at once.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each address once: getent prints one for each type of socket.
fn addresses(text: &[u8]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(text).lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        // One of a single link, with its zone, is no place for a server.
        if let Ok(address) = word.parse()
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_found_once_and_in_order() {
        let text = b"2001:db8::1     STREAM vpn.test\n2001:db8::1     DGRAM\n\
                     192.0.2.1       STREAM\nfe80::1%eth0 STREAM\n\nodd";
        let found = addresses(text);
        let expected: Vec<IpAddr> = ["2001:db8::1", "192.0.2.1"]
            .map(|text| text.parse().unwrap())
            .into();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_option_is_no_name() {
        for bad in ["", "-s", "a b", "a;b", "$(a)"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_name("vpn-1.example.com"));
    }
}
