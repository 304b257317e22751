//! A keeper that has much to hear at once: it hears it in the order in which it was said.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vpnns_protocol::instance::Report;

use crate::support::{LIMIT, Session, has_asked, wait_until};

/// What is shown of an instance whose keeper is stopped while something happens.
fn apps_after(session: &Session, keeper: Pid, event: impl FnOnce()) -> Vec<u32> {
    kill(keeper, Signal::SIGSTOP).unwrap();
    event();
    let status = session.vpnns(&["--status", "--json"]).spawn();
    assert!(wait_until(LIMIT, || has_asked(status.pid())));
    kill(keeper, Signal::SIGCONT).unwrap();
    let output = status.wait(LIMIT);
    let report: Report = serde_json::from_str(output.text()).unwrap();
    report.instances[0].apps.iter().map(|it| it.pid).collect()
}

#[test]
fn a_program_that_has_ended_is_not_shown_however_busy_the_keeper_was() {
    let session = Session::new();
    let app = session.keep("default");
    // It hears in one turn that a program has come in, and who asks after the program has ended.
    let pids = apps_after(&session, session.keeper("default"), || {
        session.inside(&["true"]).run().text();
    });
    assert_eq!(pids, [app.pid().as_raw().unsigned_abs()]);
}

#[test]
fn a_program_that_has_come_in_is_shown_however_busy_the_keeper_was() {
    let session = Session::new();
    let first = session.keep("default");
    let monitor = session.vpnns(&["--monitor", "--json"]).spawn();
    monitor.wait_for("default");
    // It hears in one turn that somebody has gone, a program has come in, and who asks.
    let mut second = None;
    let pids = apps_after(&session, session.keeper("default"), || {
        drop(monitor);
        second = Some(session.keep("default"));
    });
    let apps = [Some(first), second];
    let mut expected: Vec<u32> = apps
        .iter()
        .flatten()
        .map(|app| app.pid().as_raw().unsigned_abs())
        .collect();
    expected.sort_unstable();
    assert_eq!(pids, expected);
}

#[test]
fn a_program_that_the_last_one_leaves_behind_is_shown_at_once() {
    let session = Session::new();
    let app = session
        .shell_inside("sleep 600 >/dev/null & echo $!; exec sleep 601")
        .spawn();
    app.wait_for("\n");
    let child: u32 = app.stdout().trim().parse().unwrap();
    let pids = apps_after(&session, session.keeper("default"), || drop(app));
    assert_eq!(pids, [child]);
    session.vpnns(&["--stop"]).run().text();
}

#[test]
fn a_program_that_comes_while_the_instance_is_stopped_is_asked_to_end_as_well() {
    let session = Session::new();
    let script = "trap '' TERM HUP; echo on; while :; do sleep 0.1; done";
    let stubborn = session.shell_inside(script).spawn();
    stubborn.wait_for("on\n");
    let stop = session.vpnns(&["--stop"]).spawn();
    let log = || session.vpnns(&["--log"]).run();
    assert!(wait_until(LIMIT, || log().stdout.contains("is stopped")));
    let late = session.inside(&["sleep", "600"]).run();
    assert_eq!(late.code(), 128 + 15, "{late:#?}");
    assert_eq!(stop.wait(LIMIT).code(), 0);
    assert_eq!(stubborn.wait(LIMIT).code(), 128 + 9);
}

#[test]
fn who_comes_after_a_connector_has_said_goodbye_finds_its_place_free() {
    let session = Session::new();
    let app = session.keep("default");
    let keeper = session.keeper("default").to_string();
    let program = include_str!("goodbye.py");
    let output = session.command(&["/usr/bin/python3", "-c", program, &keeper]);
    assert_eq!(output.run().text(), "done\nfailed\ndone");
    drop(app);
}

#[test]
fn the_script_of_a_client_stays_until_its_news_has_been_heard() {
    let session = Session::new();
    let _app = session.keep("default");
    let keeper = session.keeper("default");
    kill(keeper, Signal::SIGSTOP).unwrap();
    let script = session.vpnns(&["--configure", "--name", "default"]);
    let mut script = script.env("reason", "attempt-reconnect").spawn();
    std::thread::sleep(Duration::from_millis(300));
    assert!(script.ended().is_none());
    kill(keeper, Signal::SIGCONT).unwrap();
    assert_eq!(script.wait(LIMIT).code(), 0);
}
