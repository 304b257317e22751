//! Signing in in the user's browser: openconnect runs us as the browser, and we ask for a real one.

use std::io::{PipeReader, PipeWriter, Write, pipe};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::read;

use crate::client::connector::{Job, Session};

/// The name under which openconnect runs us.
pub const PROGRAM: &str = "vpnns-browser";
/// Tells that process where to put the page's address.
const VARIABLE: &str = "VPNNS_BROWSER";
/// The longest address in bytes; the kernel's limit for one argument is far above.
const MAX_URL: usize = 16 * 1024;

/// The way from openconnect's browser to the connector.
#[derive(Debug)]
pub struct Browser {
    link: PathBuf,
    reader: PipeReader,
    /// Keeps the pipe open while nobody writes.
    _writer: PipeWriter,
}

impl Browser {
    /// A link by that name in the instance's directory; none where openconnect has no use for it.
    pub fn new(session: &Session, job: &Job, program: &Path) -> Option<Self> {
        if version(program)? < 9 {
            return None;
        }
        let link = session.directory().join(PROGRAM);
        // One from before may lead to a program of another place.
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&job.program, &link).ok()?;
        let (reader, writer) = pipe().ok()?;
        Some(Self {
            link,
            reader,
            _writer: writer,
        })
    }

    /// openconnect's option.
    pub fn option(&self) -> String {
        format!("--external-browser={}", self.link.display())
    }

    /// Tells the process to come where we are.
    pub fn prepare(&self, command: &mut Command) {
        let number = self.reader.as_raw_fd();
        command.env(
            VARIABLE,
            format!("/proc/{}/fd/{number}", std::process::id()),
        );
    }

    /// The address that has come.
    pub fn url(&mut self) -> Option<String> {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut fds = [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::ZERO) != Ok(1) {
            return None;
        }
        let mut buffer = [0; MAX_URL];
        let length = read(&self.reader, &mut buffer).ok()?;
        let text = std::str::from_utf8(&buffer[..length]).ok()?.trim();
        // What a browser is to open, and not a file or a command.
        let is_page = text.starts_with("https://") || text.starts_with("http://");
        (is_page && !text.contains(char::is_control)).then(|| text.to_owned())
    }
}

impl AsFd for Browser {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// As openconnect's browser: hands the address on.
pub fn hand_over(url: &str) -> std::io::Result<()> {
    let path = std::env::var_os(VARIABLE).ok_or(std::io::ErrorKind::NotFound)?;
    let mut pipe = std::fs::OpenOptions::new().write(true).open(path)?;
    // One write: shorter than PIPE_BUF it comes whole.
    pipe.write_all(format!("{url}\n").as_bytes())
}

/// `OpenConnect version v9.01-3`
fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<u32> {
    let rest = text.split_once("version v")?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(parse_version("OpenConnect version v9.01-3\nUsing"), Some(9));
        assert_eq!(parse_version("OpenConnect version v8.10-2"), Some(8));
        assert_eq!(parse_version("what?"), None);
    }
}
