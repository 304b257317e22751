//! The variables of vpnc-script, as openconnect sets them (its vpnc-script documentation).

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::announcement::{
    Announcement, Error, Variables, count, mtu, parse, value, with_mask,
};

/// Reads the announcement of openconnect, or of anything that speaks the same variables.
///
/// An out-of-tree openvpn ("|COMMAND" as its device) sets the addresses and the MTU only.
pub fn announcement(variables: Variables<'_>) -> Result<Announcement, Error> {
    let mut it = Announcement {
        mtu: mtu(variables, "INTERNAL_IP4_MTU")?,
        ..Default::default()
    };
    addresses(variables, &mut it)?;
    it.routes = split(variables, "CISCO_SPLIT_INC")?;
    it.routes.extend(split(variables, "CISCO_IPV6_SPLIT_INC")?);
    it.excluded = split(variables, "CISCO_SPLIT_EXC")?;
    it.excluded
        .extend(split(variables, "CISCO_IPV6_SPLIT_EXC")?);
    // "The local network", whatever it is where the client runs: there is none in an instance.
    it.excluded
        .retain(|net| !(net.addr().is_unspecified() && net.prefix_len() == 32));
    // IPv6 resolvers come in the IPv4 variable; the other one is documented and accepted.
    for name in ["INTERNAL_IP4_DNS", "INTERNAL_IP6_DNS"] {
        it.add_resolvers(name, &value(variables, name).unwrap_or_default())?;
    }
    // Names below a split domain are to be asked here; so are all others, since an instance has
    // no resolver but the tunnel's. As search domains they also make short names work.
    for name in ["CISCO_DEF_DOMAIN", "CISCO_SPLIT_DNS"] {
        it.add_search(&value(variables, name).unwrap_or_default());
    }
    it.gateway = value(variables, "VPNGATEWAY");
    Ok(it)
}

fn addresses(variables: Variables<'_>, it: &mut Announcement) -> Result<(), Error> {
    if let Some(text) = value(variables, "INTERNAL_IP4_ADDRESS") {
        let address: std::net::Ipv4Addr = parse("INTERNAL_IP4_ADDRESS", &text, "an IPv4 address")?;
        let names = ["INTERNAL_IP4_NETMASKLEN", "INTERNAL_IP4_NETMASK"];
        let mask = names
            .iter()
            .find_map(|name| Some((*name, value(variables, name)?)));
        it.addresses.push(match mask {
            Some((name, mask)) => with_mask(address.into(), name, &mask)?,
            None => IpAddr::V4(address).into(),
        });
    }
    // "address/length"; comes without INTERNAL_IP6_ADDRESS from some clients.
    let expected = "an IPv6 address and a prefix length";
    let network = value(variables, "INTERNAL_IP6_NETMASK")
        .map(|text| parse::<ipnet::Ipv6Net>("INTERNAL_IP6_NETMASK", &text, expected))
        .transpose()?;
    let address = value(variables, "INTERNAL_IP6_ADDRESS")
        .map(|text| parse::<std::net::Ipv6Addr>("INTERNAL_IP6_ADDRESS", &text, "an IPv6 address"))
        .transpose()?;
    match (address, network) {
        (Some(address), Some(network)) if network.contains(&address) => {
            // The prefix of the one around the address of the other.
            it.addresses.push(with_mask(
                address.into(),
                "INTERNAL_IP6_NETMASK",
                &network.prefix_len().to_string(),
            )?);
        }
        (Some(address), _) => it.addresses.push(IpAddr::V6(address).into()),
        (None, Some(network)) => it.addresses.push(network.into()),
        (None, None) => {}
    }
    if it.addresses.is_empty() {
        return Err(Error::NoAddress(
            "neither INTERNAL_IP4_ADDRESS nor INTERNAL_IP6_ADDRESS",
        ));
    }
    Ok(())
}

fn split(variables: Variables<'_>, prefix: &str) -> Result<Vec<IpNet>, Error> {
    let count = count(variables, prefix)?;
    (0..count)
        .map(|index| {
            let name = format!("{prefix}_{index}_ADDR");
            let text = value(variables, &name).ok_or_else(|| Error::Missing {
                name: name.clone(),
                because: format!("{prefix} is {count}"),
            })?;
            let address: IpAddr = parse(&name, &text, "an IP address")?;
            let names = [
                format!("{prefix}_{index}_MASKLEN"),
                format!("{prefix}_{index}_MASK"),
            ];
            let mask = names
                .iter()
                .find_map(|name| Some((name, value(variables, name)?)));
            let (name, mask) = mask.ok_or_else(|| Error::Missing {
                name: names[0].clone(),
                because: format!("{name} is set"),
            })?;
            with_mask(address, name, &mask)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use vpnns_protocol::network::{NetworkConfig, RoutePolicy};

    fn read(pairs: &[(&str, &str)]) -> Result<Announcement, Error> {
        let map: HashMap<&str, &str> = pairs.iter().copied().collect();
        announcement(&|name| map.get(name).map(|text| (*text).to_owned()))
    }

    fn config(pairs: &[(&str, &str)]) -> NetworkConfig {
        read(pairs).unwrap().decide(RoutePolicy::Server, None)
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    const V4: (&str, &str) = ("INTERNAL_IP4_ADDRESS", "10.1.2.3");

    #[test]
    fn a_server_that_names_no_routes_gets_everything_of_its_families() {
        let both = [V4, ("INTERNAL_IP6_NETMASK", "fd00::3/64")];
        assert_eq!(config(&both).routes, nets(&["0.0.0.0/0", "::/0"]));
        assert_eq!(config(&[V4]).routes, nets(&["0.0.0.0/0"]));
        assert_eq!(config(&both[1..]).routes, nets(&["::/0"]));
        assert_eq!(config(&both).mtu, 1500);
    }

    #[test]
    fn the_netmask_comes_as_a_length_or_as_a_mask() {
        for mask in [
            ("INTERNAL_IP4_NETMASKLEN", "24"),
            ("INTERNAL_IP4_NETMASK", "255.255.255.0"),
        ] {
            assert_eq!(config(&[V4, mask]).addresses, nets(&["10.1.2.3/24"]));
        }
        assert_eq!(config(&[V4]).addresses, nets(&["10.1.2.3/32"]));
    }

    #[test]
    fn an_ipv6_address_takes_its_length_from_the_netmask_variable() {
        let pairs = [
            ("INTERNAL_IP6_ADDRESS", "fd00::7"),
            ("INTERNAL_IP6_NETMASK", "fd00::/64"),
        ];
        assert_eq!(config(&pairs).addresses, nets(&["fd00::7/64"]));
        assert_eq!(config(&pairs[..1]).addresses, nets(&["fd00::7/128"]));
    }

    #[test]
    fn split_routes_are_followed_and_the_resolver_is_reached_through_the_tunnel() {
        let pairs = [
            V4,
            ("CISCO_SPLIT_INC", "2"),
            ("CISCO_SPLIT_INC_0_ADDR", "192.168.0.0"),
            ("CISCO_SPLIT_INC_0_MASK", "255.255.0.0"),
            ("CISCO_SPLIT_INC_1_ADDR", "10.9.0.0"),
            ("CISCO_SPLIT_INC_1_MASKLEN", "16"),
            ("CISCO_SPLIT_EXC", "1"),
            ("CISCO_SPLIT_EXC_0_ADDR", "10.9.9.0"),
            ("CISCO_SPLIT_EXC_0_MASKLEN", "24"),
            ("INTERNAL_IP4_DNS", "10.8.0.53 10.9.0.53 fd00::53"),
        ];
        let config = config(&pairs);
        assert_eq!(
            config.routes,
            nets(&["192.168.0.0/16", "10.9.0.0/16", "10.8.0.53/32"])
        );
        assert_eq!(config.excluded, nets(&["10.9.9.0/24"]));
        let all = read(&pairs).unwrap().decide(RoutePolicy::All, None);
        assert_eq!((all.routes, all.excluded), (nets(&["0.0.0.0/0"]), vec![]));
    }

    #[test]
    fn resolvers_of_both_families_come_in_one_variable() {
        let config = config(&[V4, ("INTERNAL_IP4_DNS", "10.0.0.1 fd00::1 10.0.0.1")]);
        let expected: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        assert_eq!(config.resolvers, expected);
    }

    #[test]
    fn given_resolvers_replace_the_servers() {
        let it = read(&[V4, ("INTERNAL_IP4_DNS", "10.0.0.1")]).unwrap();
        assert!(
            it.decide(RoutePolicy::Server, Some(&[]))
                .resolvers
                .is_empty()
        );
    }

    #[test]
    fn a_domain_that_could_write_into_resolv_conf_is_left_out() {
        let pairs = [
            V4,
            ("CISCO_DEF_DOMAIN", "corp.example lab.example"),
            ("CISCO_SPLIT_DNS", "corp.example,intra;net,x.example"),
        ];
        let it = read(&pairs).unwrap();
        assert_eq!(it.search, ["corp.example", "lab.example", "x.example"]);
        assert_eq!(it.warnings.len(), 1);
    }

    #[test]
    fn the_local_network_placeholder_excludes_nothing() {
        let pairs = [
            V4,
            ("CISCO_SPLIT_EXC", "1"),
            ("CISCO_SPLIT_EXC_0_ADDR", "0.0.0.0"),
            ("CISCO_SPLIT_EXC_0_MASK", "255.255.255.255"),
        ];
        assert!(config(&pairs).excluded.is_empty());
    }

    #[test]
    fn what_does_not_parse_is_refused_by_name() {
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("INTERNAL_IP4_ADDRESS", "10.1.2")],
            &[("INTERNAL_IP4_ADDRESS", "fd00::1")],
            &[V4, ("INTERNAL_IP4_NETMASK", "255.0.255.0")],
            &[V4, ("INTERNAL_IP4_NETMASKLEN", "33")],
            &[V4, ("INTERNAL_IP4_NETMASK", "ffff::")],
            &[V4, ("INTERNAL_IP4_MTU", "0")],
            &[V4, ("INTERNAL_IP4_MTU", "70000")],
            &[V4, ("INTERNAL_IP4_MTU", "big")],
            &[V4, ("INTERNAL_IP4_DNS", "10.0.0.1,10.0.0.2")],
            &[V4, ("INTERNAL_IP6_NETMASK", "fd00::1")],
            &[V4, ("CISCO_SPLIT_INC", "200")],
            &[V4, ("CISCO_SPLIT_INC", "-1")],
            &[V4, ("CISCO_SPLIT_INC", "99999999")],
            &[
                V4,
                ("CISCO_SPLIT_INC", "1"),
                ("CISCO_SPLIT_INC_0_ADDR", "10.0.0.0"),
            ],
        ];
        for case in cases {
            assert!(read(case).is_err(), "{case:?} was taken");
        }
    }
}
