//! Completions as their user meets them: what each shell offers after the words typed so far.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Answers as the helper would if two instances ran, and two applications were there.
const HELPER: &str = r#"#!/bin/sh
case "$*" in
    --list) printf 'NAME   STATE     CLIENT  APPS\nstudy  isolated  -  sh (1)\nwork   isolated  -  sh (2)\n' ;;
    --apps) printf 'ID            NAME\nedit.desktop  Edit\nview.desktop  View\n' ;;
    *) exit 1 ;;
esac
"#;

/// bash as it is when the user presses Tab; `$@` is the command line.
const BASH: &str = r#"
source completions
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_vpnns vpnns "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"#;

struct Shells {
    directory: TempDir,
}

impl Shells {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let helper = directory.path().join("vpnns");
        fs::write(&helper, HELPER).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    /// What the shell offers for the last of the words.
    fn offers(&self, shell: &str, words: &[&str]) -> Vec<String> {
        let script = Command::new(env!("CARGO_BIN_EXE_vpnns"))
            .args(["--completions", shell])
            .output()
            .unwrap();
        fs::write(self.directory.path().join("completions"), script.stdout).unwrap();
        let mut command = Command::new(shell);
        if shell == "bash" {
            command.args(["--norc", "-c", BASH, "bash"]).args(words);
        } else {
            let line = words.join(" ");
            let script = format!("source completions; complete -C '{line}'");
            command.args(["--no-config", "-c", &script]);
        }
        let path = format!("{}:/usr/bin:/bin", self.directory.path().display());
        let output = command
            .current_dir(self.directory.path())
            .env("PATH", path)
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("these tests need {shell}: {error}"));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        // fish puts a description after a tab; bash offers a program once for each place it is in.
        let mut offers: Vec<String> = lines
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect();
        offers.dedup();
        offers
    }
}

#[test]
fn an_instance_is_chosen_from_those_that_run() {
    let shells = Shells::new();
    for shell in ["bash", "fish"] {
        for option in ["--name", "-n"] {
            let offers = shells.offers(shell, &["vpnns", option, ""]);
            assert_eq!(offers, ["study", "work"], "{shell} {option}");
        }
        let offers = shells.offers(shell, &["vpnns", "--stop", "--name", "w"]);
        assert_eq!(offers, ["work"], "{shell}");
    }
    assert_eq!(
        shells.offers("bash", &["vpnns", "--name", "=", "s"]),
        ["study"]
    );
    assert_eq!(
        shells.offers("fish", &["vpnns", "--name=s"]),
        ["--name=study"]
    );
}

#[test]
fn an_application_is_chosen_from_those_that_are_installed() {
    let shells = Shells::new();
    for shell in ["bash", "fish"] {
        let offers = shells.offers(shell, &["vpnns", "--open", ""]);
        let offers: Vec<_> = offers
            .iter()
            .filter(|it| it.ends_with(".desktop"))
            .collect();
        assert_eq!(offers, ["edit.desktop", "view.desktop"], "{shell}");
        let offers = shells.offers(shell, &["vpnns", "--name", "work", "--open", "v"]);
        assert!(
            offers.contains(&"view.desktop".to_owned()),
            "{shell}: {offers:?}"
        );
    }
    // What it opens is no command.
    let words = ["vpnns", "--open", "view.desktop", "mkfif"];
    assert!(shells.offers("bash", &words).is_empty());
}

#[test]
fn what_follows_the_options_is_a_command() {
    let shells = Shells::new();
    for shell in ["bash", "fish"] {
        for before in [&["--"][..], &["-n", "work"], &["--name", "work", "--"], &[]] {
            let words = [&["vpnns"], before, &["mkfif"]].concat();
            assert_eq!(
                shells.offers(shell, &words),
                ["mkfifo"],
                "{shell} {words:?}"
            );
        }
    }
}

#[test]
fn options_are_offered_until_the_command_begins() {
    let shells = Shells::new();
    for shell in ["bash", "fish"] {
        let offers = shells.offers(shell, &["vpnns", "--sel"]);
        assert_eq!(offers, ["--self-test"], "{shell}");
        let offers = shells.offers(shell, &["vpnns", "--name", "work", "--stat"]);
        assert_eq!(offers, ["--status"], "{shell}");
        let offers = shells.offers(shell, &["vpnns", "--", "mkfifo", "--self"]);
        assert!(offers.is_empty(), "{shell}: {offers:?}");
    }
    let offers = shells.offers("bash", &["vpnns", "mkfifo", "--self"]);
    assert!(offers.is_empty(), "{offers:?}");
}

#[test]
fn a_value_that_is_one_of_a_few_words_is_offered() {
    let shells = Shells::new();
    for shell in ["bash", "fish"] {
        let offers = shells.offers(shell, &["vpnns", "--attach", "--routes", ""]);
        assert_eq!(offers, ["all", "server"], "{shell}");
        // No file is an address.
        let offers = shells.offers(shell, &["vpnns", "--attach", "--dns", ""]);
        assert!(offers.is_empty(), "{shell}: {offers:?}");
    }
}
