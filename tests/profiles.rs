//! Profiles: what is imported, what is refused, and how they are kept.
#![allow(clippy::unwrap_used)]

#[path = "profiles/form.rs"]
mod form;
#[path = "profiles/format.rs"]
mod format;
#[path = "profiles/hostile.rs"]
mod hostile;
#[path = "profiles/import.rs"]
mod import;
#[path = "profiles/keeping.rs"]
mod keeping;
#[path = "profiles/refusal.rs"]
mod refusal;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vpnns_protocol::profile::Profile;

use support::{Output, User};

/// The word in the fixtures that stands for a program which must not be run.
const MARKER: &str = "MARKER";

impl User {
    /// Runs the helper.
    fn vpnns(&self, arguments: &[&str]) -> Output {
        let words: Vec<&str> = std::iter::once("vpnns")
            .chain(arguments.iter().copied())
            .collect();
        self.command(&words).run()
    }

    /// The directory that profiles are in.
    fn profiles(&self) -> PathBuf {
        self.home().join(".config/vpnns/profiles")
    }

    /// A profile as its file says.
    fn profile(&self, name: &str) -> Profile {
        let path = self.profiles().join(format!("{name}.toml"));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Profile::parse(&text).unwrap_or_else(|error| panic!("{text}\n{error}"))
    }

    /// Puts a profile where profiles are.
    fn write_profile(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let mut directory = self.home();
        for part in [".config", "vpnns", "profiles"] {
            directory.push(part);
            if !directory.exists() {
                self.make_directory(&directory);
            }
        }
        self.write(&format!(".config/vpnns/profiles/{name}"), text, mode)
    }

    /// Copies the fixtures into the home. What they would run leaves a file behind, `ran`.
    fn copy_fixtures(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/profiles");
        let script = format!("#!/bin/sh\ntouch '{}'\n", self.ran().display());
        let script = self.write("script", &script, 0o755);
        self.make_directory(&self.home().join("files"));
        for below in ["", "files/"] {
            for entry in fs::read_dir(from.join(below)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let text = fs::read_to_string(&path).unwrap();
                    let text = text.replace(MARKER, script.to_str().unwrap());
                    let name = path.file_name().unwrap().to_str().unwrap();
                    self.write(&format!("{below}{name}"), &text, 0o600);
                }
            }
        }
    }

    /// What exists once something was run that must not be.
    fn ran(&self) -> PathBuf {
        self.home().join("ran")
    }
}

/// A document that was printed.
fn document(output: &Output) -> Value {
    assert_eq!(output.code(), 0, "{output:#?}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"))
}
