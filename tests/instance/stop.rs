//! `vpnns --stop`: everything in the instance ends, whatever it thinks of that.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{LIMIT, Session, assert_complaint};

#[test]
fn stop_ends_every_app_and_says_nothing() {
    let session = Session::new();
    let (first, second) = (session.keep("default"), session.keep("default"));
    let other = session.keep("other");
    session
        .shell_inside("setsid sleep 600 >/dev/null 2>&1 &")
        .run()
        .text();
    let output = session.vpnns(&["--stop"]).run();
    assert_eq!((output.code(), &*output.log()), (0, ""));
    assert!(output.elapsed < Duration::from_secs(4), "{output:#?}");
    for app in [first, second] {
        assert_eq!(app.wait(LIMIT).code(), 128 + 15);
    }
    assert_eq!(session.status("default"), None);
    assert_eq!(session.status("other").unwrap().apps.len(), 1);
    drop(other);
    session.wait_for_end("other");
    session.wait_for_nothing();
}

#[test]
fn an_app_may_use_its_time_to_end_in_order() {
    let session = Session::new();
    let script = "trap 'sleep 0.5; echo saved; exit 3' TERM; echo on; while :; do sleep 0.05; done";
    let app = session.shell_inside(script).spawn();
    app.wait_for("on\n");
    session.vpnns(&["--stop"]).run().text();
    let output = app.wait(LIMIT);
    assert_eq!((output.code(), &*output.stdout), (3, "on\nsaved\n"));
}

#[test]
fn an_app_that_ignores_the_signal_is_killed_when_its_time_is_over() {
    let session = Session::new();
    let script = "trap '' TERM HUP INT; echo on; while :; do sleep 1; done";
    let app = session.shell_inside(script).spawn();
    app.wait_for("on\n");
    let output = session.vpnns(&["--stop"]).run();
    assert_eq!((output.code(), &*output.log()), (0, ""));
    assert!(output.elapsed >= Duration::from_secs(4), "{output:#?}");
    assert!(output.elapsed < Duration::from_secs(12), "{output:#?}");
    assert_eq!(app.wait(LIMIT).code(), 128 + 9);
    session.wait_for_nothing();
}

#[test]
fn a_stopped_app_ends_at_once() {
    let session = Session::new();
    let app = session.keep("default");
    app.signal(Signal::SIGSTOP);
    let output = session.vpnns(&["--stop"]).run();
    assert!(output.elapsed < Duration::from_secs(4), "{output:#?}");
    assert_eq!(app.wait(LIMIT).code(), 128 + 15);
}

#[test]
fn what_runs_in_namespaces_of_its_own_ends_too() {
    let session = Session::new();
    // The first process of a pid namespace does not hear a signal that it has no handler for.
    let script = "unshare -Urpf --mount-proc sh -c 'echo on; sleep 600; :'";
    let app = session.shell_inside(script).spawn();
    app.wait_for("on\n");
    let output = session
        .vpnns(&["--stop"])
        .limit(Duration::from_secs(20))
        .run();
    assert_eq!((output.code(), &*output.log()), (0, ""));
    session.wait_for_nothing();
}

#[test]
fn stopping_what_does_not_run_is_an_error_in_one_sentence() {
    let session = Session::new();
    let output = session.vpnns(&["--stop", "-n", "work"]).run();
    assert_complaint(&output, 125, "no instance named work is running");
    assert!(output.stderr.contains("hint: "), "{output:#?}");
    assert_eq!(std::fs::read_dir(session.home()).unwrap().count(), 0);
}

#[test]
fn after_a_stop_the_next_start_is_a_new_instance() {
    let session = Session::new();
    for _ in 0..10 {
        let app = session.keep("default");
        session.vpnns(&["--stop"]).run().text();
        // At once, and not as a member of what is just ending.
        assert_eq!(session.inside(&["echo", "fine"]).run().text(), "fine");
        app.wait(LIMIT);
        session.wait_for_end("default");
    }
}
