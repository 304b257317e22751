//! The ordinary user that tests and benchmarks run as when root starts them.
//!
//! vpnns is for people without root, and namespaces behave differently for root, so whatever is
//! tested or measured as root would prove little.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{command, run, system_path};
use crate::failure::{Act, Failure, Result};

/// The name of the user made for the tests.
const NAME: &str = "vpnns-test";
/// How many subordinate ids it gets, as useradd gives them.
const SUBORDINATE_IDS: u64 = 65_536;
/// Where subordinate ids begin when nobody has any.
const FIRST_SUBORDINATE_ID: u64 = 100_000;

/// An entry of the password file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrdinaryUser {
    /// The login name.
    pub(crate) name: String,
    uid: u32,
    gid: u32,
    /// The home directory.
    pub(crate) home: PathBuf,
}

/// Whether we run as root.
pub(crate) fn we_are_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The user to drop to: nobody when we are an ordinary user already.
pub(crate) fn to_become() -> Result<Option<OrdinaryUser>> {
    if !we_are_root() {
        return Ok(None);
    }
    match entry(&read("/etc/passwd")?) {
        Some(user) => Ok(Some(user)),
        None => Err(Failure::new(format!("there is no user {NAME} to run as"))
            .hint("make it with: cargo xtask setup --for test")),
    }
}

/// Makes the user, with ranges of subordinate ids, unless it is there.
pub(crate) fn ensure() -> Result {
    if entry(&read("/etc/passwd")?).is_none() {
        eprintln!("setup: root runs this, so it makes the user {NAME} for the tests to run as");
        run(command("useradd").args(["--create-home", "--shell", "/bin/bash", NAME]))?;
    }
    for (file, option) in [
        ("/etc/subuid", "--add-subuids"),
        ("/etc/subgid", "--add-subgids"),
    ] {
        let text = fs::read_to_string(file).unwrap_or_default();
        if !has_range(&text) {
            let first = free_range(&text);
            let range = format!("{first}-{}", first + SUBORDINATE_IDS - 1);
            eprintln!("setup: {NAME} has no range in {file}; a test server needs several users");
            run(command("usermod").args([option, &range, NAME]))?;
        }
    }
    Ok(())
}

impl OrdinaryUser {
    /// Makes the command run as this user, with nothing of root's environment.
    pub(crate) fn become_in(&self, command: &mut Command) {
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("LANG", "C.UTF-8")
            .env("LOGNAME", &self.name)
            .env("PATH", system_path())
            .env("SHELL", "/bin/bash")
            .env("USER", &self.name)
            // std drops the supplementary groups too when it changes the user.
            .gid(self.gid)
            .uid(self.uid);
    }

    /// Hands a file or directory to the user.
    pub(crate) fn give(&self, path: &std::path::Path) -> Result {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .act(|| format!("failed to give {} to {}", path.display(), self.name))
    }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).act(|| format!("failed to read {path}"))
}

fn entry(passwd: &str) -> Option<OrdinaryUser> {
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(NAME))?;
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, uid, gid, _, home, ..] = fields[..] else {
        return None;
    };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some(OrdinaryUser {
        name: name.into(),
        uid,
        gid,
        home: home.into(),
    })
}

fn has_range(subordinate: &str) -> bool {
    subordinate
        .lines()
        .any(|line| line.split(':').next() == Some(NAME))
}

/// The first id above every range that somebody has.
fn free_range(subordinate: &str) -> u64 {
    subordinate
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split(':').skip(1).map(str::parse::<u64>);
            Some(numbers.next()?.ok()? + numbers.next()?.ok()?)
        })
        .fold(FIRST_SUBORDINATE_ID, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_entry_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n\
                      vpnns-test2:x:1:1::/no:/bin/sh\n\
                      vpnns-test:x:1001:1002::/home/t:/bin/bash\n";
        let user = entry(passwd).unwrap();
        assert_eq!(
            (user.uid, user.gid, user.home),
            (1001, 1002, PathBuf::from("/home/t"))
        );
        assert_eq!(entry("vpnns-test:x:many:1::/:/bin/sh\n"), None);
    }

    #[test]
    fn a_new_range_lies_above_every_other() {
        assert_eq!(free_range(""), 100_000);
        assert_eq!(
            free_range("a:165536:65536\nb:100000:65536\nnonsense\n"),
            231_072
        );
        assert!(has_range("vpnns-test:1:2\n"));
        assert!(!has_range("vpnns-test2:1:2\n"));
    }
}
