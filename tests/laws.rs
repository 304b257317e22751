//! The laws of the house, held against the source: who may know whom, and where things live.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// What the top level may hold besides dotfiles; .gitignore keeps the rest out of the tree.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "src",
    "data",
    "po",
    "flatpak",
    "tests",
    "target",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Every file below a directory with this ending, with its text.
fn sources(below: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![top().join(below)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(top()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(
        !found.is_empty(),
        "no .{ending} file below {below}: the search itself is broken"
    );
    found
}

/// The files that say something outside of a comment, among those that `allowed` does not name.
fn offenders(below: &str, words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for (path, text) in sources(below, "rs") {
        if allowed.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if words.iter().any(|word| code.contains(word)) {
                offenders.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    offenders
}

#[test]
fn the_protocol_knows_nobody_and_does_nothing() {
    let manifest = fs::read_to_string(top().join("src/vpnns-protocol/Cargo.toml")).unwrap();
    for name in [
        "vpnns =",
        "vpnns.",
        "nix",
        "gtk",
        "glib",
        "tokio",
        "rtnetlink",
    ] {
        assert!(
            !manifest.contains(&format!("\n{name}")),
            "vpnns-protocol depends on {name}"
        );
    }
    let words = ["std::fs", "std::process", "std::os", "std::env", "std::io"];
    assert_eq!(offenders("src/vpnns-protocol", &words, &[]), [""; 0]);
}

#[test]
fn the_helper_and_the_app_know_the_protocol_and_not_each_other() {
    let helper = fs::read_to_string(top().join("src/vpnns/Cargo.toml")).unwrap();
    for name in ["vpnns-desktop", "gtk", "glib", "libadwaita", "ksni"] {
        assert!(!helper.contains(name), "the helper depends on {name}");
    }
    let app = top().join("src/vpnns-desktop/Cargo.toml");
    if let Ok(app) = fs::read_to_string(app) {
        // What its tests use besides is their affair.
        let dependencies = app.split("[dev-dependencies]").next().unwrap();
        for line in dependencies.lines() {
            let name = line.split(['=', '.']).next().unwrap().trim();
            assert!(
                !["vpnns", "nix", "rtnetlink"].contains(&name),
                "the app depends on {name}"
            );
        }
    }
}

#[test]
fn only_sys_has_unsafe_code() {
    let words = [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe extern",
        "#[unsafe(",
    ];
    assert_eq!(
        offenders("src", &words, &["src/vpnns/sys", "src/vpnns/sys.rs"]),
        [""; 0]
    );
}

#[test]
fn only_net_speaks_netlink() {
    let words = ["rtnetlink", "AddressFamily::Netlink", "NetlinkAddr"];
    assert_eq!(
        offenders("src/vpnns", &words, &["src/vpnns/net", "src/vpnns/net.rs"]),
        [""; 0]
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let words = ["todo!", "unimplemented!", "dbg!", "#[ignore"];
    assert_eq!(offenders("src", &words, &[]), [""; 0]);
    assert_eq!(offenders("tests", &words, &["tests/laws.rs"]), [""; 0]);
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for() {
    for (path, text) in sources("src", "rs")
        .into_iter()
        .chain(sources("tests", "rs"))
    {
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 20,
            "{}: {first:?}",
            path.display()
        );
    }
}

#[test]
fn no_file_has_grown_past_600_lines() {
    for (path, text) in sources("src", "rs")
        .into_iter()
        .chain(sources("tests", "rs"))
    {
        let lines = text.lines().count();
        assert!(
            lines <= 600,
            "{} has {lines} lines: split it by concern",
            path.display()
        );
    }
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    for entry in fs::read_dir(top()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()),
            "{name}"
        );
    }
}
