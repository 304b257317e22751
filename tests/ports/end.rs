//! When a port ends: with its instance, with its keeper, and with its forwarder.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vpnns_protocol::port::Port;

use super::support::{LIMIT, Session, has_ended, wait_until};
use super::{INSIDE, free_port, sent, serve_inside};

/// The forwarders of this session's instances. Each takes its name a moment after its program has been started.
fn forwarders(session: &Session) -> Vec<Pid> {
    let processes = session.processes().into_iter();
    let ours = processes.filter(|(_, words)| words.starts_with("vpnns: ports"));
    ours.map(|(pid, _)| pid).collect()
}

fn is_closed(session: &Session, port: &str) -> bool {
    wait_until(LIMIT, || {
        sent(session, "127.0.0.1", port) == "error ECONNREFUSED"
    })
}

#[test]
fn a_port_is_shown_and_closed_with_its_instance() {
    let session = Session::new();
    let (port, reached) = (free_port(), free_port());
    let publish = format!("{port}:{INSIDE}");
    let reach = format!("127.0.0.1:{reached}/udp");
    let options = ["--publish", &publish, "--reach", &reach];
    let server = serve_inside(&session, &options, "tcp", "127.0.0.1");
    let ports = session.status("default").unwrap().ports;
    assert_eq!(
        ports,
        [
            Port::publish(&publish).unwrap(),
            Port::reach(&reach).unwrap()
        ]
    );
    let text = session.vpnns(&["--status"]).run();
    let published =
        format!("programs of this computer reach TCP port {INSIDE} inside at 127.0.0.1:{port}");
    assert!(text.text().contains(&published), "{text:#?}");
    assert!(
        text.text()
            .contains(&format!("the inside reaches {reach}").replace("/udp", ""))
    );
    assert!(wait_until(LIMIT, || forwarders(&session).len() == 1));
    drop(server);
    session.wait_for_end("default");
    assert!(is_closed(&session, &port));
    assert!(wait_until(LIMIT, || forwarders(&session).is_empty()));
}

#[test]
fn a_forwarder_holds_up_nobody_who_reads_what_its_program_prints() {
    let session = Session::new();
    let port = free_port();
    let _app = session.keep("default");
    let script = format!("vpnns --publish {port}:{INSIDE} -- echo printed 2>&1 | cat");
    assert_eq!(session.script(&script).run().text(), "printed");
    assert!(wait_until(LIMIT, || forwarders(&session).len() == 1));
}

#[test]
fn a_stopped_instance_leaves_no_open_port() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    session.vpnns(&["--stop"]).run().text();
    assert!(is_closed(&session, &port));
}

#[test]
fn a_forwarder_that_somebody_has_stopped_leaves_no_open_port() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
    for pid in forwarders(&session) {
        kill(pid, Signal::SIGSTOP).unwrap();
    }
    session.vpnns(&["--stop"]).run().text();
    assert!(is_closed(&session, &port));
    assert!(wait_until(LIMIT, || forwarders(&session).is_empty()));
}

#[test]
fn a_killed_keeper_leaves_no_open_port_and_the_next_one_shows_none() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
    session.kill_keeper("default");
    assert!(is_closed(&session, &port));
    assert!(wait_until(LIMIT, || forwarders(&session).is_empty()));
    // The server is still there, and can be published again.
    session
        .vpnns(&["--publish", &publish, "--", "true"])
        .run()
        .text();
    assert_eq!(session.status("default").unwrap().ports.len(), 1);
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
}

#[test]
fn a_killed_forwarder_closes_its_ports_and_they_are_shown_no_more() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    assert!(wait_until(LIMIT, || !forwarders(&session).is_empty()));
    let [forwarder] = forwarders(&session)[..] else {
        panic!("{:?}", session.processes())
    };
    kill(forwarder, Signal::SIGKILL).unwrap();
    assert!(wait_until(LIMIT, || has_ended(forwarder)));
    assert!(is_closed(&session, &port));
    let shown = || session.status("default").unwrap().ports;
    assert!(wait_until(LIMIT, || shown().is_empty()), "{:?}", shown());
}
