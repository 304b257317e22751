//! The leak check: whether an instance has any other way out than its tunnel, and by what it shows.
//!
//! # Theory of operation
//!
//! Two look at it. An app of the check's own ([`inside`]) tries what any program there could try;
//! we, in the host's network, know what it must not find: the host's addresses, devices, sockets
//! and processes. So each check is a question to the app or to /proc, and a verdict here. What is
//! tried sends nothing off the machine but a question to the instance's own resolvers, through
//! its tunnel; for all other addresses the kernel is asked which way it would take.
//!
//! A tunnel may come or go meanwhile: what looks like a leak is looked at a second time, with a
//! new status, before it is called one.

mod bus;
mod helpers;
pub mod inside;
mod names;
mod processes;
mod scene;
mod sockets;
mod traffic;

use std::time::Duration;

use nix::errno::Errno;
use vpnns_protocol::finding::{Check, Finding, Outcome};
use vpnns_protocol::name::InstanceName;

pub use self::scene::Error;
use self::scene::Scene;

/// What `--probe` is told for the app of this check.
pub const PROBE: &str = "leaks";
/// How long a change of the tunnel may take before a leak is one.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// A check: its name, its title when all is well and when it is not, and how it is made.
struct Row {
    id: &'static str,
    good: &'static str,
    bad: &'static str,
    look: fn(&mut Scene) -> Result<Seen, String>,
}

/// How a check came out.
struct Seen {
    outcome: Outcome,
    /// Another title than the row's.
    title: Option<&'static str>,
    summary: String,
    remedy: Option<String>,
}

impl Seen {
    fn good(summary: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Ok,
            title: None,
            summary: summary.into(),
            remedy: None,
        }
    }

    fn note(title: &'static str, summary: impl Into<String>, remedy: &str) -> Self {
        Self {
            outcome: Outcome::Note,
            title: Some(title),
            summary: summary.into(),
            remedy: Some(remedy.to_owned()),
        }
    }

    fn bad(summary: impl Into<String>, remedy: &str) -> Self {
        Self {
            outcome: Outcome::Problem,
            title: None,
            summary: summary.into(),
            remedy: Some(remedy.to_owned()),
        }
    }

    fn titled(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }
}

/// The checks in the order in which they are made and shown.
#[rustfmt::skip] // one row a check reads as the table it is
const ROWS: &[Row] = &[
    Row { id: "devices", good: "No Other Network Device", bad: "Another Network Device Is There", look: traffic::devices },
    Row { id: "routes", good: "No Other Way Out", bad: "There Is Another Way Out", look: traffic::routes },
    Row { id: "ipv4", good: "IPv4 Goes Through the VPN", bad: "IPv4 Goes Past the VPN", look: traffic::ipv4 },
    Row { id: "ipv6", good: "IPv6 Goes Through the VPN", bad: "IPv6 Goes Past the VPN", look: traffic::ipv6 },
    Row { id: "bound-sockets", good: "No Address but Its Own", bad: "Addresses of Your Network Can Be Used", look: traffic::bound_sockets },
    Row { id: "inherited-sockets", good: "No Connection Brought Along", bad: "An App Has a Connection Outside", look: sockets::inherited },
    Row { id: "resolvers", good: "The VPN Answers Name Lookups", bad: "Name Lookups Go Elsewhere", look: names::resolvers },
    Row { id: "name-services", good: "Names Are Looked Up by DNS Only", bad: "Names Are Looked Up Elsewhere", look: names::name_services },
    Row { id: "name-cache", good: "The Name Cache Is Shut", bad: "The Name Cache Can Be Asked", look: names::name_cache },
    Row { id: "system-resolver", good: "The System Resolver Is Shut", bad: "The System Resolver Can Be Asked", look: names::system_resolver },
    Row { id: "local-discovery", good: "Local Discovery Is Shut", bad: "Local Discovery Can Be Asked", look: names::local_discovery },
    Row { id: "system-bus", good: "System Services Are Shut", bad: "System Services Can Be Asked", look: names::system_bus },
    Row { id: "flatpak-names", good: "Flatpak Apps Ask the VPN", bad: "Flatpak Apps Ask Your Network", look: helpers::flatpak },
    Row { id: "helpers", good: "No Helper Outside Can Be Asked", bad: "A Helper Outside Can Be Asked", look: helpers::helpers },
    Row { id: "local-sockets", good: "Local Sockets Are Apart", bad: "Local Sockets Are Shared", look: sockets::apart },
    Row { id: "bridges", good: "No Hidden Bridge", bad: "A Program Bridges the Networks", look: sockets::bridges },
    Row { id: "processes", good: "Every App Is Inside", bad: "An App Is Outside", look: processes::inside },
    Row { id: "privileges", good: "Apps Have No Privileges", bad: "An App Has Privileges", look: processes::privileges },
    Row { id: "ports", good: "No Ports Are Open", bad: "Ports Are Open", look: sockets::ports },
];

/// What will be checked.
pub fn plan() -> Vec<Check> {
    let check = |row: &Row| Check {
        id: row.id.to_owned(),
        title: row.good.to_owned(),
    };
    ROWS.iter().map(check).collect()
}

/// Checks an instance, which is made for it if it does not run, and tells each finding.
pub fn check(name: &InstanceName, mut tell: impl FnMut(Finding)) -> Result<(), Error> {
    let mut scene = Scene::open(name)?;
    for row in ROWS {
        let mut seen = (row.look)(&mut scene);
        if !seen
            .as_ref()
            .is_ok_and(|seen| seen.outcome != Outcome::Problem)
        {
            std::thread::sleep(SECOND_LOOK);
            scene.refresh();
            seen = (row.look)(&mut scene);
        }
        tell(finding(row, seen));
    }
    Ok(())
}

fn finding(row: &Row, seen: Result<Seen, String>) -> Finding {
    // What could not be found out is not shown to hold.
    let seen = seen.unwrap_or_else(|reason| {
        let summary = format!("this could not be checked: {reason}");
        Seen::bad(
            summary,
            "check again; if it stays, vpnns --doctor may know why",
        )
        .titled("This Could Not Be Checked")
    });
    let title = seen.title.unwrap_or(match seen.outcome {
        Outcome::Problem => row.bad,
        Outcome::Ok | Outcome::Note => row.good,
    });
    Finding {
        id: row.id.to_owned(),
        title: Some(title.to_owned()),
        outcome: seen.outcome,
        summary: seen.summary,
        remedy: seen.remedy,
    }
}

/// An error as strerror puts it, without std's number.
fn plain(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

/// A few words joined, short enough for a line.
fn listing<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 4;
    let mut words: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    if items.len() > SHOWN {
        words.push(format!("and {} more", items.len() - SHOWN));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_short_and_in_header_capitals_and_ids_are_unique() {
        let small = ["a", "by", "of", "the", "but", "an"];
        for row in ROWS {
            for title in [row.good, row.bad] {
                assert!(title.len() <= 40, "{title}");
                for word in title.split(' ').skip(1) {
                    let capital = word.starts_with(char::is_uppercase);
                    assert!(capital || small.contains(&word), "{title}");
                }
            }
            assert_eq!(ROWS.iter().filter(|other| other.id == row.id).count(), 1);
        }
    }
}
