//! The facts of a tunnel for the curious.

use std::fmt::Display;

use vpnns_protocol::instance::{Peer, Tunnel};
use vpnns_protocol::port::{Direction, Port, Protocol};

use super::time;
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// A name and its value; several values stand on lines of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub name: String,
    /// What it is now.
    pub value: String,
}

/// The few words that make opening them needless: address and end of the session.
pub fn summary(tunnel: &Tunnel, now: u64) -> String {
    let address = tunnel.network.addresses.first();
    let address = address.map(|net| net.addr().to_string());
    let end = tunnel.facts.expires.map(|at| {
        // Translators: {length} is as in "7 h 48 min"
        gettext_f(
            "session ends in {length}",
            &[("length", &time::span(at.saturating_sub(now)))],
        )
    });
    let parts: Vec<String> = address.into_iter().chain(end).collect();
    parts.join(" · ")
}

/// All that is known of a tunnel and of the ports beside it, at a time in seconds since 1970.
pub fn details(tunnel: &Tunnel, ports: &[Port], now: u64) -> Vec<Detail> {
    let facts = &tunnel.facts;
    let network = &tunnel.network;
    let mut all = Vec::new();
    let mut add = |name: String, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            all.push(Detail { name, value });
        }
    };
    add(gettext("Server"), server(tunnel));
    let addresses = network.addresses.iter().map(|net| net.addr().to_string());
    add(gettext("Addresses"), Some(lines(addresses)));
    add(gettext("Resolvers"), Some(lines(&network.resolvers)));
    add(gettext("Search Domains"), Some(lines(&network.search)));
    add(gettext("Routes"), Some(list(&network.routes)));
    // Translators: networks that the VPN's server keeps out of the VPN
    add(gettext("Excluded Routes"), Some(list(&network.excluded)));
    add(
        gettext("Largest Packet"),
        (network.mtu > 0).then(|| ngettext_f("{n} byte", "{n} bytes", count(network.mtu), &[])),
    );
    // Translators: the VPN's network device
    add(gettext("Device"), Some(tunnel.device.clone()));
    // Translators: the program that connects, such as openconnect
    add(gettext("Client"), Some(tunnel.client.name.clone()));
    add(gettext("Cipher"), facts.cipher.clone());
    for peer in &facts.peers {
        // Translators: the other end, of WireGuard
        add(gettext("Peer"), Some(about(peer, now)));
    }
    let published = ports_of(ports, Direction::Publish);
    // Translators: ports inside of the VPN that programs outside can reach
    add(gettext("Published Ports"), Some(published));
    let reached = ports_of(ports, Direction::Reach);
    // Translators: ports outside of the VPN that the apps in it can reach
    add(gettext("Reachable Ports"), Some(reached));
    if tunnel.reconnects > 0 {
        add(
            gettext("Reconnected"),
            // Translators: how often; 3 times
            Some(gettext_f("{n}×", &[("n", &tunnel.reconnects.to_string())])),
        );
    }
    add(
        gettext("Ends When Idle"),
        facts.idle_timeout.map(|seconds| {
            // Translators: {length} is as in "30 min"
            gettext_f(
                "after {length}",
                &[("length", &time::span(u64::from(seconds)))],
            )
        }),
    );
    add(
        gettext("Session Expires"),
        facts.expires.map(|at| {
            // Translators: {length} is as in "7 h 48 min"
            gettext_f(
                "in {length}",
                &[("length", &time::span(at.saturating_sub(now)))],
            )
        }),
    );
    all
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn server(tunnel: &Tunnel) -> Option<String> {
    match (&tunnel.facts.server, &tunnel.gateway) {
        (Some(server), Some(address)) if server != address => Some(format!("{server} ({address})")),
        (Some(server), _) => Some(server.clone()),
        (None, address) => address.clone(),
    }
}

fn ports_of(ports: &[Port], direction: Direction) -> String {
    let ports = ports.iter().filter(|port| port.direction == direction);
    lines(ports.map(|port| {
        let protocol = match port.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        };
        match direction {
            Direction::Publish => format!("{protocol} {} → {}", port.host(), port.inside),
            Direction::Reach => format!("{protocol} {}", port.host()),
        }
    }))
}

fn about(peer: &Peer, now: u64) -> String {
    let handshake = peer.handshake.map_or_else(
        || gettext("no handshake yet"),
        |at| {
            // Translators: {ago} is as in "3 min ago"
            gettext_f(
                "handshake {ago}",
                &[("ago", &time::ago(now.saturating_sub(at)))],
            )
        },
    );
    let key = peer.public_key.to_string();
    let parts = [Some(key), peer.endpoint.clone(), Some(handshake)];
    lines(parts.into_iter().flatten())
}

fn lines<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    joined(values, "\n")
}

fn list<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    joined(values, ", ")
}

fn joined<T: Display>(values: impl IntoIterator<Item = T>, between: &str) -> String {
    let texts: Vec<String> = values.into_iter().map(|it| it.to_string()).collect();
    texts.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(more: &str) -> Tunnel {
        serde_json::from_str(&format!(
            r#"{{"client":{{"name":"openconnect","pid":1}},"device":"tun0","gateway":"203.0.113.10",
               "since":0,"script":false,"network":{{"addresses":["10.8.42.7/24","fd42:8::7/64"],
               "routes":["10.0.0.0/8","fd42::/16"],"mtu":1400}}{more}}}"#
        ))
        .unwrap()
    }

    fn value(tunnel: &Tunnel, name: &str) -> Option<String> {
        let ports = [
            Port::publish("8080:80").unwrap(),
            Port::reach("[::1]:53/udp").unwrap(),
        ];
        let all = details(tunnel, &ports, 1000);
        let found = all.into_iter().find(|detail| detail.name == name);
        found.map(|detail| detail.value)
    }

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let plain = tunnel("");
        assert_eq!(summary(&plain, 1000), "10.8.42.7");
        assert_eq!(value(&plain, "Server").as_deref(), Some("203.0.113.10"));
        assert_eq!(
            value(&plain, "Addresses").as_deref(),
            Some("10.8.42.7\nfd42:8::7")
        );
        assert_eq!(
            value(&plain, "Routes").as_deref(),
            Some("10.0.0.0/8, fd42::/16")
        );
        assert_eq!(
            value(&plain, "Published Ports").as_deref(),
            Some("TCP 127.0.0.1:8080 → 80")
        );
        assert_eq!(
            value(&plain, "Reachable Ports").as_deref(),
            Some("UDP [::1]:53")
        );
        for name in ["Cipher", "Resolvers", "Session Expires", "Peer"] {
            assert_eq!(value(&plain, name), None, "{name}");
        }
    }

    #[test]
    fn the_end_of_the_session_stands_in_the_summary() {
        let ends = tunnel(r#","expires":29080,"server":"vpn.example.org""#);
        assert_eq!(
            summary(&ends, 1000),
            "10.8.42.7 · session ends in 7 h 48 min"
        );
        assert_eq!(
            value(&ends, "Server").as_deref(),
            Some("vpn.example.org (203.0.113.10)")
        );
        assert_eq!(
            value(&ends, "Session Expires").as_deref(),
            Some("in 7 h 48 min")
        );
    }
}
