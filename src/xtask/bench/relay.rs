//! What the relay costs and carries, against the original's: two instances back to back.
//!
//! Both rigs stand through the whole measurement, and take turns. Processor time is the relay's
//! own, as the kernel counts it in nanoseconds; what apps, the far side's relay and the kernel's
//! other half cost is the same for both.

pub(crate) mod rig;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use self::rig::Rig;
use self::traffic::{CASES, Case};
pub(crate) use self::traffic::{Outcome, outcome};
use super::held::{Names, ORIGINAL, end_after, refuse_ourselves};
use super::series::{Better, Series};
use super::stopwatch::{Shuffle, seed_of_now};
use crate::failure::Result;

/// How long beyond its runs a measurement may take, per run.
const OVERTIME: u32 = 15;

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How many times each kind of traffic is measured
    #[arg(long, default_value_t = Options::default().rounds)]
    rounds: u32,
    /// How long each run takes, in seconds
    #[arg(long, default_value_t = Options::default().seconds)]
    seconds: u32,
    /// Only kinds of traffic with this in their names
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Another build of the helper, to compare with
    #[arg(long, value_name = "PATH")]
    also: Option<PathBuf>,
    /// The original vpnns
    #[arg(long, value_name = "PATH", default_value = ORIGINAL)]
    original: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            seconds: 3,
            only: String::new(),
            also: None,
            original: ORIGINAL.into(),
        }
    }
}

/// Measures, and returns every value of every run.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    refuse_ourselves(&options.original)?;
    let cases: Vec<Case> = CASES
        .iter()
        .copied()
        .filter(|case| case.label.contains(&options.only))
        .collect();
    let runs = u32::try_from((cases.len() + 1) * 3).unwrap_or(100) * options.rounds;
    end_after(Duration::from_secs(
        (runs * (options.seconds + OVERTIME)).into(),
    ));
    let names = Names::new()?;
    let ours = Rig::start(helper, false, helper, &names, "ours")?;
    let theirs = Rig::start(&options.original, true, helper, &names, "original")?;
    let also = options.also.as_deref();
    let also = also.map(|other| Rig::start(other, false, helper, &names, "also"));
    let also = also.transpose()?;
    let mut rigs = vec![("original", &theirs), ("ours", &ours)];
    rigs.extend(also.as_ref().map(|rig| ("also", rig)));
    let mut series = Series::new("relay", "original");
    let seed = seed_of_now();
    let mut shuffle = Shuffle(seed);
    let mut port = 20_000;
    for round in 1..=options.rounds {
        for case in &cases {
            for index in shuffle.order(rigs.len()) {
                let (label, rig) = rigs[index];
                if label == "original" && !case.for_original {
                    continue;
                }
                port += 1;
                let before = rig.relay_seconds()?;
                let outcome = traffic::run(rig, *case, options.seconds, port)?;
                let used = rig.relay_seconds()? - before;
                record(&mut series, *case, label, &outcome, used);
            }
        }
        for index in shuffle.order(rigs.len()) {
            let (label, rig) = rigs[index];
            let echo = rig.echo(2000)?;
            let time = echo["median_us"].as_f64().unwrap_or(f64::NAN);
            series.add("echo", "median, us", Better::Less, label, time);
            let time = echo["p99_us"].as_f64().unwrap_or(f64::NAN);
            series.add("echo", "99 %, us", Better::Less, label, time);
        }
        eprintln!("bench: round {round} of {}", options.rounds);
    }
    for rig in [Some(ours), Some(theirs), also].into_iter().flatten() {
        rig.end(&names)?;
    }
    Ok(series.to_json(seed))
}

fn record(series: &mut Series, case: Case, label: &str, outcome: &Outcome, used: f64) {
    let mut add = |metric, better, value| series.add(case.label, metric, better, label, value);
    add("CPU s/GB", Better::Less, used / (outcome.bytes / 1e9));
    // At a fixed rate the throughput says nothing.
    if outcome.lost.is_none() {
        let rate = outcome.bytes * 8.0 / outcome.seconds / 1e9;
        add("Gbit/s", Better::More, rate);
    }
    if let Some(retransmits) = outcome.retransmits {
        add("sent again", Better::Less, retransmits);
    }
    if let Some(lost) = outcome.lost {
        add("lost, %", Better::Less, lost);
    }
}
