//! Findings: one line each of `--doctor` and of `--self-test`.

use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Works, but something is missing that some users want.
    Note,
    /// Something that the helper needs does not work.
    Problem,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable kebab-case name of the check, for programs.
    pub id: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was looked at and what was seen, in one sentence.
    pub summary: String,
    /// What to do about it, as exactly as can be said; a command where there is one.
    pub remedy: Option<String>,
}

/// The document that `--doctor --json` and `--self-test --json` print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// Whether nothing is a problem.
    pub ok: bool,
    /// The checks in the order in which they were made.
    pub findings: Vec<Finding>,
}
