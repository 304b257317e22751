//! Losing the server in mid-session: nothing passes, nothing leaks, and everything comes back.

use crate::support::{Capture, Hold, Lab, OpenVpnServer, address};
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
fn a_killed_client_is_started_again_and_connections_survive() {
    for kind in ["openconnect", "openvpn"] {
        let lab = Lab::start();
        let _app = lab.keep("work");
        let server = OpenVpnServer::default().start(&lab);
        let _front = if kind == "openconnect" {
            usual(&lab, "work");
            connect(&lab, "work")
        } else {
            let text = format!("[openvpn]\nconfig = '''\n{}'''\n", server.client());
            profile(&lab, "work", &text);
            let front = vpnns(&lab, &["--connect", "work"]).spawn();
            wait_for_state(&lab, "work", "connected");
            front
        };
        let mut held = Hold::start(&lab, "work", address::FAR);
        let capture = Capture::start(&lab);
        let client = status(&lab, "work")["tunnel"]["client"].clone();
        assert_eq!(client["name"], kind);
        let words = ["kill", "-KILL", &client["pid"].to_string()];
        lab.run_by_root(&words).run().text();
        wait_for(&lab, "work", "started again", |status| {
            let tunnel = &status["tunnel"];
            status["state"] == "connected" && tunnel["client"]["pid"] != client["pid"]
        });
        assert!(lab.reaches("work", address::FAR), "{kind}");
        assert!(held.holds(), "{kind}: the connection did not survive");
        assert_eq!(capture.strays(), Vec::<String>::new(), "{kind}");
    }
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
