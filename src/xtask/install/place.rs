//! Placing files below a prefix, and keeping the list by which they are removed again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Content, File};
use crate::command;
use crate::dist::install_script;
use crate::failure::{Act, Failure, Result};

/// The list of what was placed, below the prefix: a path a line; a directory that was made ends in a slash.
const LIST: &str = "share/vpnns/installed";

/// Places all files, and removes what an older version had beside them.
pub(super) fn place_all(files: &[File], prefix: &Path) -> Result {
    let list = prefix.join(LIST);
    let before = fs::read_to_string(&list).unwrap_or_default();
    let (directories, before): (Vec<&str>, Vec<&str>) =
        before.lines().partition(|line| line.ends_with('/'));
    let mut listed: BTreeSet<String> = directories.into_iter().map(str::to_owned).collect();
    let mut placed = BTreeSet::new();
    for path in files.iter().map(|file| &file.path).chain([&list]) {
        listed.extend(missing_above(path, prefix));
    }
    for file in files {
        place(&file.path, |new| match &file.content {
            Content::Bytes(bytes) => {
                fs::write(new, bytes)?;
                fs::set_permissions(new, fs::Permissions::from_mode(file.mode))
            }
            Content::Link(target) => symlink(target, new),
        })?;
        eprintln!("installed {}", file.path.display());
        placed.insert(relative(&file.path, prefix));
    }
    for path in before.into_iter().filter(|path| !placed.contains(*path)) {
        // It may have been removed by hand.
        let _ = fs::remove_file(prefix.join(path));
    }
    listed.extend(placed);
    let mut text = listed.into_iter().collect::<Vec<_>>().join("\n");
    text.push('\n');
    place(&list, |new| fs::write(new, text))
}

/// Ends what runs from below the prefix, and removes what was placed there.
pub(super) fn remove_all(prefix: &Path) -> Result {
    if !prefix.join(LIST).exists() {
        return Err(
            Failure::new(format!("nothing was installed below {}", prefix.display()))
                .hint(format!("there is no {}", prefix.join(LIST).display())),
        );
    }
    let mut shell = command::command("sh");
    shell
        .args(["-s", "--", "--remove", "--prefix"])
        .arg(prefix)
        .stdin(Stdio::piped());
    let mut child = shell.spawn().act(|| "failed to start sh".into())?;
    let mut input = child.stdin.take().expect("it is a pipe");
    let written = input.write_all(install_script().as_bytes());
    drop(input);
    let status = child.wait().act(|| "failed to wait for sh".into())?;
    written.act(|| "failed to tell sh what to do".into())?;
    if !status.success() {
        return Err(Failure::new(format!(
            "failed to remove what is below {}: {status}",
            prefix.display()
        )));
    }
    Ok(())
}

/// The directories that have to be made for a file, as the list names them.
fn missing_above(path: &Path, prefix: &Path) -> Vec<String> {
    path.ancestors()
        .skip(1)
        .take_while(|directory| directory.starts_with(prefix) && !directory.exists())
        .map(|directory| match &*relative(directory, prefix) {
            "" => "./".to_owned(),
            relative => format!("{relative}/"),
        })
        .collect()
}

fn relative(path: &Path, prefix: &Path) -> String {
    let relative = path.strip_prefix(prefix).unwrap_or(path);
    relative.to_string_lossy().into_owned()
}

/// Makes the file beside its place and renames it, so that nobody ever runs half a program.
fn place(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let placed = fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .and_then(|()| make(&new))
        .and_then(|()| fs::rename(&new, path));
    placed.act(|| format!("failed to install {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn file(prefix: &Path, path: &str) -> File {
        plain(prefix.join(path), b"text".to_vec())
    }

    #[test]
    fn what_was_placed_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("prefix");
        fs::create_dir_all(prefix.join("share/man")).unwrap();
        // By two versions, of which the second has a file less.
        let both = [
            file(&prefix, "bin/one"),
            file(&prefix, "share/man/man1/old.1"),
        ];
        place_all(&both, &prefix).unwrap();
        place_all(&both[..1], &prefix).unwrap();
        assert!(!prefix.join("share/man/man1/old.1").exists());
        fs::write(prefix.join("bin/another"), "").unwrap();
        remove_all(&prefix).unwrap();
        let left: Vec<_> = fs::read_dir(prefix.join("bin"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["another"]);
        // The directory that was there before, and none of those that were made.
        assert!(prefix.join("share/man").exists());
        assert!(!prefix.join("share/man/man1").exists());
        assert!(!prefix.join("share/vpnns").exists());
        let failure = remove_all(&prefix).unwrap_err().to_string();
        assert!(failure.contains("nothing was installed"), "{failure}");
    }

    #[test]
    fn a_prefix_that_was_made_is_removed_too() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("prefix");
        place_all(&[file(&prefix, "bin/one")], &prefix).unwrap();
        remove_all(&prefix).unwrap();
        assert!(!prefix.exists());
    }
}
