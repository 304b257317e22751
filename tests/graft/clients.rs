//! Who the client is while it is grafted, and clients other than openvpn.

use std::fs;

use super::support::{self, Lab, OpenVpnServer, address};
use super::{StandIn, everything_comes, openvpn, status};

/// The process of the tunnel's client, as this test numbers it.
fn client_process(lab: &Lab, supervisor: nix::unistd::Pid) -> i32 {
    let inside = status(lab)["tunnel"]["client"]["pid"].as_u64().unwrap();
    let children = fs::read_to_string(format!("/proc/{supervisor}/task/{supervisor}/children"));
    let children = children.unwrap();
    let mut pids = children
        .split_whitespace()
        .map(|pid| pid.parse::<i32>().unwrap());
    pids.find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("NSpid:"))
            .unwrap();
        line.split_whitespace().last() == Some(&inside.to_string())
    })
    .expect("the client is a child of its supervisor")
}

pub fn assert_ordinary(lab: &Lab, supervisor: nix::unistd::Pid) {
    let pid = client_process(lab, supervisor);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
        .iter()
        .take(3)
    {
        let line = status.lines().find(|line| line.starts_with(set)).unwrap();
        assert!(line.ends_with("0000000000000000"), "{line}");
    }
    let uid = lab.user().uid().to_string();
    let line = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    assert!(
        line.split_whitespace().skip(1).all(|id| id == uid),
        "{line}"
    );
    let own = lab.run_by_user(&["sh", "-c", "readlink /proc/self/ns/net /proc/self/ns/user"]);
    let theirs = ["net", "user"].map(|kind| {
        fs::read_link(format!("/proc/{pid}/ns/{kind}"))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(own.run().text(), theirs.join("\n"));
}

#[test]
fn openvpn_has_no_capability_and_stands_in_the_users_own_network() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let client = openvpn(&lab, &server, &[]);
    assert_ordinary(&lab, client.pid());
    everything_comes(&lab);
}

#[test]
fn a_stranger_asks_the_host_before_it_has_a_device() {
    let lab = Lab::start();
    let host = lab.run_by_user(&["ip", "-brief", "link"]).run();
    let words = [
        "vpnns", "--graft", "-n", "work", "--", "ip", "-brief", "link",
    ];
    let seen = lab.run_by_user(&words).run();
    assert!(host.text().lines().count() > 1);
    assert_eq!(seen.text(), host.text());
    let client = StandIn::new(&lab).run_wrapped(&["links", "tun", "links", "stay"]);
    client.wait_for("stays");
    let log = client.log();
    let (before, after) = log.split_once("has its device").unwrap();
    assert!(before.contains(host.text()), "{log}");
    assert!(
        !after.contains(host.text()) && after.contains("tun7"),
        "{log}"
    );
}

#[test]
fn an_openvpn_is_known_by_its_version_also_where_ends_are_ignored() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let path = lab.write_home("client.ovpn", &server.client());
    let ignoring = "import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])";
    let words = [&["python3", "-c", ignoring], &*super::words(&path, &[])].concat();
    let client = lab.run_by_user(&words).spawn();
    client.wait_for("Initialization Sequence Completed");
    let pid = client_process(&lab, client.pid());
    let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(words.contains("--disable-dco"), "{words:?}");
}

#[test]
fn stock_openconnect_connects_without_our_relay() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let pin = format!("--servercert={}", support::ocserv::pin());
    let client = lab
        .run_by_user(&[
            "vpnns",
            "--graft",
            "-n",
            "work",
            "--",
            "openconnect",
            "--user=test",
            "--passwd-on-stdin",
            &pin,
            "192.0.2.1:443",
        ])
        .input(&format!("{}\n", support::ocserv::PASSWORD))
        .spawn();
    assert!(
        support::wait_until(support::LIMIT, || lab.reaches("work", address::FAR)),
        "{}",
        client.log()
    );
    everything_comes(&lab);
    assert_ordinary(&lab, client.pid());
    assert_eq!(status(&lab)["tunnel"]["client"]["name"], "openconnect");
}
