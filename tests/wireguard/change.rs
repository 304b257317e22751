//! Networks that change and servers that move, under an app that goes on.

use std::time::Duration;

use crate::support::wireguard::{NAME, PORT, Profile, Server};
use crate::support::{Capture, Lab, address, wait_until};
use crate::{ALL, OWN_PACKETS, one_peer};

#[test]
fn a_server_that_moves_is_followed_and_connections_survive() {
    let lab = Lab::start();
    let (profile, server) = one_peer(&lab);
    let _client = lab.wireguard_up(&profile);
    let session = lab.session(address::FAR);
    // The server speaks first from its new place: that is how WireGuard peers move.
    let move_to = |port: &str| {
        let client = ["peer", &profile.keys.public, "persistent-keepalive", "1"];
        server.set(&[&["listen-port", port], &client[..]].concat());
    };
    move_to("51999");
    let place = format!("{}:51999", address::GATEWAY);
    let followed = || lab.wireguard_status()["tunnel"]["peers"][0]["endpoint"] == *place;
    let seen = wait_until(Duration::from_secs(20), followed);
    assert!(seen, "{:#}", lab.wireguard_status());
    assert!(session.goes_on(Duration::from_secs(20)));
    // Another address, too: the one it had is gone.
    let to = "ip address del 192.0.2.1/24 dev veth1 && ip address add 192.0.2.7/24 dev veth1";
    lab.on_gateway(&["sh", "-c", to]).run().text();
    let followed = || lab.wireguard_status()["tunnel"]["peers"][0]["endpoint"] == "192.0.2.7:51999";
    let seen = wait_until(Duration::from_secs(20), followed);
    assert!(seen, "{:#}", lab.wireguard_status());
    assert!(session.goes_on(Duration::from_secs(30)));
    assert!(lab.reaches(NAME, address::FAR));
    session.end();
}

#[test]
fn half_a_minute_without_uplink_is_survived_and_leaks_nothing() {
    let lab = Lab::start();
    let (profile, _server) = one_peer(&lab);
    let client = lab.wireguard_up(&profile);
    let sessions = [address::FAR, address::FAR_6].map(|address| lab.session(address));
    let capture = Capture::at_gateway(&lab, OWN_PACKETS);
    lab.root_shell("ip link set veth0 down");
    std::thread::sleep(Duration::from_secs(30));
    assert_eq!(
        lab.wireguard_status()["state"],
        "reconnecting",
        "{}",
        client.log()
    );
    assert!(!lab.reaches(NAME, address::INTERNET));
    lab.root_shell(
        "ip link set veth0 up
         ip address replace fd00:2::2/64 dev veth0 nodad
         ip route replace default via 192.0.2.1
         ip -6 route replace default via fd00:2::1",
    );
    lab.wait_for_state("connected", &client);
    for session in sessions {
        assert!(session.goes_on(Duration::from_secs(30)));
        session.end();
    }
    assert!(lab.reaches(NAME, address::INTERNET));
    assert_eq!(capture.strays(), Vec::<String>::new());
    let tunnel = &lab.wireguard_status()["tunnel"];
    assert_eq!(tunnel["reconnects"], 1);
}

#[test]
fn a_name_is_asked_again_when_its_server_falls_silent() {
    let lab = Lab::start();
    let profile = Profile::new();
    let server = Server::start_routed(&lab, &profile.keys.public, None);
    lab.set_hosts("192.0.2.1 vpn.corp.test\n");
    let place = format!("vpn.corp.test:{PORT}");
    let profile = profile.peer(&server.keys.public, &place, &ALL, "");
    let client = lab.wireguard_up(&profile);
    assert_eq!(lab.wireguard_status()["tunnel"]["server"], *place);
    let session = lab.session(address::FAR);
    let to = "ip address del 192.0.2.1/24 dev veth1 && ip address add 192.0.2.7/24 dev veth1";
    lab.on_gateway(&["sh", "-c", to]).run().text();
    lab.set_hosts("192.0.2.7 vpn.corp.test\n");
    // It notices by itself that nobody answers any more.
    let place = format!("192.0.2.7:{PORT}");
    let found = || lab.wireguard_status()["tunnel"]["peers"][0]["endpoint"] == *place;
    let seen = wait_until(Duration::from_secs(60), || {
        std::thread::sleep(Duration::from_millis(200));
        found()
    });
    assert!(seen, "{:#}\n{}", lab.wireguard_status(), client.log());
    lab.wait_for_state("connected", &client);
    assert!(session.goes_on(Duration::from_secs(60)));
    session.end();
}
