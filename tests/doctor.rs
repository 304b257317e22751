//! `vpnns --doctor` on this very kernel, as it is and with namespaces forbidden.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use vpnns_protocol::finding::{Finding, Findings, Outcome};

const PROGRAM: &str = env!("CARGO_BIN_EXE_vpnns");
/// A second is what is promised; a busy machine gets more.
const PATIENCE: Duration = Duration::from_secs(5);

fn doctor(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("--doctor").args(arguments).env("HOME", home);
    command.env_remove("VPNNS_NAME").output().unwrap()
}

/// The doctor in a user namespace whose limit of `kind` namespaces is zero.
fn without(kind: &str, home: &Path, arguments: &str) -> Output {
    let script = format!(
        "echo 0 > /proc/sys/user/max_{kind}_namespaces && exec \"$0\" --doctor {arguments}"
    );
    let mut command = Command::new("unshare");
    command.args(["-Ur", "sh", "-c", &script, PROGRAM]);
    command.env("HOME", home).output().unwrap()
}

fn document(output: &Output) -> Findings {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn finding<'a>(findings: &'a Findings, id: &str) -> &'a Finding {
    let found = findings.findings.iter().find(|finding| finding.id == id);
    found.unwrap_or_else(|| panic!("no finding {id} in {findings:?}"))
}

#[test]
fn a_system_that_passes_has_no_problem_and_is_left_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let output = doctor(home.path(), &["--json"]);
    assert!(started.elapsed() < PATIENCE);
    let findings = document(&output);
    assert_eq!(output.status.code(), Some(0), "{findings:?}");
    assert!(findings.ok);
    assert_eq!(finding(&findings, "user-namespaces").outcome, Outcome::Ok);
    assert_eq!(finding(&findings, "tun-device").outcome, Outcome::Ok);
    let leaks = finding(&findings, "leaks");
    assert_eq!(leaks.outcome, Outcome::Ok, "{leaks:?}");
    for finding in &findings.findings {
        assert!(finding.title.is_some(), "{finding:?}");
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn people_get_a_line_for_each_finding() {
    let home = tempfile::tempdir().unwrap();
    let findings = document(&doctor(home.path(), &["--json"]));
    let text = String::from_utf8(doctor(home.path(), &[]).stdout).unwrap();
    for finding in &findings.findings {
        let line = text.lines().find(|line| line.ends_with(&finding.summary));
        let mark = line.and_then(|line| line.split(' ').next());
        let expected = match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Problem => "problem",
        };
        assert_eq!(mark, Some(expected), "{finding:?} in\n{text}");
    }
}

#[test]
fn a_limit_of_zero_is_a_problem_with_the_exact_remedy() {
    for kind in ["user", "net"] {
        let home = tempfile::tempdir().unwrap();
        let output = without(kind, home.path(), "--json");
        assert_eq!(output.status.code(), Some(1), "{kind}: {output:?}");
        let findings = document(&output);
        assert!(!findings.ok);
        let limit = finding(&findings, "namespace-limits");
        assert_eq!(limit.outcome, Outcome::Problem);
        let command = format!("sudo sysctl -w user.max_{kind}_namespaces=15000");
        let remedy = limit.remedy.as_deref().unwrap();
        assert_eq!(remedy.lines().next(), Some(command.as_str()));
        let text = String::from_utf8(without(kind, home.path(), "").stdout).unwrap();
        assert!(text.lines().any(|line| line.trim() == command), "{text}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

#[test]
fn an_unusable_home_directory_is_a_problem() {
    let output = doctor(Path::new("relative"), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let findings = document(&output);
    assert_eq!(
        finding(&findings, "state-directory").outcome,
        Outcome::Problem
    );
    // What does not depend on it is looked at all the same.
    assert_eq!(finding(&findings, "user-namespaces").outcome, Outcome::Ok);
}
