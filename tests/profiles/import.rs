//! What becomes of each kind of file, and that nothing in it is ever run.

use std::os::unix::fs::PermissionsExt;

use vpnns_protocol::profile::{OpenConnectProtocol, Settings};

use crate::document;
use crate::support::User;

#[test]
fn an_ovpn_file_and_all_it_refers_to_becomes_one_file() {
    let user = User::new();
    user.copy_fixtures();
    let output = user.vpnns(&["--import", "client.ovpn"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    let line = "imported client (openvpn); connect: vpnns --connect client\n";
    assert_eq!(output.stdout, line);
    let Settings::OpenVpn(it) = user.profile("client").settings else {
        panic!("{output:#?}")
    };
    let config = it.config.unwrap();
    for part in [
        "remote vpn.example.com 1194\nremote vpn2.example.com 443 tcp\n",
        "<ca>\n-----BEGIN CERTIFICATE-----\nZm9yIHRlc3RzCg==\n-----END CERTIFICATE-----\n</ca>\n",
        "<key>\n-----BEGIN NOBODYS KEY-----\n",
        "key-direction 1\n<tls-auth>\n",
        "\nauth-user-pass\n",
        "\nverb 3\n",
        "\npersist-tun\n",
    ] {
        assert!(config.contains(part), "{part} is not in {config}");
    }
    for part in [
        "files/",
        "user nobody",
        "up ",
        "plugin",
        "block-outside",
        "#",
    ] {
        assert!(!config.contains(part), "{part} is in {config}");
    }
    for note in [
        "vpnns: client.ovpn:9:1: `user` is left out: it needs root",
        "vpnns: client.ovpn:17:1: the secret of `auth-user-pass` is not taken over",
        "vpnns: client.ovpn:27:1: `block-outside-dns` is left out: it is about Windows",
    ] {
        assert!(output.stderr.contains(note), "{note}: {}", output.stderr);
    }
    // The real program reads what was made: an option that it does not know would be an error.
    user.write("made.ovpn", &config, 0o600);
    let checked = user
        .command(&[
            "openvpn",
            "--config",
            "made.ovpn",
            "--dev",
            "null",
            "--ca",
            "nowhere",
        ])
        .run();
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(said.contains("nowhere"), "{said}");
    assert!(!said.contains("Unrecognized option"), "{said}");
}

#[test]
fn a_password_is_never_taken_over_and_a_user_name_is() {
    let user = User::new();
    user.copy_fixtures();
    for file in [
        "client.ovpn",
        "inline.ovpn",
        "openvpn.nmconnection",
        "openconnect.nmconnection",
    ] {
        let output = user.vpnns(&["--import", file, "--profile", "x", "--replace"]);
        assert_eq!(output.code(), 0, "{output:#?}");
        let text = std::fs::read_to_string(user.profiles().join("x.toml")).unwrap();
        assert!(!text.contains("nobodys-password"), "{file}: {text}");
        assert!(
            !format!("{output:?}").contains("nobodys-password"),
            "{output:#?}"
        );
        let named = text.contains("user = \"someone\"");
        assert_eq!(named, file != "client.ovpn", "{file}: {text}");
    }
}

#[test]
fn what_a_file_would_run_is_reported_and_not_run() {
    let user = User::new();
    user.copy_fixtures();
    for (file, commands) in [
        ("client.ovpn", 5),
        ("wg-quick.conf", 2),
        ("openconnect.nmconnection", 1),
    ] {
        let output = user.vpnns(&["--import", file]);
        assert_eq!(output.code(), 0, "{output:#?}");
        let reports = output.stderr.matches("is a command; it is not run").count();
        assert_eq!(reports, commands, "{output:#?}");
        assert!(!user.ran().exists(), "{file} was obeyed");
    }
    // The other half of the pair: the command is one that would have left a trace.
    user.command(&[user.home().join("script").to_str().unwrap()])
        .run();
    assert!(user.ran().exists());
}

#[test]
fn a_wg_quick_file_is_read_as_wg_quick_reads_it() {
    let user = User::new();
    user.copy_fixtures();
    let output = user.vpnns(&["--import", "wg-quick.conf", "--profile", "office"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    let profile = user.profile("office");
    let Settings::WireGuard(it) = profile.settings else {
        panic!("{output:#?}")
    };
    let addresses: Vec<String> = it.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.9.0.2/32", "fd09::2/128", "10.9.1.2/24"]);
    let dns: Vec<String> = profile
        .dns
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(dns, ["10.9.0.1", "fd09::1"]);
    assert_eq!(it.search, ["corp.example", "lab.example"]);
    assert_eq!((it.mtu, it.listen_port), (Some(1380), Some(51_999)));
    assert_eq!(it.peers.len(), 2);
    assert!(it.peers[0].preshared_key.is_some());
    assert_eq!(it.peers[0].persistent_keepalive, Some(25));
    assert_eq!(it.peers[1].persistent_keepalive, None);
    let allowed: Vec<String> = it.peers[1]
        .allowed_ips
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(allowed, ["192.168.7.0/24", "192.168.8.1/32"]);
    assert_eq!(it.peers[1].endpoint.as_deref(), Some("[2001:db8::1]:51820"));
    for note in [
        "wg-quick.conf:10:1: `Table` is left out",
        "wg-quick.conf:11:1: `SaveConfig`",
    ] {
        assert!(output.stderr.contains(note), "{output:#?}");
    }
}

#[test]
fn networkmanagers_connections_become_what_they_stand_for() {
    let user = User::new();
    user.copy_fixtures();
    let wireguard = document(&user.vpnns(&["--import", "wireguard.nmconnection", "--json"]));
    assert_eq!(wireguard["name"], "Office-WireGuard");
    let profile = user.profile("Office-WireGuard");
    assert_eq!(profile.title.as_deref(), Some("Office (WireGuard)"));
    let Settings::WireGuard(it) = profile.settings else {
        panic!("{wireguard}")
    };
    assert_eq!((it.addresses.len(), it.peers.len()), (2, 1));
    assert_eq!(it.search, ["corp.example", "lab.example"]);
    assert_eq!(it.peers[0].allowed_ips.len(), 2);

    let openvpn = document(&user.vpnns(&["--import", "openvpn.nmconnection", "--json"]));
    assert_eq!(
        (&openvpn["name"], &openvpn["kind"]),
        (&"office-vpn".into(), &"openvpn".into())
    );
    let profile = user.profile("office-vpn");
    assert_eq!(profile.dns, Some(vec!["10.8.0.1".parse().unwrap()]));
    let Settings::OpenVpn(it) = profile.settings else {
        panic!("{openvpn}")
    };
    let config = it.config.unwrap();
    for part in [
        "client\ndev tun\n",
        "remote vpn.example.com 443\nremote vpn2.example.com 1194 udp\n",
        "<key>\n-----BEGIN NOBODYS KEY-----\n",
        "verify-x509-name vpn.example.com name\n",
        "comp-lzo no\n",
        "proto tcp\n",
    ] {
        assert!(config.contains(part), "{part} is not in {config}");
    }

    let openconnect = user.vpnns(&["--import", "openconnect.nmconnection"]);
    assert_eq!(openconnect.code(), 0, "{openconnect:#?}");
    let Settings::OpenConnect(it) = user.profile("Campus").settings else {
        panic!("{openconnect:#?}")
    };
    assert_eq!(it.server, "vpn.example.edu/students");
    assert_eq!(it.user.as_deref(), Some("someone"));
    assert_eq!(it.group.as_deref(), Some("STUDENTS"));
    assert_eq!(it.arguments, ["--useragent=AnyConnect"]);
    let said: Vec<&str> = openconnect.stderr.lines().collect();
    assert_eq!(said.len(), 2, "{openconnect:#?}");
    assert!(said[0].contains("the secret `form:main:password` is not taken over"));
    assert!(said[1].contains("csd_wrapper"));
}

#[test]
fn a_url_is_enough_for_openconnect() {
    let user = User::new();
    let output = user.vpnns(&["--import", "https://vpn.example.com/staff"]);
    let line = "imported vpn.example.com (openconnect); connect: vpnns --connect vpn.example.com\n";
    assert_eq!(
        (output.code(), output.stdout.as_str()),
        (0, line),
        "{output:#?}"
    );
    let output = user.vpnns(&["--import", "gp://me@gate.example.com", "--profile", "gate"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    let Settings::OpenConnect(it) = user.profile("gate").settings else {
        panic!("{output:#?}")
    };
    assert_eq!(
        (it.protocol, it.user.as_deref()),
        (OpenConnectProtocol::Gp, Some("me"))
    );
}

#[test]
fn a_profile_can_be_carried_from_one_computer_to_another() {
    let user = User::new();
    user.copy_fixtures();
    assert_eq!(
        user.vpnns(&["--import", "wg-quick.conf", "--profile", "a"])
            .code(),
        0
    );
    let path = user.profiles().join("a.toml");
    let output = user.vpnns(&["--import", path.to_str().unwrap(), "--profile", "b"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(user.profile("a"), user.profile("b"));
    let mode = std::fs::metadata(user.profiles().join("b.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_a_profile_of_ours_would_do_is_told_also_if_its_file_is_called_otherwise() {
    let user = User::new();
    let text = "version = 1\npublish = ['0.0.0.0:2222:22']\nreach = ['127.0.0.1:631']\n\
                start-at-login = true\n[command]\nrun = ['sh', '-c', \"evil \\u001b[2J\"]\n";
    user.write("work.ovpn", text, 0o600);
    let output = user.vpnns(&["--import", "work.ovpn"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    for told in [
        "runs a command as you, outside of every VPN: sh -c evil \u{fffd}[2J;",
        "0.0.0.0:2222 of this computer leads to port 22 in the VPN",
        "programs in the VPN reach 127.0.0.1:631 outside",
        "whenever your session starts",
    ] {
        assert!(output.stderr.contains(told), "{told}: {output:#?}");
    }
    // What says nothing unusual is told nothing about.
    let text = "version = 1\n[openconnect]\nserver = 'vpn.example.com'\n";
    for (arguments, told) in [("", false), ("arguments = ['--csd-wrapper=/x']\n", true)] {
        let name = format!("quiet{told}.toml");
        user.write(&name, &format!("{text}{arguments}"), 0o600);
        let output = user.vpnns(&["--import", &name]);
        assert_eq!(output.stderr.contains("--csd-wrapper=/x"), told);
        assert_eq!(output.stderr.is_empty(), !told, "{output:#?}");
    }
}
