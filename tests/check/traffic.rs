//! Devices, routes, both families, and addresses of the user's own network.

use vpnns_protocol::finding::Outcome;

use super::support::{Capture, Lab, Running, address};
use super::{CHECK, NAME, Report, Scene, entering};

/// A second network device, as a tunnel that somebody else has put in would be.
const SECOND: &str = "ip tuntap add mode tun name out0; ip link set out0 up";

fn check(lab: &Lab) -> Report {
    Report::of(&lab.run_by_user(&CHECK).run())
}

fn make_hole(lab: &Lab, script: &str) {
    let keeper = lab.run_by_user(&["vpnns", "--status", "--name", NAME, "--json"]);
    let status: serde_json::Value = serde_json::from_str(keeper.run().text()).unwrap();
    let keeper = status["instances"][0]["keeper"].to_string();
    lab.run_by_user(&entering(&keeper, script)).run().text();
}

#[test]
fn an_instance_with_a_real_vpn_is_clean_and_nothing_passes_beside_it() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let capture = Capture::start(&lab);
    let off = check(&lab);
    off.assert_clean();
    assert_eq!(
        off.finding("ipv4").title.as_deref(),
        Some("IPv4 Is Offline")
    );
    let _client = lab.connect(NAME);
    let on = check(&lab);
    on.assert_clean();
    for finding in &on.findings.findings {
        assert_eq!(finding.outcome, Outcome::Ok, "{finding:#?}");
    }
    let ipv4 = on.finding("ipv4");
    assert_eq!(ipv4.title.as_deref(), Some("IPv4 Goes Through the VPN"));
    let resolvers = on.finding("resolvers");
    assert!(resolvers.summary.contains(address::FAR), "{resolvers:#?}");
    // The resolver was really asked, and by way of the tunnel.
    assert!(lab.far_requests().contains("vpnns-check.invalid"));
    assert_eq!(capture.strays(), Vec::<String>::new());
}

#[test]
fn an_address_of_the_users_own_network_that_can_be_used_is_found() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    assert_eq!(check(&lab).finding("bound-sockets").outcome, Outcome::Ok);
    make_hole(
        &lab,
        "ip tuntap add mode tun name veth0; ip link set veth0 up",
    );
    check(&lab).assert_found("bound-sockets", "veth0");
    let give = format!(
        "ip link set veth0 name other; ip addr add {} dev other",
        address::OUTSIDE
    );
    make_hole(
        &lab,
        &format!("ip link set veth0 down; {give}; ip link set other up"),
    );
    check(&lab).assert_found("bound-sockets", address::OUTSIDE);
}

#[test]
fn a_second_device_is_found() {
    let scene = Scene::connected(&[]);
    scene.check().assert_clean();
    scene.make_hole(SECOND);
    scene.check().assert_found("devices", "out0");
    scene.make_hole("ip link del out0");
    scene.check().assert_clean();
}

#[test]
fn a_route_past_the_tunnel_is_found_in_whatever_table() {
    let scene = Scene::connected(&[]);
    scene.make_hole(SECOND);
    assert_eq!(scene.check().finding("routes").outcome, Outcome::Ok);
    scene.make_hole("ip route add 172.30.0.0/16 dev out0 table 77");
    scene
        .check()
        .assert_found("routes", "172.30.0.0/16 by out0");
}

#[test]
fn one_family_past_the_tunnel_is_found_and_not_the_other() {
    let scene = Scene::connected(&[("INTERNAL_IP4_ADDRESS", "10.7.0.2")]);
    let clean = scene.check();
    assert_eq!(
        clean.finding("ipv6").title.as_deref(),
        Some("IPv6 Is Offline")
    );
    scene.make_hole(&format!("{SECOND}; ip -6 route add default dev out0"));
    let found = scene.check();
    found.assert_found("ipv6", "out0");
    assert_eq!(found.finding("ipv4").outcome, Outcome::Ok);
    scene.make_hole("ip -6 route del default dev out0; ip route add 203.0.113.0/24 dev out0");
    let found = scene.check();
    found.assert_found("ipv4", "203.0.113.1 would leave by out0");
    assert_eq!(found.finding("ipv6").outcome, Outcome::Ok);
}

#[test]
fn a_way_that_opens_while_the_vpn_is_off_is_found() {
    let scene = Scene::offline();
    scene.check().assert_clean();
    scene.make_hole(&format!("{SECOND}; ip route add default dev out0"));
    let found = scene.check();
    for id in ["devices", "routes", "ipv4"] {
        found.assert_found(id, "out0");
    }
}

#[test]
fn a_split_tunnel_is_limited_and_clean() {
    let scene = Scene::connected(&[
        ("INTERNAL_IP4_ADDRESS", "10.7.0.2"),
        ("CISCO_SPLIT_INC", "1"),
        ("CISCO_SPLIT_INC_0_ADDR", "10.7.0.0"),
        ("CISCO_SPLIT_INC_0_MASKLEN", "16"),
    ]);
    let report = scene.check();
    report.assert_clean();
    let ipv4 = report.finding("ipv4");
    assert_eq!(ipv4.title.as_deref(), Some("IPv4 Is Limited to the VPN"));
}

#[test]
fn an_instance_that_waits_for_its_client_is_clean_and_does_not_ask_names() {
    use super::support::{Session, StandIn};
    let session = Session::new();
    let _app: Running = session.keep(NAME);
    let program = session.home().join("vpnns-attach");
    std::os::unix::fs::symlink(session.user().program(), &program).unwrap();
    let client = StandIn::openvpn_node(session.user(), &program)
        .set("VPNNS_NAME", NAME)
        .set("HOME", session.home().to_str().unwrap())
        .set("TUNTAP_DEV_TYPE", "tun")
        .set("ifconfig_local", "10.7.0.2")
        .set("ifconfig_netmask", "255.255.255.0")
        .set("foreign_option_1", "dhcp-option DNS 10.7.0.1")
        .connect(NAME);
    client.order("stop");
    session
        .user()
        .instance(NAME)
        .wait_for_state("reconnecting", &client.running);
    let report = Report::of(&session.command(&CHECK).run());
    report.assert_clean();
    let resolvers = report.finding("resolvers");
    assert!(resolvers.summary.contains("not asked"), "{resolvers:#?}");
}
