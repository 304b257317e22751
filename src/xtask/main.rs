//! The project's own commands: everything a person or CI does with the tree starts here.
//!
//! `main` parses and prints, each command lives in a file of its own, and `workspace`, `command`
//! and `failure` are what they share.

#![forbid(unsafe_code)]

mod bench;
mod command;
mod dist;
mod failure;
mod fuzz;
mod helper;
mod install;
mod lint;
mod ordinary_user;
mod packages;
mod po;
mod release;
mod run;
mod setup;
mod step;
mod test;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::packages::Purpose;

/// The whole command line of `cargo xtask`.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// One task, as named on the command line.
#[derive(Subcommand)]
enum Task {
    /// Install what is missing: with apt by itself, elsewhere by naming the packages
    Setup {
        /// What the machine is to be made ready for
        #[arg(long = "for", value_enum, default_value_t = Purpose::Test)]
        purpose: Purpose,
    },
    /// Build the helper, prove that it works on this machine, and say how to use it
    Run {
        /// Skip the look for missing packages
        #[arg(long)]
        no_setup: bool,
        /// Then start the app on it
        #[arg(long)]
        desktop: bool,
        /// Run the helper just built with these arguments, instead of naming the next steps
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Run the lints, every test and the self-test; with FILTER only the tests it matches
    Test {
        /// Skip the look for missing packages
        #[arg(long)]
        no_setup: bool,
        /// Run only the tests whose names contain one of these
        filters: Vec<String>,
    },
    /// Check format, clippy's lints and, where cargo-deny is installed, the dependencies
    Lint,
    /// Measure everything, or one thing; prints tables, writes JSON and charts, and no clock fails
    Bench(bench::Arguments),
    /// The part of `bench` that runs as the ordinary user
    #[command(hide = true)]
    BenchWorker(bench::Arguments),
    /// An app of a benchmark's, inside an instance
    #[command(hide = true)]
    BenchEcho {
        #[command(subcommand)]
        role: bench::echo::Role,
    },
    /// Look, for a bounded time, for inputs that break the packet functions or the parser
    Fuzz(fuzz::Arguments),
    /// Take the app's strings up into po/*.pot, and merge them into each translation
    Po {
        /// Only say whether that would change something, or a translation lacks something
        #[arg(long)]
        check: bool,
    },
    /// Install the helper and, where GTK is, the app under a prefix
    Install {
        /// Without the app
        #[arg(long)]
        helper_only: bool,
        /// Where bin and share are, for instance ~/.local or /usr/local
        #[arg(long, value_name = "DIR")]
        prefix: PathBuf,
    },
    /// End what runs from below a prefix, and remove what was installed there; profiles stay
    Uninstall {
        /// As told to `install`
        #[arg(long, value_name = "DIR")]
        prefix: PathBuf,
    },
    /// Make what is published, in target/dist
    Dist {
        #[command(subcommand)]
        artefact: dist::Artefact,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Setup { purpose } => setup::setup(purpose),
        Task::Run {
            no_setup,
            desktop,
            arguments,
        } => run::run(no_setup, desktop, &arguments),
        Task::Test { no_setup, filters } => test::test(no_setup, &filters),
        Task::Lint => lint::lint(),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::BenchWorker(arguments) => bench::work(&arguments),
        Task::BenchEcho { role } => bench::echo::play(&role),
        Task::Fuzz(arguments) => fuzz::fuzz(&arguments),
        Task::Po { check } => po::po(check),
        Task::Install {
            helper_only,
            prefix,
        } => install::install(&prefix, helper_only),
        Task::Uninstall { prefix } => install::uninstall(&prefix),
        Task::Dist { artefact } => dist::dist(artefact),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
