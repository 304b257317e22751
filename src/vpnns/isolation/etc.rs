//! The instance's own /etc: the host's, with three files of ours on top.
//!
//! # Theory of operation
//!
//! `lower/` in the state directory holds `resolv.conf`, `nsswitch.conf` and `hosts`. A read-only
//! overlay of it over /etc survives whatever the host does to its own files; a bind mount over
//! /etc/resolv.conf would not (a rename or unlink on the host detaches it everywhere, and the
//! host's resolver shows through). Where the overlay is refused (EINVAL: /etc with locked
//! submounts, as in a container, or overlays three deep) a tmpfs with one bind per entry does
//! the same. There is no third way: a bind that can come off would be a silent leak.
//!
//! `resolv.conf` is later rewritten in place, keeping its inode, because the overlay has looked
//! it up already. Nothing of the original's `etc/` is used: it may hold deletions by its apps.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;

use super::Error;
use super::mounts::{self, errno};

/// The directory of our files, below the state directory.
pub const LOWER: &str = "lower";
/// The file that names the resolvers, below [`LOWER`].
pub const RESOLV_CONF: &str = "resolv.conf";

const ETC: &str = "/etc";
const OURS: [&str; 3] = [RESOLV_CONF, "nsswitch.conf", "hosts"];

/// What resolv.conf says while there is no tunnel, or one without a resolver. glibc then asks 127.0.0.1 of the instance,
/// where nobody listens: an error at once rather than a wait.
pub const NO_RESOLVER: &str = "# vpnns: this instance has no resolver, so names do not resolve\n";

/// Writes our files and mounts them over /etc. Changes the working directory to `directory`.
pub(super) fn mount(directory: &Path) -> Result<(), Error> {
    let lower = directory.join(LOWER);
    write_files(&lower).map_err(|(path, source)| Error::EtcFile {
        path: path.display().to_string(),
        source,
    })?;
    std::env::set_current_dir(directory).map_err(|source| Error::EtcFile {
        path: directory.display().to_string(),
        source,
    })?;
    match mounts::read_only_overlay(LOWER, Path::new(ETC)) {
        Ok(()) => Ok(()),
        // ENODEV: no overlay in this kernel. The others: see above.
        Err(Errno::EINVAL | Errno::ELOOP | Errno::EPERM | Errno::ENODEV | Errno::EOPNOTSUPP) => {
            substitute(directory)
        }
        Err(source) => Err(Error::Etc {
            step: "mounting the overlay",
            source,
        }),
    }
}

/// Gives `resolv.conf` new contents without giving it a new inode.
pub fn rewrite_resolv_conf(lower: &Path, text: &str) -> io::Result<()> {
    write_in_place(&lower.join(RESOLV_CONF), text.as_bytes())
}

fn write_files(lower: &Path) -> Result<(), (std::path::PathBuf, io::Error)> {
    match fs::DirBuilder::new().mode(0o755).create(lower) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err((lower.to_path_buf(), error));
        }
        _ => {}
    }
    let nsswitch = read("/etc/nsswitch.conf").unwrap_or_default();
    let hosts = read("/etc/hosts").unwrap_or_default();
    let hostname = nix::unistd::gethostname().unwrap_or_default();
    let texts = [
        NO_RESOLVER.to_owned(),
        nsswitch_without_host_services(&nsswitch),
        hosts_with(&hosts, &hostname.to_string_lossy()),
    ];
    for (name, text) in OURS.into_iter().zip(texts) {
        let path = lower.join(name);
        write_in_place(&path, text.as_bytes()).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Writes only where something differs: most starts find the files as the last one left them.
fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // No O_TRUNC: a reader in between would see an empty file where nothing changes at all.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)?;
    let mut current = Vec::with_capacity(bytes.len() + 1);
    (&mut file)
        .take(bytes.len() as u64 + 1)
        .read_to_end(&mut current)?;
    if current != bytes {
        file.set_len(0)?;
        io::Seek::rewind(&mut file)?;
        file.write_all(bytes)?;
    }
    Ok(())
}

/// A host's file as text; a few bytes that are no UTF-8 must not stop an instance.
fn read(path: &str) -> Option<String> {
    // Bounded: these files are small, and a link to an endless device must not hang us.
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(1 << 20)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether users or groups are looked up with this module.
pub(super) fn knows_users_by(module: &str) -> bool {
    let text = read("/etc/nsswitch.conf").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split('#').next()?.split_once(':'))
        .filter(|(database, _)| ["passwd", "group"].contains(&database.trim()))
        .any(|(_, modules)| modules.split_whitespace().any(|word| word == module))
}

/// The host's nsswitch.conf with `hosts` looked up in files and by DNS only: `resolve`, `mdns`
/// and the like would ask services of the host.
fn nsswitch_without_host_services(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    // glibc allows blanks before the colon.
    let is_hosts = |line: &&str| {
        let rest = line.trim_start().strip_prefix("hosts");
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    for line in text.lines().filter(|line| !is_hosts(line)) {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("hosts: files dns\n");
    out
}

/// The host's hosts file in which the host name resolves, whatever it is.
fn hosts_with(text: &str, hostname: &str) -> String {
    let known = |name: &str| {
        text.lines().any(|line| {
            let line = line.split('#').next().unwrap_or_default();
            line.split_whitespace().skip(1).any(|word| word == name)
        })
    };
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    if !known("localhost") {
        out.push_str("127.0.0.1 localhost\n::1 localhost\n");
    }
    if !hostname.is_empty() && !known(hostname) {
        out.push_str("127.0.1.1 ");
        out.push_str(hostname);
        out.push('\n');
    }
    out
}

/// The same without an overlay: a tmpfs that binds each entry of the host's /etc.
///
/// Entries that the host adds later do not appear; changes within directories do.
fn substitute(directory: &Path) -> Result<(), Error> {
    let step = |step| move |source| Error::Etc { step, source };
    let staging = directory.join("staging");
    let made = fs::create_dir(&staging);
    if let Err(error) = made.or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    }) {
        return Err(Error::EtcFile {
            path: staging.display().to_string(),
            source: error,
        });
    }
    mounts::empty(&staging).map_err(step("mounting a tmpfs"))?;
    let entries = fs::read_dir(ETC).map_err(|error| Error::Etc {
        step: "reading /etc",
        source: errno(&error),
    })?;
    for entry in entries.flatten() {
        if !OURS.iter().any(|ours| entry.file_name() == *ours) {
            let target = staging.join(entry.file_name());
            let step = step("binding the entries of /etc");
            if mounts::place(&entry.path(), &target).map_err(step)? {
                mounts::seal(&target).map_err(step)?;
            }
        }
    }
    for name in OURS {
        let target = staging.join(name);
        File::create(&target)
            .map_err(|error| errno(&error))
            .and_then(|_| mounts::bind(&directory.join(LOWER).join(name), &target))
            .and_then(|()| mounts::seal(&target))
            .map_err(step("binding the resolver files"))?;
    }
    mounts::seal(&staging).map_err(step("sealing the tmpfs"))?;
    mounts::bind(&staging, Path::new(ETC)).map_err(step("putting the tmpfs in place"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_in_files_and_dns_only() {
        let host = "passwd: files systemd\nhosts: files mymachines resolve dns\nnetworks: files\n \
            hosts : mdns\n";
        let ours = nsswitch_without_host_services(host);
        assert_eq!(
            ours,
            "passwd: files systemd\nnetworks: files\nhosts: files dns\n"
        );
    }

    #[test]
    fn the_host_name_resolves_even_where_the_host_forgot_it() {
        assert_eq!(
            hosts_with("127.0.0.1 localhost", "box"),
            "127.0.0.1 localhost\n127.0.1.1 box\n"
        );
        let complete = "127.0.0.1 localhost box # here\n";
        assert_eq!(hosts_with(complete, "box"), complete);
        assert!(hosts_with("", "").contains("127.0.0.1 localhost\n"));
        assert!(hosts_with("127.0.0.1 localhost # box\n", "box").contains("127.0.1.1 box\n"));
    }

    #[test]
    fn an_unchanged_file_keeps_its_inode_and_a_changed_one_does_too() -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir()?;
        rewrite_resolv_conf(directory.path(), "nameserver 192.0.2.1\n# long line\n")?;
        let path = directory.path().join(RESOLV_CONF);
        let inode = fs::metadata(&path)?.ino();
        rewrite_resolv_conf(directory.path(), NO_RESOLVER)?;
        assert_eq!(fs::read_to_string(&path)?, NO_RESOLVER);
        assert_eq!(fs::metadata(&path)?.ino(), inode);
        Ok(())
    }
}
