//! Ports of a profile: open while it is connected, and not before or after.

use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};

use super::support::{LIMIT, Session, has_ended, wait_until};
use super::{INSIDE, free_port, sent, serve_inside};

fn write_profile(session: &Session, ports: &str) {
    write(session, ports, "[demo]");
}

fn write(session: &Session, ports: &str, way: &str) {
    let text = format!("version = 1\n{ports}\n{way}\n");
    let script =
        "umask 077; cd; mkdir -p .config/vpnns/profiles; cat >.config/vpnns/profiles/work.toml";
    session.script(script).input(&text).run().text();
}

#[test]
fn a_profiles_ports_are_open_while_it_is_connected() {
    let session = Session::new();
    let port = free_port();
    write_profile(&session, &format!("publish = [\"{port}:{INSIDE}\"]"));
    let _server = serve_inside(&session, &["--name", "work"], "tcp", "127.0.0.1");
    let refused = || sent(&session, "127.0.0.1", &port) == "error ECONNREFUSED";
    assert!(refused());
    session
        .vpnns(&["--connect", "work", "--background"])
        .run()
        .text();
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact work");
    assert_eq!(session.status("work").unwrap().ports.len(), 1);
    session
        .vpnns(&["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(wait_until(LIMIT, refused), "{:?}", session.status("work"));
    let none = || session.status("work").unwrap().ports.is_empty();
    assert!(wait_until(LIMIT, none));
    // Again, since the port is free again.
    session
        .vpnns(&["--connect", "work", "--background"])
        .run()
        .text();
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact work");
    session.vpnns(&["--stop", "--name", "work"]).run().text();
    assert!(wait_until(LIMIT, refused));
}

#[test]
fn a_profiles_ports_are_closed_when_all_that_kept_them_was_killed() {
    let session = Session::new();
    let port = free_port();
    write(
        &session,
        &format!("publish = [\"{port}:{INSIDE}\"]"),
        "[command]\nmethod = \"attach\"\nrun = [\"sleep\", \"600\"]",
    );
    let _server = serve_inside(&session, &["--name", "work"], "tcp", "127.0.0.1");
    let front = session
        .vpnns(&["--connect", "work", "--background"])
        .spawn();
    let is_open = || sent(&session, "127.0.0.1", &port) == "intact work";
    assert!(wait_until(LIMIT, is_open), "{}", front.log());
    let processes = session.processes();
    let connector = processes
        .iter()
        .find(|it| it.1.starts_with("vpnns: connecting"));
    let (connector, _) = connector.unwrap_or_else(|| panic!("{processes:#?}"));
    for pid in [front.pid(), *connector] {
        kill(pid, Signal::SIGKILL).unwrap();
        assert!(wait_until(LIMIT, || has_ended(pid)));
        // Until the keeper has heard of the one, so that nothing reminds it after the other.
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    // Without a word to the keeper, which a connection would be.
    let place = ("127.0.0.1", port.parse().unwrap());
    let is_closed = || TcpListener::bind(place).is_ok();
    assert!(wait_until(LIMIT, is_closed));
    session.vpnns(&["--stop", "--name", "work"]).run().text();
}

#[test]
fn a_profile_whose_port_is_taken_is_not_connected() {
    let session = Session::new();
    let port = free_port();
    write_profile(&session, &format!("publish = [\"{port}:{INSIDE}\"]"));
    let _taken = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    let output = session.vpnns(&["--connect", "work", "--background"]).run();
    let text = format!("failed to publish 127.0.0.1:{port}:{INSIDE}");
    super::support::assert_complaint(&output, 125, &text);
    assert!(session.status("work").is_none());
}
