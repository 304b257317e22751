//! `vpnns --graft`: stock VPN clients as an ordinary user, their device in the instance.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;

#[path = "graft/clients.rs"]
mod clients;
#[path = "graft/loss.rs"]
mod loss;
#[path = "graft/refusal.rs"]
mod refusal;
#[path = "graft/script.rs"]
mod script;
#[path = "graft/stranger.rs"]
mod stranger;
#[path = "graft/successor.rs"]
mod successor;
#[path = "graft/supervision.rs"]
mod supervision;

use support::{Lab, OpenVpn, OpenVpnServer, Running, address, wait_until};

/// The words that run the stock openvpn, grafted.
fn words<'a>(path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![
        "vpnns", "--graft", "--name", "work", "--", "openvpn", "--config", path,
    ];
    words.extend(more);
    words
}

/// Runs it, and waits until it is connected.
fn openvpn(lab: &Lab, server: &OpenVpn, more: &[&str]) -> Running {
    let path = lab.write_home("client.ovpn", &server.client());
    let client = lab.run_by_user(&words(&path, more)).spawn();
    client.wait_for("Initialization Sequence Completed");
    client
}

/// Pages of both families and names, through the tunnel.
fn everything_comes(lab: &Lab) {
    for page in [address::FAR, address::FAR_6, address::INTERNET] {
        assert!(lab.reaches("work", page), "{page}");
    }
    let addresses = lab.lookup("work", "intranet.corp.test");
    assert_eq!(addresses.text(), [address::FAR, address::FAR_6].join("\n"));
}

fn state(lab: &Lab) -> String {
    let output = lab
        .run_by_user(&["vpnns", "--status", "--json", "-n", "work"])
        .run();
    let report: serde_json::Value = serde_json::from_str(output.text()).unwrap();
    report["instances"][0]["state"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

fn status(lab: &Lab) -> serde_json::Value {
    let output = lab
        .run_by_user(&["vpnns", "--status", "--json", "-n", "work"])
        .run();
    let mut report: serde_json::Value = serde_json::from_str(output.text()).unwrap();
    report["instances"][0].take()
}

fn becomes(lab: &Lab, wanted: &str) {
    let reached = wait_until(support::LIMIT, || state(lab) == wanted);
    assert!(reached, "never {wanted}: {:#}", status(lab));
}

/// A program called openconnect that does as the test says, grafted.
struct StandIn<'lab> {
    lab: &'lab Lab,
    path: String,
    options: Vec<&'lab str>,
}

impl<'lab> StandIn<'lab> {
    fn new(lab: &'lab Lab) -> Self {
        let directory = lab.user().home().join("stand-in");
        let _ = std::fs::create_dir(&directory);
        let text = include_str!("graft/openconnect.py");
        let path = lab.write_home(
            "stand-in/openconnect",
            &format!("#!/usr/bin/python3\n{text}"),
        );
        for path in [directory.to_str().unwrap(), &path] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let options = Vec::new();
        Self { lab, path, options }
    }

    /// With more options of vpnns.
    fn options(&self, options: &[&'lab str]) -> Self {
        Self {
            lab: self.lab,
            path: self.path.clone(),
            options: options.to_vec(),
        }
    }

    fn run(&self, steps: &[&str]) -> Running {
        self.spawn(&[&[&*self.path], steps].concat())
    }

    /// As the child of a shell.
    fn run_wrapped(&self, steps: &[&str]) -> Running {
        let line = format!("{} {} --script :; :", self.path, steps.join(" "));
        self.spawn(&["sh", "-c", &line])
    }

    fn spawn(&self, client: &[&str]) -> Running {
        let graft = ["vpnns", "--graft", "--name", "work"];
        let words = [&graft[..], &self.options, &["--"], client].concat();
        self.lab.run_by_user(&words).spawn()
    }
}

#[test]
fn stock_openvpn_connects_an_instance_over_udp() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    assert!(!lab.reaches("work", address::FAR));
    let _client = openvpn(&lab, &server, &[]);
    everything_comes(&lab);
    assert!(!lab.reaches("work", address::OUTSIDE));
    assert!(!lab.reaches("work", address::OUTSIDE_6));
}

#[test]
fn it_does_over_tcp() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        tcp: true,
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let _app = lab.keep("work");
    let _client = openvpn(&lab, &server, &[]);
    everything_comes(&lab);
}

#[test]
fn it_does_over_ipv6_with_a_password_alone() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        over_ipv6: true,
        password: true,
        certificates: false,
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let _app = lab.keep("work");
    let password = format!("test\n{}\n", support::openvpn::PASSWORD);
    let path = lab.write_home("password", &password);
    let _client = openvpn(&lab, &server, &["--auth-user-pass", &path]);
    everything_comes(&lab);
}

#[test]
fn pushed_routes_and_resolvers_are_all_that_is_set() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        lines: vec![
            "push \"route 10.99.0.0 255.255.0.0\"",
            "push \"route-ipv6 fd99::/16\"",
            "push \"dhcp-option DNS 10.99.0.1\"",
            "push \"dhcp-option DOMAIN-SEARCH corp.test\"",
        ],
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let _app = lab.keep("work");
    let _client = openvpn(&lab, &server, &[]);
    assert!(lab.reaches("work", address::FAR));
    assert!(lab.reaches("work", address::FAR_6));
    assert!(!lab.reaches("work", address::INTERNET));
    assert!(!lab.reaches("work", address::INTERNET_6));
    assert_eq!(
        lab.lookup("work", "intranet").text(),
        [address::FAR, address::FAR_6].join("\n")
    );
    let tunnel = &status(&lab)["tunnel"];
    assert_eq!(tunnel["client"]["name"], "openvpn");
    assert_eq!(tunnel["gateway"], address::GATEWAY);
    assert_eq!(tunnel["network"]["resolvers"][0], address::FAR);
    assert_eq!(
        tunnel["network"]["addresses"][1].as_str().map(|a| &a[..6]),
        Some("fd98::")
    );
    assert!(tunnel["counters"]["received-bytes"].as_u64() > Some(0));
}

#[test]
fn point_to_point_topologies_work_as_well() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        lines: vec![
            "topology net30",
            "push \"route 10.99.0.0 255.255.0.0\"",
            "push \"dhcp-option DNS 10.99.0.1\"",
        ],
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let _app = lab.keep("work");
    let _client = openvpn(&lab, &server, &[]);
    assert!(lab.reaches("work", address::FAR));
}

#[test]
fn routes_and_resolvers_can_be_chosen_on_the_command_line() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        lines: vec![
            "push \"route 10.99.0.0 255.255.0.0\"",
            "push \"dhcp-option DNS 10.99.0.1\"",
        ],
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let path = lab.write_home("client.ovpn", &server.client());
    let _app = lab.keep("work");
    let client = lab
        .run_by_user(&[
            "vpnns",
            "--graft",
            "-n",
            "work",
            "--routes",
            "all",
            "--dns",
            "10.99.0.2",
            "--",
            "openvpn",
            &path,
        ])
        .spawn();
    client.wait_for("Initialization Sequence Completed");
    assert!(lab.reaches("work", address::INTERNET));
    assert_eq!(
        status(&lab)["tunnel"]["network"]["resolvers"],
        serde_json::json!(["10.99.0.2"])
    );
}
