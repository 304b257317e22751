//! `cargo xtask install`: the helper, its second name, its man pages and its completions; and the app
//! with what a desktop has to know of it.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::packages;
use crate::workspace::Workspace;

mod advice;
pub(crate) mod app;
mod place;

/// Each shell with the place, below the prefix, where it looks for the completions of a program.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/vpnns"),
    ("zsh", "share/zsh/site-functions/_vpnns"),
    ("fish", "share/fish/vendor_completions.d/vpnns.fish"),
];

/// The name under which the helper attaches at once: openvpn 2.7 starts a program without
/// arguments for `--dev-node unix:PROGRAM`.
const ATTACH: &str = "bin/vpnns-attach";
/// Its man page.
const ATTACH_PAGE: &str = "share/man/man1/vpnns-attach.1";

/// The man pages, and where each goes.
const MAN_PAGES: &[(&str, &str)] = &[
    ("vpnns.1", "share/man/man1"),
    ("vpnns-profile.5", "share/man/man5"),
];

/// A file of an installation: the one list of them serves the prefix, the packages and the archive.
pub(crate) struct File {
    /// Where it goes, with the prefix.
    pub(crate) path: PathBuf,
    /// What it is to hold.
    pub(crate) content: Content,
    /// Its permissions.
    pub(crate) mode: u32,
}

/// What a file is to hold.
pub(crate) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// It is another name for the file of this name, beside it.
    Link(&'static str),
}

impl File {
    /// A second name for the file called `target` in the same directory.
    fn link(path: PathBuf, target: &'static str) -> Self {
        Self {
            path,
            content: Content::Link(target),
            mode: 0o777,
        }
    }
}

/// Where systemd looks for the units that users may start.
const UNIT: (&str, &str) = ("vpnns@.service", "share/systemd/user/vpnns@.service");

/// The profile for systems where AppArmor restricts user namespaces: kept here, loaded by the Debian
/// package or as `vpnns --doctor` says.
const APPARMOR: (&str, &str) = ("vpnns.apparmor", "share/vpnns/apparmor");

/// Builds the helper and, where that can be, the app, and installs them under the prefix.
pub(crate) fn install(prefix: &Path, helper_only: bool) -> Result {
    let home = env::var_os("HOME").map(PathBuf::from);
    let prefix = &expanded(prefix, home.as_deref())?;
    // Before the build, which takes a while.
    try_to_write(prefix)?;
    let workspace = Workspace::find()?;
    let helper = helper::build(&workspace)?;
    let data = workspace.root.join("data");
    let mut files = helper_files(&helper, &data, prefix)?;
    if helper_only {
        // Asked for, and so no news.
    } else if packages::can_build_app() {
        files.extend(app::files(&app::build(&workspace)?, &data, prefix)?);
    } else {
        eprintln!(
            "install: only the helper, since GTK, libadwaita or gettext is missing; for the app: \
             cargo xtask setup --for desktop"
        );
    }
    place::place_all(&files, prefix)?;
    app::tell_caches(prefix);
    let path = env::var_os("PATH").unwrap_or_default();
    for line in advice::advice(prefix, home.as_deref(), &path) {
        println!("{line}");
    }
    Ok(())
}

/// Ends what runs from below the prefix, and removes what was installed there.
pub(crate) fn uninstall(prefix: &Path) -> Result {
    let home = env::var_os("HOME").map(PathBuf::from);
    place::remove_all(&expanded(prefix, home.as_deref())?)
}

/// The prefix as an absolute path. Shells leave the tilde in `--prefix=~/.local` as it is.
fn expanded(prefix: &Path, home: Option<&Path>) -> Result<PathBuf> {
    let mut parts = prefix.components();
    let first = parts.next().map(|part| part.as_os_str().to_owned());
    match (first, home) {
        (Some(first), Some(home)) if first == "~" => Ok(home.join(parts.as_path())),
        (Some(first), _) if first.as_encoded_bytes().starts_with(b"~") => Err(Failure::new(
            format!("failed to tell which directory {} is", prefix.display()),
        )
        .hint("write the whole path, starting with /")),
        _ => std::path::absolute(prefix)
            .act(|| format!("failed to find the directory {}", prefix.display())),
    }
}

/// Finds out whether files can be made below the prefix, and leaves none.
fn try_to_write(prefix: &Path) -> Result {
    let there = prefix.ancestors().find(|path| path.exists());
    let tried = tempfile::tempfile_in(there.unwrap_or(prefix)).map(drop);
    let tried = tried.act(|| format!("failed to install below {}", prefix.display()));
    tried.map_err(|failure| match failure.kind() {
        Some(ErrorKind::PermissionDenied) => {
            failure.hint("choose a directory of yours (--prefix ~/.local), or let root install it")
        }
        Some(ErrorKind::NotADirectory) => failure.hint("a prefix is a directory"),
        _ => failure,
    })
}

/// Gathers everything first, so that a helper that cannot print its completions installs nothing.
pub(crate) fn helper_files(helper: &Path, data: &Path, prefix: &Path) -> Result<Vec<File>> {
    let mut files = vec![
        program(prefix.join("bin/vpnns"), read(helper)?),
        File::link(prefix.join(ATTACH), "vpnns"),
        File::link(prefix.join(ATTACH_PAGE), "vpnns.1"),
    ];
    for (page, directory) in MAN_PAGES {
        files.push(plain(
            prefix.join(directory).join(page),
            read(&data.join(page))?,
        ));
    }
    for (name, path) in [UNIT, APPARMOR] {
        let content = filled_in(&data.join(format!("{name}.in")), prefix)?;
        files.push(plain(prefix.join(path), content));
    }
    for (shell, path) in COMPLETIONS {
        let content = command::output(Command::new(helper).args(["--completions", shell]))?;
        if content.is_empty() {
            return Err(Failure::new(format!(
                "the helper prints no completions for {shell}"
            )));
        }
        files.push(plain(prefix.join(path), content));
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).act(|| format!("failed to read {}", path.display()))
}

/// A file that is read and not run.
pub(crate) fn plain(path: PathBuf, content: Vec<u8>) -> File {
    File {
        path,
        content: Content::Bytes(content),
        mode: 0o644,
    }
}

/// A file that is run.
pub(crate) fn program(path: PathBuf, content: Vec<u8>) -> File {
    File {
        mode: 0o755,
        ..plain(path, content)
    }
}

/// A template with the place of the programs in it.
fn filled_in(template: &Path, prefix: &Path) -> Result<Vec<u8>> {
    let text =
        fs::read_to_string(template).act(|| format!("failed to read {}", template.display()))?;
    let bin = prefix.join("bin");
    let bin = bin.to_str().filter(|it| !it.contains(char::is_whitespace));
    let bin = bin.ok_or_else(|| {
        Failure::new(format!("failed to install below {}", prefix.display()))
            .hint("the files that start the programs cannot hold a path with spaces; choose another prefix")
    })?;
    Ok(text.replace("@bindir@", bin).into_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn data(directory: &Path) -> PathBuf {
        for (page, _) in MAN_PAGES {
            fs::write(directory.join(page), ".Dd").unwrap();
        }
        for template in ["vpnns@.service.in", "vpnns.apparmor.in"] {
            fs::write(directory.join(template), "@bindir@/vpnns").unwrap();
        }
        directory.to_owned()
    }

    #[test]
    fn an_installation_can_be_repeated_over_itself() {
        let directory = tempfile::tempdir().unwrap();
        // Asked for completions, it prints its own arguments.
        let helper = Path::new("/bin/echo");
        let prefix = directory.path().join("prefix");
        let data = data(directory.path());
        for _ in 0..2 {
            let files = helper_files(helper, &data, &prefix).unwrap();
            place::place_all(&files, &prefix).unwrap();
        }
        assert!(prefix.join("share/man/man5/vpnns-profile.5").exists());
        let fish = prefix.join("share/fish/vendor_completions.d/vpnns.fish");
        assert_eq!(fs::read_to_string(fish).unwrap(), "--completions fish\n");
        assert_eq!(
            fs::read_link(prefix.join(ATTACH)).unwrap(),
            Path::new("vpnns")
        );
        let unit = fs::read_to_string(prefix.join("share/systemd/user/vpnns@.service")).unwrap();
        assert_eq!(unit, format!("{}/bin/vpnns", prefix.display()));
        let mode = prefix
            .join("bin/vpnns")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn a_tilde_that_no_shell_has_expanded_is_the_home_directory() {
        let expand = |prefix: &str, home: Option<&str>| {
            expanded(Path::new(prefix), home.map(Path::new)).map_err(|failure| failure.to_string())
        };
        let home = Some("/home/ann");
        assert_eq!(expand("~/.local", home), Ok("/home/ann/.local".into()));
        assert_eq!(expand("~", home), Ok("/home/ann".into()));
        assert_eq!(expand("/opt/~", home), Ok("/opt/~".into()));
        for (prefix, home) in [("~bob/.local", home), ("~/.local", None)] {
            assert!(
                expand(prefix, home)
                    .unwrap_err()
                    .contains("starting with /")
            );
        }
    }

    #[test]
    fn a_prefix_below_a_file_is_refused_with_a_hint() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failure = try_to_write(&file.path().join("prefix")).unwrap_err();
        assert!(failure.to_string().contains("hint: a prefix"), "{failure}");
    }

    #[test]
    fn a_helper_without_completions_installs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let helper = Path::new("/bin/true");
        let prefix = directory.path().join("prefix");
        let data = data(directory.path());
        let failure = helper_files(helper, &data, &prefix).err().unwrap();
        assert!(
            failure.to_string().contains("no completions for bash"),
            "{failure}"
        );
        assert!(!prefix.exists());
    }
}
