//! A script of the user's that configures the device, as `--script` asks for.
//!
//! It runs inside the instance's namespaces as their root, with every variable that the VPN
//! client set, and `TUNDEV` and `reason` (`connect`, then `disconnect`). /etc is read-only in an
//! instance; for the script alone, /etc/resolv.conf is the keeper's file and may be written, and so
//! may /run/vpnc, where vpnc-script keeps what it has to put back.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, pipe2};

use crate::instance::client::Client;
use crate::instance::directory::SCRATCH;
use crate::isolation::{self, command, etc, identity, scratch};
use crate::{report, sys};

/// Why the script did not configure the device.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("failed to start the script {}", .0.display())]
    Start(PathBuf, #[source] Errno),
    /// It said no.
    #[error("the script {} failed with exit status {status}", path.display())]
    Failed {
        /// The script.
        path: PathBuf,
        /// Its exit status; 128+n where signal n ended it.
        status: i32,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Start(path, Errno::ENOENT) => Some(format!(
                "check that {} exists, and the interpreter that its first line names",
                path.display()
            )),
            Self::Start(path, Errno::EACCES) => {
                Some(format!("it must be a program: chmod +x {}", path.display()))
            }
            Self::Failed { status: 127, .. } => {
                Some("127 is what a shell says when it does not find a command".to_owned())
            }
            _ => None,
        }
    }
}

/// The script.
#[derive(Debug)]
pub struct Script {
    path: PathBuf,
}

impl Script {
    /// Names it; nothing is run yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Runs it to set the device up, and waits for it.
    pub fn connect(&self, keeper: &Client, device: &str) -> Result<(), Error> {
        let done = self.run(keeper, device, "connect");
        if done.is_err() {
            forget(keeper);
        }
        done
    }

    /// Runs it to take the device down; what it says is reported and changes nothing.
    pub fn disconnect(&self, keeper: &Client, device: &str) {
        if let Err(error) = self.run(keeper, device, "disconnect") {
            report::print(&error, error.hint().as_deref());
        }
        forget(keeper);
    }

    fn run(&self, keeper: &Client, device: &str, reason: &str) -> Result<(), Error> {
        let start = |errno| Error::Start(self.path.clone(), errno);
        // Where a VPN client ignores it, so do we, and the script's exit status would be lost.
        sys::process::restore(Signal::SIGCHLD);
        let (failure, complaint) = pipe2(OFlag::O_CLOEXEC).map_err(start)?;
        let child = match sys::process::fork().map_err(start)? {
            ForkResult::Child => {
                let errno = self.become_script(keeper, device, reason);
                let _ = File::from(complaint).write_all(&(errno as i32).to_ne_bytes());
                std::process::exit(0)
            }
            ForkResult::Parent { child } => child,
        };
        drop(complaint);
        // Nothing, and the end, as soon as the child has become the script.
        let mut number = [0; 4];
        let failed = File::from(failure).read_exact(&mut number).is_ok();
        let status = loop {
            match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, status)) => break status,
                Ok(WaitStatus::Signaled(_, signal, _)) => break 128 + signal as i32,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(start(errno)),
            }
        };
        if failed {
            return Err(start(Errno::from_raw(i32::from_ne_bytes(number))));
        }
        if status == 0 {
            Ok(())
        } else {
            Err(Error::Failed {
                path: self.path.clone(),
                status,
            })
        }
    }

    /// In the child: enters the instance as its root and becomes the script, or says why not.
    fn become_script(&self, keeper: &Client, device: &str, reason: &str) -> Errno {
        // Relative to where the VPN client runs, as with any program.
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        // Our own mask holds back the signals that end a relay.
        let _ = SigSet::empty().thread_set_mask();
        sys::process::restore(Signal::SIGPIPE);
        match identity::enter(keeper.keeper()) {
            Err(isolation::Error::Join(errno)) => return errno,
            Err(_) => return Errno::EPERM,
            Ok(()) => {}
        }
        let directory = keeper.directory();
        let lower = directory.join(etc::LOWER);
        if let Err(errno) = scratch::prepare(&lower, &directory.join(SCRATCH)) {
            report::note(&format!(
                "the script can write neither /etc/resolv.conf nor /run/vpnc: {errno}"
            ));
        }
        sys::process::set_environment("TUNDEV", device);
        sys::process::set_environment("reason", reason);
        let Err(error) = command::exec(&[OsString::from(path)]);
        match error {
            command::Error::NotFound(_, errno) | command::Error::NotExecutable(_, errno) => errno,
            command::Error::Nul(_) => Errno::EINVAL,
        }
    }
}

/// Removes what the script has kept from one call to the next.
fn forget(keeper: &Client) {
    let _ = std::fs::remove_dir_all(keeper.directory().join(SCRATCH));
}
