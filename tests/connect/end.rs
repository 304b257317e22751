//! Ways in which a connected profile ends, wanted or not.

use nix::sys::signal::Signal;

use crate::support::{Lab, address, wait_until};
use crate::*;

#[test]
fn disconnect_logs_out_and_leaves_the_programs_isolated() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = connect(&lab, "work");
    assert!(lab.reaches("work", address::FAR));
    let output = vpnns(&lab, &["--disconnect", "--name", "work"]).run();
    assert!(output.succeeded(), "{output:#?}");
    assert_eq!(status(&lab, "work")["state"], "isolated");
    assert!(front.wait(PATIENCE).succeeded());
    assert!(!lab.reaches("work", address::FAR));
    // Without a goodbye the server would only close the session temporarily.
    let logged_out = wait_until(PATIENCE, || {
        lab.gateway_log().contains("invalidating session")
    });
    assert!(logged_out, "{}", lab.gateway_log());
    wait_for_none(&lab, "openconnect");
}

#[test]
fn the_fronts_death_disconnects_in_order() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    for signal in [Signal::SIGKILL, Signal::SIGHUP] {
        let front = connect(&lab, "work");
        front.signal(signal);
        wait_for_state(&lab, "work", "isolated");
        wait_for_none(&lab, "openconnect");
        wait_for_no_connector(&lab);
    }
}

#[test]
fn in_the_background_it_lives_on_until_it_is_disconnected() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    connect_in_background(&lab, "work");
    assert!(lab.reaches("work", address::FAR_6));
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    wait_for_none(&lab, "openconnect");
}

#[test]
fn who_has_disconnected_can_connect_again_at_once() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    connect_in_background(&lab, "work");
    // The tunnel goes while its connector has no time to.
    let of_connector = |signal: &str| {
        let kill = ["pkill", signal, "-f", "^vpnns: connecting work"];
        lab.run_by_user(&kill).run().text();
    };
    of_connector("-STOP");
    let client = status(&lab, "work")["tunnel"]["client"]["pid"].to_string();
    let mut disconnect = vpnns(&lab, &["--disconnect", "--name", "work"]).spawn();
    let log = || vpnns(&lab, &["--log", "--name", "work"]).run();
    let wanted = || log().text().contains("wants it disconnected");
    assert!(wait_until(PATIENCE, wanted), "{:#?}", log());
    lab.run_by_root(&["kill", "-KILL", &client]).run().text();
    wait_for_state(&lab, "work", "isolated");
    let too_early = wait_until(Duration::from_millis(300), || disconnect.ended().is_some());
    assert!(!too_early, "nobody could connect it now");
    of_connector("-CONT");
    assert!(disconnect.wait(PATIENCE).succeeded());
    connect_in_background(&lab, "work");
    assert!(lab.reaches("work", address::FAR));
}

#[test]
fn a_killed_connector_leaves_no_client_and_no_way_through() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = connect(&lab, "work");
    let client = running(&lab, "openconnect").remove(0);
    let parent = lab.run_by_root(&["ps", "-o", "ppid=", "-p", &client]).run();
    let connector = parent.text().trim().to_owned();
    lab.run_by_root(&["kill", "-KILL", &connector]).run().text();
    let status = wait_for_state(&lab, "work", "failed");
    assert_eq!(status["reason"], "vpnns --connect ended unexpectedly");
    assert!(!lab.reaches("work", address::FAR));
    wait_for_none(&lab, "openconnect");
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output.stderr.contains("the connector ended unexpectedly"),
        "{output:#?}"
    );
}

#[test]
fn a_killed_keeper_ends_the_connection_and_says_so() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = connect(&lab, "work");
    let keeper = status(&lab, "work")["keeper"].to_string();
    lab.run_by_root(&["kill", "-KILL", &keeper]).run().text();
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output
            .stderr
            .contains("the keeper of the instance was killed"),
        "{output:#?}"
    );
    wait_for_none(&lab, "openconnect");
    assert!(!lab.reaches("work", address::FAR));
}

#[test]
fn a_stopped_instance_takes_its_connector_with_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = connect(&lab, "work");
    vpnns(&lab, &["--stop", "--name", "work"]).run().text();
    assert!(front.wait(PATIENCE).succeeded());
    wait_for_none(&lab, "openconnect");
}

#[test]
fn a_plain_attached_client_is_disconnected_too_and_logs_out_at_once() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = lab.connect("work");
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    client.wait(std::time::Duration::from_secs(5));
    assert!(!lab.reaches("work", address::FAR));
}

#[test]
fn the_demo_needs_no_server() {
    let lab = Lab::start();
    profile(&lab, "demo", "[demo]\n");
    let front = vpnns(&lab, &["--connect", "demo"]).spawn();
    wait_for_state(&lab, "demo", "connected");
    let page = lab.page("demo", "gateway.vpnns.test");
    assert!(page.stdout.contains("embedded gateway"), "{page:#?}");
    vpnns(&lab, &["--disconnect", "--name", "demo"])
        .run()
        .text();
    assert!(front.wait(PATIENCE).succeeded());
}
