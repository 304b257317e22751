//! How long `true` takes in a namespace: ours, the original, bubblewrap and plain `unshare`.
//!
//! *Fresh* is a start that makes the instance, under a name never used before, so that it makes
//! its state directory too; it counts until the command has ended. *Join* enters an instance that
//! another process keeps alive. What comes after a fresh start, until the instance is gone and its
//! directory removed, is waited for but not timed.
//!
//! The original polls for its own watcher and sleeps a second whenever it looks too early, which
//! is nearly always. Its fresh start is therefore measured in some rounds only.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::contestant;
use super::held::{Held, Names, ORIGINAL, end_after, refuse_ourselves};
use super::stopwatch::{Shuffle, Stopwatch, seed_of_now};
use crate::failure::{Act, Result};

/// Against which all are compared.
pub(crate) const YARDSTICK: &str = "unshare";

/// How often a contestant may fail: once in a while the original loses another of its races.
const MOST_FAILURES: u32 = 10;

/// The rounds that the original's fresh start takes part in: every so many.
const SELDOM: u32 = 10;

/// How many files a process may have open, as in an ordinary session.
///
/// The original closes every file that it might have, so more than this would make it slower.
const OPEN_FILES: u64 = 1024;

/// How long after its time the measurement may go on to finish a round and tidy up.
const OVERTIME: Duration = Duration::from_secs(60);

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How many times each command is measured
    #[arg(long, default_value_t = Options::default().rounds, value_parser = range(1, 10_000))]
    rounds: u32,
    /// How many rounds go before without counting
    #[arg(long, default_value_t = Options::default().warm_up, value_parser = range(0, 1000))]
    warm_up: u32,
    /// End after this many seconds, with as many rounds as were done
    #[arg(long, default_value_t = Options::default().seconds, value_parser = range(1, 3600))]
    seconds: u32,
    /// Rest this many milliseconds before each command, for the kernel to tidy up after the last
    #[arg(long, default_value_t = Options::default().rest, value_parser = range(0, 1000))]
    rest: u32,
    /// Shuffle as an earlier measurement did
    #[arg(long)]
    seed: Option<u64>,
    /// The original vpnns
    #[arg(long, value_name = "PATH", default_value = ORIGINAL)]
    original: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        let original = ORIGINAL.into();
        Self {
            rounds: 200,
            warm_up: 10,
            seconds: 300,
            rest: 5,
            seed: None,
            original,
        }
    }
}

fn range(least: i64, most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(least..=most)
}

/// One command among those that are compared.
struct Contestant {
    label: &'static str,
    program: PathBuf,
    start: Start,
    /// It takes part in every so many rounds.
    every: u32,
}

/// What a contestant's program is asked to do.
enum Start {
    /// These arguments, which leave nothing behind.
    Plain(&'static [&'static str]),
    /// A vpnns makes an instance, another each time.
    Fresh,
    /// A vpnns enters the instance of this name.
    Join(String),
}

/// Measures, and returns every time of every contestant, round by round; null where it sat out.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    refuse_ourselves(&options.original)?;
    limit_open_files()?;
    end_after(Duration::from_secs(options.seconds.into()) + OVERTIME);
    let names = Names::new()?;
    let ours = Held::start(helper, &names, "held-ours")?;
    let theirs = Held::start_original(&options.original, &names, "held-original")?;
    let unshare = contestant("unshare", "util-linux")?;
    let bwrap = contestant("bwrap", "bubblewrap")?;
    let in_bwrap = Start::Plain(&["--unshare-net", "--dev-bind", "/", "/", "true"]);
    let original = &options.original;
    let contestants = [
        Contestant::new(YARDSTICK, &unshare, Start::Plain(&["-Urnmu", "true"])),
        Contestant::new("bwrap", &bwrap, in_bwrap),
        Contestant {
            every: SELDOM,
            ..Contestant::new("original, fresh", original, Start::Fresh)
        },
        Contestant::new("ours, fresh", helper, Start::Fresh),
        Contestant::new("original, join", original, Start::Join(theirs.name.clone())),
        Contestant::new("ours, join", helper, Start::Join(ours.name.clone())),
    ];
    let result = run_rounds(&contestants, options, &names);
    ours.end(&names)?;
    theirs.end(&names)?;
    result
}

fn run_rounds(contestants: &[Contestant], options: &Options, names: &Names) -> Result<Value> {
    let seed = options.seed.unwrap_or_else(seed_of_now);
    let mut shuffle = Shuffle(seed);
    let stopwatch = Stopwatch::new()?;
    let mut failures = vec![0; contestants.len()];
    let mut times: Vec<Vec<Option<f64>>> = vec![Vec::new(); contestants.len()];
    let end = Instant::now() + Duration::from_secs(options.seconds.into());
    for round in 0..options.warm_up + options.rounds {
        if Instant::now() > end && !times[0].is_empty() {
            eprintln!("bench: time is up after {} rounds", times[0].len());
            break;
        }
        for index in shuffle.order(contestants.len()) {
            let contestant = &contestants[index];
            let time = if round.abs_diff(options.warm_up) % contestant.every == 0 {
                thread::sleep(Duration::from_millis(options.rest.into()));
                let suffix = format!("r{round}c{index}");
                Some(loop {
                    match contestant.run(&stopwatch, names, &suffix) {
                        Ok(time) => break time,
                        Err(failure)
                            if failures[index] == MOST_FAILURES || Instant::now() > end =>
                        {
                            return Err(failure);
                        }
                        Err(failure) => eprintln!("bench: not counted: {failure}"),
                    }
                    failures[index] += 1;
                })
            } else {
                None
            };
            if round >= options.warm_up {
                times[index].push(time);
            }
        }
    }
    let results = contestants.iter().zip(times.iter().zip(&failures));
    let results = results.map(|(contestant, (times, failures))| {
        json!({
            "label": contestant.label,
            "command": contestant.shown(),
            "failures": failures,
            "ms": times,
        })
    });
    Ok(json!({
        "version": 1,
        "benchmark": "start-up",
        "yardstick": YARDSTICK,
        "seed": seed,
        "warm_up": options.warm_up,
        "rest_ms": options.rest,
        "user": env::var("USER").unwrap_or_default(),
        "home": names.home,
        "results": results.collect::<Vec<_>>(),
    }))
}

impl Contestant {
    fn new(label: &'static str, program: &Path, start: Start) -> Self {
        Self {
            label,
            program: program.into(),
            start,
            every: 1,
        }
    }

    fn run(&self, stopwatch: &Stopwatch, names: &Names, round: &str) -> Result<f64> {
        let mut command = Command::new(&self.program);
        match &self.start {
            Start::Plain(arguments) => stopwatch.time(command.args(*arguments)),
            Start::Fresh => {
                let name = names.name(round);
                let time = stopwatch.time(command.args(["--name", &name, "--", "true"]));
                names.forget(&name)?;
                time
            }
            Start::Join(name) => stopwatch.time(command.args(["--name", name, "--", "true"])),
        }
    }

    fn shown(&self) -> String {
        let arguments = match &self.start {
            Start::Plain(arguments) => arguments.join(" "),
            Start::Fresh => "--name NEW -- true".into(),
            Start::Join(_) => "--name HELD -- true".into(),
        };
        format!("{} {arguments}", self.program.display())
    }
}

/// Lowers the limit that a machine for building may have raised.
fn limit_open_files() -> Result {
    let act = || "failed to set the limit of open files".into();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).act(act)?;
    setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES.min(hard), hard).act(act)
}
