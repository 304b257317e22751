//! A session bus of the instance's own: nobody outside is on it, and nothing goes over to them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::unistd::{Pid, setsid};

use super::{Child, end_with, spawn, turn_away, usual_limits};
use crate::client::program;
use crate::isolation::{aside, command, identity};
use crate::sys;

/// The daemon's program, and the package that has it.
pub const PROGRAM: &str = "dbus-daemon";
/// Where programs look for their session bus.
pub const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";
/// What a program that a bus has started knows it by; not the bus that it is to use.
pub const STARTER_VARIABLE: &str = "DBUS_STARTER_ADDRESS";
/// The socket's name, in a directory that only the instance sees.
const SOCKET: &str = "session";
/// The number at which systemd's protocol of sockets handed over begins (sd_listen_fds(3)).
const FIRST_FD: i32 = 3;

/// Whether there is a daemon to start.
pub fn is_available() -> bool {
    program::find(PROGRAM).is_ok()
}

/// Makes the socket, in the mounts that this process stands in.
///
/// No abstract one, although that would need no place: dbus-daemon 1.14 tells those that it
/// starts a garbled name of it.
pub fn listener(directory: &Path) -> Result<OwnedFd, Errno> {
    let path = aside::session_bus_room(directory)?.join(SOCKET);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(&path)?)?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok(socket)
}

/// What the variable says inside, for the instance with this state directory.
pub fn address(directory: &Path) -> String {
    let path = directory.join(aside::SESSION_BUS_ROOM).join(SOCKET);
    let mut address = "unix:path=".to_owned();
    for byte in path.as_os_str().as_bytes() {
        // As the D-Bus specification wants it.
        if byte.is_ascii_alphanumeric() || b"-_/.*".contains(byte) {
            address.push(char::from(*byte));
        } else {
            let _ = write!(address, "%{byte:02x}");
        }
    }
    address
}

/// Starts the daemon, which takes over the socket and those who wait at it.
pub fn serve(
    listener: &OwnedFd,
    app_namespace: &OwnedFd,
    directory: &Path,
) -> Result<Child, Errno> {
    let address = address(directory);
    let keeper = Pid::this();
    spawn(|| {
        sys::fd::close_all_but(&[listener.as_raw_fd(), app_namespace.as_raw_fd()]);
        // What it starts is to use it, whatever the keeper's own environment says.
        sys::process::set_environment(VARIABLE, &address);
        let _ = become_daemon(listener, app_namespace, keeper);
        turn_away(listener);
        1
    })
}

fn become_daemon(listener: &OwnedFd, app_namespace: &OwnedFd, keeper: Pid) -> Result<(), Errno> {
    let failed = |_| Errno::ENOENT;
    let program = program::find(PROGRAM).map_err(failed)?;
    identity::become_one_of(app_namespace).map_err(|_| Errno::EPERM)?;
    setsid()?;
    end_with(keeper)?;
    usual_limits();
    sys::process::restore(Signal::SIGPIPE);
    sys::process::set_environment("LISTEN_FDS", "1");
    sys::process::set_environment("LISTEN_PID", Pid::this().to_string());
    let socket = sys::fd::move_to(listener.try_clone().map_err(|_| Errno::EMFILE)?, FIRST_FD)?;
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let words = ["--session", "--nofork", "--nopidfile", "--address=systemd:"];
    let mut line = vec![program.into_os_string()];
    line.extend(words.map(OsString::from));
    match command::exec(&line) {
        Err(_) => Err(Errno::ENOEXEC),
        Ok(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_escapes_what_has_a_meaning_in_it() {
        let address = address(Path::new("/home/a b,c/.vpnns-x"));
        assert_eq!(address, "unix:path=/home/a%20b%2cc/.vpnns-x/bus/session");
    }
}
