//! `--detach`: a program that has started, and that no end of its caller's touches.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{LIMIT, Session, assert_complaint, wait_until};

/// Tells where its ties are, and stays.
const TELLER: &str = "#!/bin/sh
exec 4>told.new
for fd in 0 1 2 8 9; do
    it=$(readlink /proc/$$/fd/$fd) || it=closed
    echo $it >&4
done
cut -d ' ' -f 6 /proc/$$/stat >&4
echo $$ >&4
mv told.new told
exec sleep 600
";

#[test]
fn a_detached_program_outlives_its_caller_and_shares_nothing_with_it() {
    let session = Session::new();
    session.user().write("tell", TELLER, 0o755);
    let told = session.home().join("told");
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        let _ = std::fs::remove_file(&told);
        // The pipes end only when nobody holds them any more: so does `cat`. Then the caller's whole
        // process group is killed, as a closed terminal would do it.
        let caller = "cd; echo secret | vpnns --detach -- ./tell 8</dev/zero 9>held 2>&1 | cat; \
                      echo $?; kill -KILL 0";
        let caller = session.command(&["setsid", "-w", "bash", "-c", caller]);
        let output = caller.limit(LIMIT).run();
        assert_eq!(output.stdout, "0\n", "{output:#?}");
        assert!(wait_until(LIMIT, || told.exists()));
        let lines = std::fs::read_to_string(&told).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let (streams, rest) = lines.split_at(5);
        let null = "/dev/null";
        assert_eq!(streams, [null, null, null, "closed", "closed"]);
        assert_eq!(rest[0], rest[1], "it is in a session of somebody else's");
        let inside = session.status("default").unwrap().apps;
        assert_eq!(inside.len(), 1 + usize::from(keep), "{inside:?}");
        session.vpnns(&["--stop"]).run().text();
    }
}

#[test]
fn a_caller_hears_that_a_detached_program_cannot_be_run() {
    let session = Session::new();
    let file = session.user().write("no-program", "text", 0o644);
    for keep in [false, true] {
        let _app = keep.then(|| session.keep("default"));
        for (words, code, text) in [
            (&["--", file.to_str().unwrap()][..], 126, "no-program"),
            (&["--", "no-such-command"], 127, "no-such-command"),
            (&["--open", "no-such-entry"], 127, "no-such-entry"),
            (&["--hostname", "other", "--", "true"], 125, "host name"),
        ] {
            if code == 125 && !keep {
                continue;
            }
            let output = session.vpnns(&[&["--detach"], words].concat()).run();
            assert_complaint(&output, code, text);
        }
    }
}

#[test]
fn what_a_detached_program_does_is_not_its_callers_failure() {
    let session = Session::new();
    for script in ["exit 3", "kill -KILL $$", "echo told; echo told >&2"] {
        let words = ["--detach", "--", "sh", "-c", script];
        let output = session.vpnns(&words).run();
        assert_eq!((output.code(), &*output.log()), (0, ""), "{script}");
        session.wait_for_end("default");
    }
}

#[test]
fn a_child_that_is_killed_before_it_is_the_program_is_a_failure() {
    let session = Session::new();
    // Somebody is at the door: the child waits in front of it.
    session.inside(&["true"]).run().text();
    session.wait_for_end("default");
    let lock = session.home().join(".vpnns-default/lock");
    let held = [
        "flock",
        "--no-fork",
        lock.to_str().unwrap(),
        "sh",
        "-c",
        "echo held; exec sleep 60",
    ];
    let holder = session.command(&held).spawn();
    holder.wait_for("held");
    let caller = session.vpnns(&["--detach", "--", "true"]).spawn();
    let list = format!("/proc/{0}/task/{0}/children", caller.pid());
    let child = || -> Option<i32> {
        let children = std::fs::read_to_string(&list).ok()?;
        children.split_whitespace().next()?.parse().ok()
    };
    assert!(wait_until(LIMIT, || child().is_some()));
    let child = Pid::from_raw(child().unwrap());
    kill(child, Signal::SIGKILL).unwrap();
    let output = caller.wait(LIMIT);
    drop(holder);
    assert_complaint(&output, 125, "apart from this one");
}
