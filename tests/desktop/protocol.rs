//! The tray icon against its specifications: every property, call and signal of StatusNotifierItem and of
//! dbusmenu.

use std::collections::{BTreeMap, BTreeSet};

use crate::scripted::Scripted;
use crate::support::Lab;
use crate::tray::Host;
use crate::*;

/// The properties of StatusNotifierItem and their types. `WindowId` is signed as in KDE's own interface, and
/// every host reads it so; the text of the specification has it unsigned.
const ITEM: &[(&str, &str)] = &[
    ("AttentionIconName", "s"),
    ("AttentionIconPixmap", "a(iiay)"),
    ("AttentionMovieName", "s"),
    ("Category", "s"),
    ("IconName", "s"),
    ("IconPixmap", "a(iiay)"),
    ("IconThemePath", "s"),
    ("Id", "s"),
    ("ItemIsMenu", "b"),
    ("Menu", "o"),
    ("OverlayIconName", "s"),
    ("OverlayIconPixmap", "a(iiay)"),
    ("Status", "s"),
    ("Title", "s"),
    ("ToolTip", "(sa(iiay)ss)"),
    ("WindowId", "i"),
];

/// The properties of a menu.
const MENU: &[(&str, &str)] = &[
    ("IconThemePath", "as"),
    ("Status", "s"),
    ("TextDirection", "s"),
    ("Version", "u"),
];

/// The properties that an item of a menu may have.
const LINE: &[(&str, &str)] = &[
    ("accessible-desc", "s"),
    ("children-display", "s"),
    ("disposition", "s"),
    ("enabled", "b"),
    ("icon-data", "ay"),
    ("icon-name", "s"),
    ("label", "s"),
    ("shortcut", "aas"),
    ("toggle-state", "i"),
    ("toggle-type", "s"),
    ("type", "s"),
    ("visible", "b"),
];

/// A call of the menu's interface, its parameters in GVariant's own words.
#[track_caller]
fn call(host: &Host<'_>, method: &str, kind: &str, parameters: &str) -> Value {
    host.ask(&format!(
        "raw /MenuBar com.canonical.dbusmenu {method} '{kind}' \"{parameters}\""
    ))
}

#[track_caller]
fn refused(answer: &Value) {
    let error = "org.freedesktop.DBus.Error.InvalidArgs";
    assert_eq!(answer["error"], error, "{answer}");
}

/// Checks a part of a menu, and collects its items' numbers.
fn check(node: &Value, numbers: &mut BTreeSet<i64>) {
    let number = node["id"].as_i64().unwrap();
    assert!(numbers.insert(number), "{number} is there twice");
    let properties = node["properties"].as_object().unwrap();
    for (name, value) in properties {
        let known = LINE.iter().find(|(known, _)| known == name);
        let (_, kind) = known.unwrap_or_else(|| panic!("no property {name}: {node}"));
        assert_eq!(value[0], *kind, "{name}: {node}");
    }
    let children = node["children"].as_array().unwrap();
    let is_parent = properties.get("children-display").map(|it| &it[1]);
    assert_eq!(is_parent.is_some(), !children.is_empty(), "{node}");
    assert!(is_parent.is_none_or(|it| it == "submenu"), "{node}");
    let is_separator = properties
        .get("type")
        .is_some_and(|it| it[1] == "separator");
    let has_label = properties.contains_key("label");
    assert!(number == 0 || is_separator != has_label, "{node}");
    for child in children {
        check(child, numbers);
    }
}

/// The first item below another one whose label begins like this.
#[track_caller]
fn below<'a>(node: &'a Value, label: &str) -> &'a Value {
    let children = node["children"].as_array().unwrap();
    let found = children.iter().find(|it| {
        let text = it["properties"]["label"][1].as_str();
        text.is_some_and(|text| text.starts_with(label))
    });
    found.unwrap_or_else(|| panic!("no {label}: {node}"))
}

#[track_caller]
fn check_properties(
    host: &Host<'_>,
    path: &str,
    interface: &str,
    wanted: &[(&str, &str)],
) -> Value {
    let found = host.ask(&format!("types {path} {interface}"));
    let there = found.as_object().unwrap();
    let there: Vec<(&str, &str)> = there
        .iter()
        .map(|(name, it)| (name.as_str(), it["type"].as_str().unwrap()))
        .collect();
    assert_eq!(there, wanted);
    for (name, it) in found.as_object().unwrap() {
        assert_eq!(it["same"], true, "{name}");
    }
    found
}

/// Everything that the item and its menu say about themselves.
fn check_what_is_said(host: &Host<'_>) {
    let item = "org.kde.StatusNotifierItem";
    let found = check_properties(host, "/StatusNotifierItem", item, ITEM);
    for (name, value) in [
        ("Category", "ApplicationStatus".into()),
        ("Id", "org.vpnns.PerAppVpn".into()),
        ("Title", "Per-App VPN".into()),
        ("Status", "Active".into()),
        ("WindowId", 0.into()),
        ("IconName", "org.vpnns.PerAppVpn-isolated-symbolic".into()),
        ("OverlayIconName", "".into()),
        ("AttentionMovieName", "".into()),
        ("ItemIsMenu", Value::Bool(false)),
        ("Menu", "/MenuBar".into()),
    ] {
        assert_eq!(found[name]["value"], value, "{name}");
    }
    let menu = "com.canonical.dbusmenu";
    let found = check_properties(host, "/MenuBar", menu, MENU);
    assert_eq!(found["Version"]["value"], 3);
    assert_eq!(found["Status"]["value"], "normal");
    assert_eq!(found["TextDirection"]["value"], "ltr");
}

/// The layout, whole and in parts; how it is whole, and the numbers of its items.
fn check_layout(host: &Host<'_>) -> (Value, BTreeSet<i64>) {
    let whole = host.ask("tree");
    assert_eq!(whole["type"], "(u(ia{sv}av))");
    let root = &whole["root"];
    assert_eq!(root["id"], 0);
    let mut numbers = BTreeSet::new();
    check(root, &mut numbers);
    // Only as deep as somebody asks, only what is asked for, and from where it is asked for.
    let flat = host.ask("tree 0 0");
    assert_eq!(flat["root"]["children"].as_array().map(Vec::len), Some(0));
    let one = host.ask("tree 0 1 label");
    let lines = one["root"]["children"].as_array().unwrap();
    assert_eq!(lines.len(), root["children"].as_array().unwrap().len());
    for line in lines {
        assert_eq!(line["children"].as_array().map(Vec::len), Some(0), "{line}");
        let names = line["properties"].as_object().unwrap();
        assert!(names.keys().all(|name| name == "label"), "{line}");
    }
    let vpn = below(root, "Demonstration");
    assert_eq!(host.ask(&format!("tree {}", vpn["id"]))["root"], *vpn);
    (whole, numbers)
}

/// What can be asked about one item, and about one that is not there.
fn check_lines(host: &Host<'_>, connect: i64, unknown: i64, count: usize) {
    let kind = "(aias)";
    let all = call(host, "GetGroupProperties", kind, "(@ai [], @as [])");
    assert_eq!(all["type"], "(a(ia{sv}))");
    assert!(all["value"][0].as_array().unwrap().len() + 1 >= count);
    let asked = format!("([{connect}, {unknown}], ['label', 'enabled'])");
    let some = call(host, "GetGroupProperties", kind, &asked);
    let some = some["value"][0].as_array().unwrap();
    assert_eq!(some.len(), 1, "{some:?}");
    assert_eq!(some[0][0], connect);
    assert_eq!(some[0][1]["label"], "Connect");
    let asked = format!("({connect}, 'label')");
    let label = call(host, "GetProperty", "(is)", &asked);
    assert_eq!(label["type"], "(v)");
    assert_eq!(label["value"][0], "Connect");
    refused(&call(
        host,
        "GetProperty",
        "(is)",
        &format!("({unknown}, 'label')"),
    ));
    refused(&call(
        host,
        "GetLayout",
        "(iias)",
        &format!("({unknown}, 0, @as [])"),
    ));
}

/// What can happen to one item, and to one that is not there.
fn check_events(lab: &Lab, host: &Host<'_>, connect: i64, unknown: i64) {
    // Looking at a line does nothing; of several events the rest is done, and the strangers are named.
    let kind = "(isvu)";
    for event in ["opened", "hovered", "closed", "x-vendor-poked"] {
        let answer = call(
            host,
            "Event",
            kind,
            &format!("({connect}, '{event}', <0>, uint32 0)"),
        );
        assert_eq!(answer["type"], "()", "{event}: {answer}");
    }
    refused(&call(
        host,
        "Event",
        kind,
        &format!("({unknown}, 'clicked', <0>, uint32 0)"),
    ));
    assert_eq!(call(host, "AboutToShow", "(i)", "(0,)")["type"], "(b)");
    refused(&call(host, "AboutToShow", "(i)", &format!("({unknown},)")));
    let shown = call(
        host,
        "AboutToShowGroup",
        "(ai)",
        &format!("([0, {unknown}],)"),
    );
    assert_eq!(shown["type"], "(aiai)");
    assert_eq!(shown["value"][1], serde_json::json!([unknown]));
    assert_ne!(status(lab, "demo")["state"], "connected");
    let kind = "(a(isvu))";
    let events = format!(
        "([({unknown}, 'hovered', <0>, uint32 0), ({connect}, 'clicked', <''>, uint32 0)],)"
    );
    let answer = call(host, "EventGroup", kind, &events);
    assert_eq!(answer["value"][0], serde_json::json!([unknown]), "{answer}");
    await_state(lab, "demo", "connected");
    let events = format!("([({unknown}, 'clicked', <0>, uint32 0)],)");
    refused(&call(host, "EventGroup", kind, &events));
}

#[test]
fn every_property_and_call_is_as_the_specifications_want_it() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    host.await_icon("isolated");
    host.await_menu("Demonstration");

    check_what_is_said(&host);
    let (whole, numbers) = check_layout(&host);
    let vpn = below(&whole["root"], "Demonstration");
    let connect = below(vpn, "Connect")["id"].as_i64().unwrap();
    let unknown = numbers.last().unwrap() + 1000;
    check_lines(&host, connect, unknown, numbers.len());
    check_events(&lab, &host, connect, unknown);

    // What was told as changed is what is there now, of items that are there.
    host.await_icon("connected");
    let mut labels = [Value::Null, Value::Null];
    let same = wait_until(PATIENCE, || {
        let after = host.ask("tree");
        let told = host.signals("ItemsPropertiesUpdated");
        let lines = told.iter().flat_map(|it| it[0].as_array().unwrap());
        let mut last = BTreeMap::new();
        for line in lines {
            let number = line[0].as_i64().unwrap();
            assert!(numbers.contains(&number), "{line}");
            last.insert(number, line[1].clone());
        }
        let vpn = below(&after["root"], "Demonstration");
        let shown = vpn["properties"]["label"][1].clone();
        let line = last.remove(&vpn["id"].as_i64().unwrap());
        labels = [line.unwrap_or_default()["label"].clone(), shown];
        labels[0] == labels[1]
    });
    assert!(same, "{labels:?}");

    // Another shape has a higher revision, which the signal tells.
    profile(&lab, "other", "title = \"Another One\"\n[demo]\n");
    desktop.see("Another One");
    host.await_menu("Another One");
    let updated = host.signals("LayoutUpdated");
    let now = host.ask("tree");
    let revision = now["revision"].as_u64().unwrap();
    assert!(revision > whole["revision"].as_u64().unwrap());
    assert_eq!(updated.last().unwrap()[0], revision);
    assert_eq!(updated.last().unwrap()[1], 0, "{updated:?}");
    let mut numbers = BTreeSet::new();
    check(&now["root"], &mut numbers);
    let _ = below(&now["root"], "Another One");
}

#[test]
fn what_waits_for_somebody_needs_attention_and_has_a_picture_for_that() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    let scripted = Scripted::start(&lab, &desktop);
    host.await_line("registered", "no icon came");
    for (state, status, icon) in [
        ("question", "NeedsAttention", "question"),
        ("connected", "Active", "connected"),
        ("failed", "NeedsAttention", "failed"),
        ("reconnecting", "Active", "reconnecting"),
    ] {
        scripted.tell(state);
        host.await_icon(icon);
        let shown = host.ask("properties");
        assert_eq!(shown["Status"], status, "{state}");
        assert_eq!(shown["AttentionIconName"], shown["IconName"], "{state}");
        assert_eq!(shown["AttentionIconPixmap"], shown["IconPixmap"], "{state}");
        let sizes = shown["IconPixmap"].as_array().unwrap();
        assert!(sizes.len() >= 3, "{state}: {sizes:?}");
        assert!(sizes.iter().all(|it| it[2] == true), "{state}: {sizes:?}");
        let told = wait_until(PATIENCE, || {
            let told = host.signals("NewStatus");
            told.last().is_some_and(|it| it[0] == status)
        });
        assert!(told, "{state}: {:?}", host.signals("NewStatus"));
        let menu = host.ask("types /MenuBar com.canonical.dbusmenu");
        let wanted = ["normal", "notice"][usize::from(status == "NeedsAttention")];
        assert_eq!(menu["Status"]["value"], wanted, "{state}");
    }
    assert!(!host.signals("NewAttentionIcon").is_empty());
}
