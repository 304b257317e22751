//! `vpnns --doctor`: can this system do it, and what to change if not.
//!
//! # Theory of operation
//!
//! Each file below looks at one thing in two steps: facts are gathered, then a pure function
//! makes findings of them, so that every verdict can be tested on any machine. The heart is
//! [`probe`]: a child goes down the real ladder of isolation, in a state directory of its own,
//! and tells how far it came. Settings of the kernel are judged by that: a switch that is off
//! is a problem only where the ladder fails. Nothing is left behind, and nothing is changed.

mod client;
mod deadline;
mod kernel;
mod ladder;
mod leak;
mod probe;
mod state;
mod surroundings;
mod switch;
mod title;
mod version;

use std::fmt::Write;

use vpnns_protocol::finding::{Finding, Findings, Outcome};
use vpnns_protocol::{VERSION, exit};

use self::surroundings::Surroundings;
use self::switch::Switches;
use super::{Error, print_all};

/// Looks at everything and prints what it found; exit code 1 if something is a problem.
pub fn doctor(json: bool) -> Result<u8, Error> {
    let findings = examine();
    let ok = !findings
        .iter()
        .any(|finding| finding.outcome == Outcome::Problem);
    if json {
        let document = Findings {
            version: VERSION,
            ok,
            findings,
        };
        // Strings and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        print_all(&format!("{text}\n"))?;
    } else {
        print_all(&for_people(&findings))?;
    }
    Ok(if ok { exit::SUCCESS } else { exit::FINDINGS })
}

fn examine() -> Vec<Finding> {
    let mut findings = kernel::examine();
    let (of_state, scratch) = state::examine();
    let seen = scratch
        .as_ref()
        .map(|scratch| probe::probe(scratch.path()))
        .unwrap_or_default();
    // Gone before the VPN clients are asked, which takes the most time: an interrupted doctor
    // should have nothing left to remove.
    drop(scratch);
    let surroundings = Surroundings::detect();
    let failed = seen.failure.is_some();
    let switches = switch::findings(&Switches::read(), failed);
    let explained = switches
        .iter()
        .any(|switch| switch.outcome == Outcome::Problem);
    findings.push(surroundings::finding(&surroundings, failed && !explained));
    let of_ladder = ladder::findings(&seen, &switches, &surroundings);
    // The cause before its consequence.
    findings.extend(switches);
    findings.extend(of_ladder);
    findings.extend(of_state);
    findings.extend(client::examine());
    if !failed {
        findings.push(leak::examine());
    }
    findings
}

/// A line for each finding, its remedy indented below it, and the upshot at the end.
fn for_people(findings: &[Finding]) -> String {
    let mut out = String::new();
    let mut said: Vec<&str> = Vec::new();
    for finding in findings {
        let mark = match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Problem => "problem",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{mark:<8} {}", finding.summary);
        match finding.remedy.as_deref() {
            // One cause may show in several places.
            Some(remedy) if said.contains(&remedy) => out.push_str("         (as above)\n"),
            Some(remedy) => {
                for line in remedy.lines() {
                    let _ = writeln!(out, "         {line}");
                }
                said.push(remedy);
            }
            None => {}
        }
    }
    let of = |outcome| findings.iter().filter(|f| f.outcome == outcome).count();
    out.push_str(match (of(Outcome::Problem), of(Outcome::Note)) {
        (0, 0) => "everything is as it should be\n",
        (0, _) => "everything that vpnns needs works\n",
        _ => "vpnns does not work here until each problem is solved\n",
    });
    out
}

fn ok(id: &str, summary: impl Into<String>) -> Finding {
    finding(id, Outcome::Ok, summary.into(), None)
}

fn note(id: &str, summary: impl Into<String>, remedy: Option<String>) -> Finding {
    finding(id, Outcome::Note, summary.into(), remedy)
}

fn problem(id: &str, summary: impl Into<String>, remedy: Option<String>) -> Finding {
    finding(id, Outcome::Problem, summary.into(), remedy)
}

fn finding(id: &str, outcome: Outcome, summary: String, remedy: Option<String>) -> Finding {
    Finding {
        id: id.to_owned(),
        title: title::of(id, outcome),
        outcome,
        summary,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_stands_below_its_finding_and_is_said_once() {
        let remedy = Some("sudo one\nsudo two".to_owned());
        let findings = [
            ok("a", "this is fine"),
            problem("b", "that is not", remedy.clone()),
            problem("c", "nor is this", remedy),
        ];
        let expected = "ok       this is fine\n\
                        problem  that is not\n         sudo one\n         sudo two\n\
                        problem  nor is this\n         (as above)\n\
                        vpnns does not work here until each problem is solved\n";
        assert_eq!(for_people(&findings), expected);
        assert!(for_people(&findings[..1]).ends_with("everything is as it should be\n"));
    }
}
