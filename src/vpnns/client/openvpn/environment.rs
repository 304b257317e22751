//! The variables that openvpn 2.7 sets for a program named by `--dev-node unix:`.
//!
//! From openvpn's source and manual; no released Debian package has it, so it is tested with a
//! stand-in that sets the same variables.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::announcement::{
    Announcement, Error, Family, Variables, mtu, parse, value, with_mask,
};

/// The variable that holds the number of the packet socket.
pub const SOCKET_VARIABLE: &str = "TUNTAP_SOCKET_FD";

/// Numbered variables are read up to the first gap, and never beyond this.
const MAX_NUMBER: u32 = 1_000;

/// Reads the announcement of openvpn 2.7.
pub fn announcement(variables: Variables<'_>) -> Result<Announcement, Error> {
    if let Some(kind) = value(variables, "TUNTAP_DEV_TYPE").filter(|kind| kind != "tun") {
        return Err(Error::DeviceType(kind));
    }
    let mtu = match mtu(variables, "TUNTAP_MTU")? {
        None => mtu(variables, "tun_mtu")?,
        mtu => mtu,
    };
    let mut it = Announcement {
        mtu,
        ..Announcement::default()
    };
    addresses(variables, &mut it)?;
    routes(variables, &mut it)?;
    for (_, option) in numbered(variables, "foreign_option_") {
        dhcp_option(&option, &mut it)?;
    }
    it.gateway = value(variables, "trusted_ip").or_else(|| value(variables, "trusted_ip6"));
    Ok(it)
}

fn addresses(variables: Variables<'_>, it: &mut Announcement) -> Result<(), Error> {
    if let Some(text) = value(variables, "ifconfig_local") {
        let address: IpAddr = parse("ifconfig_local", &text, "an IP address")?;
        it.addresses
            .push(match value(variables, "ifconfig_netmask") {
                Some(mask) => with_mask(address, "ifconfig_netmask", &mask)?,
                None => address.into(),
            });
    }
    if let Some(text) = value(variables, "ifconfig_ipv6_local") {
        let address: IpAddr = parse("ifconfig_ipv6_local", &text, "an IPv6 address")?;
        let length = value(variables, "ifconfig_ipv6_netbits").unwrap_or("128".to_owned());
        it.addresses
            .push(with_mask(address, "ifconfig_ipv6_netbits", &length)?);
    }
    if it.addresses.is_empty() {
        return Err(Error::NoAddress(
            "neither ifconfig_local nor ifconfig_ipv6_local",
        ));
    }
    Ok(())
}

fn routes(variables: Variables<'_>, it: &mut Announcement) -> Result<(), Error> {
    let flags = [
        ("route_redirect_gateway_ipv4", Family::V4),
        ("route_redirect_gateway_ipv6", Family::V6),
    ];
    for (name, family) in flags {
        if value(variables, name).is_some_and(|flag| flag != "0") {
            it.everything.push(family);
        }
    }
    for (number, text) in numbered(variables, "route_network_") {
        let address: IpAddr = parse(&format!("route_network_{number}"), &text, "an IP address")?;
        let name = format!("route_netmask_{number}");
        // Without a mask openvpn means one host.
        let mask = value(variables, &name).unwrap_or("255.255.255.255".to_owned());
        it.routes.push(with_mask(address, &name, &mask)?);
    }
    for (number, text) in numbered(variables, "route_ipv6_network_") {
        let name = format!("route_ipv6_network_{number}");
        it.routes
            .push(parse::<IpNet>(&name, &text, "an IPv6 prefix")?);
    }
    Ok(())
}

/// "dhcp-option DNS 10.0.0.1" and its kin.
fn dhcp_option(option: &str, it: &mut Announcement) -> Result<(), Error> {
    let words: Vec<&str> = option.split_whitespace().collect();
    match words[..] {
        ["dhcp-option", "DNS" | "DNS6", ref addresses @ ..] => {
            it.add_resolvers("dhcp-option DNS", &addresses.join(" "))
        }
        [
            "dhcp-option",
            "DOMAIN" | "DOMAIN-SEARCH" | "ADAPTER_DOMAIN_SUFFIX",
            domain,
        ] => {
            it.add_search(domain);
            Ok(())
        }
        // WINS, NTP and whatever comes: nothing that a tunnel device needs.
        _ => Ok(()),
    }
}

fn numbered<'a>(
    variables: Variables<'a>,
    prefix: &'a str,
) -> impl Iterator<Item = (u32, String)> + 'a {
    (1..=MAX_NUMBER)
        .map_while(move |number| Some((number, value(variables, &format!("{prefix}{number}"))?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use vpnns_protocol::network::RoutePolicy;

    fn read(pairs: &[(&str, &str)]) -> Result<Announcement, Error> {
        let map: HashMap<&str, &str> = pairs.iter().copied().collect();
        announcement(&|name| map.get(name).map(|text| (*text).to_owned()))
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn pushed_addresses_routes_and_options_are_read() {
        let it = read(&[
            ("TUNTAP_DEV_TYPE", "tun"),
            ("TUNTAP_MTU", "1420"),
            ("ifconfig_local", "10.8.0.2"),
            ("ifconfig_netmask", "255.255.255.0"),
            ("ifconfig_ipv6_local", "fd08::2"),
            ("ifconfig_ipv6_netbits", "64"),
            ("route_network_1", "192.168.7.0"),
            ("route_netmask_1", "255.255.255.0"),
            ("route_ipv6_network_1", "fd09::/48"),
            ("route_redirect_gateway_ipv6", "1"),
            ("foreign_option_1", "dhcp-option DNS 10.8.0.1"),
            ("foreign_option_2", "dhcp-option DOMAIN corp.example"),
            ("foreign_option_3", "dhcp-option WINS 10.8.0.1"),
        ])
        .unwrap();
        let config = it.decide(RoutePolicy::Server, None);
        assert_eq!(config.mtu, 1420);
        assert_eq!(config.addresses, nets(&["10.8.0.2/24", "fd08::2/64"]));
        let routes = ["192.168.7.0/24", "10.8.0.1/32", "::/0", "fd09::/48"];
        assert_eq!(config.routes, nets(&routes));
        assert_eq!(config.search, ["corp.example"]);
    }

    #[test]
    fn an_ethernet_device_is_refused() {
        let pairs = [("TUNTAP_DEV_TYPE", "tap"), ("ifconfig_local", "10.8.0.2")];
        assert_eq!(read(&pairs), Err(Error::DeviceType("tap".into())));
    }
}
