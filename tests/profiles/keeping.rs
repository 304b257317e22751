//! How profiles are kept: where, whose, whole, and listed with what is wrong with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::document;
use crate::support::User;

const DEMO: &str = "version = 1\n[demo]\n";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn profiles_are_their_owners_only_whatever_the_umask() {
    let user = User::new();
    let import = "umask 0; vpnns --import https://vpn.example.com --profile work";
    let output = user.command(&["sh", "-c", import]).run();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(mode(&user.profiles()), 0o700);
    assert_eq!(mode(&user.profiles().join("work.toml")), 0o600);
    // Nothing but the profile: no temporary file stays.
    assert_eq!(fs::read_dir(user.profiles()).unwrap().count(), 1);
}

#[test]
fn the_configuration_directory_is_where_the_user_says() {
    let user = User::new();
    let elsewhere = user.home().join("elsewhere");
    let words = ["vpnns", "--import", "https://vpn.example.com"];
    let output = user
        .command(&words)
        .env("XDG_CONFIG_HOME", &elsewhere)
        .run();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(
        elsewhere
            .join("vpnns/profiles/vpn.example.com.toml")
            .exists()
    );
    // A relative one is to be ignored, says its specification.
    let output = user
        .command(&words)
        .env("XDG_CONFIG_HOME", "elsewhere")
        .run();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(user.profiles().join("vpn.example.com.toml").exists());
}

#[test]
fn a_profile_is_overwritten_only_on_demand() {
    let user = User::new();
    let import = |url: &str, more: &[&str]| {
        user.vpnns(&[&["--import", url, "--profile", "work"], more].concat())
    };
    assert_eq!(import("https://one.example.com", &[]).code(), 0);
    let before = user.profile("work");
    let refused = import("https://two.example.com", &[]);
    assert_eq!(refused.code(), 125, "{refused:#?}");
    assert!(
        refused
            .stderr
            .starts_with("vpnns: there is a profile named work already\nhint: ")
    );
    assert_eq!(user.profile("work"), before);
    assert_eq!(import("https://two.example.com", &["--replace"]).code(), 0);
    assert_ne!(user.profile("work"), before);
    assert_eq!(fs::read_dir(user.profiles()).unwrap().count(), 1);
}

#[test]
fn a_link_to_a_profile_elsewhere_stays_a_link() {
    let user = User::new();
    user.write_profile("other.toml", DEMO, 0o600);
    let real = user.write("dotfile.toml", DEMO, 0o600);
    std::os::unix::fs::symlink(&real, user.profiles().join("work.toml")).unwrap();
    let url = "https://vpn.example.com";
    let output = user.vpnns(&["--import", url, "--profile", "work", "--replace"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(
        fs::read_to_string(&real)
            .unwrap()
            .contains("vpn.example.com")
    );
    assert!(user.profiles().join("work.toml").is_symlink());
}

#[test]
fn the_list_shows_every_profile_and_what_is_wrong_with_the_broken_ones() {
    let user = User::new();
    assert_eq!(
        user.vpnns(&["--profiles"]).stdout,
        "There is no profile. vpnns --import FILE makes one.\n"
    );
    user.write_profile(
        "work.toml",
        "version = 1\n[openconnect]\nserver = \"a.example\"\n",
        0o600,
    );
    user.write_profile("demo.toml", DEMO, 0o600);
    user.write_profile(
        "bad.toml",
        "version = 1\n[openconnect]\nservr = \"x\"\n",
        0o600,
    );
    user.write_profile("two words.toml", DEMO, 0o600);
    user.write_profile("notes.txt", "not one", 0o600);
    user.write_profile(".work.toml.123", "left by a crash", 0o600);
    let output = user.vpnns(&["--profiles"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    let names: Vec<&str> = output
        .stdout
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["NAME", "bad", "demo", "two words", "work"],
        "{output:#?}"
    );
    let sentence =
        "bad.toml:3:1: [openconnect] has no field \"servr\"\nhint: did you mean `server`?\n";
    assert!(output.stderr.contains(sentence), "{output:#?}");

    let list = document(&user.vpnns(&["--profiles", "--json"]));
    let profiles = list["profiles"].as_array().unwrap();
    assert_eq!(
        (
            &profiles[0]["error"]["line"],
            &profiles[0]["error"]["column"]
        ),
        (&3.into(), &1.into())
    );
    assert!(profiles[0]["kind"].is_null(), "{list}");
    assert_eq!(profiles[1]["kind"], "demo");
    assert!(
        profiles[2]["error"]["hint"]
            .as_str()
            .unwrap()
            .starts_with("rename it"),
        "{list}"
    );
    assert_eq!(profiles[3]["server"], "a.example");
    assert!(profiles[3]["error"].is_null(), "{list}");
}

#[test]
fn a_profile_that_others_can_get_at_is_said_so() {
    let user = User::new();
    user.write_profile("open.toml", DEMO, 0o644);
    user.write_profile("closed.toml", DEMO, 0o600);
    let output = user.vpnns(&["--profiles"]);
    assert_eq!(output.code(), 0, "{output:#?}");
    let note = "open.toml can be read or changed by other users; close it: chmod 600 ";
    assert_eq!(output.stderr.lines().count(), 1, "{output:#?}");
    assert!(output.stderr.contains(note), "{output:#?}");
}

#[test]
fn a_profile_is_removed_by_its_name() {
    let user = User::new();
    user.write_profile("work.toml", DEMO, 0o600);
    let missing = user.vpnns(&["--remove", "wrok"]);
    assert_eq!(missing.code(), 125, "{missing:#?}");
    assert!(
        missing
            .stderr
            .contains("there is no profile named wrok\nhint: did you mean work?")
    );
    assert_eq!(user.vpnns(&["--remove", "work"]).stdout, "removed work\n");
    assert!(!user.profiles().join("work.toml").exists());
    for name in ["../work", "", "a/b"] {
        assert_eq!(user.vpnns(&["--remove", name]).code(), 2, "{name}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_a_sentence_and_leaves_nothing() {
    let user = User::new();
    user.write_profile("work.toml", DEMO, 0o600);
    fs::set_permissions(user.profiles(), fs::Permissions::from_mode(0o500)).unwrap();
    let output = user.vpnns(&["--import", "https://vpn.example.com"]);
    assert_eq!(output.code(), 125, "{output:#?}");
    assert!(
        output.stderr.starts_with("vpnns: failed to "),
        "{output:#?}"
    );
    assert!(
        output.stderr.contains("caused by: Permission denied"),
        "{output:#?}"
    );
    assert_eq!(fs::read_dir(user.profiles()).unwrap().count(), 1);
}
