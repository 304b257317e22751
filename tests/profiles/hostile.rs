//! Files that mean harm or make no sense: never a hang, never a panic, always a sentence.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;

use crate::support::{Output, User};

/// Far more than a refusal takes, also on a busy machine, and less than for ever.
const SOON: Duration = Duration::from_secs(60);

fn import(user: &User, path: &str) -> Output {
    user.command(&["vpnns", "--import", path]).limit(SOON).run()
}

fn assert_refused(case: &str, output: &Output, why: &str) {
    assert_eq!(output.code(), 125, "{case}: {output:#?}");
    let said = &output.stderr;
    assert!(
        said.starts_with("vpnns: ") && said.contains(why),
        "{case}: {output:#?}"
    );
    assert!(
        !said.contains("panicked") && said.len() < 1000,
        "{case}: {output:#?}"
    );
    assert!(said.contains("hint: "), "{case}: {output:#?}");
}

#[test]
fn what_is_no_text_file_is_refused() {
    let user = User::new();
    let home = user.home();
    fs::create_dir(home.join("directory")).unwrap();
    symlink("loop-b", home.join("loop-a")).unwrap();
    symlink("loop-a", home.join("loop-b")).unwrap();
    symlink("nowhere", home.join("dangling")).unwrap();
    nix::unistd::mkfifo(&home.join("pipe"), Mode::from_bits_truncate(0o666)).unwrap();
    user.write("closed", "client\n", 0o000);
    user.write("huge", &"remote a\n".repeat(200_000), 0o600);
    user.write("line", &"x".repeat(10 << 20), 0o600);
    user.write("nul", "client\0\n", 0o600);
    fs::write(home.join("binary"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    for (name, cause) in [
        ("directory", "it is a directory"),
        ("loop-a", "Too many"),
        ("dangling", "No such file"),
        ("pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("closed", "Permission denied"),
        ("huge", "larger than 1024 KiB"),
        ("line", "larger than 1024 KiB"),
        ("nul", "not a text (byte 6)"),
        ("binary", "not a text (byte 0)"),
    ] {
        assert_refused(name, &import(&user, name), cause);
    }
}

#[test]
fn the_same_is_refused_where_a_configuration_refers_to_it() {
    let user = User::new();
    let home = user.home();
    fs::create_dir(home.join("directory")).unwrap();
    symlink("loop", home.join("loop")).unwrap();
    nix::unistd::mkfifo(&home.join("pipe"), Mode::from_bits_truncate(0o666)).unwrap();
    user.write("end", "</ca>\nup /bin/false\n<ca>\n", 0o600);
    for (path, cause) in [
        ("directory", "it is a directory"),
        ("loop", "Too many"),
        ("pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("end", "contains </ca>"),
    ] {
        for option in ["ca", "config"] {
            if (option, path) == ("config", "end") {
                continue;
            }
            user.write("x.ovpn", &format!("remote a\n{option} {path}\n"), 0o600);
            assert_refused(path, &import(&user, "x.ovpn"), cause);
        }
    }
}

#[test]
fn large_and_crooked_configurations_end_in_time() {
    let user = User::new();
    // As many as fit would take seconds in a build without optimisation; a fault that grows with
    // the square of the size shows as well.
    let limit = 1 << 18;
    let fill = |part: &str| part.repeat(limit / part.len());
    for (name, text) in [
        ("one line", format!("remote {}", fill("x"))),
        ("open blocks", format!("remote a\n{}", fill("<ca>\n"))),
        ("connections", fill("<connection>\n")),
        ("backslashes", format!("remote a\n{}", fill("\\"))),
        ("quotes", format!("remote a\n{}", fill("\"\" "))),
        ("sections", format!("[Interface]\n{}", fill("[Peer]\n"))),
        ("equals", format!("[connection]\n{}", fill("=\n"))),
        (
            "brackets",
            format!("version = 1\n[demo]\nx = {}", fill("[")),
        ),
        ("includes", format!("remote a\n{}", fill("config x.ovpn\n"))),
    ] {
        user.write("x.ovpn", &text, 0o600);
        let output = import(&user, "x.ovpn");
        assert!(
            [0, 125].contains(&output.code()),
            "{name}: {:?}",
            output.code()
        );
        assert!(!output.stderr.contains("panicked"), "{name}: {output:#?}");
    }
}

#[test]
fn a_broken_directory_of_profiles_is_listed_without_a_hang() {
    let user = User::new();
    user.write_profile("a.toml", &"x".repeat(2 << 20), 0o600);
    user.write_profile("b.toml", "version = 1\n[demo]\n", 0o600);
    let directory = user.profiles();
    symlink("c.toml", directory.join("c.toml")).unwrap();
    fs::create_dir(directory.join("d.toml")).unwrap();
    let pipe = directory.join("e.toml");
    nix::unistd::mkfifo(&pipe, Mode::from_bits_truncate(0o666)).unwrap();
    let output = user.command(&["vpnns", "--profiles"]).limit(SOON).run();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(output.stdout.lines().count(), 6, "{output:#?}");
    assert_eq!(output.stdout.matches(" broken ").count(), 4, "{output:#?}");
    let json = user
        .command(&["vpnns", "--profiles", "--json"])
        .limit(SOON)
        .run();
    assert_eq!(
        crate::document(&json)["profiles"].as_array().unwrap().len(),
        5
    );
}

#[test]
fn terminal_commands_in_a_file_do_not_reach_the_terminal() {
    let user = User::new();
    user.write("x.ovpn", "remote a\nup \"\u{1b}]0;evil\u{7}\"\n", 0o600);
    user.write("y.conf", "[\u{1b}[2J]\n[Interface]\n", 0o600);
    for name in ["x.ovpn", "y.conf"] {
        let output = import(&user, name);
        assert!(!output.stderr.contains(['\u{1b}', '\u{7}']), "{output:#?}");
    }
    assert!(Path::new(&user.profiles()).exists());
}
