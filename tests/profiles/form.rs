//! What a form needs: a profile's text out and in again, a check that writes nothing, and a fault with
//! its place as a document.

use std::fs;

use serde_json::Value;

use crate::document;
use crate::support::{Output, User, assert_complaint};

const TEXT: &str = "version = 1 # mine\ntitle = \"Work\"\non-drop = \"freeze\"\n\n[openconnect]\nserver = \"vpn.example.com\"\n";

/// `vpnns --import -` with this text and these words.
fn import(user: &User, text: &str, words: &[&str]) -> Output {
    let words = [&["vpnns", "--import", "-"], words].concat();
    user.command(&words).input(text).run()
}

/// The fault that a failed import has printed.
fn fault(output: &Output) -> Value {
    assert_ne!(output.code(), 0, "{output:#?}");
    let mut document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert!(output.stderr.starts_with("vpnns: "), "{output:#?}");
    document["error"].take()
}

#[test]
fn a_profile_is_renamed_and_edited_through_pipes_and_keeps_its_comments() {
    let user = User::new();
    let output = import(&user, TEXT, &["--profile", "work"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(user.vpnns(&["--export", "work"]).stdout, TEXT);
    let pipe = "vpnns --export work | vpnns --import - --profile office && vpnns --remove work";
    user.command(&["sh", "-c", pipe]).run().text();
    assert_eq!(
        fs::read_to_string(user.profiles().join("office.toml")).unwrap(),
        TEXT
    );
    assert!(!user.profiles().join("work.toml").exists());
    let edited = TEXT.replace("Work", "Büro");
    let output = import(&user, &edited, &["--profile", "office"]);
    assert_complaint(&output, 125, "there is a profile named office already");
    let output = import(
        &user,
        &edited,
        &["--profile", "office", "--replace", "--json"],
    );
    assert_eq!(document(&output)["kind"], "openconnect");
    assert_eq!(user.vpnns(&["--export", "office"]).stdout, edited);
    let list = document(&user.vpnns(&["--profiles", "--json"]));
    let listed = &list["profiles"][0];
    assert_eq!(listed["title"], "Büro");
    assert_eq!(listed["on-drop"], "freeze");
    assert_eq!(
        (&listed["routes"], &listed["dns"]),
        (&"server".into(), &Value::Null)
    );
}

#[test]
fn a_broken_profile_can_be_had_to_be_mended_and_a_missing_one_cannot() {
    let user = User::new();
    user.write_profile("work.toml", "version = 1\n[opnvpn]\n", 0o600);
    assert_eq!(
        user.vpnns(&["--export", "work"]).stdout,
        "version = 1\n[opnvpn]\n"
    );
    let output = user.vpnns(&["--export", "wrk"]);
    assert_complaint(&output, 125, "there is no profile named wrk");
    assert!(output.stderr.contains("did you mean work?"), "{output:#?}");
}

#[test]
fn everything_that_a_file_may_hold_may_come_through_the_standard_input() {
    let user = User::new();
    user.copy_fixtures();
    for (file, kind) in [
        ("client.ovpn", "openvpn"),
        ("wg-quick.conf", "wireguard"),
        ("openconnect.nmconnection", "openconnect"),
    ] {
        let text = fs::read_to_string(user.home().join(file)).unwrap();
        let output = import(&user, &text, &["--profile", "x", "--replace", "--json"]);
        let imported = document(&output);
        assert_eq!(
            (&imported["kind"], &imported["name"]),
            (&kind.into(), &"x".into())
        );
        assert!(!user.ran().exists(), "{file} was obeyed");
    }
}

#[test]
fn a_check_says_the_same_as_the_import_and_writes_nothing() {
    let user = User::new();
    let output = import(&user, TEXT, &["--profile", "work", "--dry-run", "--json"]);
    let checked = document(&output);
    assert_eq!(checked["name"], "work");
    assert!(
        checked["path"]
            .as_str()
            .unwrap()
            .ends_with("/vpnns/profiles/work.toml")
    );
    assert!(!user.home().join(".config").exists());
    let output = import(&user, TEXT, &["--dry-run"]);
    assert_eq!(output.text(), "vpn (openconnect) can be imported");
    let broken = TEXT.replace("on-drop", "on-dorp");
    let checked = import(&user, &broken, &["--profile", "work", "--dry-run"]);
    let imported = import(&user, &broken, &["--profile", "work"]);
    assert_eq!(
        (checked.code(), &checked.stderr),
        (imported.code(), &imported.stderr)
    );
    assert!(!user.home().join(".config").exists());
    user.write_profile("work.toml", TEXT, 0o600);
    let output = import(&user, TEXT, &["--profile", "work", "--dry-run"]);
    assert_complaint(&output, 125, "there is a profile named work already");
    import(
        &user,
        TEXT,
        &["--profile", "work", "--dry-run", "--replace"],
    )
    .text();
}

#[test]
fn a_fault_is_a_document_with_its_place_apart_from_the_sentence() {
    let user = User::new();
    let words = ["--profile", "work", "--json"];
    let broken = TEXT.replace("on-drop", "on-dorp");
    let found = fault(&import(&user, &broken, &words));
    assert_eq!((&found["line"], &found["column"]), (&3.into(), &1.into()));
    assert_eq!(found["message"], "a profile has no field \"on-dorp\"");
    assert_eq!(found["hint"], "did you mean `on-drop`?");
    let broken = TEXT.replace("freeze", "fridge");
    let found = fault(&import(&user, &broken, &words));
    assert_eq!(found["line"], 3, "{found:#}");
    let found = fault(&import(&user, "client\ndev tap\n", &words));
    assert_eq!(found["line"], 2, "{found:#}");
    assert!(
        !found["message"].as_str().unwrap().contains(":2:"),
        "{found:#}"
    );
    let found = fault(&import(&user, "hello\n", &words));
    assert_eq!(
        found["message"]
            .as_str()
            .unwrap()
            .find("this is no configuration"),
        Some(0)
    );
    let found = fault(&user.vpnns(&["--import", "nosuch.ovpn", "--json"]));
    assert_eq!(
        (&found["line"], &found["hint"]),
        (&Value::Null, &"check the path".into())
    );
    let found = fault(&import(&user, "a\0b", &words));
    assert_eq!(
        found["message"],
        "failed to read the standard input: it is not a text (byte 1)"
    );
    assert!(!user.home().join(".config").exists());
}

#[test]
fn the_standard_input_needs_a_name_and_a_check_goes_with_an_import() {
    let user = User::new();
    assert_complaint(&import(&user, TEXT, &[]), 2, "has no name");
    for words in [
        &["--dry-run"][..],
        &["--list", "--dry-run"],
        &["--export", "work", "--json"],
    ] {
        assert_eq!(user.vpnns(words).code(), 2, "{words:?}");
    }
}
