//! Building the helper as it is shipped: static, so that it starts fast and runs on any Linux.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::run;
use crate::failure::{Act, Failure, Result};
use crate::ordinary_user;
use crate::release;
use crate::workspace::Workspace;

/// Builds the static release helper and returns its path.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    let flags = [
        "-Ctarget-feature=+crt-static",
        // At a fixed address: relocating itself at every start costs 3 % of a start, and the program
        // is one without privilege that has its memory checked by the compiler.
        "-Crelocation-model=static",
    ];
    let path = release::build(workspace, "vpnns", "static", &flags)?;
    let image = fs::read(&path).act(|| format!("failed to read {}", path.display()))?;
    if asks_for_loader(&image) {
        return Err(Failure::new(format!("{} is not static", path.display()))
            .hint("this toolchain ignores crt-static; try one from rustup"));
    }
    Ok(path)
}

/// Runs the helper's self-test, as the ordinary user when we are root.
pub(crate) fn self_test(helper: &Path) -> Result {
    let Some(user) = ordinary_user::to_become()? else {
        return run(Command::new(helper).arg("--self-test"));
    };
    let stage = stage(helper)?;
    let mut command = Command::new(stage.path().join("vpnns"));
    user.become_in(command.arg("--self-test").current_dir("/"));
    run(&mut command)
}

/// Copies the helper to a directory that every user can reach, unlike perhaps our own tree.
pub(crate) fn stage(helper: &Path) -> Result<TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("vpnns-xtask-")
        .tempdir()
        .act(|| "failed to make a temporary directory".into())?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))
        .act(|| format!("failed to open {} to all", directory.path().display()))?;
    copy_program(helper, &directory.path().join("vpnns"))?;
    Ok(directory)
}

/// Copies a program, and lets everyone run the copy.
pub(crate) fn copy_program(from: &Path, to: &Path) -> Result {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(0o755)))
        .act(|| format!("failed to copy {} to {}", from.display(), to.display()))
}

/// Whether a 64-bit little-endian ELF image names a dynamic loader.
fn asks_for_loader(image: &[u8]) -> bool {
    const PT_INTERP: u64 = 3;
    let number = |offset: usize, size: usize| {
        let bytes = image.get(offset..offset + size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let header = |index: u64| {
        let start = number(0x20, 8)? + index * number(0x36, 2)?;
        number(usize::try_from(start).ok()?, 4)
    };
    (0..number(0x38, 2).unwrap_or(0)).any(|index| header(index) == Some(PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_is_told_from_other_files() {
        // The test program itself is linked as cargo does by default.
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(asks_for_loader(&own), !cfg!(target_feature = "crt-static"));
        assert!(!asks_for_loader(b""));
        assert!(!asks_for_loader(b"\x7fELF, but short"));
    }

    #[test]
    fn a_staged_helper_can_be_run_by_everyone() {
        let stage = stage(Path::new("/bin/true")).unwrap();
        for path in [stage.path(), &stage.path().join("vpnns")] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        }
    }
}
