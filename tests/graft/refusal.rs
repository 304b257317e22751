//! What cannot be grafted: one sentence that says what to do, and nothing left behind.

use super::support::ocserv;
use super::support::{LIMIT, Lab, OpenVpnServer, Output, address, wait_until};
use super::{openvpn, words};

fn assert_refused(output: &Output, code: i32, sentence: &str, hint: &str) {
    assert_eq!(output.code(), code, "{output:#?}");
    let line = output
        .stderr
        .lines()
        .find(|line| line.starts_with("vpnns: "));
    assert!(
        line.is_some_and(|line| line.contains(sentence)),
        "{output:#?}"
    );
    let line = output
        .stderr
        .lines()
        .find(|line| line.starts_with("hint: "));
    assert!(line.is_some_and(|line| line.contains(hint)), "{output:#?}");
}

fn assert_nothing_left(lab: &Lab, servers: usize) {
    assert!(wait_until(LIMIT, || lab.processes("openvpn") == servers));
    let instances = || {
        let output = lab.run_by_user(&["vpnns", "--list", "--json"]).run();
        let report: serde_json::Value = serde_json::from_str(output.text()).unwrap();
        report["instances"].as_array().map(Vec::len)
    };
    assert!(
        wait_until(LIMIT, || instances() == Some(0)),
        "an instance is left"
    );
}

#[test]
fn a_tap_device_is_refused() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let text = server.client().replace("dev tun", "dev tap");
    let path = lab.write_home("tap.ovpn", &text);
    let output = lab.run_by_user(&words(&path, &[])).run();
    assert_refused(&output, 125, "tap.ovpn:2:1: a tap device", "dev tun");
    // The same by the way of the kernel, for what is not said in a file.
    let path = lab.write_home("client.ovpn", &server.client());
    let output = lab.run_by_user(&words(&path, &["--dev", "tap"])).run();
    assert_refused(&output, 125, "wants a tap device", "dev tun");
    assert_nothing_left(&lab, 1);
}

#[test]
fn a_client_that_is_not_there_is_named() {
    let lab = Lab::start();
    let output = lab
        .run_by_user(&["vpnns", "--graft", "--", "no-such-client"])
        .run();
    assert_refused(&output, 127, "no-such-client", "installed");
    let output = lab.run_by_user(&["vpnns", "--graft"]).run();
    assert_refused(&output, 2, "needs a VPN client", "vpnns --graft -- openvpn");
    assert_nothing_left(&lab, 0);
}

#[test]
fn a_client_that_goes_into_the_background_is_ended_and_told_about() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let path = lab.write_home("client.ovpn", &server.client());
    let output = lab.run_by_user(&words(&path, &["--daemon"])).run();
    assert_refused(&output, 125, "into the background", "leave out --daemon");
    assert_nothing_left(&lab, 1);
}

#[test]
fn a_configuration_that_wants_another_user_works_all_the_same() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &["--user", "nobody", "--group", "nogroup"]);
    let _app = lab.keep("work");
    assert!(lab.reaches("work", address::FAR), "{}", client.log());
}

#[test]
fn a_configuration_runs_no_command_unless_its_user_says_so() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let marker = lab.user().home().join("was-run");
    let script = format!("#!/bin/sh\n: >{}\n", marker.display());
    let script = lab.write_home("evil.sh", &script);
    lab.run_by_user(&["chmod", "+x", &script]).run().text();
    let text = format!("{}route-up {script}\n", server.client());
    let path = lab.write_home("evil.ovpn", &text);
    let output = lab.run_by_user(&words(&path, &[])).run();
    assert_refused(&output, 125, "would run a command", "vpnns --import");
    assert!(!marker.exists());
    let client = lab
        .run_by_user(&words(&path, &["--script-security", "2"]))
        .spawn();
    client.wait_for("Initialization Sequence Completed");
    assert!(wait_until(LIMIT, || marker.exists()), "{}", client.log());
}

#[test]
fn a_second_client_is_refused_and_takes_over_on_request() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    let first = openvpn(&lab, &server, &[]);
    let path = lab.write_home("second.ovpn", &server.client());
    let output = lab.run_by_user(&words(&path, &[])).run();
    assert_refused(&output, 125, "already has a tunnel: openvpn", "--replace");
    assert!(lab.reaches("work", address::FAR));
    let mut replacing = words(&path, &[]);
    replacing.insert(2, "--replace");
    let second = lab.run_by_user(&replacing).spawn();
    second.wait_for("Initialization Sequence Completed");
    let output = first.wait(LIMIT);
    assert!(output.stderr.contains("openvpn took over"), "{output:#?}");
    assert!(lab.reaches("work", address::FAR));
}

#[test]
fn a_graft_within_a_graft_says_why_not() {
    let lab = Lab::start();
    let output = lab
        .run_by_user(&[
            "vpnns", "--graft", "--", "vpnns", "--graft", "-n", "other", "--", "true",
        ])
        .run();
    assert_refused(&output, 125, "already traps system calls", "vpnns --attach");
    assert_nothing_left(&lab, 0);
}

#[test]
fn openconnect_hands_its_packets_over_where_it_cannot_be_grafted() {
    let lab = Lab::start();
    let _app = lab.keep("other");
    let pin = format!("--servercert={}", ocserv::pin());
    // The outer graft's filter is in the way of the inner one's.
    let client = lab
        .run_by_user(&[
            "vpnns",
            "--graft",
            "--",
            "vpnns",
            "--graft",
            "-n",
            "other",
            "--",
            "openconnect",
            "--user=test",
            "--passwd-on-stdin",
            &pin,
            "192.0.2.1:443",
        ])
        .input(&format!("{}\n", ocserv::PASSWORD))
        .spawn();
    client.wait_for("it hands its packets over instead");
    let reached = || lab.reaches("other", address::FAR);
    assert!(wait_until(LIMIT, reached), "{}", client.log());
}

#[test]
fn the_clients_exit_status_is_passed_on() {
    let lab = Lab::start();
    let output = lab
        .run_by_user(&["vpnns", "--graft", "--", "sh", "-c", "exit 7"])
        .run();
    assert_eq!(output.code(), 7, "{output:#?}");
    let output = lab
        .run_by_user(&["vpnns", "--graft", "--", "sh", "-c", "kill -9 $$"])
        .run();
    assert_eq!(output.code(), 137, "{output:#?}");
    assert_nothing_left(&lab, 0);
}
