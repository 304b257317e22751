//! `cargo xtask dist`: what is published, in `target/dist`, each artefact by one command.
//!
//! # Theory of operation
//!
//! Everything is made of the list of files that `cargo xtask install` places, for another prefix. The same
//! tree gives the same bytes anywhere: [`crate::release`] takes paths out of the programs, and every time
//! in an archive is that of the commit.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;

use crate::command::{self, command, run};
use crate::failure::{Act, Failure, Result};
use crate::install::{Content, File};
use crate::workspace::Workspace;

mod checksums;
mod deb;
mod flatpak;
mod notices;
mod sbom;
mod tarball;

/// One thing to publish.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Artefact {
    /// Packages for Debian 12 and later: vpnns, and vpnns-desktop with the app
    Deb,
    /// An archive with the helper alone, for any Linux
    Tarball,
    /// A Flatpak of the app with its helper
    Flatpak(flatpak::Options),
    /// What is linked into each program, as CycloneDX
    Sbom,
    /// The checksums of what is there already
    Checksums,
    /// Everything but the Flatpak, which is built where its runtime is; and the checksums
    All,
}

/// Makes an artefact, or all.
pub(crate) fn dist(artefact: Artefact) -> Result {
    let job = Job::new()?;
    match artefact {
        Artefact::Deb => deb::make(&job),
        Artefact::Tarball => tarball::make(&job),
        Artefact::Flatpak(options) => flatpak::make(&job, options),
        Artefact::Sbom => sbom::make(&job),
        Artefact::Checksums => checksums::make(&job),
        Artefact::All => {
            tarball::make(&job)?;
            deb::make(&job)?;
            sbom::make(&job)?;
            checksums::make(&job)
        }
    }
}

/// The script of the archive, which also removes what `cargo xtask install` has placed.
pub(crate) fn install_script() -> String {
    include_str!("dist/install.sh").replace("# @running@\n", include_str!("dist/running.sh"))
}

/// What all artefacts are made of and for.
struct Job {
    workspace: Workspace,
    /// Where they go.
    directory: PathBuf,
    /// The version that is published.
    version: &'static str,
    /// When, in seconds since 1970: the time of the commit, not of the build.
    time: u64,
}

impl Job {
    fn new() -> Result<Self> {
        let workspace = Workspace::find()?;
        let directory = workspace.target.join("dist");
        fs::create_dir_all(&directory).act(|| format!("failed to make {}", directory.display()))?;
        let time = time(&workspace.root)?;
        Ok(Self {
            workspace,
            directory,
            version: env!("CARGO_PKG_VERSION"),
            time,
        })
    }

    fn data(&self) -> PathBuf {
        self.workspace.root.join("data")
    }

    /// The time as `date` prints it in this format, in UTC and in English.
    fn date(&self, format: &str) -> Result<String> {
        let mut date = command("date");
        date.arg("--utc")
            .arg(format!("--date=@{}", self.time))
            .arg(format!("+{format}"))
            .env("LC_ALL", "C");
        Ok(text(command::output(&mut date)?).trim().to_owned())
    }

    /// A file of the tree.
    fn read(&self, path: &str) -> Result<String> {
        let path = self.workspace.root.join(path);
        fs::read_to_string(&path).act(|| format!("failed to read {}", path.display()))
    }

    /// Writes a finished artefact, and says where.
    fn publish(&self, name: &str, content: impl AsRef<[u8]>) -> Result {
        let path = self.directory.join(name);
        fs::write(&path, content).act(|| format!("failed to write {}", path.display()))?;
        println!("{}", path.display());
        Ok(())
    }

    /// Removes what an earlier call has left, of this version or another.
    fn clear(&self, is_old: impl Fn(&str) -> bool) -> Result {
        let failed = || format!("failed to clear {}", self.directory.display());
        for entry in fs::read_dir(&self.directory).act(failed)? {
            let entry = entry.act(failed)?;
            if entry.file_name().to_str().is_some_and(&is_old) {
                fs::remove_file(entry.path()).act(failed)?;
            }
        }
        Ok(())
    }
}

/// What every archive is dated: `SOURCE_DATE_EPOCH`, as reproducible builds have it, or the commit's time.
fn time(root: &Path) -> Result<u64> {
    let told = env::var("SOURCE_DATE_EPOCH").ok();
    let of_commit = || {
        let mut git = command("git");
        git.arg("-C").arg(root).args(["log", "-1", "--format=%ct"]);
        command::output(&mut git).map(text)
    };
    let number = told.map_or_else(of_commit, Ok);
    let hint = "set SOURCE_DATE_EPOCH to the seconds since 1970, where this is no clone";
    number
        .map_err(|failure| failure.hint(hint))?
        .trim()
        .parse()
        .map_err(|_| Failure::new("the time of the release is no number of seconds").hint(hint))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Writes files below a directory, each where it would be below `/`, with permissions that no umask changes.
fn stage(files: &[File], directory: &Path) -> Result {
    for file in files {
        let relative = file.path.strip_prefix("/").unwrap_or(&file.path);
        let path = directory.join(relative);
        let failed = || format!("failed to write {}", path.display());
        make_directories(directory, relative.parent().unwrap_or(relative))?;
        match &file.content {
            Content::Bytes(bytes) => fs::write(&path, bytes)
                .and_then(|()| fs::set_permissions(&path, permissions(file.mode)))
                .act(failed)?,
            Content::Link(target) => symlink(target, &path).act(failed)?,
        }
    }
    Ok(())
}

fn make_directories(below: &Path, relative: &Path) -> Result {
    let mut path = below.to_owned();
    for part in relative {
        path.push(part);
        if !path.exists() {
            fs::create_dir(&path)
                .and_then(|()| fs::set_permissions(&path, permissions(0o755)))
                .act(|| format!("failed to make {}", path.display()))?;
        }
    }
    Ok(())
}

fn permissions(mode: u32) -> fs::Permissions {
    fs::Permissions::from_mode(mode)
}

/// A directory for what goes into an archive.
fn staging() -> Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix("vpnns-dist-").tempdir();
    let made = made.act(|| "failed to make a temporary directory".into())?;
    fs::set_permissions(made.path(), permissions(0o755))
        .act(|| format!("failed to open {}", made.path().display()))?;
    Ok(made)
}

/// The text through gzip, without name and time.
fn compressed(text: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write as _;

    let failed = || "failed to run gzip".to_owned();
    let mut input = tempfile::tempfile().act(failed)?;
    input.write_all(text).act(failed)?;
    std::io::Seek::rewind(&mut input).act(failed)?;
    command::output(command("gzip").args(["-9", "--no-name"]).stdin(input))
}

/// Fails with the name of the package where a program is missing.
fn require(program: &str, package: &str) -> Result {
    if command::find(program).is_some() {
        return Ok(());
    }
    Err(Failure::new(format!("{program} is missing")).hint(format!("install {package}")))
}

/// Runs a command of the system's whose output depends on nothing of this session.
fn run_plainly(command: &mut Command) -> Result {
    run(command.env("LC_ALL", "C").env("TZ", "UTC"))
}

/// The machine as the kernel names it, such as `x86_64`.
fn machine() -> &'static str {
    env::consts::ARCH
}

/// Whether the name ends so.
fn ends_with(name: &str, ending: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new(ending))
}
