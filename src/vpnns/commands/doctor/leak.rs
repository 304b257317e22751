//! Whether an instance on this system would leak: the checks of `--check`, on one made for it.

use vpnns_protocol::finding::{Finding, Outcome};
use vpnns_protocol::name::InstanceName;

use super::{note, ok, problem};
use crate::check;
use crate::commands::self_test::home::TemporaryHome;

/// What is to be looked at next.
const REMEDY: &str = "vpnns --check";

/// Makes an instance in a home of its own, looks for leaks, and lets it go.
///
/// Last of all: HOME is another one from here on.
pub(super) fn examine() -> Finding {
    let home = match TemporaryHome::new() {
        Ok(home) => home,
        Err(error) => return unknown(&error.to_string()),
    };
    let (mut made, mut leaks) = (0, Vec::new());
    let result = check::check(&InstanceName::default(), |finding| {
        made += 1;
        if finding.outcome == Outcome::Problem {
            leaks.push(finding.summary);
        }
    });
    drop(home);
    match result {
        Err(error) => unknown(&error.to_string()),
        Ok(()) if leaks.is_empty() => ok(
            "leaks",
            format!("nothing leaks from an instance ({made} checks)"),
        ),
        Ok(()) => problem(
            "leaks",
            format!("an instance would leak: {}", leaks.join("; ")),
            Some(REMEDY.to_owned()),
        ),
    }
}

fn unknown(why: &str) -> Finding {
    let summary = format!("whether an instance leaks could not be found out: {why}");
    note("leaks", summary, Some(REMEDY.to_owned()))
}
