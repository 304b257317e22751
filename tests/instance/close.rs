//! `vpnns --close`: one program and its children end, the others stay.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::support::{LIMIT, Session, assert_complaint, wait_until};

/// Whether no process of the session has these words in its command line.
fn are_gone(session: &Session, words: &str) -> bool {
    let processes = session.processes();
    wait_until(LIMIT, || {
        !session.processes().iter().any(|it| it.1.contains(words))
    }) || panic!("{words} is still there: {processes:#?}")
}

#[test]
fn a_program_ends_with_its_children_and_the_others_stay() {
    let session = Session::new();
    let other = session.keep("default");
    // The one in the middle ignores SIGTERM, as interactive shells do.
    let script =
        "sleep 1234 & bash -c 'trap \"\" TERM; echo on; while :; do read -t 1 x <> <(:); done'";
    let program = session.shell_inside(script).spawn();
    program.wait_for("on\n");
    let output = session
        .vpnns(&["--close", &program.pid().to_string()])
        .run();
    assert_eq!(output.text(), "");
    assert!(are_gone(&session, "sleep 1234"));
    let output = program.wait(LIMIT);
    assert_ne!(output.code(), 0, "{output:#?}");
    let left = session.status("default").unwrap().apps;
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0].pid.to_string(), other.pid().to_string());
}

#[test]
fn one_that_does_not_listen_is_killed_by_force_with_what_it_starts_meanwhile() {
    let session = Session::new();
    let _other = session.keep("default");
    let script = "trap '' TERM HUP; echo on; while :; do sleep 1234 & sleep 0.01; done";
    let program = session.shell_inside(script).spawn();
    program.wait_for("on\n");
    let pid = program.pid().to_string();
    session.vpnns(&["--close", &pid]).run().text();
    let status = session.status("default").unwrap();
    assert!(status.apps.iter().any(|app| app.pid.to_string() == pid));
    session.vpnns(&["--close", &pid, "--force"]).run().text();
    assert_eq!(program.wait(LIMIT).code(), 128 + 9);
    assert!(are_gone(&session, "sleep 1234"));
}

#[test]
fn nobody_is_left_standing_where_the_keeper_cannot_find_all_of_them() {
    let session = Session::new();
    let _other = session.keep("default");
    let script = "for i in $(seq 40); do sleep 1234 & done; echo on; wait";
    let program = session.shell_inside(script).spawn();
    program.wait_for("on\n");
    let keeper = session.keeper("default");
    let open = std::fs::read_dir(format!("/proc/{keeper}/fd")).unwrap();
    // Enough to hold each of them once, and not twice.
    let limit = format!("--nofile={0}:{0}", open.count() + 60);
    let limit = ["prlimit", "--pid", &keeper.to_string(), &limit];
    session.command(&limit).run().text();
    let pid = program.pid().to_string();
    let output = session.vpnns(&["--close", &pid, "--force"]).run();
    assert_complaint(&output, 125, "failed to look for the programs");
    assert_eq!(program.wait(LIMIT).code(), 128 + 9);
    assert!(are_gone(&session, "sleep 1234"));
}

#[test]
fn a_stopped_program_ends_too() {
    let session = Session::new();
    let program = session.keep("default");
    program.signal(nix::sys::signal::Signal::SIGSTOP);
    let pid = program.pid().to_string();
    session.vpnns(&["--close", &pid]).run().text();
    program.wait(LIMIT);
}

#[test]
fn a_process_outside_or_of_another_instance_is_left_alone() {
    let session = Session::new();
    let _app = session.keep("work");
    let other = session.keep("other");
    let outside = session.command(&["sleep", "600"]).spawn();
    let keeper = session.keeper("work");
    let nobody = nobody();
    for pid in [other.pid(), outside.pid(), keeper, Pid::from_raw(1), nobody] {
        for force in [&[][..], &["--force"]] {
            let number = pid.to_string();
            let words = [&["--close", &number, "--name", "work"], force].concat();
            let output = session.vpnns(&words).run();
            let text = format!("process {pid} does not run in the instance work");
            assert_complaint(&output, 125, &text);
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    for pid in [other.pid(), outside.pid(), keeper] {
        assert_eq!(kill(pid, None), Ok(()), "{pid} was ended");
    }
    let output = session.vpnns(&["--close", "1", "--name", "nosuch"]).run();
    assert_complaint(&output, 125, "no instance named nosuch is running");
}

/// A number that no process has.
fn nobody() -> Pid {
    let numbers = (4_000_000..4_194_304).map(Pid::from_raw);
    let mut free = numbers.filter(|pid| kill(*pid, None) == Err(Errno::ESRCH));
    free.next().unwrap()
}

#[test]
fn what_is_no_process_is_a_wrong_command_line() {
    let session = Session::new();
    for words in [
        &["--close", "0"][..],
        &["--close", "-1"],
        &["--close", "firefox"],
        &["--close"],
        &["--force", "--list"],
        &["--close", "1", "--", "true"],
    ] {
        assert_eq!(session.vpnns(words).run().code(), 2, "{words:?}");
    }
}
