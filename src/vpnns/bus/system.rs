//! The way to the host's system bus: to those of its services that do not use the network.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, pipe2};

use super::{Child, end_with, relay, spawn, turn_away};
use crate::client::program;
use crate::isolation::aside;
use crate::isolation::masks::{SYSTEM_BUS, SystemBusDoor};
use crate::sys;

/// The proxy's program, and the package that has it.
pub const PROGRAM: &str = "xdg-dbus-proxy";
/// Where programs look for the system bus, if not in its usual place.
pub const VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// The services that can be talked to, each with what is lost without it. The rest are as if they
/// did not exist: systemd-resolved, Avahi, NetworkManager, ModemManager, ConnMan, networkd and
/// GeoClue answer for the host's network; systemd, machined, PackageKit, fwupd and libvirt start
/// things in it.
const SERVICES: &[(&str, &str)] = &[
    (
        "org.freedesktop.login1",
        "keeping the machine awake, locking",
    ),
    ("org.freedesktop.UPower", "the battery"),
    ("org.freedesktop.UPower.PowerProfiles", "saving power"),
    ("net.hadess.PowerProfiles", "the same under its older name"),
    ("org.freedesktop.PolicyKit1", "asking for a permission"),
    (
        "org.freedesktop.Accounts",
        "the user's picture and language",
    ),
    ("org.freedesktop.UDisks2", "drives"),
    (
        "org.freedesktop.ColorManager",
        "colours of screens and printers",
    ),
    ("org.freedesktop.RealtimeKit1", "sound without gaps"),
    ("org.freedesktop.hostname1", "what kind of machine it is"),
    ("org.freedesktop.locale1", "language and keyboard"),
    ("org.freedesktop.timedate1", "the time zone"),
    ("org.bluez", "headsets and game pads"),
    ("net.hadess.SensorProxy", "which way up a tablet is held"),
    (
        "net.hadess.SwitcherooControl",
        "the stronger of two graphics cards",
    ),
    ("net.reactivated.Fprint", "fingerprints"),
];

/// Starts the proxy and carries to it what is said on the door's connections.
pub fn serve(door: &SystemBusDoor, app_namespace: &OwnedFd) -> Result<Child, Errno> {
    let keeper = Pid::this();
    spawn(|| {
        let keep = [&door.listener, &door.host, app_namespace].map(AsRawFd::as_raw_fd);
        sys::fd::close_all_but(&keep);
        sys::process::set_title("vpnns: system bus");
        let _ = live(door, app_namespace, keeper);
        turn_away(&door.listener);
        1
    })
}

fn live(door: &SystemBusDoor, app_namespace: &OwnedFd, keeper: Pid) -> std::io::Result<()> {
    let room = aside::step(app_namespace).map_err(std::io::Error::other)?;
    end_with(keeper)?;
    let socket = room.join("proxy");
    let life = start_proxy(&door.host, &socket)?;
    Ok(relay::run(&door.listener, &socket, &life)?)
}

/// Returns when it listens. What comes back can be read when it has ended.
fn start_proxy(host: &OwnedFd, socket: &Path) -> std::io::Result<File> {
    let program =
        program::find(PROGRAM).map_err(|failure| std::io::Error::other(failure.reason))?;
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    let host = host.try_clone()?;
    for fd in [&theirs, &host] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    let bus = format!("unix:path=/proc/self/fd/{}/{SYSTEM_BUS}", host.as_raw_fd());
    let mut command = Command::new(program);
    command
        .arg(format!("--fd={}", theirs.as_raw_fd()))
        .args([OsString::from(bus), socket.into(), "--filter".into()])
        .args(SERVICES.iter().map(|(name, _)| format!("--talk={name}")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    sys::process::tie(&mut command, Signal::SIGKILL, false);
    // Not waited for: its end is this child's.
    let _proxy = command.spawn()?;
    drop(theirs);
    let mut ours = File::from(ours);
    let mut ready = [0];
    ours.read_exact(&mut ready)?;
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_service_that_uses_the_network_is_let_through() {
        for (name, loss) in SERVICES {
            assert!(!loss.is_empty(), "{name}");
            for part in [
                "resolve", "network", "modem", "avahi", "systemd", "machine", "geoclue",
            ] {
                assert!(!name.to_lowercase().contains(part), "{name}");
            }
        }
    }
}
