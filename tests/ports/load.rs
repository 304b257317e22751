//! Much at once: a large transfer, many connections, and nothing to do.

use nix::sys::signal::Signal;

use super::support::{LIMIT, Session, processor_ticks, wait_until};
use super::{INSIDE, free_port, outside, sent, serve_inside};

#[test]
fn a_large_transfer_in_both_directions_at_once_is_intact() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    let size = (64 << 20).to_string();
    let output = outside(&session, &["send", "127.0.0.1", &port, &size])
        .limit(4 * LIMIT)
        .run();
    assert_eq!(output.text(), "intact default");
}

#[test]
fn connections_beyond_the_limit_wait_for_those_before_them() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    let _server = serve_inside(&session, &[], "tcp", "127.0.0.1");
    // 128 descriptors are set aside, and a connection has two.
    let script = format!("ulimit -n 168; vpnns --publish {publish} -- true");
    session.script(&script).run().text();
    let words = ["crowd", "127.0.0.1", &port, "30"];
    let crowd = outside(&session, &words)
        .input("close\nclose\nclose\nclose\n")
        .spawn();
    let output = crowd.wait(4 * LIMIT);
    assert_eq!(output.text(), "answered 20\nanswered 24");
}

#[test]
fn a_forwarder_with_nothing_to_pass_on_does_nothing() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}");
    // A server that takes connections and never reads; then one that is stopped.
    let server = serve_inside(&session, &["--publish", &publish], "tcp", "127.0.0.1");
    let forwarder = || {
        let processes = session.processes().into_iter();
        let mut ours = processes.filter(|(_, words)| words.starts_with("vpnns: ports"));
        ours.next().map(|(pid, _)| pid)
    };
    // It takes its name a moment after its program has been started.
    assert!(wait_until(LIMIT, || forwarder().is_some()));
    let forwarder = forwarder().unwrap();
    server.signal(Signal::SIGSTOP);
    let stay = outside(&session, &["stay", "127.0.0.1", &port]).spawn();
    stay.wait_for("stays");
    let stuck = outside(&session, &["send", "127.0.0.1", &port, "100000000"]).spawn();
    // Until the buffers on the way are full.
    let mut before = processor_ticks(forwarder);
    let settled = wait_until(LIMIT, || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        std::mem::replace(&mut before, processor_ticks(forwarder)) == before
    });
    assert!(settled, "the forwarder never comes to rest");
    drop(stuck);
    server.signal(Signal::SIGCONT);
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
}
