//! From what a worker measured to a table for people and a file for programs.

use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::statistics::{median, median_of_ratios, quantile};
use crate::failure::{Act, Failure, Result};

/// Adds to a measurement what follows from it, and what machine it was made on.
pub(crate) fn complete(measurement: &Value) -> Result<Value> {
    let mut result = measurement.clone();
    let unreadable = || Failure::new("the worker's measurement has an unknown form");
    let yardstick = result["results"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["label"] == result["yardstick"]))
        .and_then(rounds)
        .ok_or_else(unreadable)?;
    let yardstick_median = median(&yardstick.iter().flatten().copied().collect::<Vec<_>>());
    for one in result["results"].as_array_mut().ok_or_else(unreadable)? {
        let rounds = rounds(one).ok_or_else(unreadable)?;
        let times: Vec<f64> = rounds.iter().flatten().copied().collect();
        one["count"] = json!(times.len());
        one["median_ms"] = json!(median(&times));
        one["p10_ms"] = json!(quantile(&times, 0.1));
        one["p90_ms"] = json!(quantile(&times, 0.9));
        one["ratio_of_medians"] = json!(median(&times) / yardstick_median);
        one["median_of_ratios"] = json!(median_of_ratios(&rounds, &yardstick));
    }
    result["rounds"] = json!(yardstick.len());
    result["machine"] = machine();
    Ok(result)
}

/// The times of one contestant, without one for a round that it sat out; nothing when it was
/// never measured.
fn rounds(one: &Value) -> Option<Vec<Option<f64>>> {
    let rounds: Vec<_> = one["ms"].as_array()?.iter().map(Value::as_f64).collect();
    rounds.iter().any(Option::is_some).then_some(rounds)
}

/// What machine this is, and how busy.
pub(crate) fn machine() -> Value {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    json!({
        "kernel": kernel.trim(),
        "processor": processor,
        "cores": thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "load": fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
        "unix_time": now.as_secs(),
    })
}

/// The table, with a heading that says how it came about.
pub(crate) fn table(result: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let yardstick = text(&result["yardstick"]);
    let machine = &result["machine"];
    let mut table = String::new();
    let mut line = |line: String| writeln!(table, "{line}").expect("a string takes any text");
    line(format!(
        "{}: {} rounds, seed {}, user {}, home {}",
        text(&result["benchmark"]),
        result["rounds"],
        result["seed"],
        text(&result["user"]),
        text(&result["home"]),
    ));
    line(format!(
        "Linux {}, {} cores, {}, load {}\n",
        text(&machine["kernel"]),
        machine["cores"],
        text(&machine["processor"]),
        text(&machine["load"]),
    ));
    line(format!(
        "{:<18}{:>6}{:>11}{:>11}{:>11}{:>12}{:>12}",
        "milliseconds", "times", "median", "p10", "p90", "of medians", "by round"
    ));
    for one in result["results"].as_array().into_iter().flatten() {
        let number = |key: &str| one[key].as_f64().unwrap_or(f64::NAN);
        line(format!(
            "{:<18}{:>6}{:>11.3}{:>11.3}{:>11.3}{:>12.2}{:>12.2}",
            text(&one["label"]),
            one["count"].to_string(),
            number("median_ms"),
            number("p10_ms"),
            number("p90_ms"),
            number("ratio_of_medians"),
            number("median_of_ratios"),
        ));
    }
    line(format!("\nThe last two columns are ratios to {yardstick}."));
    for one in result["results"].as_array().into_iter().flatten() {
        let failures = one["failures"].as_u64().unwrap_or(0);
        if failures > 0 {
            line(format!(
                "{} failed {failures} times, which are not counted.",
                text(&one["label"])
            ));
        }
    }
    table
}

/// Writes a file whole: a reader sees the old one or the new one.
pub(crate) fn write(text: &str, path: &Path) -> Result {
    let act = || format!("failed to write {}", path.display());
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory).act(act)?;
    let file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(directory)
        .act(act)?;
    fs::write(file.path(), text).act(act)?;
    file.persist(path).act(act)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_gains_ratios_to_its_yardstick() {
        let measurement = json!({
            "yardstick": "unshare",
            "results": [
                { "label": "ours", "ms": [3.0, 3.0, 3.0] },
                { "label": "unshare", "ms": [2.0, 2.0, 2.0] },
            ],
        });
        let result = complete(&measurement).unwrap();
        assert_eq!(result["results"][0]["ratio_of_medians"], 1.5);
        assert_eq!(result["results"][0]["median_of_ratios"], 1.5);
        assert_eq!(result["rounds"], 3);
        assert!(table(&result).lines().any(|line| line.starts_with("ours ")));
    }

    #[test]
    fn a_measurement_without_times_is_refused() {
        let measurement = json!({
            "yardstick": "unshare",
            "results": [{ "label": "unshare", "ms": [] }],
        });
        assert!(complete(&measurement).is_err());
    }
}
