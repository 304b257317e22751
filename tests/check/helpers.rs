//! Programs outside that act for whoever asks, and Flatpak's own resolv.conf.

use vpnns_protocol::finding::Outcome;

use super::support::{Running, Session};
use super::{CHECK, NAME, Report};

/// Listens at a path and says so.
const SERVICE: &str = "import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print('listening', flush=True); time.sleep(600)";

/// A program outside that listens where Docker without root does.
fn docker(session: &Session) -> (Running, String) {
    let at = session.user().runtime_directory().join("docker.sock");
    let at = at.to_str().unwrap().to_owned();
    let service = session
        .command(&["/usr/bin/python3", "-c", SERVICE, &at])
        .spawn();
    service.wait_for("listening");
    (service, at)
}

fn keep(session: &Session, options: &[&str]) -> Running {
    let app = ["--", "sh", "-c", "echo started; exec sleep 600"];
    let words = [&["--name", NAME][..], options, &app].concat();
    let app = session.vpnns(&words).spawn();
    app.wait_for("started");
    app
}

fn check(session: &Session) -> Report {
    Report::of(&session.command(&CHECK).run())
}

/// A shell script run as the root of the instance: the hand that makes holes.
fn make_hole(session: &Session, script: &str) {
    let keeper = session.keeper(NAME).to_string();
    let words = super::entering(&keeper, script);
    session.command(&words).run().text();
}

#[test]
fn a_helper_that_can_be_asked_is_found() {
    let session = Session::new();
    let (_docker, at) = docker(&session);
    let _app = keep(&session, &[]);
    let clean = check(&session);
    clean.assert_clean();
    let finding = clean.finding("helpers");
    assert!(finding.summary.contains("does not answer"), "{finding:#?}");
    make_hole(&session, &format!("umount {at}"));
    check(&session).assert_found("helpers", &at);
}

#[test]
fn a_helper_that_the_user_shares_is_noted() {
    let session = Session::new();
    let (_docker, at) = docker(&session);
    let _app = keep(&session, &["--share", &at]);
    let report = check(&session);
    report.assert_clean();
    let finding = report.finding("helpers");
    assert_eq!(finding.outcome, Outcome::Note, "{finding:#?}");
    assert!(finding.summary.contains(&at), "{finding:#?}");
}

#[test]
fn another_resolver_for_flatpaks_applications_is_found() {
    let session = Session::new();
    let helper = session.user().runtime_directory().join(".flatpak-helper");
    session.user().make_directory(&helper);
    session.user().make_directory(&helper.join("monitor"));
    let monitor = helper.join("monitor").display().to_string();
    let script = format!("echo nameserver 192.0.2.53 >{monitor}/resolv.conf");
    session.script(&script).run().text();
    let _app = keep(&session, &[]);
    let clean = check(&session);
    clean.assert_clean();
    let finding = clean.finding("flatpak-names");
    assert!(
        finding.summary.contains("the same resolvers"),
        "{finding:#?}"
    );
    make_hole(&session, &format!("umount -l {monitor}"));
    check(&session).assert_found("flatpak-names", "192.0.2.53");
}
