//! A hundred instances at once, each with a tunnel and traffic.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::support::{LIMIT, StandIn, User, wait_until};

const CROWD: usize = 100;
/// A keeper's share of memory, in KiB.
const KEEPER: u64 = 2048;

/// How often a process has waited for something so far.
fn waits(pid: &Value) -> u64 {
    field(&format!("/proc/{pid}/status"), "voluntary_ctxt_switches:")
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hundred_instances_with_tunnels_work_at_once_and_then_rest() {
    let user = User::new();
    let names: Vec<String> = (0..CROWD).map(|number| format!("i{number}")).collect();
    let apps: Vec<_> = names
        .iter()
        .map(|name| user.instance(name).keep_soon())
        .collect();
    for app in &apps {
        app.wait_for("started");
    }
    let clients: Vec<_> = names
        .iter()
        .map(|name| {
            let attach = format!("vpnns --attach --name {name}");
            StandIn::openconnect(&user, &attach).both_families().start()
        })
        .collect();
    let connected = || {
        let all = all(&user);
        all.len() == CROWD && all.iter().all(|instance| instance["state"] == "connected")
    };
    assert!(wait_until(LIMIT, connected), "{:?}", all(&user));

    let traffic: Vec<_> = names
        .iter()
        .map(|name| {
            let words = ["whole", "203.0.113.7", "100", "1000", "1400"];
            user.instance(name).app(&words).spawn()
        })
        .collect();
    for app in traffic {
        let output = app.wait(Duration::from_secs(60));
        assert_eq!(output.text(), "whole 100\nwhole 1000\nwhole 1400");
    }

    let keepers: Vec<Value> = all(&user)
        .iter()
        .map(|instance| instance["keeper"].clone())
        .collect();
    for keeper in &keepers {
        let share = field(&format!("/proc/{keeper}/smaps_rollup"), "Pss:");
        assert!(share <= KEEPER, "the keeper {keeper} takes {share} KiB");
    }
    let relays = clients.iter().map(|client| client.relay().as_raw().into());
    let processes: Vec<Value> = keepers.into_iter().chain(relays).collect();
    let total = || processes.iter().map(waits).sum::<u64>();
    // The kernel's own router solicitations come at first, and further and further apart.
    let rested = wait_until(Duration::from_secs(60), || {
        let before = total();
        std::thread::sleep(Duration::from_secs(1));
        total() == before
    });
    assert!(rested, "something wakes idle instances up");
}

fn all(user: &User) -> Vec<Value> {
    let output = user.command(&["vpnns", "--list", "--json"]).run();
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    report["instances"].as_array().cloned().unwrap_or_default()
}
