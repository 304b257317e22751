//! `cargo xtask fuzz`: looks for inputs that break the packet functions or the environment parser.
//!
//! libFuzzer does the work. Its instrumentation is the compiler's own and needs no nightly
//! toolchain; only the sanitizers do, and these functions have no unsafe code to watch. An input
//! that breaks something is kept in tests/fixtures/fuzz, where every later test run takes it too.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{self, run};
use crate::failure::{Act, Failure, Result};
use crate::packages::Purpose;
use crate::release::Rustc;
use crate::setup::setup;
use crate::workspace::Workspace;

/// What is fuzzed; a program, a function and a directory of inputs each.
const TARGETS: [&str; 2] = ["packets", "environment"];
/// The longest input, in bytes: some batches of full packets.
const LONGEST: u32 = 16_384;
/// No input takes so long, in seconds.
const STUCK: u32 = 10;

/// What cargo-fuzz passes to the compiler, less the sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// How to fuzz.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long, in seconds, for both targets together
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..=86_400))]
    seconds: u32,
    /// Repeat an earlier run's choices
    #[arg(long)]
    seed: Option<u32>,
    /// Skip the look for missing packages
    #[arg(long)]
    no_setup: bool,
}

/// Builds the fuzzers and runs them, one after the other.
pub(crate) fn fuzz(arguments: &Arguments) -> Result {
    if !arguments.no_setup {
        setup(Purpose::Fuzz)?;
    }
    let workspace = Workspace::find()?;
    let triple = Rustc::ask()?.host;
    let built = workspace.target.join("fuzz");
    let runner = workspace.root.join("tests/fuzz/runner");
    run(command::cargo()
        .current_dir(&runner)
        .args(["build", "--release", "--locked", "--target", &triple])
        .arg("--target-dir")
        .arg(&built)
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    let mut broken = Vec::new();
    for target in TARGETS {
        let program = built.join(&triple).join("release").join(target);
        let fixtures = workspace.root.join("tests/fixtures/fuzz").join(target);
        let corpus = built.join("corpus").join(target);
        fs::create_dir_all(&corpus).act(|| format!("failed to make {}", corpus.display()))?;
        let mut search = fuzzer(&program, &fixtures);
        search.arg(format!("-max_total_time={}", arguments.seconds / 2));
        if let Some(seed) = arguments.seed {
            search.arg(format!("-seed={seed}"));
        }
        if run(search.arg(&corpus).arg(&fixtures)).is_err() {
            broken.push(target);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(
        Failure::new(format!("fuzzing broke: {}", broken.join(", "))).hint(
            "the input is the newest crash-* in tests/fixtures/fuzz; \
             take it again with: cargo xtask test once_trouble",
        ),
    )
}

fn fuzzer(program: &Path, fixtures: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg(format!("-artifact_prefix={}/", fixtures.display()))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={STUCK}"))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    command
}
