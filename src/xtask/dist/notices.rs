//! The licences of what is linked into a program: most ask to be told with every copy.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::Job;
use super::sbom::linked;
use crate::failure::{Act, Failure, Result};

/// Every text once, below the crates that it is of.
pub(super) fn of_program(job: &Job, program: &str) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for package in linked(job, program)? {
        if package.is_ours() {
            continue;
        }
        let title = format!("{} {} ({})", package.name, package.version, package.licence);
        let found = texts_in(&package.directory)?;
        if found.is_empty() {
            without.push(title.clone());
        }
        for text in found {
            texts.entry(text).or_default().push(title.clone());
        }
    }
    if texts.is_empty() {
        return Err(Failure::new(format!("{program} links nothing")));
    }
    let mut out = format!("What is linked into {program}, and under which terms.\n");
    if !without.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\nWithout a text of their own:\n\n{}\n",
            without.join("\n")
        );
    }
    for (text, titles) in texts {
        let line = "-".repeat(78);
        let _ = write!(out, "\n{line}\n{}\n\n{text}\n", titles.join("\n"));
    }
    Ok(out)
}

/// The licence files of a crate, without trailing space.
fn texts_in(directory: &Path) -> Result<Vec<String>> {
    let failed = || format!("failed to read {}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).act(failed)? {
        let path = entry.act(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"]
            .iter()
            .any(|word| name.starts_with(word));
        if is_licence && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).act(|| format!("failed to read {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        Ok(lines.join("\n").trim_matches('\n').to_owned())
    };
    paths.iter().map(read).collect()
}
