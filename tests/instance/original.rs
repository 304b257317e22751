//! The original program, and what it leaves where our state is.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{LIMIT, Running, Session, assert_complaint, exists, has_ended, wait_until};

const ORIGINAL: &str = "/usr/bin/vpnns";

/// Starts an app in an instance of the original's; it ends by itself when `end` is there.
fn start(session: &Session) -> Running {
    assert!(
        exists(ORIGINAL.as_ref()),
        "these tests need the original: run `apt-get install ocproxy`"
    );
    let wait =
        "rm -f /etc/host.conf; for try in $(seq 3000); do [ -e end ] && exit; sleep 0.01; done";
    let app = session.command(&[ORIGINAL, "--", "sh", "-c", wait]).spawn();
    let pid = session.home().join(".vpnns-default/vpnns.pid");
    assert!(wait_until(LIMIT, || std::fs::read(&pid)
        .is_ok_and(|text| !text.is_empty())));
    app
}

fn end(session: &Session, app: Running) {
    session.user().write("end", "", 0o644);
    app.wait(LIMIT);
}

#[test]
fn an_instance_of_the_original_is_refused_and_another_name_is_not() {
    let session = Session::new();
    let app = start(&session);
    let output = session.inside(&["true"]).run();
    assert_complaint(&output, 125, "the original vpnns runs an instance in");
    assert!(output.stderr.contains("--name"), "{output:#?}");
    session.vpnns(&["-n", "work", "--", "true"]).run().text();
    session.wait_for_end("work");
    assert_eq!(
        session.vpnns(&["--list"]).run().text(),
        "No instance is running."
    );
    end(&session, app);
}

#[test]
fn what_the_original_leaves_is_survived_and_not_used() {
    let session = Session::new();
    let app = start(&session);
    let directory = session.home().join(".vpnns-default");
    let pid = std::fs::read_to_string(directory.join("vpnns.pid")).unwrap();
    let watcher = Pid::from_raw(pid.trim().parse().unwrap());
    // Killed, so that its pid file stays.
    kill(watcher, Signal::SIGKILL).unwrap();
    assert!(wait_until(LIMIT, || has_ended(watcher)));
    end(&session, app);
    for name in ["vpnns.pid", "etc", "workdir"] {
        assert!(
            exists(&directory.join(name)),
            "the original no longer makes {name}"
        );
    }
    let script =
        "head -c 8 /etc/resolv.conf; [ -e /etc/passwd ] && [ -e /etc/host.conf ] && echo whole";
    assert_eq!(session.shell_inside(script).run().text(), "# vpnns:whole");
}

#[test]
fn a_deletion_that_an_app_of_the_original_has_left_does_not_reach_ours() {
    let session = Session::new();
    let app = start(&session);
    end(&session, app);
    let gone = wait_until(LIMIT, || {
        !exists(&session.home().join(".vpnns-default/vpnns.pid"))
    });
    assert!(gone, "the original still runs");
    let whiteout = session.home().join(".vpnns-default/etc/host.conf");
    assert!(exists(&whiteout), "there is no deletion to test with");
    session.inside(&["cat", "/etc/host.conf"]).run().text();
    session.wait_for_end("default");
}

#[test]
fn a_pid_file_that_names_somebody_else_means_nothing() {
    let session = Session::new();
    let directory = session.home().join(".vpnns-default");
    session.user().make_directory(&directory);
    for text in [
        &*std::process::id().to_string(),
        "1",
        "0",
        "-1",
        "",
        "999999999999",
        "text",
    ] {
        session
            .user()
            .write(".vpnns-default/vpnns.pid", text, 0o644);
        session.inside(&["true"]).run().text();
        session.wait_for_end("default");
    }
}
