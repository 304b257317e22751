//! Findings: one line each of `--doctor`, `--self-test` and `--check`.

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
    /// Two to five words for a row of a window: what is so now.
    #[serde(default)]
    pub title: Option<String>,
    /// How it came out.
    pub outcome: Outcome,
    /// What was looked at and what was seen, in one sentence.
    pub summary: String,
    /// What to do about it, as exactly as can be said; a command where there is one.
    pub remedy: Option<String>,
}

/// The document that `--doctor --json`, `--self-test --json` and `--check --json` print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// Whether nothing is a problem.
    pub ok: bool,
    /// The checks in the order in which they were made.
    pub findings: Vec<Finding>,
}

/// A check that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The name that its finding will have.
    pub id: String,
    /// The title that its finding will have if nothing is wrong.
    pub title: String,
}

/// What `--check --follow --json` tells as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Progress {
    /// These checks will be made, in this order.
    Plan {
        /// All of them.
        checks: Vec<Check>,
    },
    /// One of them has been made.
    Finding {
        /// How it came out.
        finding: Finding,
    },
    /// All of them have been made.
    End {
        /// Whether nothing is a problem.
        ok: bool,
    },
    /// A newer helper says something that this reader does not know.
    #[serde(other)]
    Unknown,
}

/// One line of `--check --follow --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Always [`crate::VERSION`].
    pub version: u32,
    /// What happened.
    #[serde(flatten)]
    pub progress: Progress,
}
