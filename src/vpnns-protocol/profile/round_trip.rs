//! What is written is read back the same, whatever it is; and no text makes the reader panic.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;

use super::wireguard::{Peer, PublicKey, SecretKey, WireGuard};
use super::*;

/// Text for people: one line, not blank.
fn line() -> impl Strategy<Value = String> {
    "[a-zA-Zäß'\"\\\\#=\\[\\]€ ]{0,20}[a-z]"
}

fn net() -> impl Strategy<Value = ipnet::IpNet> {
    let parts = (any::<std::net::IpAddr>(), 0..=32u8);
    parts.prop_map(|(address, length)| ipnet::IpNet::new(address, length).unwrap())
}

fn openconnect() -> impl Strategy<Value = Settings> {
    let protocols = [
        OpenConnectProtocol::AnyConnect,
        OpenConnectProtocol::Gp,
        OpenConnectProtocol::Array,
    ];
    let methods = [Method::Attach, Method::Graft];
    let parts = (
        "(https://)?[a-z]{1,9}(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9]{1,9})?",
        prop::sample::select(protocols.to_vec()),
        of(line()),
        of(line()),
        of("/[a-z ]{1,9}"),
        of("pin-sha256:[a-zA-Z]{43}="),
        of(prop::sample::select(methods.to_vec())),
        vec("--(os|useragent)=[a-z '\"]{1,9}", 0..3),
    );
    parts.prop_map(
        |(server, protocol, user, group, path, fingerprint, method, arguments)| {
            Settings::OpenConnect(OpenConnect {
                server,
                protocol,
                user,
                group,
                certificate: path.clone(),
                key: path.clone(),
                ca: path.map(PathBuf::from),
                fingerprint,
                method,
                arguments,
            })
        },
    )
}

fn openvpn() -> impl Strategy<Value = Settings> {
    let config = prop_oneof![
        "client\n([a-z'\"\\\\\t\r\n <>/#äß\u{1b}]{0,200})".prop_map(|config| (Some(config), None)),
        "/[a-z '\"\\\\]{1,20}".prop_map(|path| (None, Some(PathBuf::from(path)))),
    ];
    let parts = (config, of(line()), vec("--[a-z]{1,9}", 0..3));
    parts.prop_map(|((config, config_file), user, _)| {
        Settings::OpenVpn(OpenVpn {
            config,
            config_file,
            user,
            arguments: vec!["--verb".into(), "3".into()],
        })
    })
}

fn wireguard() -> impl Strategy<Value = Settings> {
    let peer = (
        any::<[u8; 32]>(),
        of(any::<[u8; 32]>()),
        of("([a-z]{1,9}|192\\.0\\.2\\.1|\\[2001:db8::1\\]):[1-9][0-9]{0,3}"),
        vec(net(), 0..4),
        of(any::<u16>()),
    );
    let parts = (
        any::<[u8; 32]>(),
        any::<bool>(),
        vec(net(), 1..4),
        of(68..65_000u32),
        of(any::<u16>()),
        vec("[a-z]{1,9}\\.example", 0..3),
        vec(peer, 1..4),
    );
    parts.prop_map(
        |(key, inline, addresses, mtu, listen_port, search, peers)| {
            let peers = peers.into_iter().enumerate();
            Settings::WireGuard(WireGuard {
                private_key: inline.then_some(SecretKey(key)),
                private_key_file: (!inline).then(|| PathBuf::from("/etc/key")),
                addresses,
                mtu,
                listen_port,
                search,
                peers: peers
                    .map(
                        |(number, (mut public, preshared, endpoint, allowed_ips, keepalive))| {
                            // Two of the same would be refused.
                            public[0] = u8::try_from(number).unwrap();
                            Peer {
                                public_key: PublicKey(public),
                                preshared_key: preshared.map(SecretKey),
                                endpoint,
                                allowed_ips,
                                persistent_keepalive: keepalive,
                            }
                        },
                    )
                    .collect(),
            })
        },
    )
}

fn command() -> impl Strategy<Value = Settings> {
    let parts = (
        vec("[a-z /=\"'\n€]{1,12}", 1..4),
        of(Just(Method::Graft)),
        btree_map("[A-Za-z_. ]{1,9}", "[^\u{0}]{0,20}", 0..3),
    );
    parts.prop_map(|(run, method, environment)| {
        Settings::Command(Command {
            run,
            method,
            environment,
        })
    })
}

fn ports() -> impl Strategy<Value = Vec<crate::port::Port>> {
    use crate::port::{Direction, Port, Protocol};
    let addresses = ["127.0.0.1", "::1", "192.0.2.9", "2001:db8::9"];
    let address = prop::sample::select(addresses.to_vec());
    let drawn = (any::<[bool; 2]>(), address, 0..99u16);
    vec(drawn, 0..4).prop_map(|drawn| {
        let apart = drawn.into_iter().zip([100, 200, 300, 400]);
        let one = |(([reach, udp], address, number), base): (([bool; 2], &str, u16), u16)| Port {
            direction: if reach {
                Direction::Reach
            } else {
                Direction::Publish
            },
            protocol: if udp { Protocol::Udp } else { Protocol::Tcp },
            address: address.parse().unwrap(),
            port: base + number,
            inside: base + number,
        };
        let mut all: Vec<Port> = apart.map(one).collect();
        // As they stand in the file.
        all.sort_by_key(|it| it.direction);
        all
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let settings = prop_oneof![
        openconnect(),
        openvpn(),
        wireguard(),
        command(),
        Just(Settings::Demo)
    ];
    let parts = (
        of(line()),
        any::<[bool; 3]>(),
        vec("[a-z.]{1,9}\\.desktop", 0..3),
        of(vec(any::<std::net::IpAddr>(), 0..3)),
        prop_oneof![
            Just(OnDrop::Keep),
            Just(OnDrop::Freeze),
            Just(OnDrop::Close)
        ],
        ports(),
        settings,
    );
    parts.prop_map(
        |(title, [open, login, all], apps, dns, on_drop, ports, settings)| Profile {
            title,
            connect_on_open: open,
            start_at_login: login,
            apps,
            routes: if all {
                RoutePolicy::All
            } else {
                RoutePolicy::Server
            },
            dns,
            on_drop,
            ports,
            settings,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(profile in profile()) {
        let text = profile.to_toml();
        prop_assert_eq!(Profile::parse(&text), Ok(profile), "{}", text);
    }

    #[test]
    fn a_damaged_profile_is_read_or_refused_with_a_place_in_it(
        profile in profile(), at in any::<prop::sample::Index>(), length in 0..20usize,
        instead in "\\PC{0,3}",
    ) {
        let mut text: Vec<char> = profile.to_toml().chars().collect();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, instead.chars());
        let text: String = text.into_iter().collect();
        if let Err(error) = Profile::parse(&text) {
            prop_assert!((1..=text.lines().count() + 1).contains(&error.line), "{error}");
            prop_assert!(!error.message.contains('\n') && !error.message.is_empty());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = Profile::parse(&text);
    }
}
