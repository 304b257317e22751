//! What cannot be imported: one sentence with file, line and column, and a remedy.

use crate::support::{Output, User};

/// A file's name and text, where its fault is, and what is said about it.
#[rustfmt::skip] // one row a case reads as the table it is
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("x.ovpn", "client\nremote a\n dev tap\n", "x.ovpn:3:2: bridged tunnels (tap)", "dev tun"),
    ("x.ovpn", "remote a\ndev-type tap\n", "x.ovpn:2:1: bridged tunnels (tap)", "dev tun"),
    ("x.ovpn", "port 1194\nserver 10.8.0.0 255.255.255.0\n", "x.ovpn:2:1: this is the configuration of a server", "gives to users"),
    ("x.ovpn", "mode server\n", "x.ovpn:1:1: this is the configuration of a server", "gives to users"),
    ("x.ovpn", "client\ndev tun\n", "x.ovpn:1:1: no `remote`", "remote HOST PORT"),
    ("x.ovpn", "remote a\nca gone.crt\n", "x.ovpn:2:1: the file gone.crt of `ca` cannot be read: No such file", "put it there"),
    ("x.ovpn", "remote a\npkcs12 gone.p12\n", "x.ovpn:2:1: the file gone.p12 of `pkcs12` cannot be read", "put it there"),
    ("x.ovpn", "remote a\nconfig gone.conf\n", "x.ovpn:2:1: the included ./gone.conf cannot be read", "check the path"),
    ("x.ovpn", "remote a\ncd gone\nca x\n", "x.ovpn:3:1: the file x of `ca` cannot be read", "put it there"),
    ("x.ovpn", "remote a\nconfig x.ovpn\n", "x.ovpn:2:1: the configuration includes too many others, or itself", "remove this line"),
    ("x.ovpn", "remote a\n<ca>\nA\n", "x.ovpn:2:1: <ca> is never closed", "</ca>"),
    ("x.ovpn", "remote a\n<ca>\nA</ca>\nup /x\n</ca>\n", "x.ovpn:2:1: </ca> stands within a line", "a line of its own"),
    ("x.ovpn", "remote \"a\n", "x.ovpn:1:8: a quotation mark is never closed", "close it"),
    ("x.ovpn", "remote a\ncert c:\\me.crt\n", "x.ovpn:2:9: a backslash stands before 'm'", "\\\\"),
    ("x.ovpn", "remote a\n\"up /x\"\n", "x.ovpn:2:1: \"up /x\" is no option", "comment it out"),
    ("x.ovpn", "remote LONG\n", "x.ovpn:1:1: `remote` is longer than the 255 bytes", "shorten it"),
    ("x.ovpn", "", "x.ovpn:1:1: no `remote`", "remote HOST PORT"),

    ("x.conf", "[Interface]\nPrivateKey = secret\n", "x.conf:2:14: the value of \"PrivateKey\" is wrong", "44 characters"),
    ("x.conf", "[Interface]\nAddress = 10.0.0.2\n", "x.conf:1:1: there is no PrivateKey", "PrivateKey = ..."),
    ("x.conf", "[Interface]\nPrivateKey = KEY\n", "x.conf:1:1: there is no Address", "Address = ..."),
    ("x.conf", "[Interface]\nPrivateKey = KEY\nAddress = 10.0.0.2\n", "x.conf:1:1: there is no [Peer]", "[Peer]"),
    ("x.conf", "[Interface]\nAddress = 10.0.0.2/33\n", "x.conf:2:11: \"10.0.0.2/33\" is neither an address nor a prefix", "10.0.0.2/32"),
    ("x.conf", "[Interface]\nAdress = 10.0.0.2\n", "x.conf:2:1: [Interface] has no \"Adress\"", "did you mean Address?"),
    ("x.conf", "[Interface]\nDNS = 10.0.0.1, a b\n", "x.conf:2:7: \"a b\" is no resolver or domain", "commas"),
    ("x.conf", "[Interface]\nMTU = many\n", "x.conf:2:7: the value of \"MTU\" is wrong", "bytes"),
    ("x.conf", "[Interface]\nJc = 4\n", "x.conf:2:1: \"Jc\" belongs to AmneziaWG", "plain WireGuard"),
    ("x.conf", "[Peer]\nEndpoint = a\n", "x.conf:2:12: \"a\" is no host with a port", "host:port"),
    ("x.conf", "[Peer]\nAllowedIPs = 10.0.0.0/8\n", "x.conf:1:1: the peer has no PublicKey", "PublicKey"),
    ("x.conf", "[Interface]\n[Router]\n", "x.conf:2:1: [Router] is no heading of WireGuard", "[Peer]"),
    ("x.conf", "[Interface]\nnonsense\n", "x.conf:2:1: \"nonsense\" is neither a heading nor", "comment it out"),
    ("x.conf", "a = b\n[Interface]\n", "x.conf:1:1: \"a\" stands before the first heading", "below"),

    ("x.nmconnection", "[connection]\ntype=wifi\n", "x.nmconnection:2:1: this is a connection of type \"wifi\"", "VPN connection"),
    ("x.nmconnection", "[connection]\ntype=vpn\n[vpn]\nservice-type=org.example.l2tp\n", "x.nmconnection:4:1: there is no client here for \"org.example.l2tp\"", "[command]"),
    ("x.nmconnection", "[connection]\ntype=vpn\n[vpn]\nservice-type=x.openvpn\n", "x.nmconnection:3:1: [vpn] has no `remote`", "remote="),
    ("x.nmconnection", "[connection]\ntype=vpn\n[vpn]\nservice-type=x.openvpn\nremote=a\ntap-dev=yes\n", "bridged tunnels (tap)", "dev tun"),
    ("x.nmconnection", "[connection]\ntype=vpn\n[vpn]\nservice-type=x.openvpn\nremote=a\ncipher=a\\nup /x\n", "x.nmconnection:6:1: `cipher` contains a line break", "take it out"),
    ("x.nmconnection", "[connection]\ntype=vpn\n[vpn]\nservice-type=x.openconnect\n", "x.nmconnection:3:1: [vpn] has no `gateway`", "gateway="),
    ("x.nmconnection", "[connection]\ntype=wireguard\n[wireguard]\nprivate-key-flags=1\n", "x.nmconnection:4:1: the file holds no private key", "private-key-flags 0"),

    ("x.toml", "version = 1\n[openvpn]\nconfg = \"\"\n", "x.toml:3:1: [openvpn] has no field \"confg\"", "did you mean `config`?"),
    ("x.txt", "hello\nworld\n", "x.txt:1:1: this is no configuration of OpenVPN, WireGuard or NetworkManager", ".ovpn"),
];

const KEY: &str = "bm9ib2R5cy1wcml2YXRlLWtleS1mb3ItdGVzdHMtMDA=";

#[test]
fn every_refusal_is_a_sentence_with_its_place_and_a_remedy() {
    let user = User::new();
    let mut wrong = Vec::new();
    for (name, text, sentence, remedy) in FAULTS {
        user.write(
            name,
            &text.replace("KEY", KEY).replace("LONG", &"x".repeat(248)),
            0o600,
        );
        let output = user.vpnns(&["--import", name]);
        if !is_refusal(&output, sentence, remedy) {
            wrong.push(format!("{text}\n{output:#?}\nnot {sentence:?}, {remedy:?}"));
        }
        assert!(!user.profiles().exists(), "{text} left something behind");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_no_server_is_refused_as_a_url() {
    let user = User::new();
    for (url, sentence, remedy) in [
        ("http://vpn.example.com", "is not encrypted", "https://"),
        ("ssh://vpn.example.com", "does not speak", "https://"),
        ("https:///group", "is not the URL of a server", "https://"),
        (
            "vpn.example.com",
            "failed to read vpn.example.com",
            "https://vpn.example.com",
        ),
        ("gone.ovpn", "failed to read gone.ovpn", "check the path"),
    ] {
        let output = user.vpnns(&["--import", url]);
        assert!(is_refusal(&output, sentence, remedy), "{url}: {output:#?}");
    }
}

#[test]
fn a_wrong_command_line_is_refused() {
    let user = User::new();
    for words in [
        &["--import"][..],
        &["--import", "a", "--profiles"],
        &["--profile", "x", "--profiles"],
        &["--import", "a", "--profile", "../x"],
        &["--profiles", "--replace"],
        &["--remove", "x", "--json"],
        &["--profiles", "--", "true"],
    ] {
        let output = user.vpnns(words);
        assert_eq!(output.code(), 2, "{words:?}: {output:#?}");
        assert!(
            output.stderr.starts_with("vpnns: "),
            "{words:?}: {output:#?}"
        );
    }
}

/// One sentence, a cause where there is one, and a remedy; nothing on stdout.
fn is_refusal(output: &Output, sentence: &str, remedy: &str) -> bool {
    let lines: Vec<&str> = output.stderr.lines().collect();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return false;
    };
    let between = &lines[1..lines.len() - 1];
    output.code() == 125
        && output.stdout.is_empty()
        && first.starts_with("vpnns: ")
        && first.contains(sentence)
        && between.iter().all(|line| line.starts_with("caused by: "))
        && last.starts_with("hint: ")
        && last.contains(remedy)
}
