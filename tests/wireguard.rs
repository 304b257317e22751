//! The built-in WireGuard against the real wireguard-go, seen by the programs of an instance.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "wireguard/background.rs"]
mod background;
#[path = "wireguard/change.rs"]
mod change;
#[path = "wireguard/keys.rs"]
mod keys;
#[path = "wireguard/peers.rs"]
mod peers;

use std::time::Duration;

use support::wireguard::{NAME, OWN, OWN_6, PORT, Profile, Server};
use support::{Capture, Echo, LIMIT, Lab, Moment, Sighting, address, wait_until};

/// Everything.
const ALL: [&str; 2] = ["0.0.0.0/0", "::/0"];
/// The client's own packets, as tcpdump selects them.
const OWN_PACKETS: &str = "udp port 51820";

/// Where the server is unless it moves.
fn endpoint() -> String {
    format!("{}:{PORT}", address::GATEWAY)
}

/// A profile with one peer for everything, and that peer.
fn one_peer(lab: &Lab) -> (Profile, Server<'_>) {
    let profile = Profile::new();
    let server = Server::start_routed(lab, &profile.keys.public, None);
    let profile = profile.peer(&server.keys.public, &endpoint(), &ALL, "");
    (profile, server)
}

#[test]
fn pages_and_names_of_both_families_come_through_the_tunnel() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let (profile, _server) = one_peer(&lab);
    let _client = lab.wireguard_up(&profile);
    for (host, answer) in [
        (address::FAR, format!("hello from the far side to {OWN}")),
        (
            address::FAR_6,
            format!("hello from the far side to {OWN_6}"),
        ),
        (
            "four.corp.test",
            format!("hello from the far side to {OWN}"),
        ),
        (
            "six.corp.test",
            format!("hello from the far side to {OWN_6}"),
        ),
        (
            address::INTERNET,
            format!("hello from the internet to {OWN}"),
        ),
    ] {
        assert_eq!(lab.page(NAME, host).text(), answer, "{host}");
    }
    large_transfers_come_whole(&lab);
}

#[test]
fn an_ipv6_server_carries_both_families() {
    let lab = Lab::start();
    let (profile, server) = one_peer(&lab);
    let endpoint = format!("[fd00:2::1]:{PORT}");
    let profile = Profile {
        peers: String::new(),
        ..profile
    }
    .peer(&server.keys.public, &endpoint, &ALL, "");
    let _client = lab.wireguard_up(&profile);
    assert!(lab.reaches(NAME, address::FAR) && lab.reaches(NAME, address::FAR_6));
    assert_eq!(
        lab.wireguard_status()["tunnel"]["peers"][0]["endpoint"],
        *endpoint
    );
}

#[test]
fn nothing_passes_beside_the_tunnel_before_with_and_after_it() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let (profile, _server) = one_peer(&lab);
    let capture = Capture::at_gateway(&lab, OWN_PACKETS);
    let inside = [address::INTERNET, address::INTERNET_6, address::FAR];
    let outside = [address::OUTSIDE, address::OUTSIDE_6];
    let reached = |addresses: &[&str]| addresses.iter().any(|it| lab.reaches(NAME, it));
    assert!(!reached(&inside) && !reached(&outside), "before");
    let client = lab.wireguard_up(&profile);
    assert!(inside.iter().all(|address| lab.reaches(NAME, address)));
    assert!(!reached(&outside), "with it");
    client.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(client.wait(LIMIT).code(), 0);
    assert_eq!(lab.wireguard_status()["state"], "isolated");
    assert!(!reached(&inside) && !reached(&outside), "after");
    assert_eq!(capture.strays(), Vec::<String>::new());
    assert!(
        !lab.outside_requests().contains(OWN),
        "{}",
        lab.outside_requests()
    );
}

#[test]
fn the_status_shows_peers_handshakes_and_counters() {
    let lab = Lab::start();
    let (profile, server) = one_peer(&lab);
    let _client = lab.wireguard_up(&profile);
    assert!(lab.reaches(NAME, address::FAR));
    let told = wait_until(Duration::from_secs(10), || {
        let status = lab.wireguard_status();
        status["tunnel"]["peers"][0]["received-bytes"].as_u64() > Some(100)
    });
    let status = lab.wireguard_status();
    assert!(told, "{status:#}");
    let tunnel = &status["tunnel"];
    assert_eq!(tunnel["client"]["name"], "wireguard");
    assert_eq!(tunnel["cipher"], "ChaCha20-Poly1305");
    assert_eq!(tunnel["server"], *endpoint());
    assert_eq!(tunnel["gateway"], address::GATEWAY);
    assert_eq!(tunnel["network"]["mtu"], 1420);
    let peer = &tunnel["peers"][0];
    assert_eq!(peer["public-key"], *server.keys.public);
    assert_eq!(peer["endpoint"], *endpoint());
    assert!(peer["sent-bytes"].as_u64() > Some(100), "{status:#}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_secs() - peer["handshake"].as_u64().unwrap();
    assert!(age < 60, "{status:#}");
}

#[test]
fn a_killed_client_leaves_the_apps_offline_at_once() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let (profile, _server) = one_peer(&lab);
    let capture = Capture::at_gateway(&lab, OWN_PACKETS);
    let client = lab.wireguard_up(&profile);
    let echo = Echo::start(&lab, NAME, address::FAR);
    let death = Moment::now();
    // The process that carries the packets; the one in the foreground only shows what it does.
    let carrier = lab.wireguard_status()["tunnel"]["client"]["pid"].to_string();
    lab.run_by_user(&["kill", "-KILL", &carrier]).run().text();
    assert_eq!(client.wait(LIMIT).code(), 1);
    let refused = || {
        let is_refusal = |sighting: &Sighting| match sighting {
            Sighting::Refusal(errno, when) => errno != "ECONNREFUSED" && *when > death,
            Sighting::Reply(_) => false,
        };
        echo.sightings().iter().any(is_refusal)
    };
    assert!(
        // Without an abort it would never come; a loaded machine takes its time to tell it.
        wait_until(Duration::from_secs(5), refused),
        "{:?}",
        echo.sightings()
    );
    assert_eq!(lab.wireguard_status()["state"], "failed");
    assert!(!lab.reaches(NAME, address::FAR) && !lab.reaches(NAME, address::INTERNET));
    assert_eq!(capture.strays(), Vec::<String>::new());
}

/// Both directions, long enough for full packets, many at a time.
fn large_transfers_come_whole(lab: &Lab) {
    for host in [address::FAR, "[fd99::1]"] {
        let script = "set -o pipefail
            curl --silent --max-time 20 http://$0/bytes/5000000 | wc -c
            head -c 5000000 /dev/zero | curl --silent --max-time 20 --data-binary @- http://$0/";
        let transfers = lab.inside(NAME, &["bash", "-c", script, host]).run();
        assert_eq!(transfers.text(), "5000000\nreceived 5000000 bytes");
    }
}
