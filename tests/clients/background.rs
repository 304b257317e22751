//! Clients that go into the background: the tunnel is theirs then, and ends with them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{LIMIT, Lab, Moment, StandIn, User, address, wait_until};
use crate::{ATTACH, FAR};

/// How soon after the death of the client the programs are to be told.
const NOTICE: Duration = Duration::from_millis(200);
/// A loaded machine may delay a try, but hardly each of them.
const TRIES: usize = 3;

#[test]
fn a_client_that_forks_after_it_made_the_socket_keeps_its_tunnel() {
    let user = User::new();
    let work = user.instance("work");
    let keeping = work.keep();
    let client = StandIn::openconnect(&user, ATTACH)
        .both_families()
        .background()
        .start();
    work.wait_for_state("connected", &client.running);
    let left = wait_until(LIMIT, || {
        work.status()["tunnel"]["client"]["pid"] == i64::from(client.pid().as_raw())
    });
    assert!(
        left,
        "the status names another process than {}: {}",
        client.pid(),
        work.status()
    );
    let mut app = work.talk("tcp", FAR);
    std::thread::sleep(Duration::from_millis(300));
    assert!(app.ended().is_none(), "{}", app.log());
    kill(client.pid(), Signal::SIGKILL).unwrap();
    assert!(wait_until(LIMIT, || app.ended().is_some()), "the app hangs");
    assert!(
        wait_until(LIMIT, || work.state() == "isolated"),
        "{}",
        work.status()
    );
    drop(app);
    drop(keeping);
    assert!(
        wait_until(LIMIT, || user.processes().is_empty()),
        "{:?}",
        user.processes()
    );
}

#[test]
fn openconnect_in_the_background_keeps_its_tunnel_until_it_is_killed() {
    in_the_background_until(Signal::SIGKILL);
}

#[test]
fn openconnect_in_the_background_keeps_its_tunnel_until_it_is_interrupted() {
    in_the_background_until(Signal::SIGINT);
}

fn in_the_background_until(signal: Signal) {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let pid_file = lab.user().home().join("openconnect.pid");
    let option = format!("--pid-file={}", pid_file.display());
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let client = lab
            .openconnect("work")
            .option("--background")
            .option(&option)
            .start();
        let output = client.wait(LIMIT);
        assert!(output.succeeded(), "{output:#?}");
        assert!(wait_until(LIMIT, || lab.reaches("work", address::FAR)));
        let daemon = on_the_machine(&lab, &fs::read_to_string(&pid_file).unwrap());
        std::thread::sleep(Duration::from_millis(500));
        assert!(
            lab.reaches("work", address::FAR_6),
            "the tunnel did not stay"
        );
        let held = crate::support::Hold::start(&lab, "work", address::FAR);
        kill(daemon, signal).unwrap();
        let sent = Moment::now();
        let gone = || !fs::exists(format!("/proc/{daemon}/fd/0")).unwrap();
        // Told to end by SIGINT, it says goodbye to the server first.
        let death = if signal == Signal::SIGKILL {
            sent
        } else {
            assert!(wait_until(LIMIT, gone));
            Moment::now()
        };
        let (reason, end) = held.ended(LIMIT).expect("it still hangs");
        assert_ne!(
            reason, "EOF",
            "the program must not take it for a regular end"
        );
        assert!(!lab.reaches("work", address::FAR));
        let delay = end.since(death);
        if delay <= NOTICE {
            return;
        }
        late.push(delay);
    }
    panic!("{signal} was noticed only after {late:?}");
}

/// The machine's number of the openconnect that has this one inside its lab.
fn on_the_machine(lab: &Lab, number: &str) -> Pid {
    let number = number.trim();
    // Other labs have the same numbers, but not the same home.
    let home = format!("HOME={}", lab.user().home().display());
    let is_it = |path: &Path| {
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        let mut lines = status.lines().filter(|line| line.starts_with("NSpid:"));
        lines.any(|line| line.split_whitespace().last() == Some(number))
            && environment
                .split(|byte| *byte == 0)
                .any(|word| word == home.as_bytes())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let found = entries.map(|entry| entry.path()).find(|path| is_it(path));
    let path = found.expect("the pid file names a process");
    Pid::from_raw(path.file_name().unwrap().to_str().unwrap().parse().unwrap())
}
