//! Every rule of the format: what breaks it is refused at its place, in a sentence with a remedy.

use super::*;

const KEY: &str = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";

/// A profile without its first line, where its fault is, and what is said about it.
#[rustfmt::skip] // one row a case reads as the table it is
const FAULTS: &[(&str, (usize, usize), &str, &str)] = &[
    ("", (2, 1), "nothing says what to connect with", "[openconnect], [openvpn]"),
    ("[demo]\n[openvpn]\nconfig = \"client\"", (3, 2), "[demo] and [openvpn]", "make two profiles"),
    ("[demo]\nserver = \"x\"", (3, 1), "[demo] has no field \"server\"", "remove the line"),
    ("demo = true", (2, 8), "`demo` is not a table", "[demo]"),
    ("tittle = \"x\"\n[demo]", (2, 1), "no field \"tittle\"", "did you mean `title`?"),
    ("[openconect]", (2, 2), "no field \"openconect\"", "did you mean `openconnect`?"),
    ("colour = 1\n[demo]", (2, 1), "no field \"colour\"", "it can have: version, title"),
    ("title = 3\n[demo]", (2, 9), "`title` is integer `3`, not a string", ""),
    ("title = \"\"\n[demo]", (2, 9), "`title` is empty", "remove the line"),
    ("title = \"a\\nb\"\n[demo]", (2, 9), "line break", ""),
    ("routes = \"none\"\n[demo]", (2, 10), "`routes` is `none`, not `all` or `server`", ""),
    ("dns = \"1.1.1.1\"\n[demo]", (2, 7), "`dns` is a text, not a list", ""),
    ("dns = [\"1.1.1.1\", \"one\"]\n[demo]", (2, 19), "`dns` is wrong: ", ""),
    ("publish = \"80:80\"\n[demo]", (2, 11), "`publish` is a text, not a list", ""),
    ("publish = [\"8080:80\", \"80\"]\n[demo]", (2, 23), "\"80\" is not of the form", "8080:80"),
    ("publish = [\"8080:80\", \"0.0.0.0:8080:81\"]\n[demo]", (2, 23), "need the same port", "choose another"),
    ("reach = [\"nas:80\"]\n[demo]", (2, 10), "\"nas\" is no address", "localhost"),
    ("start-at-login = \"yes\"\n[demo]", (2, 18), "not a boolean", ""),
    ("apps = [\"firefox\"]\n[demo]", (2, 9), "\"firefox\" is not the id", "firefox.desktop"),
    ("title = \"x", (2, 11), "invalid basic string", ""),
    ("[openconnect]\nuser = \"x\"", (2, 1), "[openconnect] has no `server`", "server = "),
    ("[openconnect]\n  servr = \"x\"", (3, 3), "no field \"servr\"", "did you mean `server`?"),
    ("[openconnect]\nserver = \"\"", (3, 10), "names no server", "https://"),
    ("[openconnect]\nserver = \"http://x\"", (3, 10), "does not start with https://", "https://"),
    ("[openconnect]\nserver = \"https://me@x\"", (3, 10), "holds a user", ""),
    ("[openconnect]\nserver = \"x:port\"", (3, 10), "port is no number", ""),
    ("[openconnect]\nserver = \"-x\"", (3, 10), "starts with a dash", ""),
    ("[openconnect]\nserver = \"a b\"", (3, 10), "a character that no server's name has", ""),
    ("[openconnect]\nserver = \"x\"\nprotocol = \"cisco\"", (4, 12), "`protocol` is `cisco`, not one of `anyconnect`", ""),
    ("[openconnect]\nserver = \"x\"\nca = \"ca.pem\"", (4, 6), "`ca` is \"ca.pem\", which is no absolute path", "whole path"),
    ("[openconnect]\nserver = \"x\"\nkey = \"/k\"", (4, 7), "of no use without `certificate`", ""),
    ("[openconnect]\nserver = \"x\"\ncertificate = \"c.pem\"", (4, 15), "neither an absolute path nor a URL", "pkcs11:"),
    ("[openconnect]\nserver = \"x\"\narguments = [\"-v\", \"--passwd-on-stdin\"]", (4, 20), "--passwd-on-stdin would show a secret", "asks for passwords"),
    ("[openconnect]\nserver = \"x\"\narguments = [\"--cookie=x\"]", (4, 14), "--cookie would show a secret", ""),
    ("[openconnect]\nserver = \"x\"\narguments = [\"-Cx\"]", (4, 14), "-C would show a secret", ""),
    ("[openconnect]\nserver = \"x\"\narguments = [\"--script=x\"]", (4, 14), "--script is an option that vpnns itself", "remove it"),
    ("[openconnect]\nserver = \"x\"\narguments = [\"\"]", (4, 14), "empty argument", ""),
    ("[openconnect]\nserver = \"x\"\narguments = \"--cookie=x\"", (4, 13), "`arguments` is a text, not a list", ""),
    ("[openvpn]\nuser = \"x\"", (2, 1), "neither `config` nor `config-file`", "write one"),
    ("[openvpn]\nconfig = \"client\"\nconfig-file = \"/x\"", (4, 15), "has `config` and `config-file`", "write one"),
    ("[openvpn]\nconfig = \" \"", (3, 10), "`config` is empty", ""),
    ("[openvpn]\nconfig-file = \"x.ovpn\"", (3, 15), "no absolute path", ""),
    ("[openvpn]\nconfig = \"client\"\narguments = [\"--management\"]", (4, 14), "--management is an option", ""),
    ("[wireguard]\naddresses = []\npeer = []", (2, 1), "neither `private-key` nor", "write one"),
    ("[wireguard]\nprivate-key = \"x\"\naddresses = []\npeer = []", (3, 15), "`private-key` is wrong: a WireGuard key is 32 bytes", ""),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = []\npeer = []", (4, 13), "`addresses` is empty", "10.0.0.2/32"),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2\"]\npeer = []", (4, 14), "`addresses` is wrong", ""),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\nmtu = 20\npeer = []", (5, 7), "`mtu` is 20", "1420"),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\npeer = []", (5, 8), "there is no peer", "[[wireguard.peer]]"),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\n[wireguard.peer]", (5, 1), "not a list of tables", "two brackets"),
    ("[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\n[[wireguard.peer]]\nallowed-ips = []", (5, 1), "has no `public-key`", ""),
    ("[command]\nrun = []", (3, 7), "`run` names no program", ""),
    ("[command]\nrun = \"openvpn\"", (3, 7), "`run` is a text, not a list", ""),
    ("[command]\nrun = [\"x\", \"--password=y\"]", (3, 13), "--password would show a secret", ""),
    ("[command]\nrun = [\"x\", \"--password\", \"y\"]", (3, 13), "--password would show a secret", ""),
    ("[command]\nrun = [\"x\"]\n[command.environment]\nVPN_PASSWORD = \"x\"", (5, 16), "VPN_PASSWORD would show", ""),
];

#[test]
fn every_fault_has_a_place_a_sentence_and_a_remedy() {
    let mut wrong = Vec::new();
    for (text, place, sentence, remedy) in FAULTS {
        let text = format!("version = 1\n{text}");
        let error = Profile::parse(&text).expect_err(&text);
        let hint = error.hint.clone().unwrap_or_default();
        let fits = (error.line, error.column) == *place
            && error.message.contains(sentence)
            && hint.contains(remedy)
            && !error.message.contains('\n');
        if !fits {
            wrong.push(format!(
                "{text}\n{error} ({hint})\nnot {place:?}: {sentence}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_version_comes_first() {
    for (text, sentence, remedy) in [
        ("[demo]", "the version is missing", "version = 1"),
        ("version = 2\n[future]", "knows up to 1", "update vpnns"),
        ("version = 0\n[demo]", "no version 0", "write 1"),
        ("version = \"1\"\n[demo]", "not", ""),
    ] {
        let error = Profile::parse(text).expect_err(text);
        assert!(error.message.contains(sentence), "{error:#?}");
        assert!(error.hint.unwrap_or_default().contains(remedy), "{text}");
    }
}

#[test]
fn peers_are_checked_one_by_one() {
    let head =
        "version = 1\n[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\n";
    let peer = format!("[[wireguard.peer]]\npublic-key = \"{KEY}\"\nallowed-ips = []\n");
    assert!(Profile::parse(&format!("{head}{peer}")).is_ok());
    let twice = Profile::parse(&format!("{head}{peer}{peer}")).unwrap_err();
    assert_eq!((twice.line, twice.column), (9, 14), "{twice}");
    for endpoint in [
        "host",
        "host:0",
        "host:99999",
        "2001:db8::1:51820",
        ":1",
        "a b:1",
    ] {
        let text = format!("{head}{peer}endpoint = \"{endpoint}\"\n");
        let error = Profile::parse(&text).expect_err(&text);
        assert_eq!((error.line, error.column), (8, 12), "{error}");
    }
}

/// A profile of each kind that has every field.
#[rustfmt::skip] // one row a profile reads as the table it is
const COMPLETE: &[&str] = &[
    "[openconnect]\nserver = \"x\"\nprotocol = \"gp\"\nuser = \"x\"\ngroup = \"x\"\ncertificate = \"/c\"\nkey = \"/k\"\nca = \"/x\"\nfingerprint = \"x\"\nmethod = \"graft\"\narguments = [\"-v\"]",
    "[openvpn]\nconfig = \"client\"\nuser = \"x\"\narguments = [\"--float\"]",
    "[openvpn]\nconfig-file = \"/x\"",
    "[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\"]\nmtu = 1420\nlisten-port = 1\nsearch = [\"x\"]\n[[wireguard.peer]]\npublic-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\nallowed-ips = []\npreshared-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\nendpoint = \"x:1\"\npersistent-keepalive = 25",
    "[wireguard]\nprivate-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\naddresses = [\"10.0.0.2/32\"]\n[[wireguard.peer]]\npublic-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\nallowed-ips = []",
    "[command]\nrun = [\"x\"]\nmethod = \"attach\"\nenvironment = { A = \"b\" }",
    "[demo]",
];

#[test]
fn every_field_that_the_format_names_is_one_that_is_read() {
    let common = "version = 1\ntitle = \"x\"\nroutes = \"all\"\ndns = []\non-drop = \"close\"\npublish = [\"8080:80\"]\nreach = [\"[::1]:53/udp\"]\nconnect-on-open = true\nstart-at-login = true\napps = [\"x.desktop\"]\n";
    let all = COMPLETE
        .iter()
        .map(|text| format!("{common}{text}\n"))
        .collect::<Vec<_>>();
    for text in &all {
        let profile = Profile::parse(text).expect(text);
        assert_eq!(Profile::parse(&profile.to_toml()), Ok(profile));
    }
    for (table, field) in fields() {
        let line = format!("{field} = ");
        let peer = format!("[[wireguard.{field}]]");
        let there = |text: &String| {
            text.contains(table) && text.lines().any(|it| it.starts_with(&line) || it == peer)
        };
        assert!(all.iter().any(there), "[{table}] {field} is in no example");
    }
}
