//! The Flatpak: a bundle that `flatpak install` takes.
//!
//! # Theory of operation
//!
//! flatpak-builder builds what the manifest says on GNOME's runtime, where that is installed, and else on one
//! of Debian's packages ([`runtime`]). Building all crates in a sandbox takes a quarter of an hour, and gives the same
//! files as building them outside; so `--prebuilt` packs what is built outside, for the tests: for a
//! runtime that has the libraries of the machine.

mod manifest;
mod runtime;
mod sources;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use self::manifest::Manifest;
use self::runtime::Local;
use self::sources::Cache;
use super::{Job, require, stage};
use crate::command::{command, run, succeeds};
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::install::{app, helper_files};
use crate::packages;

/// The application id.
const ID: &str = "org.vpnns.PerAppVpn";
/// The branch that is published.
const BRANCH: &str = "stable";

/// What it is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// GNOME's runtime where it is installed, else one of Debian's packages
    Any,
    /// GNOME's runtime, as Flathub has it
    Gnome,
    /// A runtime of Debian's packages
    Local,
}

/// How it is built.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// The runtime
    #[arg(long, value_enum, default_value_t = On::Any)]
    runtime: On,
    /// Pack what is built outside of the sandbox; for the local runtime
    #[arg(long)]
    prebuilt: bool,
}

/// Builds the bundle.
pub(super) fn make(job: &Job, options: Options) -> Result {
    require("flatpak", "flatpak")?;
    let work = Work::new(job)?;
    let built = if options.prebuilt {
        if options.runtime == On::Gnome {
            return Err(Failure::new(
                "what is built here may not run on another runtime than the local one",
            )
            .hint("leave out --prebuilt"));
        }
        runtime::require_root()?;
        work.local.platform()?;
        work.pack(job)?
    } else {
        require("flatpak-builder", "flatpak-builder")?;
        let runtime = work.manifest.runtime()?;
        let sdk = format!("{}//{}", runtime.sdk, runtime.version);
        let is_there = succeeds(command("flatpak").args(["info", &sdk]));
        match options.runtime {
            On::Gnome if !is_there => {
                return Err(
                    Failure::new(format!("{sdk} is not installed")).hint(format!(
                        "flatpak install flathub {sdk}, and its rust-stable extension"
                    )),
                );
            }
            On::Any | On::Gnome if is_there => work.build(job, false)?,
            _ => {
                eprintln!(
                    "dist: on a runtime of Debian's packages ({sdk} is not installed or not wanted)"
                );
                runtime::require_root()?;
                work.local.platform()?;
                work.local.sdk()?;
                work.build(job, true)?
            }
        }
    };
    work.bundle(job, &built)
}

/// Where it is made.
struct Work {
    directory: PathBuf,
    local: Local,
    manifest: Manifest,
}

impl Work {
    fn new(job: &Job) -> Result<Self> {
        let directory = job.workspace.target.join("flatpak");
        fs::create_dir_all(&directory).act(|| format!("failed to make {}", directory.display()))?;
        Ok(Self {
            local: Local::below(&directory),
            manifest: Manifest(job.read(&format!("flatpak/{ID}.yml"))?),
            directory,
        })
    }

    /// Builds in a sandbox, as Flathub does; returns the repository.
    fn build(&self, job: &Job, is_local: bool) -> Result<PathBuf> {
        let crates = sources::crates(&job.read("Cargo.lock")?)?;
        let tree = &job.workspace.root;
        let cache = Cache::fill(tree, &crate::release::cargo_home()?)?;
        let list = self.directory.join("cargo-sources.json");
        write(&list, &sources::list(&crates, &cache)?.to_string())?;
        let manifest = self.directory.join(format!("{ID}.yml"));
        let own = is_local.then(Local::runtime);
        write(&manifest, &self.manifest.adapted(tree, &list, own.as_ref()))?;
        let state = self.directory.join("builder");
        let repository = self.directory.join("repository");
        let mut builder = command("flatpak-builder");
        if is_local {
            builder.env("FLATPAK_USER_DIR", self.local.installation());
        }
        builder
            .args(["--user", "--force-clean", "--disable-rofiles-fuse"])
            .arg(format!("--default-branch={BRANCH}"))
            .arg(format!("--state-dir={}", state.display()))
            .arg(format!("--repo={}", repository.display()))
            .args([self.directory.join("build"), manifest])
            .env("SOURCE_DATE_EPOCH", job.time.to_string())
            // What cargo tells its own children is not for a build in a sandbox.
            .current_dir(&self.directory);
        run(&mut builder)?;
        Ok(repository)
    }

    /// Packs what is built here; returns the repository.
    fn pack(&self, job: &Job) -> Result<PathBuf> {
        if !packages::can_build_app() {
            return Err(Failure::new("GTK or libadwaita is missing")
                .hint("cargo xtask setup --for desktop"));
        }
        let prefix = Path::new("/app");
        let mut files = helper_files(&helper::build(&job.workspace)?, &job.data(), prefix)?;
        files.extend(app::files(
            &app::build(&job.workspace)?,
            &job.data(),
            prefix,
        )?);
        let cleanup = self.manifest.list("cleanup");
        files.retain(|file| {
            !cleanup
                .iter()
                .any(|it| file.path.starts_with(format!("/app{it}")))
        });
        for file in &mut files {
            let inside = file.path.strip_prefix(prefix).unwrap_or(&file.path);
            file.path = Path::new("files").join(inside);
        }
        let build = self.directory.join("prebuilt");
        if build.exists() {
            fs::remove_dir_all(&build).act(|| format!("failed to remove {}", build.display()))?;
        }
        let runtime = Local::runtime();
        let flatpak = |words: &[&str]| self.local.flatpak(words);
        // No file of the Sdk is needed to pack.
        run(flatpak(&["build-init"]).arg(&build).args([
            ID,
            &runtime.platform,
            &runtime.platform,
            &runtime.version,
        ]))?;
        stage(&files, &build)?;
        let start = self.manifest.value("command")?;
        run(flatpak(&["build-finish", &format!("--command={start}")])
            .args(self.manifest.list("finish-args"))
            .arg(&build))?;
        let repository = self.directory.join("prebuilt-repository");
        run(flatpak(&["build-export", "--disable-fsync"])
            .args([&repository, &build])
            .arg(BRANCH))?;
        Ok(repository)
    }

    /// Makes one file of what a repository has.
    fn bundle(&self, job: &Job, repository: &Path) -> Result {
        let name = format!("{ID}-{}-{}.flatpak", job.version, env::consts::ARCH);
        job.clear(|old| old.starts_with(ID) && old.ends_with(".flatpak"))?;
        let bundle = job.directory.join(name);
        run(self
            .local
            .flatpak(&["build-bundle"])
            .args([repository, &bundle])
            .args([ID, BRANCH]))?;
        println!("{}", bundle.display());
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).act(|| format!("failed to write {}", path.display()))
}
