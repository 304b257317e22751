//! The programs that can be started: is one there, and may it be of use in an instance?

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::links;

/// Programs whose work is done by another user, under every name that entries use.
const PRIVILEGED: [&str; 13] = [
    "sudo",
    "sudoedit",
    "su",
    "su-to-root",
    "pkexec",
    "doas",
    "run0",
    "gksu",
    "gksudo",
    "kdesu",
    "kdesudo",
    "beesu",
    "lxqt-sudo",
];
/// The mode bit with which a program runs as its owner.
const SETUID: u32 = 0o4000;
/// The mode bits of which a program has one.
const EXECUTABLE: u32 = 0o111;

/// Where a program is, if it can be started; looked up as a shell does.
pub fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return is_executable(program.as_ref()).then(|| program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    // In an instance a directory of ours comes first, with links to this very program.
    let ours = links::directory().map(|links| links.join(links::PROGRAMS));
    let directories = env::split_paths(&path).filter(|it| Some(it) != ours.as_ref());
    let mut places = directories.map(|directory| directory.join(program));
    places.find(|place| is_executable(place))
}

/// What there is in PATH, read once: thousands of entries ask for programs, most of them twice.
#[derive(Debug)]
pub struct Programs {
    names: HashSet<Box<[u8]>>,
    asked: HashMap<String, bool>,
}

impl Programs {
    /// Those of this process's PATH.
    pub fn of_this_process() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let directories = env::split_paths(&path).filter_map(|it| fs::read_dir(it).ok());
        let names = directories.flatten().flatten().map(|it| it.file_name());
        Self {
            names: names.map(|it| it.into_encoded_bytes().into()).collect(),
            asked: HashMap::new(),
        }
    }

    /// Whether a program can be started.
    pub fn have(&mut self, program: &str) -> bool {
        if !program.contains('/') && !self.names.contains(program.as_bytes()) {
            return false;
        }
        if let Some(answer) = self.asked.get(program) {
            return *answer;
        }
        let answer = find(program).is_some();
        self.asked.insert(program.to_owned(), answer);
        answer
    }
}

/// One look where access(2) would need a second for directories.
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.mode() & EXECUTABLE != 0)
}

/// Why a program cannot do its work in an instance, where only one user exists.
pub fn obstacle(program: &str, path: Option<&Path>) -> Option<Obstacle> {
    let name = program.rsplit('/').next().unwrap_or(program);
    if is_snap(name, path) {
        return Some(Obstacle::Snap);
    }
    let is_privileged = PRIVILEGED.contains(&name);
    (is_privileged || path.is_some_and(is_setuid)).then_some(Obstacle::Privilege)
}

/// What an instance cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A snap is set up by a program with set-user-ID.
    Snap,
    /// The program does its work as another user.
    Privilege,
}

/// Every snap's command is a link to one program.
fn is_snap(name: &str, path: Option<&Path>) -> bool {
    let leads_there = |path: &Path| {
        let target = fs::canonicalize(path).unwrap_or_default();
        path.starts_with("/snap") || target.ends_with("bin/snap") || target.starts_with("/snap")
    };
    name == "snap" || path.is_some_and(leads_there)
}

fn is_setuid(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|it| it.mode() & SETUID != 0 && it.uid() != Uid::effective().as_raw())
}
