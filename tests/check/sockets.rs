//! Sockets that join two networks: brought along by an app, shared by name, held by a program outside.

use super::support::Running;
use super::{NAME, Scene, sleeps};
use vpnns_protocol::finding::Outcome;

/// Starts the command that follows with a socket of its own network.
const BRING: &str = "import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); os.set_inheritable(s.fileno(), True)
os.execvp(sys.argv[1], sys.argv[1:])";

/// Inside: makes a socket and hands it to the one outside, which listens on it.
const HAND_OUT: &str = "import socket, sys, time
s = socket.socket(socket.AF_UNIX if sys.argv[2] == 'abstract' else socket.AF_INET)
with socket.socket(socket.AF_UNIX) as way: way.connect(sys.argv[1]); socket.send_fds(way, [b'x'], [s.fileno()])
s.close(); print('handed out', flush=True); time.sleep(600)";
/// Outside: listens on that socket, and at the same name outside as X11 and input methods do.
const TAKE: &str = "import socket, sys, time
way = socket.socket(socket.AF_UNIX); way.bind(sys.argv[1]); way.listen(); print('waiting', flush=True)
peer, _ = way.accept(); _, (fd,), _, _ = socket.recv_fds(peer, 1, 1); s = socket.socket(fileno=fd)
if sys.argv[2] == 'abstract':
    name = '\\0vpnns-test-' + sys.argv[3]; s.bind(name); own = socket.socket(socket.AF_UNIX); own.bind(name); own.listen()
else:
    s.bind(('127.0.0.1', 0))
s.listen(); print('listening', flush=True); time.sleep(600)";

/// A program outside that listens in the instance's network, by a socket that came from there.
fn bridge(scene: &Scene, kind: &str) -> [Running; 2] {
    let way = scene.session.home().join("way");
    let way = way.to_str().unwrap();
    let number = std::process::id().to_string();
    let outside = ["/usr/bin/python3", "-c", TAKE, way, kind, &number];
    let outside = scene.session.command(&outside).spawn();
    outside.wait_for("waiting");
    let inside = [
        "--name",
        NAME,
        "--",
        "/usr/bin/python3",
        "-c",
        HAND_OUT,
        way,
        kind,
    ];
    let inside = scene.session.vpnns(&inside).spawn();
    inside.wait_for("handed out");
    outside.wait_for("listening");
    [outside, inside]
}

#[test]
fn a_connection_that_an_app_has_brought_along_is_found() {
    let scene = Scene::connected(&[]);
    let words = |more: &[&'static str]| {
        let start = ["/usr/bin/python3", "-c", BRING];
        let rest = ["sh", "-c", "echo started; exec sleep 600"];
        [&start[..], more, &rest].concat()
    };
    // Its own network's is what it should have.
    let inside = words(&[]);
    let own = scene
        .session
        .vpnns(&[&["--name", NAME, "--"][..], &inside].concat());
    let own = own.spawn();
    own.wait_for("started");
    let clean = scene.check();
    clean.assert_clean();
    let finding = clean.finding("inherited-sockets");
    assert!(finding.summary.contains("all 1 sockets"), "{finding:#?}");
    let foreign = scene
        .session
        .command(&words(&["vpnns", "--name", NAME, "--"]));
    let foreign = foreign.spawn();
    foreign.wait_for("started");
    sleeps(&foreign);
    scene
        .check()
        .assert_found("inherited-sockets", &format!("sleep ({})", foreign.pid()));
    drop(foreign);
    scene.check().assert_clean();
}

#[test]
fn a_local_socket_that_is_shared_by_name_is_found() {
    let scene = Scene::offline();
    scene.check().assert_clean();
    let both = bridge(&scene, "abstract");
    let found = scene.check();
    found.assert_found("local-sockets", "@vpnns-test-");
    found.assert_found("bridges", "@vpnns-test-");
    drop(both);
    scene.check().assert_clean();
}

#[test]
fn a_program_outside_that_listens_inside_is_found() {
    let scene = Scene::offline();
    let server = [
        "/usr/bin/python3",
        "-um",
        "http.server",
        "--bind",
        "127.0.0.1",
        "0",
    ];
    // A server inside is what ports are published for, and no bridge.
    let inside = scene
        .session
        .vpnns(&[&["--name", NAME, "--"][..], &server].concat());
    let inside = inside.spawn();
    inside.wait_for("Serving");
    scene.check().assert_clean();
    let [outside, _handed] = bridge(&scene, "tcp");
    let found = scene.check();
    found.assert_found("bridges", &format!("({}) at TCP port", outside.pid()));
    assert_eq!(found.finding("local-sockets").outcome, Outcome::Ok);
}
