//! What an app finds as its caller left it: directory, streams, descriptors, environment, signals.

use crate::support::Session;

#[test]
fn the_working_directory_is_kept() {
    let session = Session::new();
    let run = |script: &str| session.script(script).run().text().to_owned();
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        assert_eq!(run("cd /usr/share; vpnns -- pwd -P"), "/usr/share");
        let below = session.home().join("a dir/of mine");
        let script =
            "mkdir -p \"$HOME/a dir/of mine\"; cd \"$HOME/a dir/of mine\"; vpnns -- pwd -P";
        assert_eq!(run(script), below.to_str().unwrap());
        // /etc is the instance's there, not the one that the caller was in.
        assert_eq!(run("cd /etc; vpnns -- head -c 8 resolv.conf"), "# vpnns:");
        let gone = "mkdir x; cd x; rmdir ../x; vpnns -- /bin/pwd";
        assert_eq!(run(gone), "/");
    }
}

#[test]
fn pipes_pass_untouched() {
    let session = Session::new();
    let run = |script: &str| session.script(script).run().text().to_owned();
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        // The second reader finds what the first has left.
        let shared = "printf 'a\\nb\\n' | { vpnns -- sh -c 'read x; echo got $x'; cat; }";
        assert_eq!(run(shared), "got a\nb");
        let large = "head -c 3000000 /dev/zero | vpnns -- cat | wc -c";
        assert_eq!(run(large), "3000000");
        let streams = "vpnns -- sh -c 'echo out; echo err >&2' 2>&1 >/dev/null";
        assert_eq!(run(streams), "err");
        let closed = "vpnns -- sh -c 'echo fine' <&- 2>&-";
        assert_eq!(run(closed), "fine");
    }
}

#[test]
fn a_pipeline_ends_although_the_keeper_lives_on() {
    let session = Session::new();
    let script = "vpnns -- sh -c 'sleep 600 </dev/null >/dev/null 2>&1 & echo x' 2>&1 | cat";
    assert_eq!(session.script(script).run().text(), "x");
    assert!(
        session.status("default").is_some(),
        "the keeper does not live"
    );
    session.kill_keeper("default");
    // The one that adopts as well.
    let script = "vpnns -- echo y 2>&1 | cat";
    assert_eq!(session.script(script).run().text(), "y");
    session.vpnns(&["--stop"]).run().text();
}

#[test]
fn the_environment_is_the_callers_and_the_name() {
    let session = Session::new();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let plain = session.command(&["env"]).env("ODD", " a=b ").run();
    let mut expected = sorted(plain.text());
    expected.push("VPNNS_NAME=default".to_owned());
    expected.sort();
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        let inside = session.inside(&["env"]).env("ODD", " a=b ").run();
        assert_eq!(sorted(inside.text()), expected);
    }
}

#[test]
fn descriptors_are_passed_and_none_is_added() {
    let session = Session::new();
    session.user().write("ten", "text of ten\n", 0o644);
    // 10 is the number that a keeper uses itself.
    let open = "exec 9<ten 10<ten 11<ten;";
    let list = "ls /proc/self/fd | tr '\\n' ' '";
    let outside = session.script(&format!("{open} {list}")).run();
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        let inside = session.script(&format!("{open} vpnns -- {list}")).run();
        assert_eq!(inside.text(), outside.text());
        let read = "exec 10<ten; vpnns -- sh -c 'cat </dev/fd/10'";
        assert_eq!(session.script(read).run().text(), "text of ten");
    }
    // Of all the numbers there may be: whichever ours get, they do not meet.
    for taken in 3..16 {
        let open = (3..taken).fold(String::new(), |all, number| {
            all + &format!(" {number}</dev/null")
        });
        let script = format!("exec{open}; vpnns -- sh -c 'vpnns -- echo $0' fine");
        assert_eq!(session.script(&script).run().text(), "fine", "{script}");
    }
}

#[test]
fn signal_dispositions_are_the_callers() {
    let session = Session::new();
    let show = "grep -E 'Sig(Ign|Blk)' /proc/self/status";
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        for before in ["", "trap '' INT; ", "trap '' PIPE HUP; "] {
            let outside = session.script(&format!("{before}{show}")).run();
            let inside = session.script(&format!("{before}vpnns -- {show}")).run();
            assert_eq!(inside.text(), outside.text());
        }
    }
    let script = "yes | head -n 1; echo ${PIPESTATUS[0]}";
    let output = session.inside(&["bash", "-c", script]).run();
    assert_eq!(output.text(), "y\n141");
}

#[test]
fn limits_and_umask_are_the_callers() {
    let session = Session::new();
    let script = "umask 027; ulimit -n 77; vpnns -- sh -c 'umask; ulimit -n; ulimit -c'";
    let output = session.script(script).run();
    assert!(output.text().starts_with("0027\n77\n"), "{output:#?}");
    let outside = session.script("ulimit -c").run();
    assert!(
        output.text().ends_with(&format!("\n{}", outside.text())),
        "{output:#?}"
    );
}

#[test]
fn an_app_has_no_child_that_it_does_not_know_of() {
    let session = Session::new();
    let script = "read -r line </proc/$$/task/$$/children; echo \"[$line]\"";
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        let output = session.inside(&["bash", "-c", script]).run();
        assert_eq!(output.stdout, "[]\n", "{output:#?}");
    }
}
