//! Steps: each with its heading and its time, ended by the first that fails.

use std::time::{Duration, Instant};

use crate::failure::Result;

/// The steps done so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs one step under its heading, and prints how long it took, however it ended.
    pub(crate) fn step(&mut self, name: &str, act: impl FnOnce() -> Result) -> Result {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = act();
        let time = start.elapsed();
        let end = if result.is_ok() { "done" } else { "FAILED" };
        eprintln!("== {name}: {end} in {:.1} s", time.as_secs_f64());
        self.done.push((name.to_owned(), time));
        result
    }

    /// Prints where the time went.
    pub(crate) fn summary(&self) {
        eprintln!();
        for (name, time) in &self.done {
            eprintln!("{:>8.1} s  {name}", time.as_secs_f64());
        }
    }
}
