//! Losing the server in mid-session: nothing passes, nothing leaks, and everything comes back.

use crate::support::{Capture, Hold, Lab, address};
use crate::*;

#[test]
fn a_server_that_was_restarted_is_logged_in_to_again_and_connections_survive() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let _front = connect(&lab, "work");
    let mut held = Hold::start(&lab, "work", address::FAR);
    let capture = Capture::start(&lab);
    lab.stop_gateway();
    wait_for_state(&lab, "work", "reconnecting");
    assert!(
        !lab.reaches("work", address::INTERNET),
        "there is a way past the tunnel"
    );
    lab.restart_gateway();
    // Nobody is asked: the password is known from the first login.
    let status = wait_for_state(&lab, "work", "connected");
    assert!(
        status["tunnel"]["reconnects"].as_u64() >= Some(1),
        "{status:#}"
    );
    assert!(lab.reaches("work", address::FAR));
    assert!(held.holds(), "the connection did not survive");
    assert_eq!(capture.strays(), Vec::<String>::new());
}

#[test]
fn another_address_of_the_host_makes_the_client_reconnect_at_once() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let _front = connect(&lab, "work");
    let mut held = Hold::start(&lab, "work", address::FAR);
    let moved = "ip addr del 192.0.2.2/24 dev veth0; ip addr add 192.0.2.77/24 dev veth0; \
        ip route add default via 192.0.2.1";
    lab.run_by_root(&["sh", "-c", moved]).run().text();
    wait_for(&lab, "work", "reconnected", |status| {
        status["tunnel"]["reconnects"].as_u64() >= Some(1) && status["state"] == "connected"
    });
    assert!(lab.reaches("work", address::FAR));
    assert!(held.holds(), "the connection did not survive");
}
