//! Every page, light and dark, wide and narrow: pictures for people to look at, and a text that must be there.
//!
//! A scripted helper tells the story of one person, for no real server is in six states at once.

use serde_json::json;

use crate::support::Lab;
use crate::*;

/// A profile as it is listed.
fn listed(name: &str, title: &str, kind: &str, server: &str) -> Value {
    json!({"name": name, "path": format!("/p/{name}.toml"), "title": title, "kind": kind,
        "server": server, "connect-on-open": false, "start-at-login": false, "apps": [],
        "error": null})
}

/// An instance with three apps, which have nine processes.
fn instance(name: &str, state: &Value) -> Value {
    let apps: Vec<Value> = [
        ("firefox", 100, 6),
        ("thunderbird", 200, 2),
        ("terminal", 300, 1),
    ]
    .into_iter()
    .flat_map(|(app, first, count)| {
        (first..first + count)
            .map(move |pid| json!({"pid": pid, "command": app, "entry": format!("{app}.desktop")}))
    })
    .collect();
    let mut it = json!({"name": name, "since": {"ago": 720}, "keeper": 1, "profile": name,
        "apps": if name == "lab" { vec![] } else { apps }, "tunnel": null});
    for (key, value) in state.as_object().unwrap() {
        it[key] = value.clone();
    }
    json!({"event": "appeared", "instance": it})
}

fn tunnel() -> Value {
    json!({"client": {"name": "openconnect", "pid": 5}, "device": "tun0",
        "gateway": "198.51.100.7", "since": {"ago": 720}, "script": false,
        "network": {"mtu": 1390, "addresses": ["10.8.42.7/24", "fd42::7/64"],
            "routes": ["0.0.0.0/0", "::/0"], "excluded": [], "resolvers": ["10.8.0.1"],
            "search": ["example.org"]},
        "server": "vpn.example.org", "cipher": "TLS 1.3, AES-256-GCM",
        "expires": {"in": 28080}})
}

/// What the VPNs of this person are doing, and what the helper answers.
#[allow(clippy::too_many_lines)] // One story, as data.
fn scenario() -> Value {
    let code = json!({"id": 1, "message": "", "ask": "form", "fields": [
        {"name": "p", "label": "Password", "kind": "password"},
        {"name": "c", "label": "Code of the token", "kind": "code"}]});
    let certificate = json!({"id": 1, "message": "", "ask": "certificate",
        "server": "gate.example.org", "reason": "signer not found",
        "fingerprint": "pin-sha256:KDuSMcbJ/5SER/8IvQgVef3RPn/0K9tfcCZyi4RKH8o="});
    let retry = json!({"at": {"in": 80}, "reason": "the server does not answer"});
    let monitor = json!([[
        instance("work", &json!({"state": "connected", "tunnel": tunnel()})),
        instance("lab", &json!({"state": "connecting", "stage": "signing in", "question": code})),
        instance("club", &json!({"state": "connecting", "stage": "signing in", "question": certificate})),
        instance("roam", &json!({"state": "reconnecting", "tunnel": tunnel(), "retry": retry})),
        instance("school", &json!({"state": "failed", "reason": "the server refused the password",
            "hint": "check that the password is still valid"})),
        instance("travel", &json!({"state": "connecting", "stage": "starting openconnect"})),
        {"event": "ready"}
    ]]);
    let rates: Vec<Value> = (0..60u64)
        .map(|second| {
            let wave = second * 7 % 23 * 9_000 + second * 3 % 11 * 6_000;
            json!([560_000 + wave, 42_000 + wave / 6])
        })
        .collect();
    let finding = |id: &str, title: &str, outcome: &str, summary: &str, remedy: Value| json!({"id": id, "title": title, "outcome": outcome, "summary": summary, "remedy": remedy});
    let checks = [
        (
            "devices",
            "No Other Network Device",
            "apps use the VPN's device tun0 and their loopback",
        ),
        (
            "routes",
            "No Other Way Out",
            "all 14 routes lead into tun0 or the loopback",
        ),
        (
            "ipv4",
            "IPv4 Goes Through the VPN",
            "every address leads into tun0",
        ),
        (
            "ipv6",
            "IPv6 Goes Through the VPN",
            "every address leads into tun0",
        ),
        (
            "resolved",
            "The System Resolver Is Shut",
            "nobody answers where it would be",
        ),
        (
            "privileges",
            "Apps Have No Privileges",
            "apps run without a capability",
        ),
    ];
    let plan: Vec<Value> = checks
        .iter()
        .map(|(id, title, _)| json!({"id": id, "title": title}))
        .collect();
    let mut lines = vec![json!({"event": "plan", "checks": plan})];
    lines.extend(checks.iter().map(|(id, title, summary)| {
        json!({"event": "finding", "finding": finding(id, title, "ok", summary, Value::Null)})
    }));
    lines.push(json!({"event": "end", "ok": true}));
    let doctor = json!({"version": 1, "ok": false, "findings": [
        finding("user-namespaces", "User Namespaces", "problem",
            "AppArmor keeps ordinary users from making namespaces",
            json!("sudo install -m 644 vpnns.apparmor /etc/apparmor.d/vpnns\nsudo apparmor_parser -r /etc/apparmor.d/vpnns")),
        finding("tun", "Tunnel Devices", "ok", "/dev/net/tun can be opened", Value::Null),
        finding("openvpn", "OpenVPN", "ok", "OpenVPN 2.6.14 can be grafted", Value::Null),
        finding("openconnect", "OpenConnect", "note", "openconnect is not installed",
            json!("sudo apt install openconnect"))]});
    let log = json!({"version": 1, "lines": [
        {"time": {"ago": 725}, "text": "connecting: signing in"},
        {"time": {"ago": 722}, "text": "Got CONNECT response: HTTP/1.1 200 CONNECTED"},
        {"time": {"ago": 720}, "text": "connected"}]});
    let apps: Vec<Value> = [
        ("firefox", "Firefox", "web-browser"),
        ("thunderbird", "Thunderbird", "emblem-mail"),
        ("terminal", "Terminal", "utilities-terminal"),
        ("files", "Files", "system-file-manager"),
        ("maps", "Maps", "mark-location"),
        ("text", "Text Editor", "accessories-text-editor"),
        ("calculator", "Calculator", "accessories-calculator"),
    ]
    .into_iter()
    .map(|(id, name, icon)| {
        json!({"id": format!("{id}.desktop"), "name": name, "generic-name": null,
            "comment": format!("{name} of this computer"), "icon": icon, "keywords": [],
            "executable": id, "categories": [], "terminal": false, "actions": [],
            "startup-wm-class": null, "path": format!("/usr/share/applications/{id}.desktop")})
    })
    .collect();
    json!({"monitor": monitor, "history": 60, "traffic": {"work": rates}, "calls": {
        "--profiles": {"print": {"version": 1, "profiles": [
            listed("work", "Work", "openconnect", "vpn.example.org"),
            listed("home", "Home WireGuard", "wireguard", "home.example.net:51820"),
            listed("lab", "Lab", "openconnect", "gate.lab.example"),
            listed("club", "Club", "openconnect", "gate.example.org"),
            listed("roam", "Roaming", "openvpn", "roam.example.org"),
            listed("school", "School", "openconnect", "vpn.school.example"),
            listed("travel", "Travel", "openconnect", "vpn.travel.example")]}},
        "--apps": {"print": {"version": 1, "apps": apps}},
        "--check": {"lines": lines},
        "--doctor": {"print": doctor, "exit": 1},
        "--log": {"print": log},
    }})
}

/// Makes the user one of many VPNs, by a scripted helper; the environment that the app needs for that.
pub fn furnish(lab: &Lab, width: u32, height: u32) -> Value {
    let script = include_str!("../support/scripted_helper.py");
    let script = lab.user().write("helper.py", script, 0o755);
    lab.user()
        .write("scenario.json", &scenario().to_string(), 0o644);
    profile(lab, "unused", "[demo]\n");
    let settings = format!(
        "window-size = [{width}, {height}]\nselected = \"work\"\n\
         recent = [\"firefox.desktop\", \"thunderbird.desktop\", \"terminal.desktop\"]\n"
    );
    lab.user()
        .write(".config/vpnns/desktop.toml", &settings, 0o644);
    let home = lab.user().home();
    json!({"VPNNS_HELPER": script.to_str().unwrap(), "VPNNS_SCENARIO": home.to_str().unwrap()})
}

/// Goes through every page of one look.
fn go_through(look: &str, width: u32, height: u32, scheme: &str) {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let mut environment = furnish(&lab, width, height);
    environment["ADW_DEBUG_COLOR_SCHEME"] = scheme.into();
    desktop.launch_with(&[], &environment);
    let picture = |page: &str| {
        desktop.picture(&format!("{page}-{look}"));
    };
    // Questions come up by themselves; they are looked at later.
    desktop.see("Is This Your Server?");
    picture("dialog-certificate");
    close_dialogs(&desktop, "Cancel");
    for (vpn, page, text) in [
        ("work", "main", "Traffic of the last minute, receiving *"),
        ("home", "state-off", "Connect"),
        ("travel", "state-connecting", "Connecting…"),
        (
            "roam",
            "state-reconnecting",
            "3 apps are waiting; nothing leaks",
        ),
        ("school", "state-failed", "The server refused the password"),
        ("lab", "state-question", "Code Needed"),
    ] {
        act(&desktop, "show-vpn", vpn);
        desktop.see(text);
        picture(page);
    }
    act(&desktop, "answer-vpn", "lab");
    desktop.see("Code of the token");
    picture("dialog-password");
    close_dialogs(&desktop, "Cancel");
    act(&desktop, "open-app", "work");
    desktop.see("Calculator");
    picture("picker");
    desktop.key("Escape");
    act(&desktop, "show-vpn", "work");
    act(&desktop, "check-vpn", "work");
    desktop.see("No Leaks Found");
    picture("leaks");
    desktop.click_button("Back");
    act(&desktop, "log-vpn", "work");
    desktop.see("Got CONNECT response*");
    picture("log");
    desktop.key("Escape");
    for (action, page, text) in [
        ("add-vpn", "add-kind", "Set Up by Hand"),
        ("system-check", "system-check", "Copy Command"),
        ("preferences", "preferences", "Start at Login"),
        ("shortcuts", "shortcuts", "Keyboard Shortcuts"),
        ("about", "about", "The vpnns developers"),
    ] {
        act_alone(&desktop, action);
        desktop.see(text);
        picture(page);
        desktop.key("Escape");
        desktop.unsee(text);
    }
    let log = desktop.log();
    // libadwaita 1.2 asks where the focus is while there is none: not of our making.
    let complaints = log.lines().filter(|line| {
        (line.contains("CRITICAL **") || line.contains("WARNING **"))
            && !line.contains("gtk_widget_is_ancestor: assertion")
    });
    assert_eq!(complaints.count(), 0, "{log}");
}

/// Leaves whatever questions are open for later; what is on their button to cancel is known.
pub fn close_dialogs(desktop: &Desktop<'_>, cancel: &str) {
    // One that fades out is seen for a while; so does one that comes up after it.
    let closed = wait_until(PATIENCE, || {
        if !desktop.sees(&format!("{cancel} {cancel}")) {
            return true;
        }
        desktop.key("Escape");
        std::thread::sleep(Duration::from_millis(500));
        false
    });
    assert!(closed, "a dialog stays open");
}

#[test]
fn every_page_wide_and_light() {
    go_through("wide-light", 1000, 680, "prefer-light");
}

#[test]
fn every_page_wide_and_dark() {
    go_through("wide-dark", 1000, 680, "prefer-dark");
}

#[test]
fn every_page_narrow_and_light() {
    go_through("narrow-light", 420, 720, "prefer-light");
}

#[test]
fn every_page_narrow_and_dark() {
    go_through("narrow-dark", 420, 720, "prefer-dark");
}
