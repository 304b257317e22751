//! `vpnns --check [--name ID]`: does anything leak; a line for each thing that was tried.

use std::fmt::Write;

use vpnns_protocol::finding::{Finding, Findings, Line, Outcome, Progress};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::{VERSION, exit};

use super::{Error, print_all};
use crate::check;

/// How the findings are told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// As JSON.
    pub json: bool,
    /// With it: each as soon as it is made, a line each.
    pub follow: bool,
}

/// Checks the instance and prints what was found; exit code 1 if something leaks.
pub fn check(name: &InstanceName, options: Options) -> Result<u8, Error> {
    let mut findings = Vec::new();
    // Why something could not be printed; the app inside is ended in order all the same.
    let mut unprinted = None;
    let mut print = |text: &str| unprinted = unprinted.take().or(print_all(text).err());
    if options.json && options.follow {
        let checks = check::plan();
        print(&line(Progress::Plan { checks }));
    }
    check::check(name, |finding| {
        if options.json && options.follow {
            let finding = finding.clone();
            print(&line(Progress::Finding { finding }));
        } else if !options.json {
            print(&for_people(&finding));
        }
        findings.push(finding);
    })?;
    let problems = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Problem)
        .count();
    let ok = problems == 0;
    if options.json && options.follow {
        print(&line(Progress::End { ok }));
    } else if options.json {
        let document = Findings {
            version: VERSION,
            ok,
            findings,
        };
        // Strings and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        print(&format!("{text}\n"));
    } else {
        print(&match problems {
            0 => format!("no leak found in {} checks\n", findings.len()),
            1 => "one leak found\n".to_owned(),
            many => format!("{many} leaks found\n"),
        });
    }
    match unprinted {
        Some(error) => Err(error),
        None => Ok(if ok { exit::SUCCESS } else { exit::FINDINGS }),
    }
}

fn line(progress: Progress) -> String {
    let line = Line {
        version: VERSION,
        progress,
    };
    let text = serde_json::to_string(&line).unwrap_or_default();
    format!("{text}\n")
}

fn for_people(finding: &Finding) -> String {
    let mark = match finding.outcome {
        Outcome::Ok => "ok",
        Outcome::Note => "note",
        Outcome::Problem => "LEAK",
    };
    let title = finding.title.as_deref().unwrap_or(&finding.id);
    let mut text = format!("{mark:<6} {title}: {}\n", finding.summary);
    if let Some(remedy) = &finding.remedy {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "       {remedy}");
    }
    text
}
