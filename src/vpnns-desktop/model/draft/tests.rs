//! Forms without a display: what is taken, what is refused, and that nothing is lost on the way.

use super::*;

const KEY: &str = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";

/// Profiles in which every field of the format stands.
const WHOLE: &[&str] = &[
    "[openconnect]\nserver = \"https://vpn.example.com/staff\"\nprotocol = \"gp\"\nuser = \"me\"\n\
     group = \"staff\"\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"\nca = \"/ca.pem\"\n\
     fingerprint = \"pin-sha256:x\"\nmethod = \"graft\"\narguments = [\"--no-dtls\", \"--useragent=Any Connect's\"]\n",
    "[openvpn]\nconfig = '''\nclient\n  remote a.example 1194\n'''\nuser = \"me\"\narguments = [\"--verb\", \"4\"]\n",
    "[openvpn]\nconfig-file = \"/etc/a.ovpn\"\n",
    "[wireguard]\nprivate-key-file = \"/k\"\naddresses = [\"10.0.0.2/32\", \"fd00::2/128\"]\nmtu = 1400\n\
     listen-port = 51820\nsearch = [\"corp.example\"]\n[[wireguard.peer]]\n\
     public-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\npreshared-key = \"HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\"\n\
     endpoint = \"a.example:51820\"\nallowed-ips = [\"0.0.0.0/0\", \"::/0\"]\npersistent-keepalive = 25\n\
     [[wireguard.peer]]\npublic-key = \"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\"\nallowed-ips = [\"10.1.0.0/16\"]\n",
    "[command]\nrun = [\"/opt/acme vpn\", \"--foreground\", \"\"]\nmethod = \"attach\"\n\
     [command.environment]\nA = \"b c\"\nD = \"\"\n",
    "[demo]\n",
];
const COMMON: &str = "version = 1\ntitle = \"Büro\"\nroutes = \"all\"\ndns = [\"10.0.0.1\", \"fd00::1\"]\n\
    on-drop = \"freeze\"\nconnect-on-open = true\nstart-at-login = true\napps = [\"a.desktop\", \"b.desktop\"]\n\
    publish = [\"8080:80\", \"[::1]:53:53/udp\"]\nreach = [\"127.0.0.1:631\"]\n";

#[test]
fn nothing_is_lost_between_a_profile_and_its_form() {
    for table in WHOLE {
        let profile = Profile::parse(&format!("{COMMON}{table}")).unwrap();
        let draft = Draft::of(&profile);
        assert_eq!(draft.faults(), [], "{table}");
        assert_eq!(draft.checked().unwrap(), profile);
        let plain = Profile::new(profile.settings.clone());
        assert_eq!(Draft::of(&plain).checked().unwrap(), plain);
    }
    let text = "version = 1\ndns = []\non-drop = \"close\"\n[demo]\n";
    let profile = Profile::parse(text).unwrap();
    assert_eq!(Draft::of(&profile).checked().unwrap(), profile);
}

fn fault(kind: Kind, field: Field, text: &str) -> Fault {
    let mut draft = Draft::sample(kind);
    draft.set(field, text);
    draft
        .fault(field)
        .unwrap_or_else(|| panic!("{text:?} was taken"))
}

#[test]
fn what_is_mistyped_often_comes_with_its_fix() {
    for (kind, field, text, fix) in [
        (
            Kind::OpenConnect,
            Field::Server,
            "vpn.example,org",
            "vpn.example.org",
        ),
        (
            Kind::OpenConnect,
            Field::Server,
            "vpn.example .org",
            "vpn.example.org",
        ),
        (
            Kind::OpenConnect,
            Field::Server,
            "http://a/b",
            "https://a/b",
        ),
        (
            Kind::OpenConnect,
            Field::Server,
            "https://me@a/b",
            "https://a/b",
        ),
        (
            Kind::WireGuard,
            Field::Addresses,
            "10.0.0.2, fd00::2/64",
            "10.0.0.2/32, fd00::2/64",
        ),
        (
            Kind::WireGuard,
            Field::AllowedIps(0),
            "fd00::2",
            "fd00::2/128",
        ),
        (
            Kind::WireGuard,
            Field::Endpoint(0),
            "a.example",
            "a.example:51820",
        ),
        (
            Kind::WireGuard,
            Field::Endpoint(0),
            "fd00::1",
            "[fd00::1]:51820",
        ),
    ] {
        let fault = fault(kind, field, text);
        assert_eq!(fault.fix.as_deref(), Some(fix), "{text}");
        let mut mended = Draft::sample(kind);
        mended.set(field, fix);
        assert_eq!(mended.fault(field), None, "{fix}");
    }
}

#[test]
fn the_rules_of_the_format_speak_below_their_field() {
    for (kind, field, text, words) in [
        (Kind::OpenConnect, Field::Server, "-a", "starts with a dash"),
        (Kind::OpenConnect, Field::Ca, "ca.pem", "no absolute path"),
        (
            Kind::OpenConnect,
            Field::Certificate,
            "cert.pem",
            "neither an absolute path",
        ),
        (
            Kind::OpenConnect,
            Field::Arguments,
            "--cookie=hunter2",
            "show a secret",
        ),
        (
            Kind::OpenConnect,
            Field::Arguments,
            "--useragent='x",
            "not closed",
        ),
        (
            Kind::OpenVpn,
            Field::Arguments,
            "--daemon",
            "vpnns itself decides",
        ),
        (
            Kind::OpenVpn,
            Field::ConfigFile,
            "a.ovpn",
            "no absolute path",
        ),
        (Kind::WireGuard, Field::PrivateKey, "abc", "44 characters"),
        (Kind::WireGuard, Field::PublicKey(0), "abc", "44 characters"),
        (Kind::WireGuard, Field::Mtu, "20", "from 68"),
        (Kind::WireGuard, Field::Mtu, "big", "number of bytes"),
        (
            Kind::WireGuard,
            Field::ListenPort,
            "70000",
            "from 1 to 65535",
        ),
        (Kind::WireGuard, Field::Search, "corp!", "not a domain"),
        (
            Kind::WireGuard,
            Field::Endpoint(0),
            "a:b",
            "without host and port",
        ),
        (
            Kind::WireGuard,
            Field::AllowedIps(0),
            "all",
            "length of its prefix",
        ),
        (Kind::Command, Field::Run, "x --password=y", "show a secret"),
        (Kind::Command, Field::Environment, "A", "NAME=value"),
        (
            Kind::Command,
            Field::Environment,
            "MY_PASSWORD=x",
            "show a secret",
        ),
        (Kind::Demo, Field::Dns, "one.one", "not an IP address"),
        (Kind::Demo, Field::Apps, "firefox", "not the id"),
        (Kind::Demo, Field::Publish, "80", "8080:80"),
        (Kind::Demo, Field::Publish, "80:1 80:2", "same port"),
        (Kind::Demo, Field::Reach, "nas:80", "no address"),
    ] {
        let fault = fault(kind, field, text);
        assert_eq!(fault.field, field, "{text}: {fault:?}");
        assert!(fault.text.contains(words), "{text}: {fault:?}");
        assert!(!fault.text.contains("hunter2"), "{fault:?}");
    }
    let long = "x".repeat(121);
    assert!(fault(Kind::Demo, Field::Title, &long).text.contains("120"));
}

#[test]
fn a_fault_elsewhere_does_not_hide_this_one() {
    let mut draft = Draft::new(Kind::WireGuard);
    draft.add_peer();
    draft.set(Field::Endpoint(1), "a.example");
    draft.set(Field::PublicKey(1), KEY);
    assert_eq!(draft.fault(Field::PublicKey(1)), None);
    let fault = draft.fault(Field::Endpoint(1)).unwrap();
    assert_eq!(fault.field, Field::Endpoint(1));
    let missing: Vec<Field> = draft.faults().into_iter().map(|it| it.field).collect();
    assert!(missing.contains(&Field::Title) && missing.contains(&Field::PrivateKey));
}

#[test]
fn a_fault_between_two_fields_is_found_when_each_is_well() {
    let mut draft = Draft::sample(Kind::WireGuard);
    draft.set(Field::Title, "x");
    draft.add_peer();
    draft.set(
        Field::PublicKey(1),
        draft.get(Field::PublicKey(0)).to_owned(),
    );
    draft.set(Field::AllowedIps(1), "10.0.0.0/8");
    let faults = draft.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].field, Field::PublicKey(1));
    draft.remove_peer(0);
    assert_eq!(draft.faults(), []);
    assert_eq!(draft.get(Field::AllowedIps(0)), "10.0.0.0/8");
    let mut draft = Draft::sample(Kind::OpenConnect);
    draft.set(Field::Key, "/k.pem");
    assert_eq!(draft.fault(Field::Key).unwrap().field, Field::Key);
    draft.set(Field::Certificate, "/c.pem");
    assert_eq!(draft.fault(Field::Key), None);
}

#[test]
fn names_are_made_of_titles_and_stay_apart() {
    let taken: BTreeSet<String> = ["work", "work-2"].map(str::to_owned).into();
    for (title, name) in [
        ("Work", "work-3"),
        ("Home WireGuard", "home-wireguard"),
        ("  Büro / Köln ", "büro-köln"),
        ("...", "vpn"),
        ("", "vpn"),
        ("-x-", "x"),
        ("a@b.example", "a@b.example"),
    ] {
        assert_eq!(name_for(title, &taken).as_str(), name, "{title:?}");
    }
    for long in ["x".repeat(200), "ü".repeat(200), "日".repeat(200)] {
        assert!(name_for(&long, &taken).as_str().len() > 40);
    }
    let mut draft = Draft::sample(Kind::Demo);
    draft.taken = taken;
    draft.set(Field::Name, "work");
    let fault = draft.fault(Field::Name).unwrap();
    assert_eq!(fault.fix.as_deref(), Some("work-3"));
    draft.set(Field::Name, "a b");
    assert_eq!(
        draft.fault(Field::Name).unwrap().fix.as_deref(),
        Some("a-b")
    );
}

#[test]
fn a_draft_shows_none_of_its_secrets() {
    let mut draft = Draft::sample(Kind::WireGuard);
    draft.set(Field::PrivateKey, KEY);
    assert!(!format!("{draft:?}").contains("HIgo"));
}
