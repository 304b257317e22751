//! Kernels that refuse offload, when it is asked for or later: slower, and without losing a packet.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::support::wire::{FAR, NEAR, refusing};
use crate::support::{User, Wire, wait_until};

/// Fits into a socket's buffer at once.
const BURST: usize = 60;

/// A burst that the near relay finds all at once, and so merges.
fn burst_arrives(user: &User, wire: &Wire) {
    let (near, far) = (user.instance("near"), user.instance("far"));
    for address in NEAR {
        let sink = near.traffic(&["sink", "5002", &BURST.to_string()]).spawn();
        sink.wait_for("listening");
        kill(wire.near_relay(), Signal::SIGSTOP).unwrap();
        let before = wire.seen().forwarded;
        let poured = far
            .traffic(&["pour", address, "5002", &BURST.to_string(), "500"])
            .run();
        assert_eq!(poured.text(), "poured");
        let sent = || wire.seen().forwarded >= before + BURST as u64;
        assert!(
            wait_until(Duration::from_secs(10), sent),
            "{:?}",
            wire.seen()
        );
        kill(wire.near_relay(), Signal::SIGCONT).unwrap();
        let output = sink.wait(Duration::from_secs(15));
        let came: Vec<usize> = output
            .text()
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect();
        assert_eq!(came, (0..BURST).collect::<Vec<_>>(), "lost or out of order");
    }
}

fn streams_are_right(user: &User) {
    for address in FAR {
        for way in ["up", "down"] {
            let words = ["load", way, address, "5001", "20000000"];
            let output = user.instance("near").traffic(&words).run();
            assert_eq!(output.text(), "same", "{way} {address}");
        }
    }
}

fn is_filtered(pid: impl std::fmt::Display) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().any(|line| line == "Seccomp:\t2")
}

#[test]
fn a_kernel_that_refuses_merged_packets_gets_them_one_by_one() {
    let user = User::new();
    let (near, far) = (user.instance("near"), user.instance("far"));
    let (_near, _far) = (near.keep(), far.keep());
    let wire = Wire::start(&user, &["--through", &refusing(&user, "merged")]);
    assert!(is_filtered(wire.near_relay()));
    let _server = far.serve();
    burst_arrives(&user, &wire);
    streams_are_right(&user);
    burst_arrives(&user, &wire);
}

#[test]
fn a_kernel_without_offload_or_without_that_of_udp_carries_packets_as_well() {
    for what in ["offload", "udp"] {
        let user = User::new();
        let (near, far) = (user.instance("near"), user.instance("far"));
        let python = crate::support::stand_in::PYTHON;
        let words = format!(
            "{python} {} vpnns --name near -- sh -c 'echo started; exec sleep 600'",
            refusing(&user, what)
        );
        // The device is the keeper's to make, and the keeper is started by the first to come.
        let app = user.command(&["sh", "-c", &words]).spawn();
        app.wait_for("started");
        assert!(is_filtered(&near.status()["keeper"]));
        let _far = far.keep();
        let wire = Wire::start(&user, &[]);
        let _server = far.serve();
        burst_arrives(&user, &wire);
        streams_are_right(&user);
    }
}
