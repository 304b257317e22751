//! What cannot be opened is refused in a sentence with a hint, before a program is started.

use super::support::{Output, Session, assert_complaint};
use super::{INSIDE, free_port};

fn with(session: &Session, option: &str, port: &str) -> Output {
    session
        .vpnns(&[option, port, "--", "echo", "started"])
        .run()
}

#[test]
fn a_port_that_is_taken_below_1024_or_of_another_computer_is_refused() {
    let session = Session::new();
    let port = free_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    let taken = format!("{port}:{INSIDE}");
    for (publish, hint) in [
        (taken.as_str(), "another program uses"),
        (
            "81:80",
            "ports below 1024 are for root; choose a higher one, as in 8081:80",
        ),
        (
            "192.0.2.77:8080:80",
            "192.0.2.77 is no address of this computer",
        ),
    ] {
        let output = with(&session, "--publish", publish);
        assert_complaint(&output, 125, hint);
        assert!(
            output.stderr.starts_with("vpnns: failed to publish "),
            "{output:#?}"
        );
    }
    assert!(session.status("default").is_none());
}

#[test]
fn a_port_that_is_taken_inside_is_refused() {
    let session = Session::new();
    let _app = session.keep("default");
    let reach = format!("127.0.0.1:{}", free_port());
    assert_eq!(with(&session, "--reach", &reach).text(), "started");
    let output = with(&session, "--reach", &reach);
    assert_complaint(&output, 125, "another --reach, may use port");
    assert_eq!(session.status("default").unwrap().ports.len(), 1);
}

#[test]
fn ports_are_not_opened_from_within() {
    let session = Session::new();
    let words = ["--", "vpnns", "--publish", "8080:80", "--", "true"];
    let output = session.vpnns(&words).run();
    assert_complaint(&output, 125, "only be opened from outside");
}

#[test]
fn what_is_no_port_or_has_no_place_is_a_wrong_command_line() {
    let session = Session::new();
    for (words, text) in [
        (
            &["--publish", "80", "--", "true"][..],
            "\"80\" is not of the form",
        ),
        (&["--publish", "80:0", "--", "true"], "\"0\" is no port"),
        (
            &["--reach", "printer:631", "--", "true"],
            "\"printer\" is no address",
        ),
        (
            &["--reach", "0.0.0.0:631", "--", "true"],
            "names no service",
        ),
        (
            &["--publish", "8080:80/sctp", "--", "true"],
            "\"sctp\" is no protocol",
        ),
        (&["--list", "--publish", "8080:80"], "do not go together"),
        (
            &["--connect", "work", "--reach", "127.0.0.1:80"],
            "do not go together",
        ),
    ] {
        assert_complaint(&session.vpnns(words).run(), 2, text);
    }
}
