//! The text of an instance's resolv.conf.

use std::fmt::Write;

use vpnns_protocol::name::InstanceName;
use vpnns_protocol::network::NetworkConfig;

/// What resolv.conf(5) has to say for a tunnel; `None` where it names no resolver.
///
/// glibc uses the first three name servers and ignores the others, which other resolvers use.
pub fn resolv_conf(name: &InstanceName, network: &NetworkConfig) -> Option<String> {
    if network.resolvers.is_empty() {
        return None;
    }
    let mut text = format!("# vpnns: the resolvers of the tunnel of {name}\n");
    for resolver in &network.resolvers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "nameserver {resolver}");
    }
    if !network.search.is_empty() {
        let _ = writeln!(text, "search {}", network.search.join(" "));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_and_domains_keep_their_order() -> Result<(), std::net::AddrParseError> {
        let network = NetworkConfig {
            resolvers: vec!["10.0.0.2".parse()?, "fd00::2".parse()?],
            search: vec!["corp.example".into(), "lab.example".into()],
            ..NetworkConfig::default()
        };
        let text = resolv_conf(&InstanceName::default(), &network).unwrap_or_default();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let expected = [
            "nameserver 10.0.0.2",
            "nameserver fd00::2",
            "search corp.example lab.example",
        ];
        assert_eq!(lines, expected);
        assert_eq!(
            resolv_conf(&InstanceName::default(), &NetworkConfig::default()),
            None
        );
        Ok(())
    }
}
