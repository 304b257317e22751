//! `vpnns --list` and `vpnns --status`, for people and for programs.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use vpnns_protocol::instance::{Report, State};

use crate::support::{LIMIT, Session, assert_complaint, wait_until};

fn report(session: &Session, words: &[&str]) -> Report {
    let output = session.vpnns(words).run();
    assert_eq!(output.stderr, "");
    let report: Report = serde_json::from_str(output.text()).unwrap();
    assert_eq!(report.version, vpnns_protocol::VERSION);
    report
}

#[test]
fn where_nothing_runs_it_is_said() {
    let session = Session::new();
    for action in ["--list", "--status"] {
        assert_eq!(
            session.vpnns(&[action]).run().text(),
            "No instance is running."
        );
        assert_eq!(report(&session, &[action, "--json"]).instances, []);
    }
    let output = session.vpnns(&["--status", "-n", "work"]).run();
    assert_complaint(&output, 125, "no instance named work is running");
    assert_eq!(
        report(&session, &["--status", "--json", "-n", "work"]).instances,
        []
    );
    assert_eq!(fs::read_dir(session.home()).unwrap().count(), 0);
}

#[test]
fn instances_are_listed_by_name_with_their_apps() {
    let session = Session::new();
    let (_work, _b, _a) = (session.keep("work"), session.keep("b"), session.keep("a"));
    let second = session
        .vpnns(&[
            "-n",
            "b",
            "--",
            "/usr/bin/tail",
            "-f",
            "/dev/null",
            "--pid=1",
        ])
        .spawn();
    assert!(wait_until(LIMIT, || {
        session
            .status("b")
            .is_some_and(|instance| instance.apps.len() == 2)
    }));
    let list = session.vpnns(&["--list"]).run();
    let lines: Vec<&str> = list.text().lines().collect();
    assert_eq!(lines.len(), 4, "{list:#?}");
    assert!(lines[0].starts_with("NAME"), "{list:#?}");
    let rows: Vec<Vec<&str>> = lines[1..]
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, ["a", "b", "work"]);
    assert!(rows.iter().all(|row| row[1] == "isolated"), "{list:#?}");
    assert!(
        lines[2].contains(&format!("tail ({})", second.pid())),
        "{list:#?}"
    );
    // Arguments may hold secrets.
    assert!(!list.stdout.contains("/dev/null"), "{list:#?}");
    let one = session.vpnns(&["--list", "-n", "work"]).run();
    assert_eq!(one.text().lines().count(), 2, "{one:#?}");
    assert!(one.stdout.contains("\nwork "), "{one:#?}");
    let none = session.vpnns(&["--list", "-n", "study"]).run();
    assert_complaint(&none, 125, "no instance named study is running");
}

#[test]
fn the_json_says_what_is_so() {
    let session = Session::new();
    let app = session.keep("work");
    let report = report(&session, &["--list", "--json"]);
    let [instance] = &report.instances[..] else {
        panic!("{report:#?}")
    };
    assert_eq!(instance.name.as_str(), "work");
    assert_eq!(instance.state, State::Isolated);
    assert_eq!(instance.tunnel, None);
    assert_eq!(instance.apps[0].pid, app.pid().as_raw().unsigned_abs());
    assert_eq!(
        instance.apps[0].command, "sh",
        "the program that was asked for"
    );
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!((now - 60..=now).contains(&instance.since), "{instance:#?}");
    let keeper = fs::read_to_string(format!("/proc/{}/cmdline", instance.keeper)).unwrap();
    assert!(keeper.starts_with("vpnns: keeper of work"), "{keeper}");
}

#[test]
fn the_status_of_one_and_of_all_is_told_in_full() {
    let session = Session::new();
    let (_work, _study) = (session.keep("work"), session.keep("study"));
    let one = session.vpnns(&["--status", "-n", "work"]).run();
    assert!(one.text().starts_with("work\n"), "{one:#?}");
    for text in ["isolated", "no VPN", "keeper", "sh ("] {
        assert!(one.text().contains(text), "{one:#?}");
    }
    assert!(!one.text().contains("study"), "{one:#?}");
    let all = session.vpnns(&["--status"]).run();
    assert!(
        all.text().contains("\nwork\n") && all.text().starts_with("study\n"),
        "{all:#?}"
    );
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let session = Session::new();
    let _app = session.keep("default");
    for action in ["--list", "--status --json", "--help", "--completions bash"] {
        let script = format!("{{ vpnns {action}; echo \"$?\" >&2; }} | true; sleep 0.1");
        let output = session.script(&script).run();
        // SIGPIPE may end it in silence, as any program of a pipeline.
        let said = output.stderr.trim();
        assert!(
            said.is_empty() || said == "0" || said == "141",
            "{output:#?}"
        );
    }
}

#[test]
fn a_keeper_shows_no_argument_of_its_first_app() {
    let session = Session::new();
    let script = "echo on; exec sleep 600";
    let words = [
        "-n",
        "w",
        "--",
        "sh",
        "-c",
        script,
        "--password=swordfish-of-the-app-and-more",
    ];
    let app = session.vpnns(&words).spawn();
    app.wait_for("on\n");
    let keeper = session.keeper("w");
    let words = fs::read_to_string(format!("/proc/{keeper}/cmdline")).unwrap();
    assert!(words.starts_with("vpnns: keeper of w"), "{words}");
    assert!(!words.contains("fish"), "{words}");
}
