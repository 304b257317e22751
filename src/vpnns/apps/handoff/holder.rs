//! The process that has a profile open: a second one must find it, and so needs the same bus.
//!
//! Firefox and its kin find one another by a name on the session bus, and by that alone. Where one
//! runs inside with the user's bus, and a link is opened by a program that has the instance's own,
//! or the other way round, the second would find the profile locked by somebody who does not
//! answer. So it is given the bus of the first.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::Pid;

use crate::apps::whereabouts::Whereabouts;
use crate::bus::session::VARIABLE;

/// The link in a profile that says whose it is: an address, `:+` and the number of a process.
const LOCK: &str = "lock";

/// The address of the session bus of the process inside that has the profile open, if one has.
pub(super) fn bus(profile: &Path, whereabouts: &Whereabouts) -> Option<OsString> {
    let link = fs::read_link(profile.join(LOCK)).ok()?;
    let number = link.to_str()?.rsplit_once('+')?.1.parse().ok()?;
    let holder = Pid::from_raw(number);
    if number <= 0 || !whereabouts.has(holder) {
        return None;
    }
    let environment = fs::read(format!("/proc/{holder}/environ")).ok()?;
    let mut words = environment.split(|byte| *byte == 0);
    let found = words.find_map(|word| {
        let value = word.strip_prefix(VARIABLE.as_bytes())?;
        value.strip_prefix(b"=")
    });
    if let Some(address) = found {
        return Some(OsStr::from_bytes(address).to_owned());
    }
    // What the libraries take where the variable is unset.
    let mut address = OsString::from("unix:path=");
    address.push(env::var_os("XDG_RUNTIME_DIR")?);
    address.push("/bus");
    Some(address)
}
