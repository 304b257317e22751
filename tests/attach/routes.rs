//! What the server prescribes: which networks, which names, which packet size.

use crate::support::{Gateway, Lab, address};

#[test]
fn without_split_routes_everything_goes_through_the_tunnel() {
    let lab = Lab::start();
    let _client = lab.connect("work");
    let everywhere = [
        address::FAR,
        address::FAR_SECOND,
        address::INTERNET,
        address::FAR_6,
        address::FAR_SECOND_6,
        address::INTERNET_6,
    ];
    for address in everywhere {
        assert!(lab.reaches("work", address), "{address} does not answer");
    }
}

#[test]
fn included_networks_are_reached_and_no_others() {
    let routes = vec!["10.99.0.1/255.255.255.255", "fd99::1/128"];
    let lab = Gateway {
        routes,
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    for address in [address::FAR, address::FAR_6] {
        assert!(lab.reaches("work", address), "{address} does not answer");
    }
    for address in [
        address::FAR_SECOND,
        address::FAR_SECOND_6,
        address::INTERNET,
        address::INTERNET_6,
    ] {
        assert!(!lab.reaches("work", address), "{address} was not included");
    }
}

#[test]
fn excluded_networks_are_not_reached_and_all_others_are() {
    let no_routes = vec!["10.99.0.2/255.255.255.255", "fd99::2/128"];
    let lab = Gateway {
        no_routes,
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    for address in [
        address::FAR,
        address::INTERNET,
        address::FAR_6,
        address::INTERNET_6,
    ] {
        assert!(lab.reaches("work", address), "{address} does not answer");
    }
    for address in [address::FAR_SECOND, address::FAR_SECOND_6] {
        assert!(!lab.reaches("work", address), "{address} was excluded");
    }
}

#[test]
fn a_resolver_outside_the_included_networks_still_answers() {
    let routes = vec!["10.99.0.1/255.255.255.255"];
    let lab = Gateway {
        routes,
        dns: vec![address::FAR_SECOND],
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    assert_eq!(lab.lookup("work", "four.corp.test").text(), address::FAR);
    assert!(lab.far_requests().contains("dns 10.99.0.2 four.corp.test"));
}

#[test]
fn names_of_all_split_domains_come_through_the_tunnel() {
    let split_dns = vec!["corp.test", "branch.test"];
    let routes = vec!["10.99.0.0/255.255.255.0", "fd99::/64"];
    let lab = Gateway {
        split_dns,
        routes,
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    for host in ["intranet.corp.test", "printer.branch.test"] {
        assert!(lab.reaches("work", host), "{host} does not answer");
    }
}

#[test]
fn short_names_are_completed_by_the_domain() {
    let lab = Lab::start();
    let _client = lab.connect("work");
    assert_eq!(lab.lookup("work", "four").text(), address::FAR);
    assert_eq!(
        lab.lookup("work", "printer").stdout,
        "",
        "it is in another domain"
    );
}

#[test]
fn a_dead_resolver_is_passed_over_for_the_next() {
    // Nobody listens on the first.
    let dns = vec!["10.99.0.3", address::FAR_SECOND];
    let lab = Gateway {
        dns,
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    assert_eq!(lab.lookup("work", "four.corp.test").text(), address::FAR);
    assert!(lab.far_requests().contains("dns 10.99.0.2 four.corp.test"));
}

#[test]
fn resolvers_of_both_families_are_used() {
    let dns = vec!["10.99.0.3", address::FAR_6];
    let lab = Gateway {
        dns,
        ..Gateway::default()
    }
    .start();
    let _client = lab.connect("work");
    assert_eq!(lab.lookup("work", "four.corp.test").text(), address::FAR);
    assert!(lab.far_requests().contains("dns fd99::1 four.corp.test"));
}

#[test]
fn the_device_has_the_servers_packet_size() {
    for mtu in [None, Some(1400)] {
        let lab = Gateway {
            mtu,
            ..Gateway::default()
        }
        .start();
        let client = lab
            .openconnect("work")
            .tls_only()
            .option("--verbose")
            .connect();
        let log = client.log();
        let told = log
            .lines()
            .find_map(|line| line.strip_prefix("X-CSTP-MTU: "));
        let told: u64 = told.expect("the server tells").trim().parse().unwrap();
        assert!(told < u64::from(mtu.unwrap_or(1500)), "{log}");
        let links = lab.inside("work", &["ip", "-json", "link"]).run();
        let links: serde_json::Value = serde_json::from_str(links.text()).unwrap();
        let devices = links
            .as_array()
            .unwrap()
            .iter()
            .filter(|link| link["ifname"] != "lo");
        let sizes: Vec<_> = devices
            .map(|device| device["mtu"].as_u64().unwrap())
            .collect();
        assert_eq!(sizes, [told], "{links:#}");
    }
}
