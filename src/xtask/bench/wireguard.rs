//! What the built-in WireGuard costs and carries, against wireguard-go run as root.
//!
//! Both have the same peer, a wireguard-go in a network of its own, and take turns. Processor time
//! is the client's own, all its threads together; apps, iperf3 and the peer are not counted. The
//! lab is drawn in `lab.sh`, which does the measuring: only from inside are its processes seen.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::contestant;
use super::held::end_after;
use super::series::{Better, Series};
use super::stopwatch::{Shuffle, seed_of_now};
use crate::failure::{Act, Failure, Result};

/// Against which the built-in one is compared.
const YARDSTICK: &str = "wireguard-go";
/// How long beyond its runs a measurement may take, per run.
const OVERTIME: u32 = 15;
/// The kernel's ticks in a second, as /proc shows them on every machine of ours.
const TICKS: f64 = 100.0;
/// What is measured, and the word for iperf3.
const CASES: [(&str, &str); 2] = [("TCP up", ""), ("TCP down", "--reverse")];

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How many times each direction is measured
    #[arg(long, default_value_t = Options::default().rounds)]
    rounds: u32,
    /// How long each run takes, in seconds
    #[arg(long, default_value_t = Options::default().seconds)]
    seconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            seconds: 3,
        }
    }
}

/// Measures, and returns every value of every run.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    for (program, package) in [
        ("iperf3", "iperf3"),
        ("ping", "iputils-ping"),
        ("unshare", "util-linux"),
        ("wg", "wireguard-tools"),
        ("wireguard-go", "wireguard-go"),
    ] {
        contestant(program, package)?;
    }
    let runs = options.rounds * 4 + 4;
    let limit = runs * (options.seconds + OVERTIME);
    end_after(Duration::from_secs(limit.into()));
    let mut lab = Lab::start(helper)?;
    let mut series = Series::new("wireguard", YARDSTICK);
    let seed = seed_of_now();
    let mut shuffle = Shuffle(seed);
    let labels = ["ours", YARDSTICK];
    for round in 1..=options.rounds {
        for (case, word) in CASES {
            for index in shuffle.order(labels.len()) {
                let label = labels[index];
                let outcome = lab.run(label, options.seconds, word)?;
                let mut add =
                    |metric, better, value| series.add(case, metric, better, label, value);
                add(
                    "CPU s/GB",
                    Better::Less,
                    outcome.used / (outcome.bytes / 1e9),
                );
                let rate = outcome.bytes * 8.0 / outcome.seconds / 1e9;
                add("Gbit/s", Better::More, rate);
                add("sent again", Better::Less, outcome.retransmits);
            }
        }
        eprintln!("bench: round {round} of {}", options.rounds);
    }
    Ok(series.to_json(seed))
}

/// What one run came to.
struct Outcome {
    /// The client's processor time, in seconds.
    used: f64,
    /// Payload that arrived, in bytes.
    bytes: f64,
    /// How long it took, in seconds.
    seconds: f64,
    /// Segments that TCP sent again.
    retransmits: f64,
}

/// The running lab; it ends with its input, and everything in it with its init.
struct Lab {
    init: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    directory: TempDir,
}

impl Lab {
    fn start(helper: &Path) -> Result<Self> {
        let directory =
            tempfile::tempdir().act(|| "failed to make a temporary directory".into())?;
        let script = directory.path().join("lab.sh");
        fs::write(&script, include_str!("wireguard/lab.sh"))
            .act(|| format!("failed to write {}", script.display()))?;
        let mut init = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--mount", "--pid"])
            .args(["--mount-proc", "--fork", "--kill-child", "bash"])
            .args([&script, directory.path(), helper])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .act(|| "failed to start unshare".into())?;
        let output = init.stdout.take().expect("it was piped");
        let mut lab = Self {
            input: init.stdin.take(),
            init,
            output: BufReader::new(output).lines(),
            directory,
        };
        match lab.line()?.as_str() {
            "ready" => Ok(lab),
            other => Err(Failure::new(format!("the lab said {other:?}"))),
        }
    }

    fn line(&mut self) -> Result<String> {
        let line = self.output.next().and_then(std::result::Result::ok);
        line.ok_or_else(|| {
            let log = |name| fs::read_to_string(self.directory.path().join(name));
            let helper = log("ours.log").unwrap_or_default();
            Failure::new("the lab ended").hint(format!("the helper said: {:?}", helper.trim()))
        })
    }

    fn run(&mut self, who: &str, seconds: u32, options: &str) -> Result<Outcome> {
        let input = self.input.as_mut().expect("it is there until the end");
        writeln!(input, "{who} {seconds} {options}").act(|| "failed to instruct the lab".into())?;
        let ticks = self.line()?;
        let ticks: f64 = ticks
            .parse()
            .act(|| format!("the lab said {ticks:?} instead of a time"))?;
        if ticks < 1.0 {
            return Err(Failure::new(format!("{who} has used no time at all")));
        }
        let path = self.directory.path().join("report");
        let text = fs::read_to_string(path).act(|| "failed to read iperf3's report".into())?;
        let report: Value =
            serde_json::from_str(&text).act(|| format!("{who}: iperf3 reported {text:?}"))?;
        if let Some(error) = report["error"].as_str() {
            return Err(Failure::new(format!("{who}: iperf3 failed: {error}")));
        }
        let number = |sum: &str, field: &str| report["end"][sum][field].as_f64().unwrap_or(0.0);
        Ok(Outcome {
            used: ticks / TICKS,
            bytes: number("sum_received", "bytes"),
            seconds: number("sum_received", "seconds"),
            retransmits: number("sum_sent", "retransmits"),
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.input.take());
        // Its init has nothing to wait for; and the kernel ends what is left with it.
        let _ = self.init.wait();
    }
}
