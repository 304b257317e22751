//! Whether an instance's state directory, its lock and its control socket can be made.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use vpnns_protocol::finding::Finding;
use vpnns_protocol::name::InstanceName;

use super::{note, ok, problem};
use crate::commands::self_test::home::TemporaryHome;
use crate::instance::directory::{self, StateDirectory};

const DIRECTORY: &str = "state-directory";
const SOCKET: &str = "control-socket";

/// A state directory for the time of the examination.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: StateDirectory,
    /// Where there is no other place: removed after the directory in it.
    _home: Option<TemporaryHome>,
}

impl Scratch {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.directory.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.directory.forget_if_new();
    }
}

/// Makes a state directory just as an instance would, and tries it.
pub(super) fn examine() -> (Vec<Finding>, Option<Scratch>) {
    // A name of its own, which no other doctor and hardly any instance has.
    let name = format!("doctor-{}", std::process::id());
    let name: InstanceName = name.parse().unwrap_or_default();
    match StateDirectory::open(&name) {
        Ok(directory) => {
            let scratch = Scratch {
                directory,
                _home: None,
            };
            let findings = vec![place(&scratch), control_socket(&scratch)];
            (findings, Some(scratch))
        }
        Err(error) => {
            let finding = unusable(&error);
            // For the probe, which is worth a look all the same.
            let home = TemporaryHome::new().ok();
            let directory = home.as_ref().and_then(|_| StateDirectory::open(&name).ok());
            let scratch = directory.map(|directory| Scratch {
                directory,
                _home: home,
            });
            (vec![finding], scratch)
        }
    }
}

fn place(scratch: &Scratch) -> Finding {
    // Let go at once: only whether it can be had is of interest.
    if let Err(error) = scratch.directory.lock() {
        return unusable(&error);
    }
    let root = scratch.path().parent().unwrap_or(Path::new("/"));
    let home = directory::home().ok();
    let pattern = root.join(format!("{}ID", directory::PREFIX));
    if home.as_deref() == Some(root) {
        return ok(
            DIRECTORY,
            format!("instances keep their state in {}", pattern.display()),
        );
    }
    note(
        DIRECTORY,
        format!(
            "the home directory {} cannot be written; instances keep their state in {}",
            home.unwrap_or_default().display(),
            pattern.display()
        ),
        None,
    )
}

fn unusable(error: &directory::Error) -> Finding {
    let causes = crate::report::causes(error);
    let mut text = error.to_string();
    for cause in causes {
        text.push_str(": ");
        text.push_str(&cause);
    }
    problem(DIRECTORY, text, error.hint())
}

fn control_socket(scratch: &Scratch) -> Finding {
    match try_socket(&scratch.directory) {
        Ok(()) => ok(
            SOCKET,
            "programs reach their instance through a socket there",
        ),
        Err(errno) => problem(
            SOCKET,
            format!(
                "failed to make a socket in {}: {errno}",
                scratch.path().display()
            ),
            Some(
                "its file system takes no sockets: set HOME to a directory on another one, as in \
                 HOME=/var/tmp/me vpnns ..."
                    .to_owned(),
            ),
        ),
    }
}

/// The way of a keeper and its client, under another name: a monitor looks out for "control".
fn try_socket(directory: &StateDirectory) -> Result<(), Errno> {
    let make = || {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
    };
    let path = directory.socket_path().with_file_name("probe");
    let address = UnixAddr::new(&path)?;
    let (listener, client) = (make()?, make()?);
    let tried = bind(listener.as_raw_fd(), &address)
        .and_then(|()| listen(&listener, Backlog::new(1)?))
        .and_then(|()| connect(client.as_raw_fd(), &address));
    let _ = fs::remove_file(path);
    tried
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::finding::Outcome;

    #[test]
    fn a_state_directory_that_cannot_be_is_a_problem_with_a_remedy() {
        let finding = unusable(&directory::Error::NoHome);
        assert_eq!(finding.outcome, Outcome::Problem);
        assert!(finding.remedy.is_some_and(|text| text.contains("set HOME")));
    }
}
