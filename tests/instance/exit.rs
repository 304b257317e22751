//! What a caller learns from the exit code, and what a person reads when nothing was run.

use nix::sys::signal::Signal;

use crate::support::{LIMIT, Session, assert_complaint};

#[test]
fn the_exit_code_is_the_commands_own() {
    let session = Session::new();
    for code in [0, 1, 7, 125, 255] {
        let fresh = session.shell_inside(&format!("exit {code}")).run();
        assert_eq!((fresh.code(), &*fresh.log()), (code, ""));
    }
    let _app = session.keep("default");
    for code in [0, 7, 255] {
        let joined = session.shell_inside(&format!("exit {code}")).run();
        assert_eq!((joined.code(), &*joined.log()), (code, ""));
    }
}

#[test]
fn a_shell_sees_the_signal_that_ended_the_command() {
    let session = Session::new();
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGSEGV] {
        let number = signal as i32;
        let script = format!("set +e; vpnns -- sh -c 'kill -{number} $$' 2>/dev/null; echo $?");
        assert_eq!(
            session.script(&script).run().text(),
            (128 + number).to_string()
        );
    }
}

#[test]
fn the_process_becomes_the_command_so_that_a_signal_reaches_it() {
    let session = Session::new();
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        let app = session
            .shell_inside("trap 'echo heard; exit 3' TERM; echo on; while :; do sleep 0.1; done")
            .spawn();
        app.wait_for("on\n");
        let command = std::fs::read_to_string(format!("/proc/{}/comm", app.pid())).unwrap();
        assert_eq!(command, "sh\n", "something stands between");
        app.signal(Signal::SIGTERM);
        let output = app.wait(LIMIT);
        assert_eq!((output.code(), &*output.stdout), (3, "on\nheard\n"));
    }
}

#[test]
fn a_command_that_cannot_be_run_is_told_apart_from_one_that_is_not_there() {
    let session = Session::new();
    let file = session.user().write("no-program", "text", 0o644);
    let nowhere = session
        .user()
        .write("no-interpreter", "#!/no/such/shell\n", 0o755);
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        for (words, code, text) in [
            (file.to_str().unwrap(), 126, "no-program"),
            ("/etc", 126, "/etc"),
            ("no-such-command", 127, "no-such-command"),
            ("./no-such-command", 127, "no-such-command"),
            (nowhere.to_str().unwrap(), 127, "no-interpreter"),
            ("", 127, "\"\""),
        ] {
            let output = session.inside(&[words]).run();
            assert_complaint(&output, code, text);
            assert!(output.stderr.contains("caused by: "), "{output:#?}");
        }
    }
}

#[test]
fn an_option_without_its_dashes_is_not_just_a_program_that_is_not_there() {
    let session = Session::new();
    for (word, hint) in [
        ("list", "did you mean vpnns --list?"),
        ("self-test", "did you mean vpnns --self-test?"),
        ("no-such-command", "no directory in PATH has it"),
    ] {
        let output = session.vpnns(&[word]).run();
        assert_complaint(&output, 127, &format!("hint: {hint}\n"));
        assert!(!output.stderr.contains("ENOENT"), "{output:#?}");
    }
}

#[test]
fn wrong_usage_is_answered_with_one_sentence_and_starts_nothing() {
    let session = Session::new();
    for (words, text) in [
        (&["--no-such-option"][..], "--no-such-option"),
        (&["--name"], "--name"),
        (&["--list", "--stop"], "--stop"),
        (&["--stop", "--", "true"], "--stop"),
        (&["--json", "--", "true"], "--json"),
        (&["--hostname", "", "--", "true"], "host name"),
        (&["--hostname", "a b", "--", "true"], "host name"),
        (&["--stop", "work"], "did you mean --stop --name work?"),
        (&["--lsit"], "did you mean --list?"),
        (&["--replace"], "--replace goes only with --attach"),
        (&["--list", "--hostname", "a"], "--list takes no --hostname"),
        (
            &["--self-test", "--name", "a"],
            "--self-test takes no --name",
        ),
    ] {
        let output = session.vpnns(words).run();
        assert_complaint(&output, 2, text);
        assert!(output.stderr.contains("hint: "), "{output:#?}");
    }
    assert_eq!(std::fs::read_dir(session.home()).unwrap().count(), 0);
}

#[test]
fn a_name_that_is_no_good_file_name_is_refused_wherever_it_comes_from() {
    let session = Session::new();
    let long = "x".repeat(65);
    for name in [
        "", ".", "..", "../x", "a/b", ".x", "-x", "a b", "a\nb", "$(id)", &long,
    ] {
        let option = format!("--name={name}");
        for action in [&["--", "true"][..], &["--stop"], &["--status"]] {
            let output = session.vpnns(&[&[&*option], action].concat()).run();
            assert_eq!(output.code(), 2, "{output:#?}");
            assert!(output.stderr.starts_with("vpnns: "), "{output:#?}");
        }
        // An empty variable is as good as none.
        if !name.is_empty() {
            let output = session.inside(&["true"]).env("VPNNS_NAME", name).run();
            assert_complaint(&output, 2, "VPNNS_NAME");
        }
    }
    assert_eq!(std::fs::read_dir(session.home()).unwrap().count(), 0);
}

#[test]
fn names_of_any_script_and_of_the_greatest_length_work() {
    let session = Session::new();
    let long = "x".repeat(64);
    for name in ["Büro", "me@corp.example", "v1.2_x-y+z", "日本", &long] {
        let _app = session.keep(name);
        let instance = session.status(name).unwrap();
        assert_eq!(instance.name.as_str(), name);
    }
}

#[test]
fn everything_after_the_command_is_the_commands() {
    let session = Session::new();
    let words = [
        "--name", "work", "printf", "%s\n", "--name", "-x", "--", "", "a b",
    ];
    let output = session.vpnns(&words).run();
    assert_eq!(output.text(), "--name\n-x\n--\n\na b");
}
