//! What arrives is what was sent, however much of it, at every size, and though the way spoils it.

use std::time::Duration;

use crate::support::wire::FAR;
use crate::support::{Instance, LIMIT, User, Wire, wait_until};

/// A quarter of what goes each way in each family, in bytes: a gigabyte.
const QUARTER: &str = "250000000";
/// How long that may take on a small machine with others on it.
const LONG: Duration = Duration::from_secs(900);

/// Streams in both directions and families at once, so many of each.
fn load(near: &Instance<'_>, streams: usize, bytes: &str, families: &[&str]) {
    let mut running = Vec::new();
    for address in families {
        for way in ["up", "down"] {
            let words = ["load", way, address, "5001", bytes];
            running.extend((0..streams).map(|_| near.traffic(&words).spawn()));
        }
    }
    for load in running {
        assert_eq!(load.wait(LONG).text(), "same");
    }
}

#[test]
fn a_gigabyte_each_way_is_right_though_one_packet_in_a_hundred_is_spoiled() {
    let user = User::new();
    let (near, far) = (user.instance("near"), user.instance("far"));
    let (_near, _far) = (near.keep(), far.keep());
    let wire = Wire::start(&user, &["--corrupt", "0.01"]);
    let _server = far.serve();
    // A stream alone would wait for what it lost more than it sends.
    load(&near, 4, QUARTER, &FAR);
    let seen = wire.seen();
    // Whether it was put to the test at all.
    assert!(seen.corrupted * 200 > seen.forwarded, "{seen:?}");
    assert!(seen.corrupted > 20_000, "{seen:?}");
}

#[test]
fn streams_are_right_at_every_mtu_and_no_packet_exceeds_it() {
    let user = User::new();
    let (near, far) = (user.instance("near"), user.instance("far"));
    let (_near, _far) = (near.keep(), far.keep());
    let _server = far.serve();
    for mtu in [576, 1280, 1400, 1500, 4000, 9000] {
        let wire = Wire::start(&user, &["--mtu", &mtu.to_string()]);
        // IPv6 needs 1280 (RFC 8200).
        let families = if mtu < 1280 { &FAR[..1] } else { &FAR };
        load(&near, 1, "20000000", families);
        assert_eq!(wire.seen().largest, mtu);
        drop(wire);
        for instance in [&near, &far] {
            let isolated = || instance.state() == "isolated";
            assert!(wait_until(LIMIT, isolated));
        }
    }
}
