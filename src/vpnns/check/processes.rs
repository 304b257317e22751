//! The processes of an instance: where they stand, and what they may do.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use super::inside::{Answer, Question};
use super::scene::{Scene, namespace};
use super::{Seen, listing};
use crate::isolation::command::printable;
use crate::sys;

/// The kernel nests user namespaces at most this deep.
const DEPTH: usize = 33;

/// A process of this user's.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    parent: u32,
    command: String,
    capabilities: u64,
    /// The inode of its network namespace, where it may be looked at.
    pub network: Option<u64>,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.command, self.pid)
    }
}

/// Every process that this user may look at.
pub fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect()
}

fn read(pid: u32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let mut lines = status.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    // A zombie has no descriptors and stands nowhere.
    if field("State:")?.starts_with(['Z', 'X']) {
        return None;
    }
    Some(Process {
        pid,
        parent: field("PPid:")?.parse().ok()?,
        command: printable(field("Name:")?.as_bytes()),
        capabilities: capabilities(&status),
        network: namespace(pid, "net").ok(),
    })
}

/// The name and number of a process, for people.
pub fn describe(pid: u32) -> String {
    read(pid).map_or_else(|| format!("process {pid}"), |process| process.to_string())
}

/// The capabilities that a process has, could take or would pass on; from /proc/PID/status.
pub fn capabilities(status: &str) -> u64 {
    let sets = ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"];
    let value = |name: &&str| {
        let line = status.lines().find_map(|line| line.strip_prefix(*name));
        line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
    };
    sets.iter().filter_map(value).fold(0, |all, set| all | set)
}

/// Whoever stands in the instance's network, and their children wherever they are.
pub fn of(scene: &Scene) -> Result<Vec<Process>, String> {
    let all = all();
    let mut of: HashSet<u32> = all
        .iter()
        .filter(|process| process.network == Some(scene.network))
        .map(|process| process.pid)
        .collect();
    if !of.contains(&scene.app()) {
        return Err("the check's own app is not where it should be".to_owned());
    }
    let parents: HashMap<u32, u32> = all.iter().map(|it| (it.pid, it.parent)).collect();
    // What we start ourselves stands where we want it: a keeper's children are no apps.
    let ours = all.iter().filter(|process| process.is_ours(scene));
    let ours: HashSet<u32> = ours.map(|process| process.pid).collect();
    let descends = |pid: u32, of: &HashSet<u32>| {
        let mut at = pid;
        for _ in 0..parents.len() {
            match parents.get(&at) {
                Some(parent) if of.contains(parent) => return !ours.contains(parent),
                Some(parent) => at = *parent,
                None => return false,
            }
        }
        false
    };
    let children: Vec<u32> = parents
        .keys()
        .copied()
        .filter(|pid| descends(*pid, &of))
        .collect();
    of.extend(children);
    Ok(all
        .into_iter()
        .filter(|process| of.contains(&process.pid))
        .collect())
}

/// How the namespaces of a process stand to the instance's.
enum Place {
    /// They are the instance's, or a sandbox's that was made inside.
    Inside,
    /// They are not: which, in words.
    Outside(&'static str),
    /// It has ended meanwhile.
    Gone,
}

pub fn inside(scene: &mut Scene) -> Result<Seen, String> {
    let processes = of(scene)?;
    let (mut count, mut outside) = (0, Vec::new());
    for process in &processes {
        if process.is_ours(scene) && process.pid != scene.app() {
            continue;
        }
        match place(scene, process)? {
            Place::Inside => count += 1,
            Place::Outside(what) => outside.push(format!("{process} {what}")),
            Place::Gone => {}
        }
    }
    if outside.is_empty() {
        return Ok(Seen::good(format!(
            "{count} processes stand in the VPN's network, with its files, and so do their children"
        )));
    }
    Ok(Seen::bad(
        listing(&outside),
        "end that app, and start it again with vpnns",
    ))
}

fn place(scene: &Scene, process: &Process) -> Result<Place, String> {
    let open = |kind: &str| File::open(format!("/proc/{}/ns/{kind}", process.pid));
    let (network, mounts, user) = match (open("net"), open("mnt"), open("user")) {
        (Ok(network), Ok(mounts), Ok(user)) => (network, mounts, user),
        _ if fs::metadata(format!("/proc/{}", process.pid)).is_err() => return Ok(Place::Gone),
        _ => return Err(format!("{process} may not be looked at")),
    };
    let is_at = |file: &File, inode| file.metadata().is_ok_and(|it| it.ino() == inode);
    if !is_at(&network, scene.network) && !is_made_inside(scene, &network) {
        return Ok(Place::Outside("is in another network"));
    }
    if !is_at(&mounts, scene.mounts) && !is_made_inside(scene, &mounts) {
        return Ok(Place::Outside(
            "sees the host's own files, its resolvers among them",
        ));
    }
    let user: OwnedFd = user.into();
    if !descends_from(&user, scene.apps) {
        return Ok(Place::Outside(
            "is no ordinary app: it has another user namespace",
        ));
    }
    Ok(Place::Inside)
}

/// Whether a namespace belongs to a sandbox that an app of the instance has made.
fn is_made_inside(scene: &Scene, namespace: &File) -> bool {
    // EPERM for one that belongs to somebody above us.
    sys::namespace::owner(namespace)
        .is_ok_and(|owner| inode(&owner) != Some(scene.apps) && descends_from(&owner, scene.apps))
}

/// Whether a user namespace is this one, or below it.
fn descends_from(user: &OwnedFd, inode_of_ancestor: u64) -> bool {
    let Ok(mut at) = user.try_clone() else {
        return false;
    };
    for _ in 0..DEPTH {
        if inode(&at) == Some(inode_of_ancestor) {
            return true;
        }
        match sys::namespace::parent(&at) {
            Ok(parent) => at = parent,
            Err(_) => return false,
        }
    }
    false
}

fn inode(fd: &OwnedFd) -> Option<u64> {
    let file = File::from(fd.try_clone().ok()?);
    file.metadata().ok().map(|it| it.ino())
}

pub fn privileges(scene: &mut Scene) -> Result<Seen, String> {
    let Answer::Privileges(app) = scene.ask(&Question::Privileges)? else {
        return Err("the app answered something else".to_owned());
    };
    let uid = nix::unistd::Uid::effective().as_raw();
    if app.made_device || app.capabilities != 0 || app.uid != uid {
        return Ok(Seen::bad(
            format!(
                "an app runs as user {} with the capabilities {:x}, and could {}make a network device",
                app.uid,
                app.capabilities,
                if app.made_device { "" } else { "not " }
            ),
            "report this: vpnns should never start an app like that",
        ));
    }
    let outer = inode(&scene.outer);
    let mut powerful = Vec::new();
    for process in of(scene)?.iter().filter(|it| it.capabilities != 0) {
        // In a sandbox's own user namespace they are worth nothing here.
        let user = namespace(process.pid, "user").ok();
        let counts = user.is_some() && (user == outer || user == Some(scene.apps));
        if counts && !process.is_ours(scene) {
            powerful.push(process.to_string());
        }
    }
    if powerful.is_empty() {
        let refused = app.device;
        return Ok(Seen::good(format!(
            "apps run as user {uid} without a capability; making a network device: {refused}"
        )));
    }
    Ok(Seen::bad(
        format!("{} may change the network inside", listing(&powerful)),
        "end that program, unless it is the VPN's own script",
    ))
}
