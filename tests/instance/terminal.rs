//! Job control on a real terminal: what Ctrl-C, Ctrl-Z and a hang-up do to an app.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};

use crate::support::{LIMIT, Output, Session, wait_until};

/// Sits down at a terminal with an interactive shell, types and waits as the steps say.
fn sit(session: &Session, steps: &[&str]) -> Output {
    crate::support::command::require("python3", "python3");
    let script = session
        .user()
        .write("terminal.py", include_str!("../support/terminal.py"), 0o644);
    let shell = ["bash", "--noprofile", "--norc", "--noediting", "-i", "--"];
    let start = ["<PS1='ready'$((40+2))'> '\\n", ">ready42> "];
    let program = ["/usr/bin/python3", script.to_str().unwrap()];
    let words = [&program[..], &shell[..], &start[..], steps].concat();
    let output = session.command(&words).limit(Duration::from_secs(60)).run();
    assert!(output.succeeded(), "{output:#?}");
    output
}

#[test]
fn ctrl_c_ends_the_app_and_with_it_the_instance() {
    let session = Session::new();
    sit(
        &session,
        &[
            "<vpnns -- sh -c 'echo on; exec sleep 600'\\n",
            ">on\\r\\n",
            "<\\x03",
            ">ready42> ",
            "<echo code=$?\\n",
            ">code=130\\r\\n",
            // Also when it has only joined.
            "<vpnns -- sleep 601 & vpnns -- sh -c 'echo on; exec sleep 600'\\n",
            ">on\\r\\n",
            "<\\x03",
            ">ready42> ",
            "<kill %1; wait; echo waited\\n",
            ">waited",
        ],
    );
    session.wait_for_end("default");
    session.wait_for_nothing();
}

#[test]
fn an_interactive_shell_ends_as_soon_as_its_instance_is_stopped() {
    let session = Session::new();
    // Such a shell ignores SIGTERM, and would be killed when its five seconds are over.
    let stop = "<(until [ -e up ]; do sleep 0.05; done; a=${EPOCHREALTIME/./}; \
                vpnns --stop -n work; echo $((${EPOCHREALTIME/./} - a)) >took) &\\n";
    sit(
        &session,
        &[
            stop,
            ">ready42> ",
            "<vpnns -n work -- bash --noprofile --norc --noediting -i\\n",
            "<PS1='in'side'> '\\n",
            ">inside> ",
            "<touch up\\n",
            ">ready42> ",
            "<wait; echo code=$?\\n",
            ">code=0",
        ],
    );
    let took = std::fs::read_to_string(session.home().join("took")).unwrap();
    let took = Duration::from_micros(took.trim().parse().unwrap());
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(session.status("work"), None);
}

#[test]
fn ctrl_z_stops_the_app_and_fg_goes_on_with_it() {
    let session = Session::new();
    let app = "<vpnns -- sh -c 'echo on; read word; echo \"got $word\"; exit 5'\\n";
    let steps = [
        app,
        ">on\\r\\n",
        "<\\x1a",
        ">Stopped",
        ">ready42> ",
        "<jobs -l\\n",
        ">Stopped",
        ">ready42> ",
        "<fg\\n",
        ">vpnns -- sh",
        "<hello\\n",
        ">got hello\\r\\n",
        ">ready42> ",
        "<echo code=$?\\n",
        ">code=5\\r\\n",
    ];
    sit(&session, &steps);
    let _app = session.keep("default");
    sit(&session, &steps);
}

#[test]
fn bg_lets_a_stopped_app_run_behind_the_shell() {
    let session = Session::new();
    sit(
        &session,
        &[
            // bash, because dash cannot be stopped while it waits for a vfork.
            "<vpnns -- bash -c 'echo on; sleep 0.5; echo done >mark; exec sleep 600'\\n",
            ">on\\r\\n",
            "<\\x1a",
            ">Stopped",
            ">ready42> ",
            "<bg; until [ -e mark ]; do sleep 0.1; done; kill %1; wait %1; echo code=$?\\n",
            ">code=143\\r\\n",
        ],
    );
}

#[test]
fn the_terminal_is_the_apps_controlling_one() {
    let session = Session::new();
    let script = "tty; echo direct >/dev/tty; [ -t 0 ] && [ -t 1 ] && stty -a >/dev/null && \
                  ps -o tpgid= -o pgid= -p $$ | { read a b; [ $a = $b ] && echo foreground; }";
    let type_it = format!("<tty; vpnns -- sh -c '{script}'\\n");
    let output = sit(&session, &[&type_it, ">direct\\r\\n", ">foreground\\r\\n"]);
    let ttys: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').find(|word| word.starts_with("/dev/pts/")))
        .collect();
    assert_eq!(ttys.len(), 2, "{output:#?}");
    assert_eq!(ttys[0], ttys[1]);
}

#[test]
fn an_interactive_shell_inside_has_job_control_of_its_own() {
    let session = Session::new();
    let output = sit(
        &session,
        &[
            "<SHELL=/bin/bash exec vpnns\\n",
            "<PS1='in'side'> '\\n",
            ">inside> ",
            "<sh -c 'echo on; exec sleep 600'\\n",
            ">on\\r\\n",
            "<\\x1a",
            ">Stopped",
            "<kill %1; echo $VPNNS_NAME\\n",
            ">default",
        ],
    );
    assert!(!output.stdout.contains("no job control"), "{output:#?}");
}

#[test]
fn closing_the_terminal_ends_the_app_but_not_one_that_was_told_to_stay() {
    let session = Session::new();
    sit(
        &session,
        &["<vpnns -- sh -c 'echo on; exec sleep 600'\\n", ">on\\r\\n"],
    );
    session.wait_for_end("default");
    let script = "trap \"\" HUP; echo on; exec sleep 602";
    sit(
        &session,
        &[&format!("<vpnns -- sh -c '{script}'\\n"), ">on\\r\\n"],
    );
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(session.status("default").unwrap().apps.len(), 1);
    session.vpnns(&["--stop"]).run().text();
}

#[test]
fn a_hang_up_at_whatever_moment_of_the_start_leaves_the_keeper_of_an_app_that_stays() {
    let session = Session::new();
    for moment in 0..60 {
        let words = ["env", "--ignore-signal=HUP", "vpnns", "--", "sleep", "600"];
        let app = session.command(&words).spawn();
        let comm = || std::fs::read_to_string(format!("/proc/{}/comm", app.pid())).unwrap();
        let end = std::time::Instant::now() + LIMIT;
        while comm() == "env\n" && std::time::Instant::now() < end {}
        std::thread::sleep(Duration::from_micros(50 * moment));
        killpg(app.pid(), Signal::SIGHUP).unwrap();
        let exec = wait_until(LIMIT, || comm() == "sleep\n");
        assert!(exec, "moment {moment}: {}", app.log());
        // A killed keeper's socket and record stay: it would not be noticed at once.
        let keeper = session.status("default").map(|status| status.keeper);
        assert!(keeper.is_some(), "moment {moment}: the keeper is gone");
        drop(app);
        session.wait_for_end("default");
    }
}

#[test]
fn ctrl_z_stops_an_app_at_whatever_moment_of_its_start() {
    let session = Session::new();
    let state = |pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next())
    };
    for moment in 0..150 {
        let app = session.inside(&["sleep", "0.02"]).spawn();
        std::thread::sleep(Duration::from_micros(40 * moment));
        // A shell's job is a process group, as every command here is.
        killpg(app.pid(), Signal::SIGTSTP).unwrap();
        // `Z` on a machine that is so busy that the app was faster.
        let stopped = wait_until(LIMIT, || matches!(state(app.pid()), Some('T' | 'Z')));
        assert!(stopped, "moment {moment}: {:?}", state(app.pid()));
        // Whoever is stopped keeps nobody out.
        if moment % 5 == 0 {
            let other = session.inside(&["true"]).run();
            other.text();
            assert!(
                other.elapsed < Duration::from_secs(5),
                "moment {moment}: {other:#?}"
            );
        }
        killpg(app.pid(), Signal::SIGCONT).unwrap();
        assert_eq!(app.wait(LIMIT).code(), 0, "moment {moment}");
    }
}
