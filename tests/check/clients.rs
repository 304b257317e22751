//! Every kind of VPN client leaves nothing open: grafted ones, the built-in one, and one with a script.

use super::support::wireguard::{self, Profile, Server};
use super::support::{LIMIT, Lab, OpenVpnServer, address, wait_until};
use super::{CHECK, NAME, Report};
use vpnns_protocol::finding::Outcome;

fn check(lab: &Lab, name: &str) -> Report {
    let mut words = CHECK;
    words[3] = name;
    Report::of(&lab.run_by_user(&words).run())
}

fn assert_clean(lab: &Lab, name: &str) -> Report {
    let report = check(lab, name);
    report.assert_clean();
    report
}

#[test]
fn a_grafted_client_leaves_nothing_open_while_it_runs_and_after_it_was_killed() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let mut server = OpenVpnServer::default().start(&lab);
    let path = lab.write_home("client.ovpn", &server.client());
    let words = [
        "vpnns", "--graft", "--name", NAME, "--", "openvpn", "--config", &path,
    ];
    let client = lab.run_by_user(&words).spawn();
    client.wait_for("Initialization Sequence Completed");
    let on = assert_clean(&lab, NAME);
    assert_eq!(
        on.finding("resolvers").outcome,
        Outcome::Ok,
        "{:#?}",
        on.findings
    );
    // The server is gone, the client tries again, and nothing passes.
    server.kill();
    let state = || {
        let words = ["vpnns", "--status", "--name", NAME];
        lab.run_by_user(&words).run().stdout
    };
    assert!(
        wait_until(2 * LIMIT, || state().contains("reconnecting")),
        "{}",
        state()
    );
    let waiting = assert_clean(&lab, NAME);
    assert!(waiting.finding("resolvers").summary.contains("not asked"));
    drop(client);
    assert!(
        wait_until(LIMIT, || !state().contains("reconnecting")),
        "{}",
        state()
    );
    let off = assert_clean(&lab, NAME);
    assert_eq!(
        off.finding("ipv4").title.as_deref(),
        Some("IPv4 Is Offline")
    );
}

#[test]
fn the_built_in_wireguard_leaves_nothing_open() {
    let lab = Lab::start();
    let _app = lab.keep(wireguard::NAME);
    let profile = Profile::new();
    let server = Server::start_routed(&lab, &profile.keys.public, None);
    let endpoint = format!("{}:{}", address::GATEWAY, wireguard::PORT);
    let all = ["0.0.0.0/0", "::/0"];
    let profile = profile.peer(&server.keys.public, &endpoint, &all, "");
    let _client = lab.wireguard_up(&profile);
    let report = assert_clean(&lab, wireguard::NAME);
    assert_eq!(
        report.finding("ipv6").title.as_deref(),
        Some("IPv6 Goes Through the VPN")
    );
}

#[test]
fn a_script_of_the_users_leaves_nothing_open() {
    super::support::command::require_file("/usr/share/vpnc-scripts/vpnc-script", "vpnc-scripts");
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let options = "--script /usr/share/vpnc-scripts/vpnc-script";
    let _client = lab.openconnect(NAME).attach_options(options).connect();
    let report = assert_clean(&lab, NAME);
    assert_eq!(
        report.finding("resolvers").outcome,
        Outcome::Ok,
        "{:#?}",
        report.findings
    );
}
