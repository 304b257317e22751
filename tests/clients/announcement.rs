//! What a client may say: many routes, one family or both, small packets.

use std::time::{Duration, Instant};

use crate::support::{Client, Instance, LIMIT, StandIn, User, wait_until};
use crate::{ATTACH, FAR, FAR_6};

/// As many as the issue names.
const MANY: usize = 200;

#[test]
fn two_hundred_routes_of_each_family_are_set_and_removed() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let mut stand_in = StandIn::openconnect(&user, ATTACH).both_families();
    for (prefix, count) in [("CISCO_SPLIT_INC", MANY), ("CISCO_IPV6_SPLIT_INC", MANY)] {
        stand_in = stand_in.set(prefix, &count.to_string());
    }
    for index in 0..MANY {
        stand_in = stand_in
            .set(
                &format!("CISCO_SPLIT_INC_{index}_ADDR"),
                &format!("10.100.{index}.0"),
            )
            .set(&format!("CISCO_SPLIT_INC_{index}_MASK"), "255.255.255.0")
            .set(&format!("CISCO_SPLIT_INC_{index}_MASKLEN"), "24")
            .set(
                &format!("CISCO_IPV6_SPLIT_INC_{index}_ADDR"),
                &format!("fd10:0:{index:x}::"),
            )
            .set(&format!("CISCO_IPV6_SPLIT_INC_{index}_MASKLEN"), "48");
    }
    for (name, value) in [
        ("CISCO_SPLIT_EXC", "2"),
        ("CISCO_SPLIT_EXC_0_ADDR", "10.100.7.128"),
        ("CISCO_SPLIT_EXC_0_MASK", "255.255.255.128"),
        ("CISCO_SPLIT_EXC_0_MASKLEN", "25"),
        ("CISCO_SPLIT_EXC_1_ADDR", "0.0.0.0"),
        ("CISCO_SPLIT_EXC_1_MASK", "255.255.255.255"),
        ("CISCO_SPLIT_EXC_1_MASKLEN", "32"),
        ("CISCO_IPV6_SPLIT_EXC", "1"),
        ("CISCO_IPV6_SPLIT_EXC_0_ADDR", "fd10:0:7:1::"),
        ("CISCO_IPV6_SPLIT_EXC_0_MASKLEN", "64"),
    ] {
        stand_in = stand_in.set(name, value);
    }
    let client = stand_in.connect("work");

    let routes = destinations(&work, "-4");
    let six = destinations(&work, "-6");
    for index in 0..MANY {
        let four = format!("10.100.{index}.0/24");
        assert!(routes.contains(&four), "{four} is missing: {routes:?}");
        // The kernel writes the first one shorter.
        let prefix = format!("fd10:0:{index:x}::/48").replace(":0:0::", "::");
        assert!(six.contains(&prefix), "{prefix} is missing: {six:?}");
    }
    assert!(!routes.contains(&"default".to_owned()), "{routes:?}");

    let reached = [
        "10.100.0.1",
        "10.100.7.1",
        "10.100.199.254",
        "fd10:0:7::1",
        "fd10:0:c7::1",
    ];
    let excluded = ["10.100.7.129", "fd10:0:7:1::1"];
    let foreign = [FAR, FAR_6];
    let began = Instant::now();
    for (address, answer) in knocks(&work, &[&reached[..], &excluded, &foreign].concat()) {
        if reached.contains(&&*address) {
            assert_eq!(answer, "through", "{address}");
        } else {
            assert!(
                ["ENETUNREACH", "EHOSTUNREACH"].contains(&&*answer),
                "{address}: {answer}"
            );
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "an excluded address hangs"
    );

    end(client, &work);
    let left: Vec<_> = [destinations(&work, "-4"), destinations(&work, "-6")].concat();
    assert!(left.iter().all(|route| !route.contains("10")), "{left:?}");
    assert_eq!(work.knock("10.100.0.1"), "ENETUNREACH");
}

#[test]
fn all_routes_can_be_asked_for_whatever_the_server_names() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let _client = StandIn::openconnect(&user, "vpnns --attach --name work --routes all")
        .both_families()
        .set("CISCO_SPLIT_INC", "1")
        .set("CISCO_SPLIT_INC_0_ADDR", "10.100.0.0")
        .set("CISCO_SPLIT_INC_0_MASKLEN", "16")
        .set("CISCO_SPLIT_EXC", "1")
        .set("CISCO_SPLIT_EXC_0_ADDR", "203.0.113.0")
        .set("CISCO_SPLIT_EXC_0_MASKLEN", "24")
        .connect("work");
    assert_eq!(work.knock(FAR), "through");
    assert_eq!(work.knock(FAR_6), "through");
}

#[test]
fn with_ipv4_alone_there_is_no_way_by_ipv6() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = StandIn::openconnect(&user, ATTACH)
        .set("INTERNAL_IP4_ADDRESS", "10.7.0.2")
        .set("INTERNAL_IP4_NETMASK", "255.255.255.0")
        .connect("work");
    assert_eq!(work.knock(FAR), "through");
    assert_eq!(work.knock(FAR_6), "ENETUNREACH");
    assert_eq!(
        work.ip(&["-4", "address", "show", "tun0"])[0]["addr_info"][0]["prefixlen"],
        24
    );
    end(client, &work);
}

#[test]
fn with_ipv6_alone_there_is_no_way_by_ipv4() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = StandIn::openconnect(&user, ATTACH)
        .set("INTERNAL_IP6_ADDRESS", "fd07::2")
        .set("INTERNAL_IP6_NETMASK", "fd07::/64")
        .set("INTERNAL_IP6_DNS", "fd07::1")
        .connect("work");
    assert_eq!(work.knock(FAR_6), "through");
    assert_eq!(work.knock(FAR), "ENETUNREACH");
    work.inside(&["ping", "-c1", "-W5", FAR_6]).run().text();
    let resolv = work.inside(&["cat", "/etc/resolv.conf"]).run();
    assert!(resolv.text().contains("nameserver fd07::1"), "{resolv:#?}");
    end(client, &work);
}

#[test]
fn packets_too_small_for_ipv6_carry_ipv4_with_a_sentence() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = StandIn::openconnect(&user, ATTACH)
        .both_families()
        .set("INTERNAL_IP4_MTU", "1279")
        .connect("work");
    client
        .running
        .wait_for("vpnns: IPv6 is left out of the tunnel: the MTU 1279 is below 1280\n");
    assert_eq!(work.knock(FAR), "through");
    assert_eq!(work.knock(FAR_6), "ENETUNREACH");
    end(client, &work);
}

#[test]
fn packets_too_small_for_the_only_family_are_refused() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let output = StandIn::openconnect(&user, ATTACH)
        .set("INTERNAL_IP6_NETMASK", "fd07::2/64")
        .set("INTERNAL_IP4_MTU", "1000")
        .run();
    crate::input::expect_refusal(
        "IPv6 alone",
        &output,
        125,
        "failed to set up the tunnel device",
    );
    let cause = "caused by: the tunnel has IPv6 addresses only, and the MTU 1000 is below 1280\n";
    assert!(output.stderr.ends_with(cause), "{output:#?}");
    assert_eq!(work.devices(), []);
}

#[test]
fn ping_gets_its_answers_over_both_families() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let _client = StandIn::openconnect(&user, ATTACH)
        .both_families()
        .connect("work");
    for address in [FAR, FAR_6] {
        let output = work.inside(&["ping", "-c1", "-W10", address]).run();
        assert!(output.text().contains(" 1 received"), "{output:#?}");
    }
}

fn destinations(work: &Instance<'_>, family: &str) -> Vec<String> {
    let routes = work.ip(&[family, "route"]);
    let routes = routes.as_array().unwrap().iter();
    routes
        .map(|route| route["dst"].as_str().unwrap().to_owned())
        .collect()
}

fn knocks(work: &Instance<'_>, addresses: &[&str]) -> Vec<(String, String)> {
    let words = [&["knock"], addresses].concat();
    let output = work.app(&words).run();
    let answers = output.text().lines().map(str::to_owned);
    addresses
        .iter()
        .map(|address| (*address).to_owned())
        .zip(answers)
        .collect()
}

/// Kills the client and waits for the instance to be what it was.
fn end(client: Client, work: &Instance<'_>) {
    drop(client);
    assert!(
        wait_until(LIMIT, || work.state() == "isolated"),
        "{}",
        work.status()
    );
    assert_eq!(work.devices(), []);
    for address in [FAR, FAR_6] {
        assert_eq!(work.knock(address), "ENETUNREACH");
    }
}
