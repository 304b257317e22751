//! An opened application is in the instance, and is the process that was called.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use nix::sys::signal::Signal;

use crate::desktop::Desktop;
use crate::support::{LIMIT, assert_complaint};

#[test]
fn an_opened_application_reaches_no_service_of_the_host_and_outside_it_does() {
    let desktop = Desktop::new();
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in service.incoming() {
            let _ = connection.unwrap().write_all(b"hello\n");
        }
    });
    let script = format!("#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{port} && head -n 1 <&3\n");
    let visit = desktop.session().user().write("bin/visit", &script, 0o755);
    let visit = visit.to_str().unwrap();
    desktop.entry("one", "a.desktop", &format!("Exec={visit}"));
    // The very same program, so that its failure inside says something.
    assert_eq!(desktop.command(&[visit]).run().text(), "hello");
    let inside = desktop.open(&["a"]).run();
    assert_eq!(inside.stdout, "", "{inside:#?}");
    assert!(inside.stderr.contains("refused"), "{inside:#?}");
    assert_ne!(inside.code(), 0);
}

#[test]
fn it_joins_the_instance_that_is_named_and_its_calls_mean_the_same() {
    let desktop = Desktop::new();
    let script =
        "readlink /proc/self/ns/net; echo $VPNNS_NAME; vpnns -- readlink /proc/self/ns/net";
    desktop.entry("one", "a.desktop", &format!("Exec=sh -c '{script}'"));
    let _app = desktop.session().keep("work");
    let network = desktop.session().network("work");
    let expected = [network.as_str(), "work", network.as_str()];
    assert_eq!(desktop.shown(&["a", "--name", "work"]), expected);
    let by_variable = desktop.open(&["a"]).env("VPNNS_NAME", "work").run();
    assert_eq!(by_variable.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_process_becomes_the_application_with_its_exit_status_and_signals() {
    let desktop = Desktop::new();
    let script = "trap \"echo heard; exit 3\" TERM; echo on; while :; do sleep 0.1; done";
    desktop.entry("one", "a.desktop", &format!("Exec=sh -c '{script}'"));
    let app = desktop.open(&["a"]).spawn();
    app.wait_for("on\n");
    let shown = desktop.session().status("default").unwrap().apps;
    assert_eq!(shown[0].command, "sh");
    assert_eq!(i32::try_from(shown[0].pid).unwrap(), app.pid().as_raw());
    app.signal(Signal::SIGTERM);
    let output = app.wait(LIMIT);
    assert_eq!((output.code(), &*output.stdout), (3, "on\nheard\n"));
}

#[test]
fn a_program_that_cannot_be_run_is_told_apart_from_one_that_is_not_there() {
    let desktop = Desktop::new();
    let plain = desktop.session().user().write("plain", "text", 0o644);
    for (exec, code) in [
        ("no-such-program %U", 127),
        ("/no/such/program", 127),
        (plain.to_str().unwrap(), 126),
    ] {
        desktop.entry("one", "a.desktop", &format!("Exec={exec}"));
        assert_complaint(&desktop.open(&["a"]).run(), code, "failed to run");
    }
}

#[test]
fn an_entry_that_the_session_bus_could_start_is_run_by_its_command() {
    let desktop = Desktop::new();
    desktop.entry(
        "one",
        "org.example.App.desktop",
        "DBusActivatable=true\nExec=echo ran",
    );
    assert_eq!(desktop.open(&["org.example.App"]).run().text(), "ran");
}
