//! The sections with commands, each played to its end, and what the reader was promised.

use crate::stage::Stage;
use crate::support::wireguard::{Keys, OWN, OWN_6, Server};
use crate::support::{Lab, OpenVpnServer, address, wait_until};
use crate::torrent;

/// A wg-quick file as a provider hands it out, and the server that it is for.
fn wireguard(lab: &Lab) -> (String, Server<'_>) {
    let keys = Keys::new();
    let server = Server::start_routed(lab, &keys.public, None);
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = {OWN}/32, {OWN_6}/128\nDNS = {}\n\n\
         [Peer]\nPublicKey = {}\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = vpn.example.com:51820\n",
        keys.private,
        address::FAR,
        server.keys.public
    );
    (text, server)
}

#[test]
fn from_a_clone_to_a_vpn() {
    let stage = Stage::new();
    stage.play("From a clone to a VPN");
    // That the name was not found outside is because it was asked for there.
    assert!(
        stage
            .lab()
            .outside_requests()
            .contains("gateway.vpnns.test")
    );
    assert!(stage.status("demo").is_null());
}

#[test]
fn the_window() {
    let stage = Stage::new();
    let made = stage.shell(r"printf 'version = 1\n[demo]\n' | vpnns --import - --profile work");
    made.run().text();
    stage.play("The window");
}

#[test]
fn a_browser_at_work() {
    let stage = Stage::new();
    stage.play("A browser at work");
    stage.assert_nothing_outside("intranet.example.com");
    stage.assert_nothing_outside("http");
}

#[test]
fn a_torrent_through_wireguard() {
    let stage = Stage::new();
    let swarm = torrent::Swarm::start(stage.lab());
    let (text, _server) = wireguard(stage.lab());
    stage.download("torrents.conf", &text);
    stage.play("A torrent through WireGuard");
    swarm.assert_fetched(stage.lab(), OWN);
    stage.assert_nothing_outside("tracker.example.net");
}

#[test]
fn two_vpns_at_once() {
    let stage = Stage::new();
    let (text, _server) = wireguard(stage.lab());
    stage.download("home.conf", &text);
    for line in [
        "vpnns --import ~/Downloads/home.conf",
        "vpnns --import https://vpn.example.com --profile work",
    ] {
        stage.shell(line).run().text();
    }
    stage.play("Two VPNs at once");
    // One of them ends, and the other one does not notice.
    stage.shell("vpnns --stop --name work").run().text();
    assert!(stage.is_connected("home"));
}

#[test]
fn openvpn_without_root() {
    let stage = Stage::new();
    let server = OpenVpnServer::default().start(stage.lab());
    stage.download("office.ovpn", &server.client());
    stage.play("OpenVPN without root");
    for name in ["office", "work"] {
        let page = format!("vpnns --name {name} -- curl -sS http://intranet.example.com/");
        let page = stage.shell(&page).run();
        assert!(page.text().starts_with("hello from the far side to "));
    }
    let root = stage
        .shell("ps -C openvpn,openconnect -o user= | sort -u")
        .run();
    let mut users = root.text().lines();
    // The server is the lab's root; the clients are the user, and no one else.
    assert!(users.any(|user| user.trim() != "root"), "{root:?}");
}

#[test]
fn a_server_without_a_desktop() {
    let stage = Stage::new();
    let (text, _server) = wireguard(stage.lab());
    stage.download("home.conf", &text);
    stage.play("A server, without a desktop");
    // Those who come through the VPN reach it at its own port.
    let page = format!("http://{OWN}:8000/");
    let page = stage.lab().on_gateway(&["curl", "-sS", &page]).run();
    assert!(page.text().contains("Directory listing"));
    stage.unit("ExecStop", "home");
    let ended = wait_until(crate::desk::PATIENCE, || !stage.is_connected("home"));
    assert!(ended, "{:#}", stage.status("home"));
    // The web server is not the unit's to end.
    let apps = stage.status("home")["apps"].clone();
    assert_eq!(apps[0]["command"], "python3", "{apps}");
}
