//! Becoming the command: the last step of the ladder.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use vpnns_protocol::exit;

/// Why the command did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument cannot be handed to a program.
    #[error("the argument {0:?} contains a NUL byte")]
    Nul(OsString),
    /// The program does not exist, or the interpreter that it names does not.
    #[error("failed to run {0:?}")]
    NotFound(OsString, #[source] Errno),
    /// The program exists and cannot be run.
    #[error("failed to run {0:?}")]
    NotExecutable(OsString, #[source] Errno),
}

impl Error {
    /// The exit code that a shell would give.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Nul(_) => exit::FAILED,
            Self::NotFound(..) => exit::NOT_FOUND,
            Self::NotExecutable(..) => exit::NOT_EXECUTABLE,
        }
    }
}

/// Whether the command's output goes nowhere.
static SILENT: AtomicBool = AtomicBool::new(false);

/// From the exec on, the command's output goes nowhere; until then, ours goes where it went.
pub fn silence_at_exec() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Replaces this process by the command, looked up in PATH like a shell does.
pub fn exec(command: &[OsString]) -> Result<Infallible, Error> {
    let arguments = command
        .iter()
        .map(|word| CString::new(word.as_bytes()).map_err(|_| Error::Nul(word.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    let program = command.first().cloned().unwrap_or_default();
    let Some(first) = arguments.first() else {
        return Err(Error::NotFound(program, Errno::ENOENT));
    };
    let silenced = SILENT.load(Ordering::Relaxed).then(silence);
    let executed = nix::unistd::execvp(first, &arguments);
    // A system without /dev/null is no reason not to start.
    if let Some(Ok(stderr)) = silenced {
        let _ = nix::unistd::dup2_stderr(&stderr);
    }
    executed.map_err(|errno| match errno {
        Errno::ENOENT | Errno::ENOTDIR => Error::NotFound(program, errno),
        // What execvp says as soon as one directory of PATH may not be searched.
        Errno::EACCES if !is_in_path(&program) => Error::NotFound(program, Errno::ENOENT),
        _ => Error::NotExecutable(program, errno),
    })
}

/// Sends standard output and error nowhere; returns the latter as it was, for an exec that fails.
fn silence() -> io::Result<OwnedFd> {
    // Close-on-exec, as all that std makes.
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(stderr)
}

/// Whether a file of that name is there at all; a name with a slash is a path of its own.
fn is_in_path(program: &OsStr) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    program.as_bytes().contains(&b'/')
        || std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// The user's shell, for a call without a command.
pub fn shell() -> OsString {
    std::env::var_os("SHELL")
        .filter(|shell| !shell.is_empty())
        .unwrap_or_else(|| "/bin/sh".into())
}

/// The last component of a program's path, for lists: arguments may hold secrets.
pub fn program_name(command: &OsStr) -> String {
    let bytes = command.as_bytes();
    printable(bytes.rsplit(|byte| *byte == b'/').next().unwrap_or(bytes))
}

/// A name as it can be shown: a program may be called anything, a terminal obeys some of it.
pub fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    text.replace(|c: char| c.is_control(), "\u{fffd}")
}
