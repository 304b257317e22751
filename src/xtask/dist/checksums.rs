//! `SHA256SUMS`: by which a download is compared with what was published.

use std::fs;

use super::Job;
use crate::command::{self, command};
use crate::failure::{Act, Failure, Result};

/// The name that `sha256sum -c` is called with everywhere.
const NAME: &str = "SHA256SUMS";

/// Sums up whatever is there.
pub(super) fn make(job: &Job) -> Result {
    let failed = || format!("failed to read {}", job.directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&job.directory).act(failed)? {
        let entry = entry.act(failed)?;
        if entry.file_name() != NAME && entry.path().is_file() {
            names.push(entry.file_name());
        }
    }
    if names.is_empty() {
        let failure = Failure::new(format!("there is nothing in {}", job.directory.display()));
        return Err(failure.hint("make something first: cargo xtask dist all"));
    }
    names.sort();
    let mut sum = command("sha256sum");
    sum.current_dir(&job.directory).arg("--").args(names);
    job.publish(NAME, command::output(&mut sum)?)
}
