//! `cargo xtask bench`: measures, prints a table and writes JSON and a chart; no clock ever passes
//! or fails.
//!
//! # Theory of operation
//!
//! Each benchmark is a module that names its contestants and how one round of each is run; what
//! they share is here and below: `stopwatch` times processes in interleaved rounds, `statistics`
//! reduces the times, `report` prints and writes them.
//!
//! The measuring itself happens in a *worker*: this same program, started anew as the ordinary
//! user with a small environment and a home directory of its own, so that neither root's powers
//! nor a person's files and settings are part of the result. It gets the same arguments, and its
//! stdout is the measurement as JSON.

mod chain;
mod chart;
pub(crate) mod echo;
mod held;
mod relay;
mod report;
mod scale;
mod series;
mod startup;
mod statistics;
mod stopwatch;
mod window;
mod wireguard;

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Subcommand;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use tempfile::TempDir;

use crate::command::{self, find};
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::ordinary_user::{self, OrdinaryUser};
use crate::packages::Purpose;
use crate::setup::setup;
use crate::workspace::Workspace;

/// Names a helper to measure instead of building one; tells the worker where the copy is.
const HELPER: &str = "VPNNS_BIN";

/// What to measure, and what to do with the result.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    benchmark: Option<Benchmark>,
    /// Write the result here, and the chart beside it [default: target/bench/BENCHMARK.json]
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
    /// Skip the look for missing packages
    #[arg(long, global = true)]
    no_setup: bool,
    /// Use the user's own home directory, on its real disk, not an empty one in memory
    #[arg(long, global = true)]
    real_home: bool,
}

/// The benchmarks there are.
#[derive(Clone, Subcommand)]
enum Benchmark {
    /// Time from starting a command until it has ended, for `true` in a namespace
    Startup(startup::Options),
    /// What the relay costs and carries, against the original's
    Relay(relay::Options),
    /// What clients with a relay or grafted cost, against the same client as root with a kernel tun
    Chain(chain::Options),
    /// How cost grows with instances: 1, 10 and 100 at once
    Scale(scale::Options),
    /// What the built-in WireGuard costs and carries, against wireguard-go run as root
    Wireguard(wireguard::Options),
    /// The app's window against an empty one: first frame, memory, wake-ups; needs GTK
    Window(window::Options),
}

/// What `bench` without a name measures.
fn all() -> [Benchmark; 6] {
    [
        Benchmark::Startup(startup::Options::default()),
        Benchmark::Relay(relay::Options::default()),
        Benchmark::Chain(chain::Options::default()),
        Benchmark::Scale(scale::Options::default()),
        Benchmark::Wireguard(wireguard::Options::default()),
        Benchmark::Window(window::Options::default()),
    ]
}

impl Benchmark {
    fn name(&self) -> &'static str {
        match self {
            Self::Startup(_) => "startup",
            Self::Relay(_) => "relay",
            Self::Chain(_) => "chain",
            Self::Scale(_) => "scale",
            Self::Wireguard(_) => "wireguard",
            Self::Window(_) => "window",
        }
    }
}

/// Sets up, builds the helper, lets a worker measure it, and reports.
pub(crate) fn bench(arguments: &Arguments) -> Result {
    if !arguments.no_setup {
        setup(Purpose::Bench)?;
    }
    let workspace = Workspace::find()?;
    let helper = match env::var_os(HELPER) {
        Some(path) => PathBuf::from(path),
        None => helper::build(&workspace)?,
    };
    let (benchmarks, words): (Vec<_>, Vec<_>) = match &arguments.benchmark {
        // The same grammar, so that the worker sees what the user asked for.
        Some(one) => (vec![one.clone()], env::args_os().skip(2).collect()),
        None => (all().into(), Vec::new()),
    };
    for benchmark in benchmarks {
        let name = benchmark.name();
        let json = match &arguments.json {
            Some(json) if arguments.benchmark.is_some() => json.clone(),
            _ => workspace.target.join(format!("bench/{name}.json")),
        };
        let words = if words.is_empty() {
            vec![name.into()]
        } else {
            words.clone()
        };
        let stage = helper::stage(&helper)?;
        if let Benchmark::Window(_) = benchmark {
            window::prepare(&workspace, stage.path())?;
        }
        let measurement = run_worker(stage.path(), arguments.real_home, &words)?;
        let (result, table) = if measurement["series"].is_null() {
            let result = report::complete(&measurement)?;
            (result.clone(), report::table(&result))
        } else {
            let result = series::complete(&measurement)?;
            (result.clone(), series::table(&result))
        };
        let chart = json.with_extension("svg");
        report::write(&format!("{result:#}\n"), &json)?;
        report::write(&chart::svg(&result), &chart)?;
        println!("{table}\nEvery value is in {}", json.display());
        println!("A chart is in {}\n", chart.display());
    }
    Ok(())
}

/// The worker's half: measures, and prints the measurement.
pub(crate) fn work(arguments: &Arguments) -> Result {
    let helper = env::var_os(HELPER).ok_or_else(|| {
        Failure::new(format!("{HELPER} is not set")).hint("use `cargo xtask bench`")
    })?;
    let helper = Path::new(&helper);
    let benchmark = arguments.benchmark.as_ref();
    let benchmark = benchmark.ok_or_else(|| Failure::new("the worker measures one thing"))?;
    let measurement = match benchmark {
        Benchmark::Startup(options) => startup::measure(options, helper),
        Benchmark::Relay(options) => relay::measure(options, helper),
        Benchmark::Chain(options) => chain::measure(options, helper),
        Benchmark::Scale(options) => scale::measure(options, helper),
        Benchmark::Wireguard(options) => wireguard::measure(options, helper),
        Benchmark::Window(options) => window::measure(options, helper),
    };
    println!("{}", measurement?);
    Ok(())
}

fn run_worker(stage: &Path, real_home: bool, words: &[OsString]) -> Result<serde_json::Value> {
    let user = ordinary_user::to_become()?;
    let worker = stage.join("xtask");
    let own = env::current_exe().act(|| "failed to find this program's own file".into())?;
    helper::copy_program(&own, &worker)?;
    let home = if real_home {
        None
    } else {
        Some(make_home(user.as_ref())?)
    };

    let mut command = Command::new(worker);
    command.arg("bench-worker").args(words);
    match &user {
        Some(user) => user.become_in(&mut command),
        None => keep_little(&mut command),
    }
    if let Some(home) = &home {
        command.env("HOME", home.path());
    }
    command
        .env(HELPER, stage.join("vpnns"))
        .current_dir("/")
        .stdin(Stdio::null());
    let measurement = command::output(&mut command);
    if let Some(home) = home {
        remove_home(home)?;
    }
    serde_json::from_slice(&measurement?).act(|| "failed to read what the worker measured".into())
}

/// The environment of an ordinary user's worker: as small as the one that root would give it.
fn keep_little(command: &mut Command) {
    command
        .env_clear()
        .env("PATH", command::system_path())
        .env("LANG", "C.UTF-8");
    for name in ["HOME", "LOGNAME", "SHELL", "USER", "XDG_RUNTIME_DIR"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// An empty home directory in memory where there is such a place, since a disk adds noise.
fn make_home(user: Option<&OrdinaryUser>) -> Result<TempDir> {
    let in_memory = Path::new("/dev/shm");
    let tmpfs = statfs(in_memory).is_ok_and(|info| info.filesystem_type() == TMPFS_MAGIC);
    let parent = if tmpfs {
        in_memory.to_owned()
    } else {
        env::temp_dir()
    };
    let home = tempfile::Builder::new()
        .prefix("vpnns-home-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .act(|| format!("failed to make a home directory in {}", parent.display()))?;
    if let Some(user) = user {
        user.give(home.path())?;
    }
    Ok(home)
}

fn remove_home(home: TempDir) -> Result {
    let path = home.keep();
    remove_tree(&path).act(|| format!("failed to remove {}", path.display()))
}

/// Removes a directory, even where an overlay mount left subdirectories that nobody may open.
fn remove_tree(path: &Path) -> std::io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(path)
}

/// The full path of a contestant's program.
fn contestant(program: &str, package: &str) -> Result<PathBuf> {
    find(program).ok_or_else(|| {
        Failure::new(format!("{program} is not installed")).hint(format!(
            "cargo xtask setup --for bench (the package is {package})"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_with_a_closed_directory_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let closed = home.path().join("work/work");
        fs::create_dir_all(closed.join("deeper")).unwrap();
        fs::write(closed.join("file"), "").unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let path = home.path().to_owned();
        remove_home(home).unwrap();
        assert!(!path.exists());
    }
}
