//! The standard input, line by line without waiting, and what of it is not to be seen.

use std::io::{IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;

/// More than a terminal gives at once; a line longer than this ends the input.
const LONGEST: usize = 64 * 1024;

/// The standard input.
#[derive(Debug)]
pub struct Terminal {
    stdin: std::io::Stdin,
    rest: Vec<u8>,
    ended: bool,
    /// How the terminal was before the echo was switched off.
    before: Option<Termios>,
}

impl Terminal {
    /// Whatever the standard input is.
    pub fn new() -> Self {
        Self {
            stdin: std::io::stdin(),
            rest: Vec::new(),
            ended: false,
            before: None,
        }
    }

    /// Whether somebody sits there.
    pub fn is_terminal(&self) -> bool {
        self.stdin.is_terminal()
    }

    /// Whether nothing more will come.
    pub fn has_ended(&self) -> bool {
        self.ended && self.rest.is_empty()
    }

    /// Reads what is there; to be called when it is readable.
    pub fn fill(&mut self) {
        let mut buffer = [0; 8192];
        match read(&self.stdin, &mut buffer) {
            Ok(0) => self.end(),
            Ok(length) => {
                self.rest.extend_from_slice(&buffer[..length]);
                if self.rest.len() > LONGEST {
                    self.end();
                }
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // EIO: the terminal is another's now.
            Err(_) => self.end(),
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if !self.rest.is_empty() {
            self.rest.push(b'\n');
        }
    }

    /// The next whole line, without its end.
    pub fn line(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line[..end]).into_owned();
        Some(text.trim_end_matches('\r').to_owned())
    }

    /// Throws away what was typed before anything was asked.
    pub fn forget(&mut self) {
        if self.is_terminal() {
            self.rest.clear();
        }
    }

    /// Prints a prompt and, for a secret, switches the echo off.
    pub fn prompt(&mut self, text: &str, is_secret: bool) {
        if is_secret {
            self.hide();
        }
        write_stderr(text);
    }

    /// Switches the echo on again, and ends the line that the user could not end visibly.
    pub fn show(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = tcsetattr(&self.stdin, SetArg::TCSADRAIN, &before);
            write_stderr("\n");
        }
    }

    /// Stops, as Ctrl-Z asks for, and leaves a usable terminal meanwhile.
    pub fn stop(&mut self) {
        let was_hidden = self.before.is_some();
        self.show();
        let _ = raise(Signal::SIGSTOP);
        if was_hidden {
            self.hide();
        }
    }

    fn hide(&mut self) {
        let Ok(before) = tcgetattr(&self.stdin) else {
            return;
        };
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        // What was typed so far stays: people type ahead.
        if tcsetattr(&self.stdin, SetArg::TCSADRAIN, &hidden).is_ok() {
            self.before.get_or_insert(before);
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.show();
    }
}

/// Prints what belongs to a dialogue.
pub fn write_stderr(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody to tell where that fails.
    let _ = stderr
        .write_all(crate::report::visible_lines(text).as_bytes())
        .and_then(|()| stderr.flush());
}
