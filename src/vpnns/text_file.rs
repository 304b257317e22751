//! Reading a file that a user names: a text of a sensible size, or a sentence; never a wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Uid;

/// Largest file that is read, in bytes: a hundred times the largest configuration seen.
pub const LIMIT: u64 = 1 << 20;

/// Why a file is no text for us. The caller's sentence names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened or read.
    #[error("{}", Errno::from_raw(.0.raw_os_error().unwrap_or(0)).desc())]
    Io(io::Error),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is a device, a pipe or a socket.
    #[error("it is not a regular file")]
    Special,
    /// It is larger than [`LIMIT`].
    #[error("it is larger than {} KiB", LIMIT >> 10)]
    TooLarge,
    /// It has bytes that no text has.
    #[error("it is not a text (byte {0})")]
    Binary(usize),
}

impl Error {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => Some("check the path"),
                io::ErrorKind::PermissionDenied => {
                    Some("make a copy that you may read: sudo install -m 600 -o $USER FILE COPY")
                }
                _ if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                    Some("the symbolic links lead in a circle; name the file itself")
                }
                _ => None,
            },
            Self::Directory => Some("name a file in it"),
            Self::Special => Some("save what comes from it in a file first"),
            Self::TooLarge | Self::Binary(_) => {
                Some("it does not look like a configuration; check the path")
            }
        }
    }
}

/// A text, and who else can get at it.
#[derive(Debug)]
pub struct Text {
    /// What is in the file, without a byte order mark.
    pub text: String,
    /// A sentence if the file is not the user's own, or not only the user's to read.
    pub exposure: Option<String>,
}

/// Reads a text.
pub fn read(path: &Path) -> Result<Text, Error> {
    let (bytes, file) = read_open(path)?;
    Ok(Text {
        text: text_of(bytes)?,
        exposure: exposure(path, &file).map_err(Error::Io)?,
    })
}

/// Reads a text from the standard input, to its end.
pub fn read_input() -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut bounded = io::stdin().lock().take(LIMIT + 1);
    bounded.read_to_end(&mut bytes).map_err(Error::Io)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::TooLarge);
    }
    text_of(bytes)
}

fn text_of(bytes: Vec<u8>) -> Result<String, Error> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::Binary(at)
    })?;
    if let Some(at) = text.find('\0') {
        return Err(Error::Binary(at));
    }
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Reads whatever bytes are in a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    Ok(read_open(path)?.0)
}

fn read_open(path: &Path) -> Result<(Vec<u8>, File), Error> {
    // O_NONBLOCK: a pipe that nobody writes to would be waited for.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
        .open(path)
        .map_err(Error::Io)?;
    let metadata = file.metadata().map_err(Error::Io)?;
    if metadata.is_dir() {
        return Err(Error::Directory);
    }
    if !metadata.is_file() {
        return Err(Error::Special);
    }
    // Files below /proc claim to be empty. For the others there is no need to look for the end.
    let most = match metadata.len() {
        0 => LIMIT + 1,
        length => length.min(LIMIT + 1),
    };
    let likely = metadata.len().min(LIMIT);
    let mut bytes = Vec::with_capacity(usize::try_from(likely).unwrap_or_default());
    let mut bounded = (&file).take(most);
    bounded.read_to_end(&mut bytes).map_err(Error::Io)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::TooLarge);
    }
    Ok((bytes, file))
}

fn exposure(path: &Path, file: &File) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    let path = path.display();
    if metadata.uid() != Uid::effective().as_raw() {
        let uid = metadata.uid();
        return Ok(Some(format!("{path} belongs to another user (uid {uid})")));
    }
    Ok((metadata.mode() & 0o077 != 0).then(|| {
        format!("{path} can be read or changed by other users; close it: chmod 600 {path}")
    }))
}
