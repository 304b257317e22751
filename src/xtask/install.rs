//! `cargo xtask install`: the helper, its second name, its man pages and its completions; and the app
//! with what a desktop has to know of it.

use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::packages;
use crate::workspace::Workspace;

mod advice;
mod app;

/// Each shell with the place, below the prefix, where it looks for the completions of a program.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/vpnns"),
    ("zsh", "share/zsh/site-functions/_vpnns"),
    ("fish", "share/fish/vendor_completions.d/vpnns.fish"),
];

/// The name under which the helper attaches at once: openvpn 2.7 starts a program without
/// arguments for `--dev-node unix:PROGRAM`.
const ATTACH: &str = "bin/vpnns-attach";

/// The man pages, and where each goes.
const MAN_PAGES: &[(&str, &str)] = &[
    ("vpnns.1", "share/man/man1"),
    ("vpnns-profile.5", "share/man/man5"),
];

/// What a file is to hold.
struct File {
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
}

/// Where systemd looks for the units that users may start.
const UNIT: (&str, &str) = ("vpnns@.service", "share/systemd/user");

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
    place_all(&files, prefix)?;
    app::tell_caches(prefix);
    let path = env::var_os("PATH").unwrap_or_default();
    for line in advice::advice(prefix, home.as_deref(), &path) {
        println!("{line}");
    }
    Ok(())
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
fn helper_files(helper: &Path, data: &Path, prefix: &Path) -> Result<Vec<File>> {
    let mut files = vec![File {
        path: prefix.join("bin/vpnns"),
        content: read(helper)?,
        mode: 0o755,
    }];
    for (page, directory) in MAN_PAGES {
        files.push(plain(
            prefix.join(directory).join(page),
            read(&data.join(page))?,
        ));
    }
    let (unit, directory) = UNIT;
    let content = filled_in(&data.join(format!("{unit}.in")), prefix)?;
    files.push(plain(prefix.join(directory).join(unit), content));
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
fn plain(path: PathBuf, content: Vec<u8>) -> File {
    File {
        path,
        content,
        mode: 0o644,
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

fn place_all(files: &[File], prefix: &Path) -> Result {
    for file in files {
        place(&file.path, |new| {
            fs::write(new, &file.content)?;
            fs::set_permissions(new, fs::Permissions::from_mode(file.mode))
        })?;
    }
    place(&prefix.join(ATTACH), |new| symlink("vpnns", new))
}

/// Makes the file beside its place and renames it, so that nobody ever runs half a program.
fn place(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let placed = fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .and_then(|()| make(&new))
        .and_then(|()| fs::rename(&new, path));
    placed.act(|| format!("failed to install {}", path.display()))?;
    eprintln!("installed {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(directory: &Path) -> PathBuf {
        for (page, _) in MAN_PAGES {
            fs::write(directory.join(page), ".Dd").unwrap();
        }
        fs::write(directory.join("vpnns@.service.in"), "@bindir@/vpnns").unwrap();
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
            place_all(&files, &prefix).unwrap();
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
