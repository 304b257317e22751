//! `--connect --background` as the desktop app starts it: it needs nobody who reads, types or lives on.

use nix::sys::signal::Signal;

use crate::support::ocserv::PASSWORD;
use crate::support::{Lab, address, wait_until};
use crate::*;

const BACKGROUND: [&str; 4] = ["--connect", "work", "--background", "--json"];

#[test]
fn with_the_input_closed_it_waits_for_an_answer_from_elsewhere_and_leaves_when_connected() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    // Nothing is on the standard input, so that it ends at once.
    let mut front = vpnns(&lab, &BACKGROUND).spawn();
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["fields"][0]["kind"], "password");
    assert!(front.ended().is_none(), "{}", front.log());
    fill_in(&lab, "work", &asked, PASSWORD);
    let output = front.wait(PATIENCE);
    assert!(output.succeeded(), "{output:#?}");
    assert!(
        output.stdout.contains("\"state\":\"connected\""),
        "{output:#?}"
    );
    assert!(!output.log().contains(PASSWORD), "{output:#?}");
    assert!(lab.reaches("work", address::FAR));
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    wait_for_none(&lab, "openconnect");
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_prints() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let script = "vpnns --connect work --background --json </dev/null | head -n 1; echo done";
    let pipe = lab.run_by_user(&["bash", "-c", script]).spawn();
    let asked = question(&lab, "work", 1);
    fill_in(&lab, "work", &asked, PASSWORD);
    wait_for_state(&lab, "work", "connected");
    let output = pipe.wait(PATIENCE);
    assert!(output.text().ends_with("done"), "{output:#?}");
    assert_eq!(status(&lab, "work")["state"], "connected");
    assert!(lab.reaches("work", address::FAR));
}

#[test]
fn it_is_connected_also_if_the_front_is_killed_while_the_server_asks() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = vpnns(&lab, &BACKGROUND).spawn();
    let asked = question(&lab, "work", 1);
    front.signal(Signal::SIGKILL);
    assert_eq!(front.wait(PATIENCE).code(), 128 + 9);
    assert_eq!(question(&lab, "work", 1), asked);
    fill_in(&lab, "work", &asked, PASSWORD);
    wait_for_state(&lab, "work", "connected");
    assert!(lab.reaches("work", address::FAR));
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    wait_for_none(&lab, "openconnect");
    assert!(!lab.reaches("work", address::FAR));
}

#[test]
fn whoever_tells_the_front_to_end_before_it_is_connected_means_the_connection() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let front = vpnns(&lab, &BACKGROUND).spawn();
        question(&lab, "work", 1);
        front.signal(signal);
        front.wait(PATIENCE);
        wait_for_state(&lab, "work", "isolated");
        wait_for_none(&lab, "openconnect");
    }
}

#[test]
fn the_demo_goes_into_the_background_too() {
    let lab = Lab::start();
    profile(&lab, "work", "[demo]\n");
    let output = vpnns(&lab, &BACKGROUND).run();
    assert!(output.succeeded(), "{output:#?}");
    let page = lab.page("work", "gateway.vpnns.test");
    assert!(page.stdout.contains("embedded gateway"), "{page:#?}");
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    // The gateway's relay is gone a moment before the connector.
    assert!(wait_until(PATIENCE, || status(&lab, "work") == Value::Null));
}
