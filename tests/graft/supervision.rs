//! Supervisors that are told to end, that are suspended, or that are killed; and their clients.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::{LIMIT, Lab, OpenVpnServer, Output, Running, address, has_ended, wait_until};
use super::{StandIn, becomes, everything_comes, openvpn, state, status, words};

const ENDS: Duration = Duration::from_secs(20);

fn stop(lab: &Lab) {
    let stop = lab.run_by_user(&["vpnns", "--stop", "-n", "work"]);
    stop.limit(ENDS).run().text();
}

fn any(lab: &Lab, client: &[&str]) -> Running {
    let words = [&["vpnns", "--graft", "--name", "work", "--"], client].concat();
    lab.run_by_user(&words).spawn()
}

/// As by Ctrl-Z. Returns the nsenter above it, which suspends itself as well.
fn suspend(client: &Running) -> Pid {
    let status = fs::read_to_string(format!("/proc/{}/status", client.pid())).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let parent: i32 = parent.unwrap().trim().parse().unwrap();
    client.signal(Signal::SIGSTOP);
    let is_stopped = || {
        let stat = fs::read_to_string(format!("/proc/{parent}/stat")).unwrap();
        stat.contains(") T ")
    };
    assert!(wait_until(LIMIT, is_stopped));
    Pid::from_raw(parent)
}

fn output_of_suspended(client: Running, parent: Pid) -> Output {
    let pid = client.pid();
    assert!(wait_until(LIMIT, || has_ended(pid)), "{}", client.log());
    nix::sys::signal::kill(parent, Signal::SIGCONT).unwrap();
    client.wait(LIMIT)
}

fn connector(lab: &Lab, request: &str) -> Running {
    let program = lab.write_home("connector.py", include_str!("connector.py"));
    let words = ["python3", &program, "work", request];
    lab.run_by_user(&words).spawn()
}

fn children(pid: Pid) -> Vec<Pid> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let pids = text.split_whitespace().map(|pid| pid.parse().unwrap());
    pids.map(Pid::from_raw).collect()
}

#[test]
fn stopping_ends_a_client_that_has_no_device_yet() {
    let lab = Lab::start();
    let before = lab.processes("sleep");
    for suspended in [false, true] {
        let client = any(&lab, &["sh", "-c", "echo asks; exec sleep 600"]);
        client.wait_for("asks");
        let parent = suspended.then(|| suspend(&client));
        stop(&lab);
        let output = match parent {
            Some(parent) => output_of_suspended(client, parent),
            None => client.wait(LIMIT),
        };
        assert_eq!(output.code(), 128 + Signal::SIGTERM as i32, "{output:#?}");
        assert!(
            output.stderr.contains("the instance was stopped"),
            "{output:#?}"
        );
        assert_eq!(lab.processes("sleep"), before);
    }
}

#[test]
fn disconnecting_ends_a_client_that_has_no_device_yet() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = any(&lab, &["sh", "-c", "echo asks; exec sleep 600"]);
    client.wait_for("asks");
    assert_eq!(connector(&lab, "disconnect").wait(LIMIT).code(), 0);
    let output = client.wait(LIMIT);
    assert!(output.stderr.contains("it was disconnected"), "{output:#?}");
    becomes(&lab, "isolated");
}

#[test]
fn a_client_that_starts_after_a_keepers_death_finds_nothing_of_the_one_before() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let first = StandIn::new(&lab).run(&["tun", "stay"]);
    first.wait_for("stays");
    let keeper = status(&lab)["keeper"].to_string();
    lab.run_by_user(&["kill", "-KILL", &keeper]).run().text();
    assert_eq!(first.wait(LIMIT).code(), 125);
    let second = any(&lab, &["sh", "-c", "echo asks; exec sleep 600"]);
    second.wait_for("asks");
    let links = lab.inside("work", &["ip", "-brief", "link"]).run();
    assert!(!links.text().contains("tun7"), "{links:#?}");
    // Longer than a killed keeper's relay is waited for.
    std::thread::sleep(Duration::from_millis(3500));
    assert_eq!(state(&lab), "connecting");
}

#[test]
fn stopping_takes_no_longer_than_a_client_may_that_does_not_want_to() {
    let lab = Lab::start();
    let client = StandIn::new(&lab).run(&["deaf", "stay"]);
    client.wait_for("stays");
    stop(&lab);
    assert_eq!(client.wait(LIMIT).code(), 128 + Signal::SIGKILL as i32);
}

#[test]
fn a_suspended_supervisor_hears_of_the_end_and_of_a_successor() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    let first = openvpn(&lab, &server, &[]);
    let parent = suspend(&first);
    let path = lab.write_home("second.ovpn", &server.client());
    let mut replacing = words(&path, &[]);
    replacing.insert(2, "--replace");
    let second = lab.run_by_user(&replacing).spawn();
    second.wait_for("Initialization Sequence Completed");
    let output = output_of_suspended(first, parent);
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(output.stderr.contains("openvpn took over"), "{output:#?}");
    everything_comes(&lab);
    let parent = suspend(&second);
    stop(&lab);
    assert_eq!(output_of_suspended(second, parent).code(), 0);
}

#[test]
fn a_successor_waits_for_a_client_that_takes_its_time() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let stand_in = StandIn::new(&lab);
    let first = stand_in.run(&["slow", "tun", "stay"]);
    first.wait_for("stays");
    let second = stand_in.options(&["--replace"]).run(&["tun", "stay"]);
    second.wait_for("stays");
    // Its supervisor has lived to see its end, and to tell of it.
    let output = first.wait(LIMIT);
    assert_eq!(output.code(), 5, "{output:#?}");
    assert!(output.stderr.contains("took over"), "{output:#?}");
}

#[test]
fn no_client_outlives_its_killed_supervisor() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let stand_in = StandIn::new(&lab);
    let steps = ["deaf", "tun", "stay"];
    for (is_wrapped, steps) in [(true, &steps[1..]), (false, &steps[..])] {
        let client = if is_wrapped {
            stand_in.run_wrapped(steps)
        } else {
            stand_in.run(steps)
        };
        client.wait_for("stays");
        let mut started = children(client.pid());
        started.extend(started.clone().into_iter().flat_map(children));
        assert_eq!(started.len(), if is_wrapped { 2 } else { 1 });
        client.signal(Signal::SIGKILL);
        becomes(&lab, "failed");
        let all_ended = || started.iter().all(|pid| has_ended(*pid));
        assert!(wait_until(ENDS, all_ended), "{started:?}");
        assert!(!lab.reaches("work", address::OUTSIDE));
    }
}

#[test]
fn what_a_client_leaves_behind_is_ended_to_the_last_generation() {
    let lab = Lab::start();
    let nested = "sh -c 'sh -c \"sh -c \\\"sleep 600; :\\\"; :\"; :' & exit 3";
    let count = || ["sleep", "sh"].map(|name| lab.processes(name));
    let before = count();
    let output = any(&lab, &["sh", "-c", nested]).wait(ENDS);
    assert_eq!(output.code(), 3, "{output:#?}");
    assert_eq!(count(), before);
}

#[test]
fn no_zombie_stays_while_the_client_runs() {
    let lab = Lab::start();
    let leave = "for i in 1 2 3 4 5; do (sleep 0.1 &); done; echo left; exec sleep 600";
    let client = any(&lab, &["sh", "-c", leave]);
    client.wait_for("left");
    let alone = || children(client.pid()).len() == 1;
    assert!(wait_until(LIMIT, alone), "{:?}", children(client.pid()));
}

#[test]
fn a_client_that_gives_up_does_not_fail_another_that_is_starting() {
    let lab = Lab::start();
    let first = any(&lab, &["sh", "-c", "echo asks; exec sleep 600"]);
    first.wait_for("asks");
    let second = any(&lab, &["sh", "-c", "exit 4"]);
    assert_eq!(second.wait(LIMIT).code(), 4);
    assert_eq!(state(&lab), "connecting");
}

#[test]
fn a_client_killed_while_the_keeper_is_silent_is_told_of_as_killed() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let keeper = status(&lab)["keeper"].to_string();
    let signal = |name: &str| {
        let kill = lab.run_by_user(&["kill", name, &keeper]);
        kill.run().text();
    };
    let go = lab.user().home().join("go");
    let wait = format!("await:{}", go.display());
    for by_user in [false, true] {
        let _ = fs::remove_file(&go);
        let ready = lab.user().home().join("ready");
        let mark = format!("mark:{}", ready.display());
        let client = StandIn::new(&lab).run(&[&mark, &wait, "tun", "stay"]);
        assert!(wait_until(LIMIT, || ready.exists()), "{}", client.log());
        fs::remove_file(&ready).unwrap();
        signal("-STOP");
        lab.write_home("go", "");
        // The call is on its way when the supervisor, and nobody else, is in a poll of three.
        std::thread::sleep(Duration::from_millis(500));
        let code = if by_user {
            client.signal(Signal::SIGTERM);
            Signal::SIGTERM
        } else {
            let child = children(client.pid())[0];
            nix::sys::signal::kill(child, Signal::SIGKILL).unwrap();
            Signal::SIGKILL
        };
        let pid = client.pid();
        assert!(wait_until(LIMIT, || has_ended(pid)), "{}", client.log());
        signal("-CONT");
        let output = client.wait(LIMIT);
        assert_eq!(output.code(), 128 + code as i32, "{output:#?}");
    }
}

#[test]
fn a_device_that_its_old_client_does_not_let_go_of_is_made_anew() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let stand_in = StandIn::new(&lab);
    let at = |name: &str| format!("await:{}", lab.user().home().join(name).display());
    let connect = "tell:reason=connect,INTERNAL_IP4_ADDRESS=10.1.2.3";
    let first = stand_in.run(&["deaf", &at("first"), "tun", "stay"]);
    let second = stand_in.run(&[&at("second"), "tun", connect, "stay"]);
    let supervised = || children(first.pid()).len() + children(second.pid()).len() == 2;
    assert!(wait_until(LIMIT, supervised));
    // Something that keeps the tunnel up, so that its device is held.
    let connector = connector(&lab, "connect");
    connector.wait_for("done");
    lab.write_home("first", "");
    first.wait_for("stays");
    first.signal(Signal::SIGKILL);
    becomes(&lab, "reconnecting");
    lab.write_home("second", "");
    second.wait_for("told: connect 0");
    becomes(&lab, "connected");
    let third = any(&lab, &["true"]).wait(LIMIT);
    assert_eq!(third.code(), 125);
    assert!(third.stderr.contains("--disconnect"), "{third:#?}");
}
