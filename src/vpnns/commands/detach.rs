//! `--detach`: the program goes its own way, and the caller learns whether it has started.
//!
//! A front end that opens an application wants to know whether that worked, and then nothing of it
//! ties the two: no pipe, no terminal, no parent. So a child becomes the program, with the standard
//! error of the caller until the very exec; a pipe that the exec closes says that it is done.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{ForkResult, Pid, pipe2, setsid};
use vpnns_protocol::exit;

use super::{Action, Error};
use crate::isolation::command;
use crate::sys;

/// Of the kernel's flags of a process: forked, and has not become another program since.
const FORKNOEXEC: u64 = 0x40;

/// Does the action in a child that nothing ties to the caller; returns as soon as its exec has
/// succeeded or it has failed.
pub fn detach(action: Action) -> Result<u8, Error> {
    let (mut ours, mut theirs) = pipe2(OFlag::O_CLOEXEC)
        .map(|(ours, theirs)| (fs::File::from(ours), fs::File::from(theirs)))
        .map_err(failed)?;
    match sys::process::fork().map_err(failed)? {
        ForkResult::Child => {
            drop(ours);
            let code = match leave(&theirs) {
                Ok(()) => super::run(action),
                Err(error) => super::complain(&Error::Detach(error)),
            };
            // Without a reader the caller was killed, and nobody waits for the code.
            let _ = theirs.write_all(&[code]);
            std::process::exit(code.into())
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut code = Vec::new();
            // A read that fails has read nothing, which is looked into.
            let _ = ours.read_to_end(&mut code);
            match code.first() {
                Some(code) => Ok(*code),
                None if never_started(child) => Err(failed(Errno::ESRCH)),
                None => Ok(exit::SUCCESS),
            }
        }
    }
}

fn failed(errno: Errno) -> Error {
    Error::Detach(errno.into())
}

/// Cuts this process' ties to the caller: session, input, descriptors, and at the exec the output.
fn leave(report: &fs::File) -> io::Result<()> {
    setsid()?;
    let null = OpenOptions::new().read(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    drop(null);
    // A pipe of the caller's would wait for us.
    sys::fd::close_all_but(&[report.as_raw_fd()]);
    command::silence_at_exec();
    Ok(())
}

/// Whether a child of ours, which we have not waited for, was killed before its exec.
///
/// The end of the pipe looks the same, and a short program may have ended as well.
fn never_started(child: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    // proc_pid_stat(5): the flags are field 9, the name before may hold anything.
    let fields = stat.rfind(')').and_then(|end| stat.get(end + 2..));
    let flags = fields.and_then(|fields| fields.split(' ').nth(9 - 3));
    let flags: Option<u64> = flags.and_then(|flags| flags.parse().ok());
    // Gone where the caller ignores SIGCHLD; then nothing speaks against it.
    flags.is_some_and(|flags| flags & FORKNOEXEC != 0)
}
