//! The leak check: every check once where nothing leaks, and once with a real hole that it must find.
//!
//! Holes are made by a process that is root of the instance's user namespace, which no app is and any
//! process of the user outside can become; or by a program that is started badly on purpose.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "check/clients.rs"]
mod clients;
#[path = "check/helpers.rs"]
mod helpers;
#[path = "check/names.rs"]
mod names;
#[path = "check/processes.rs"]
mod processes;
#[path = "check/sockets.rs"]
mod sockets;
#[path = "check/telling.rs"]
mod telling;
#[path = "check/traffic.rs"]
mod traffic;

use support::{Client, Invocation, LIMIT, Output, Running, Session, StandIn, User, wait_until};
use vpnns_protocol::finding::{Finding, Findings, Outcome};

/// The instance that all of them check.
const NAME: &str = "work";
const CHECK: [&str; 5] = ["vpnns", "--check", "--name", NAME, "--json"];

/// What a check found, and its exit code.
struct Report {
    code: i32,
    findings: Findings,
}

impl Report {
    fn of(output: &Output) -> Self {
        let findings = serde_json::from_str(&output.stdout);
        Self {
            code: output.code(),
            findings: findings.unwrap_or_else(|error| panic!("{error}: {output:#?}")),
        }
    }

    fn finding(&self, id: &str) -> &Finding {
        let mut found = self.findings.findings.iter();
        let found = found.find(|finding| finding.id == id);
        found.unwrap_or_else(|| panic!("no finding {id} in {:#?}", self.findings))
    }

    /// Fails the test unless nothing leaks; a resolver that does not answer is no leak.
    fn assert_clean(&self) {
        let problems: Vec<_> = self.problems();
        assert!(problems.is_empty(), "{problems:#?}");
        assert!(self.findings.ok);
        assert_eq!(self.code, 0);
    }

    fn problems(&self) -> Vec<&Finding> {
        let findings = self.findings.findings.iter();
        findings
            .filter(|finding| finding.outcome == Outcome::Problem)
            .collect()
    }

    /// Fails the test unless this check has found a leak and says this about it.
    fn assert_found(&self, id: &str, words: &str) {
        let finding = self.finding(id);
        assert_eq!(finding.outcome, Outcome::Problem, "{:#?}", self.findings);
        assert!(finding.summary.contains(words), "{finding:#?}");
        assert!(finding.remedy.is_some() && finding.title.is_some());
        assert!(!self.findings.ok);
        assert_eq!(self.code, 1);
    }
}

/// An instance on the machine itself, with an app in it and perhaps a tunnel to a stand-in.
struct Scene {
    // Before the user: what runs is ended while its home is still there.
    _client: Option<Client>,
    _app: Running,
    session: Session,
}

impl Scene {
    /// Without a tunnel.
    fn offline() -> Self {
        let session = Session::new();
        Self {
            _client: None,
            _app: session.keep(NAME),
            session,
        }
    }

    /// With one that carries both families, or what these variables say.
    fn connected(variables: &[(&str, &str)]) -> Self {
        let session = Session::new();
        let app = session.keep(NAME);
        let mut client = StandIn::openconnect(session.user(), "vpnns --attach --name work");
        if variables.is_empty() {
            client = client.both_families();
        }
        for (name, value) in variables {
            client = client.set(name, value);
        }
        Self {
            _client: Some(client.connect(NAME)),
            _app: app,
            session,
        }
    }

    fn check(&self) -> Report {
        Report::of(&self.session.command(&CHECK).run())
    }

    fn user(&self) -> &User {
        self.session.user()
    }

    /// A shell script run as the root of the instance: the hand that makes holes.
    fn as_root_of_it(&self, script: &str) -> Invocation {
        let keeper = self.session.keeper(NAME).to_string();
        self.session.command(&entering(&keeper, script))
    }

    fn make_hole(&self, script: &str) {
        self.as_root_of_it(script).run().text();
    }
}

/// Waits until a shell that has said so has become a `sleep`: the check calls programs by their names.
fn sleeps(app: &Running) {
    let path = format!("/proc/{}/comm", app.pid());
    let is_it = || std::fs::read_to_string(&path).is_ok_and(|name| name == "sleep\n");
    assert!(wait_until(LIMIT, is_it), "{}", app.log());
}

/// The command by which a user outside becomes the root of an instance.
fn entering<'a>(keeper: &'a str, script: &'a str) -> [&'a str; 11] {
    [
        "nsenter",
        "--preserve-credentials",
        "--target",
        keeper,
        "--user",
        "--net",
        "--mount",
        "--",
        "sh",
        "-ec",
        script,
    ]
}
