//! `vpnns --graft`: stock VPN clients as an ordinary user, their device in the instance.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Lab, OpenVpn, OpenVpnServer, Running, address};

/// Runs the stock openvpn, grafted, and waits until it is connected.
fn openvpn(lab: &Lab, server: &OpenVpn, instance: &str) -> Running {
    let path = lab.write_home("client.ovpn", &server.client());
    let client = lab
        .run_by_user(&[
            "vpnns", "--graft", "--name", instance, "--", "openvpn", "--config", &path,
        ])
        .spawn();
    client.wait_for("Initialization Sequence Completed");
    client
}

fn everything_comes(lab: &Lab) {
    for page in [address::FAR, address::FAR_6, address::INTERNET] {
        assert!(lab.reaches("work", page), "{page}");
    }
    let addresses = lab.lookup("work", "intranet.corp.test");
    assert_eq!(addresses.text(), [address::FAR, address::FAR_6].join("\n"));
}

#[test]
fn stock_openvpn_connects_an_instance_over_udp() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    assert!(!lab.reaches("work", address::FAR));
    let client = openvpn(&lab, &server, "work");
    everything_comes(&lab);
    drop(client);
}
