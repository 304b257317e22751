//! A keeper that is killed: its apps go on, and whoever comes next finds them.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vpnns_protocol::instance::{Report, State};

use crate::support::{LIMIT, Lab, Session, address, has_ended, wait_until};

#[test]
fn the_apps_of_a_killed_keeper_go_on_and_are_joined_again() {
    let session = Session::new();
    let app = session.keep("default");
    let network = session.network("default");
    session.kill_keeper("default");
    assert!(!has_ended(app.pid()), "the app ended with its keeper");
    assert_eq!(session.status("default"), None);
    assert_eq!(session.network("default"), network);
    let instance = session.status("default").unwrap();
    let pids: Vec<u32> = instance.apps.iter().map(|app| app.pid).collect();
    assert_eq!(pids, [app.pid().as_raw().unsigned_abs()]);
    let list = session.vpnns(&["--list"]).run();
    assert!(list.text().contains("default"), "{list:#?}");
    // The new keeper is as good as the first, and its end as well.
    drop(app);
    session.wait_for_end("default");
}

#[test]
fn an_instance_survives_many_keepers() {
    let session = Session::new();
    let app = session.keep("default");
    let network = session.network("default");
    for _ in 0..5 {
        session.kill_keeper("default");
        let words = [
            "sh",
            "-c",
            "readlink /proc/self/ns/net; id -u; ip link set lo down || echo no",
        ];
        let output = session.inside(&words).run();
        let expected = format!("{network}\n{}\nno", session.user().uid());
        assert_eq!(output.text(), expected);
    }
    let path = format!("/proc/{}/ns/user", app.pid());
    let users = session
        .inside(&["readlink", &path, "/proc/self/ns/user"])
        .run();
    let lines: Vec<&str> = users.text().lines().collect();
    assert_eq!(lines[0], lines[1], "they could not trace one another");
}

#[test]
fn a_survivor_in_a_sandbox_of_its_own_leads_to_the_instance_too() {
    let session = Session::new();
    // As a browser's content process: deeper user namespaces, here also a mount namespace.
    let script = "unshare -Urm sh -c 'mount -t tmpfs none /etc && exec unshare -Ur sleep 600' \
                  >/dev/null 2>&1 & readlink /proc/self/ns/net";
    let network = session.shell_inside(script).run().text().to_owned();
    session.kill_keeper("default");
    assert_eq!(session.network("default"), network);
    assert_eq!(
        session.inside(&["id", "-u"]).run().text(),
        session.user().uid().to_string()
    );
    // With the instance's own mounts, and not with those of the sandbox.
    let resolver = session.inside(&["cat", "/etc/resolv.conf"]).run();
    assert!(resolver.text().starts_with("# vpnns:"), "{resolver:#?}");
    session.vpnns(&["--stop"]).run().text();
}

#[test]
fn two_who_come_at_once_after_the_keeper_was_killed_find_one_keeper() {
    let session = Session::new();
    let _app = session.keep("default");
    let network = session.network("default");
    for _ in 0..10 {
        session.kill_keeper("default");
        let script =
            "vpnns -- readlink /proc/self/ns/net & vpnns -- readlink /proc/self/ns/net & wait";
        let output = session.script(script).run();
        assert_eq!(output.log(), format!("{network}\n{network}\n"));
    }
}

#[test]
fn stop_ends_the_apps_of_a_killed_keeper() {
    let session = Session::new();
    let app = session.keep("default");
    session.kill_keeper("default");
    let stop = session.vpnns(&["--stop"]).run();
    assert_eq!((stop.code(), &*stop.log()), (0, ""));
    assert!(stop.elapsed < Duration::from_secs(4), "{stop:#?}");
    assert_eq!(app.wait(LIMIT).code(), 128 + 15);
    session.wait_for_nothing();
}

#[test]
fn with_no_app_left_the_next_one_starts_afresh() {
    let session = Session::new();
    let app = session.keep("default");
    let keeper = session.keeper("default");
    // Stopped first: it must not see the app's end.
    kill(keeper, Signal::SIGSTOP).unwrap();
    drop(app);
    kill(keeper, Signal::SIGKILL).unwrap();
    assert!(wait_until(LIMIT, || has_ended(keeper)));
    let left = session.home().join(".vpnns-default/namespaces");
    assert!(left.exists(), "there is nothing stale to test with");
    let stop = session.vpnns(&["--stop"]).run();
    crate::support::assert_complaint(&stop, 125, "no instance named default is running");
    let app = session.keep("default");
    assert_eq!(session.status("default").unwrap().apps.len(), 1);
    drop(app);
    session.wait_for_end("default");
}

#[test]
fn sigterm_and_the_like_to_the_keeper_are_as_good_as_a_kill() {
    let session = Session::new();
    let app = session.keep("default");
    let network = session.network("default");
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let keeper = session.keeper("default");
        kill(keeper, signal).unwrap();
        assert!(wait_until(LIMIT, || has_ended(keeper)));
        assert_eq!(session.network("default"), network);
    }
    assert!(!has_ended(app.pid()));
}

#[test]
fn a_tunnel_comes_back_after_its_keeper_was_killed() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    let status = || {
        let output = lab
            .run_by_user(&["vpnns", "--status", "--json", "-n", "work"])
            .run();
        let report: Report = serde_json::from_str(output.text()).unwrap();
        report.instances.into_iter().next()
    };
    let before = status().unwrap();
    let network = || {
        lab.inside("work", &["readlink", "/proc/self/ns/net"])
            .run()
            .text()
            .to_owned()
    };
    let same = network();
    let keeper = Pid::from_raw(before.keeper.try_into().unwrap());
    lab.run_by_user(&["kill", "-KILL", &keeper.to_string()])
        .run()
        .text();
    assert!(wait_until(LIMIT, || status()
        .is_none_or(|now| now.keeper != before.keeper)));
    assert_eq!(network(), same);
    let back = wait_until(LIMIT, || {
        status().is_some_and(|now| now.state == State::Connected)
    });
    assert!(back, "{:#?}", status());
    assert!(wait_until(LIMIT, || lab.reaches("work", address::FAR)));
    assert!(lab.reaches("work", address::FAR_6));
    assert_eq!(
        status().unwrap().tunnel.unwrap().client,
        before.tunnel.unwrap().client
    );
}

#[test]
fn a_relay_that_is_back_when_the_successor_comes_to_look_is_heard_first() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    let run = |script: &str| {
        let words = ["bash", "-euo", "pipefail", "-c", script];
        lab.run_by_user(&words).run().text().to_owned()
    };
    // The relay comes back in time, while the successor is kept from seeing that, and the time passes.
    run("relay=$(pgrep -f '^vpnns --attach'); kill -STOP $relay
        keeper=$(pgrep -f '^vpnns: keeper of work'); kill -KILL $keeper
        while kill -0 $keeper 2>/dev/null; do sleep 0.01; done
        vpnns --name work -- true
        kill -STOP $(pgrep -f '^vpnns: keeper of work'); kill -CONT $relay");
    std::thread::sleep(Duration::from_millis(3500));
    run("kill -CONT $(pgrep -f '^vpnns: keeper of work')");
    let back = wait_until(LIMIT, || lab.reaches("work", address::FAR));
    let log = run("vpnns --log --name work");
    assert!(back, "{log}");
    assert!(!log.contains("failed:"), "{log}");
    assert!(log.trim_end().ends_with(" connected"), "{log}");
}

#[test]
fn who_comes_in_the_very_moment_of_a_keepers_death_is_in_the_instance() {
    let session = Session::new();
    let _app = session.keep("default");
    let network = session.network("default");
    for _ in 0..40 {
        // Who came a moment before the death has no keeper; there is one after this.
        assert_eq!(session.network("default"), network);
        let keeper = session.keeper("default").to_string();
        let script = format!("kill -KILL {keeper}; exec vpnns -- readlink /proc/self/ns/net");
        assert_eq!(session.script(&script).run().text(), network);
    }
}
