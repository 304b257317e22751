//! How what is shipped is built: the same bytes wherever the tree, cargo's files and the user's home are.
//!
//! The compiler writes paths of the sources into programs, for messages and debuggers. Here they are
//! replaced by names that are the same everywhere, which makes two builds comparable; and nobody's
//! home directory gets published.

use std::env;
use std::path::{Path, PathBuf};

use crate::command::{self, run};
use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

/// Where cargo separates flags in its variable: flags with spaces in them stay whole.
const SEPARATOR: &str = "\x1f";

/// Builds the package's program with the profile of releases and returns its path.
///
/// It has the target directory `place` below cargo's: the flags differ from those of an ordinary
/// build, and each change of flags would build everything anew. Only one package is built, or the
/// workspace's other members would add features to its dependencies.
pub(crate) fn build(
    workspace: &Workspace,
    package: &str,
    place: &str,
    flags: &[&str],
) -> Result<PathBuf> {
    let rustc = Rustc::ask()?;
    let target = workspace.target.join(place);
    let own = env::var("RUSTFLAGS").unwrap_or_default();
    let mut all: Vec<String> = own.split_whitespace().map(str::to_owned).collect();
    all.extend(flags.iter().map(|&flag| flag.to_owned()));
    // The last that fits is taken, and cargo's directories may be below the tree.
    for (from, to) in [
        (workspace.root.clone(), "/vpnns"),
        (cargo_home()?, "/cargo"),
        (target.clone(), "/target"),
        // With its sources installed, the compiler names them where they are.
        (
            rustc.root.join("lib/rustlib/src/rust"),
            &*format!("/rustc/{}", rustc.commit),
        ),
    ] {
        all.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    let mut cargo = command::cargo();
    cargo
        .current_dir(&workspace.root)
        .args(["build", "--release", "--locked", "--package", package])
        .args(["--bin", package])
        // Naming the triple, even the host's, keeps the flags away from build scripts and macros.
        .args(["--target", &rustc.host])
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", all.join(SEPARATOR))
        .env_remove("RUSTFLAGS")
        // It would divide the code otherwise at each build.
        .env("CARGO_INCREMENTAL", "0");
    // What is shipped has the tree's profile, whatever somebody's own builds have.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PROFILE_RELEASE_") {
            cargo.env_remove(name);
        }
    }
    run(&mut cargo)?;
    Ok(target.join(rustc.host).join("release").join(package))
}

/// Where cargo keeps the sources of dependencies.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    set.or_else(usual)
        .ok_or_else(|| Failure::new("failed to find cargo's home").hint("set CARGO_HOME"))
}

/// What the compiler says of itself.
pub(crate) struct Rustc {
    /// The triple that it builds for unless told otherwise.
    pub(crate) host: String,
    /// Its version.
    pub(crate) version: String,
    commit: String,
    /// Where it is installed, with its libraries.
    pub(crate) root: PathBuf,
}

impl Rustc {
    /// Asks the compiler that cargo would call.
    pub(crate) fn ask() -> Result<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let ask = |words: &[&str]| -> Result<String> {
            let answer = command::output(command::command(&rustc).args(words))?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = ask(&["-vV"])?;
        let field = |name: &str| {
            answer
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::to_owned)
                .ok_or_else(|| Failure::new(format!("`rustc -vV` names no {name}")))
        };
        Ok(Self {
            host: field("host")?,
            version: field("release")?,
            commit: field("commit-hash")?,
            root: Path::new(ask(&["--print", "sysroot"])?.trim()).to_owned(),
        })
    }
}
