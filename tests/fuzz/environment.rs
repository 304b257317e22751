//! Any environment: no panic, and what comes out of it can be configured.
//!
//! The input is text, a variable a line as NAME=VALUE.

use std::collections::{HashMap, HashSet};

use vpnns_protocol::network::RoutePolicy;

use super::client::announcement::Announcement;
use super::client::{openconnect, openvpn};

/// What the keeper's message has room for, per list.
const MOST_ROUTES: usize = 4 * 1_000 + 4;

/// Panics where the input shows a defect.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let map: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let variables = |name: &str| map.get(name).map(|value| (*value).to_owned());
    for read in [openconnect::announcement, openvpn::announcement] {
        match read(&variables) {
            Ok(announced) => check_announcement(&announced),
            // A sentence for the user, on one line.
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn check_announcement(announced: &Announcement) {
    assert!(!announced.addresses.is_empty());
    for policy in [RoutePolicy::Server, RoutePolicy::All] {
        let config = announced.decide(policy, None);
        assert!(
            (68..=65_535).contains(&config.mtu),
            "an MTU of {}",
            config.mtu
        );
        assert!(config.routes.len() <= MOST_ROUTES);
        for list in [&config.routes, &config.excluded] {
            let different: HashSet<_> = list.iter().map(ipnet::IpNet::trunc).collect();
            assert_eq!(different.len(), list.len(), "a route twice: {list:?}");
        }
        for domain in &config.search {
            let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            assert!(
                domain.chars().all(fits),
                "{domain:?} would go into resolv.conf"
            );
        }
    }
}
