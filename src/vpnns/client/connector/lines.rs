//! What a program says, line by line as it comes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::read;

/// A line longer than this, in bytes, is taken in pieces.
const LONGEST: usize = 16 * 1024;
/// How much is read in one turn: a program that never stops must not keep us from the rest.
const TURN: usize = 256 * 1024;

/// The reading end of a program's output.
#[derive(Debug)]
pub struct Lines {
    source: OwnedFd,
    rest: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// Reads from a pipe, or from the terminal that a program talks to.
    pub fn new(source: OwnedFd) -> Result<Self, Errno> {
        let flags = OFlag::from_bits_retain(fcntl(&source, FcntlArg::F_GETFL)?);
        fcntl(&source, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Self {
            source,
            rest: Vec::new(),
            ended: false,
        })
    }

    /// The lines that are whole by now, without their ends.
    pub fn read(&mut self) -> Vec<String> {
        let mut buffer = [0; 8192];
        let mut read_so_far = 0;
        while read_so_far < TURN {
            match read(&self.source, &mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(length) => {
                    self.rest.extend_from_slice(&buffer[..length]);
                    read_so_far += length;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                // EIO: nobody has the other side of the terminal open any more.
                Err(_) => {
                    self.ended = true;
                    break;
                }
            }
        }
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            lines.push(text(&self.rest[..end]));
            self.rest.drain(..=end);
        }
        if self.ended && !self.rest.is_empty() || self.rest.len() > LONGEST {
            lines.push(text(&self.rest));
            self.rest.clear();
        }
        lines
    }

    /// What stands in the last line, which has no end yet.
    pub fn unfinished(&self) -> String {
        text(&self.rest)
    }

    /// Takes the unfinished line away: it has been dealt with.
    pub fn forget_unfinished(&mut self) {
        self.rest.clear();
    }

    /// Whether nothing more will come.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

impl AsFd for Lines {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

/// Without what a terminal would obey.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches('\r')
        .replace(|c: char| c.is_control() && c != '\t', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_whole_and_the_last_one_when_it_ends() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut lines = Lines::new(reader.into()).unwrap();
        writer.write_all(b"one\r\ntwo\nthr").unwrap();
        assert_eq!(lines.read(), ["one", "two"]);
        assert_eq!(lines.unfinished(), "thr");
        writer.write_all(b"ee\x1b[2J").unwrap();
        assert!(lines.read().is_empty() && !lines.has_ended());
        drop(writer);
        assert_eq!(lines.read(), ["three\u{fffd}[2J"]);
        assert!(lines.has_ended());
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut lines = Lines::new(reader.into()).unwrap();
        writer.write_all(&vec![b'x'; LONGEST + 1]).unwrap();
        assert_eq!(lines.read()[0].len(), LONGEST + 1);
        assert_eq!(lines.unfinished(), "");
    }
}
