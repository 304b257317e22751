//! Where things are: the tree, and cargo's target directory.

use std::path::PathBuf;

use crate::command;
use crate::failure::{Act, Failure, Result};

/// The directories that cargo knows.
pub(crate) struct Workspace {
    /// The directory of the top `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds; not always `target`.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo where its directories are.
    pub(crate) fn find() -> Result<Self> {
        let mut ask = command::cargo();
        ask.args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let answer: serde_json::Value = serde_json::from_slice(&command::output(&mut ask)?)
            .act(|| "failed to read the answer of `cargo metadata`".into())?;
        let directory = |key: &str| {
            answer[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Failure::new(format!("`cargo metadata` names no {key}")))
        };
        Ok(Self {
            root: directory("workspace_root")?,
            target: directory("target_directory")?,
        })
    }
}
