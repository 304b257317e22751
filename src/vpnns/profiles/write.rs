//! Writing a file whole: whoever reads it sees the old one or the new one, also after a crash.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::Error;

/// Writes a text, for its owner's eyes only, into a directory that is the same.
pub(super) fn whole(path: &Path, text: &str, overwrite: bool) -> Result<(), Error> {
    // Those who keep their configuration elsewhere put links here: the file is changed, not them.
    let path = match fs::canonicalize(path) {
        Ok(real) if overwrite => real,
        _ => path.to_owned(),
    };
    let directory = path.parent().unwrap_or(Path::new("/"));
    make(directory)?;
    let temporary = temporary(&path);
    let failed = |source| Error::Write {
        path: path.clone(),
        source,
    };
    let written = fill(&temporary, text).and_then(|()| put(&temporary, &path, overwrite));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)?;
    // The name is safe only once the directory is.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed)
}

fn make(directory: &Path) -> Result<(), Error> {
    let failed = |source| Error::Directory {
        path: directory.to_owned(),
        source,
    };
    // Directories that are there already keep their modes, but for the last one.
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(failed)?;
    let permissions = fs::metadata(directory).map_err(failed)?.permissions();
    if directory.ends_with("vpnns/profiles") && permissions.mode() & 0o077 != 0 {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// A name that `list` passes over, beside the file.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

fn fill(temporary: &Path, text: &str) -> io::Result<()> {
    // What a process of the same number has left behind after a crash is of no use to anybody.
    let _ = fs::remove_file(temporary);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    // Whatever the umask took away.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn put(temporary: &Path, path: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        return fs::rename(temporary, path);
    }
    let flags = RenameFlags::RENAME_NOREPLACE;
    match renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags) {
        // Not every file system can: NFS and FUSE say EINVAL.
        Err(Errno::EINVAL | Errno::ENOSYS) if fs::symlink_metadata(path).is_err() => {
            fs::rename(temporary, path)
        }
        Err(Errno::EINVAL | Errno::ENOSYS) => Err(Errno::EEXIST.into()),
        renamed => Ok(renamed?),
    }
}
