//! Restarts that keep what is open, and ends after which nothing passes.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::{Capture, LIMIT, Lab, OpenVpnServer, Running, address, has_ended, wait_until};
use super::{becomes, everything_comes, openvpn, state, status};

fn count(app: &Running) -> usize {
    app.stdout()
        .lines()
        .filter(|line| line.starts_with("echo "))
        .count()
}

fn goes_on(app: &Running) {
    let before = count(app);
    assert!(
        wait_until(LIMIT, || count(app) > before + 2),
        "{}",
        app.log()
    );
    assert!(!app.log().contains("error"), "{}", app.log());
}

#[test]
fn a_restart_on_request_keeps_device_and_connections() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &[]);
    let app = lab.talk("work", address::FAR);
    let before = status(&lab)["tunnel"]["network"].clone();
    for round in 1..=2 {
        client.signal(Signal::SIGUSR1);
        let done = || {
            client
                .log()
                .matches("Initialization Sequence Completed")
                .count()
                > round
        };
        assert!(wait_until(LIMIT, done), "{}", client.log());
        becomes(&lab, "connected");
        goes_on(&app);
    }
    let tunnel = &status(&lab)["tunnel"];
    assert_eq!(tunnel["network"], before);
    assert_eq!(tunnel["reconnects"], 2);
    everything_comes(&lab);
}

#[test]
fn a_server_that_comes_back_finds_the_connections_open() {
    let lab = Lab::start();
    let mut server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &[]);
    let app = lab.talk("work", address::FAR);
    server.kill();
    becomes(&lab, "reconnecting");
    assert!(!lab.reaches("work", address::FAR), "{}", client.log());
    assert!(!lab.reaches("work", address::OUTSIDE));
    server.restart(&lab);
    becomes(&lab, "connected");
    goes_on(&app);
}

#[test]
fn half_a_minute_without_uplink_loses_no_connection_and_shows_no_packet() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &[]);
    let app = lab.talk("work", address::FAR);
    let capture = Capture::start(&lab);
    let link = |state| {
        let words = ["ip", "link", "set", "veth1", state];
        lab.on_gateway(&words).run().text();
    };
    link("down");
    std::thread::sleep(Duration::from_secs(30));
    assert_ne!(state(&lab), "connected");
    assert!(!lab.reaches("work", address::FAR));
    link("up");
    becomes(&lab, "connected");
    goes_on(&app);
    assert_eq!(capture.strays(), [""; 0], "{}", client.log());
}

#[test]
fn persist_tun_changes_nothing_of_it() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &["--persist-tun"]);
    let app = lab.talk("work", address::FAR);
    client.signal(Signal::SIGUSR1);
    // It is away for a second only, which may pass between two looks: that it was is counted.
    let counted = || status(&lab)["tunnel"]["reconnects"] == 1;
    assert!(wait_until(LIMIT, counted), "{:#}", status(&lab));
    becomes(&lab, "connected");
    goes_on(&app);
}

#[test]
fn the_clients_end_is_the_tunnels_however_it_comes() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGKILL,
    ] {
        let client = openvpn(&lab, &server, &[]);
        assert!(lab.reaches("work", address::FAR));
        // SIGHUP makes openvpn start over; what ends the supervisor ends the client.
        let ended = if signal == Signal::SIGHUP {
            Signal::SIGKILL
        } else {
            signal
        };
        client.signal(ended);
        let began = Instant::now();
        let offline = wait_until(Duration::from_secs(5), || {
            let state = state(&lab);
            state == "isolated" || state == "failed"
        });
        assert!(offline, "{signal}: {:#}", status(&lab));
        assert!(
            !lab.reaches("work", address::FAR),
            "{signal} {:?}",
            began.elapsed()
        );
        assert!(!lab.reaches("work", address::INTERNET));
        assert_eq!(status(&lab)["tunnel"], serde_json::Value::Null);
        assert!(wait_until(LIMIT, || has_ended(client.pid())));
    }
    assert!(
        wait_until(LIMIT, || lab.processes("openvpn") == 1),
        "only the server is left"
    );
}

#[test]
fn a_killed_keeper_ends_the_client_and_the_way_out() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    let client = openvpn(&lab, &server, &[]);
    let keeper = status(&lab)["keeper"].to_string();
    lab.run_by_user(&["kill", "-KILL", &keeper]).run().text();
    let output = client.wait(LIMIT);
    assert_eq!(output.code(), 125, "{output:#?}");
    assert!(
        output
            .stderr
            .contains("vpnns: the keeper of the instance was killed")
    );
    assert!(!lab.reaches("work", address::FAR));
    assert!(!lab.reaches("work", address::OUTSIDE));
    let again = openvpn(&lab, &server, &[]);
    everything_comes(&lab);
    drop(again);
}

#[test]
fn stopping_the_instance_lets_the_client_log_out() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &["--explicit-exit-notify", "1"]);
    lab.run_by_user(&["vpnns", "--stop", "-n", "work"])
        .run()
        .text();
    let output = client.wait(LIMIT);
    assert_eq!(output.code(), 0, "{output:#?}");
    // A device that is gone would be complained about thousands of times.
    assert!(!output.stdout.contains("bad state"));
    assert!(
        output
            .stderr
            .contains("the tunnel was ended: the instance was stopped")
    );
    let told = || server.log().contains("exit message received by peer");
    assert!(wait_until(LIMIT, told), "{}\n{output:#?}", server.log());
}
