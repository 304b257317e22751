//! Several peers, each with addresses of its own, and what happens to packets with others'.

use crate::support::wireguard::{NAME, OWN, PORT, Profile, Server};
use crate::support::{LIMIT, Lab, address, wait_until};

/// A company and an internet that are behind different peers.
fn two_peers(lab: &Lab) -> (Profile, [Server<'_>; 2]) {
    let profile = Profile::new();
    let company = Server::start_routed(lab, &profile.keys.public, None);
    let internet = Server::start(lab, "wg1", PORT + 1, &profile.keys.public, None);
    // What the internet answers goes back by its own tunnel.
    let routes = format!(
        "ip rule add pref 50 from {} lookup 51 && ip route add {OWN}/32 dev wg1 table 51",
        address::INTERNET
    );
    lab.on_gateway(&["sh", "-c", &routes]).run().text();
    let places = [PORT, PORT + 1].map(|port| format!("{}:{port}", address::GATEWAY));
    let everything = ["0.0.0.0/0"];
    let profile = profile
        .peer(
            &company.keys.public,
            &places[0],
            &["10.99.0.0/16", "fd99::/16"],
            "",
        )
        .peer(&internet.keys.public, &places[1], &everything, "");
    (profile, [company, internet])
}

#[test]
fn each_peer_gets_the_packets_for_its_addresses() {
    let lab = Lab::start();
    let (profile, servers) = two_peers(&lab);
    let client = lab.wireguard_up(&profile);
    let page = lab.page(NAME, address::FAR);
    assert_eq!(page.text(), format!("hello from the far side to {OWN}"));
    let page = lab.page(NAME, address::INTERNET);
    assert_eq!(page.text(), format!("hello from the internet to {OWN}"));
    let status = lab.wireguard_status();
    let peers = status["tunnel"]["peers"].as_array().unwrap();
    for (peer, server) in peers.iter().zip(&servers) {
        assert_eq!(peer["public-key"], *server.keys.public, "{status:#}");
        assert!(peer["handshake"].as_u64() > Some(0), "{status:#}");
    }
    // One that is gone takes nothing from the other.
    let [company, internet] = servers;
    drop(internet);
    // It is killed, and not waited for.
    assert!(wait_until(LIMIT, || !lab.reaches(NAME, address::INTERNET)));
    std::thread::sleep(std::time::Duration::from_secs(16));
    assert!(lab.reaches(NAME, address::FAR));
    assert_eq!(
        lab.wireguard_status()["state"],
        "connected",
        "{}",
        client.log()
    );
    drop(company);
}

#[test]
fn a_peer_cannot_speak_for_an_address_that_is_anothers() {
    let lab = Lab::start();
    let (profile, _servers) = two_peers(&lab);
    let _client = lab.wireguard_up(&profile);
    let listen = "import socket, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(('0.0.0.0', 5000))
print('listening', flush=True)
while True:
    print(peer.recvfrom(100), flush=True)";
    let app = lab
        .inside(NAME, &["/usr/bin/python3", "-c", listen])
        .spawn();
    app.wait_for("listening");
    let send = format!(
        "import socket, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.setsockopt(socket.SOL_SOCKET, 25, sys.argv[2].encode())
peer.bind((sys.argv[1], 0))
peer.sendto(sys.argv[3].encode(), ('{OWN}', 5000))"
    );
    let say = |from: &str, by: &str, what: &str| {
        let words = ["/usr/bin/python3", "-c", &send, from, by, what];
        lab.on_gateway(&words).run().text();
    };
    say(address::INTERNET, "wg0", "forged");
    say(address::INTERNET, "wg1", "genuine");
    say(address::FAR, "wg0", "also genuine");
    app.wait_for("also genuine");
    app.wait_for("b'genuine'");
    assert!(!app.stdout().contains("forged"), "{}", app.stdout());
}
