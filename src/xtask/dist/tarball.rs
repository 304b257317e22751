//! The archive for any Linux: the static helper, what belongs to it, and a script that installs it.

use std::path::{Path, PathBuf};

use super::{Job, install_script, machine, notices, run_plainly, stage, staging};
use crate::command::command;
use crate::failure::Result;
use crate::helper;
use crate::install::{File, helper_files, plain, program};

/// What the script replaces by the prefix.
const PREFIX: &str = "@prefix@";

/// Builds the helper and packs it.
pub(super) fn make(job: &Job) -> Result {
    let helper = helper::build(&job.workspace)?;
    let name = format!("vpnns-{}-{}-linux", job.version, machine());
    let mut files: Vec<File> = helper_files(&helper, &job.data(), Path::new(PREFIX))?;
    for file in &mut files {
        let relative = file.path.strip_prefix(PREFIX).unwrap_or(&file.path);
        file.path = PathBuf::from(&name).join(relative);
    }
    let top = |name_inside: &str| PathBuf::from(&name).join(name_inside);
    files.push(program(top("install.sh"), install_script().into_bytes()));
    let read_me = include_str!("tarball-readme.txt").replace("@version@", job.version);
    files.push(plain(top("README"), read_me.into_bytes()));
    files.push(plain(top("LICENSE"), job.read("LICENSE")?.into_bytes()));
    let notices = notices::of_program(job, "vpnns")?;
    files.push(plain(
        top("share/doc/vpnns/third-party"),
        notices.into_bytes(),
    ));
    let staged = staging()?;
    stage(&files, staged.path())?;
    job.clear(|old| old.starts_with("vpnns-") && old.ends_with("-linux.tar.gz"))?;
    let archive = job.directory.join(format!("{name}.tar.gz"));
    // Owners, order and times are the same wherever it is packed.
    run_plainly(
        command("tar")
            .args(["--create", "--format=ustar", "--sort=name"])
            .args(["--owner=root:0", "--group=root:0", "--numeric-owner"])
            .arg(format!("--mtime=@{}", job.time))
            .args(["--use-compress-program", "gzip -9 --no-name", "--file"])
            .arg(&archive)
            .arg("--directory")
            .arg(staged.path())
            .arg(&name),
    )?;
    println!("{}", archive.display());
    Ok(())
}
