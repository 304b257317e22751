//! Where the state is kept, when the home directory is not as usual.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Session, assert_complaint, exists};

#[test]
fn without_home_the_user_database_tells_it() {
    let session = Session::new();
    // Its own /etc/passwd, so that nobody's real home is written to.
    let script =
        "mkdir theirs; sed \"s#^root:.*#root:x:0:0::$PWD/theirs:/bin/sh#\" /etc/passwd >passwd
        mount --bind passwd /etc/passwd
        unset HOME; vpnns -- true; ls -A theirs; HOME= vpnns -n empty -- true; ls -A theirs";
    let output = session.script_with_mounts(script).run();
    assert_eq!(
        output.text(),
        ".vpnns-default\n.vpnns-default\n.vpnns-empty",
        "{output:#?}"
    );
}

#[test]
fn without_home_anywhere_the_complaint_says_what_to_set() {
    let session = Session::new();
    let script = "sed '/^root:/d' /etc/passwd >passwd; mount --bind passwd /etc/passwd
        unset HOME; exec vpnns -- true";
    let output = session.script_with_mounts(script).run();
    assert_complaint(&output, 125, "hint: set HOME");
}

#[test]
fn a_relative_home_is_refused() {
    let session = Session::new();
    for action in [
        &["--", "true"][..],
        &["--list"],
        &["--stop"],
        &["--monitor"],
    ] {
        let output = session.vpnns(action).env("HOME", "here").run();
        assert_complaint(&output, 125, "\"here\" is not an absolute path");
    }
}

#[test]
fn a_home_that_is_not_there_is_not_made() {
    let session = Session::new();
    let home = session.home().join("nowhere");
    let output = session.inside(&["true"]).env("HOME", &home).run();
    // On a machine with /run/user it is used instead.
    if !output.succeeded() {
        assert_complaint(&output, 125, "nowhere/.vpnns-default");
    }
    assert!(!exists(&home));
}

#[test]
fn a_home_that_cannot_be_written_is_replaced_by_the_runtime_directory() {
    let session = Session::new();
    let script = "mount --bind \"$HOME\" \"$HOME\"; mount -o remount,bind,ro \"$HOME\"
        mount -t tmpfs none /run; mkdir -p /run/user/0; chmod 700 /run/user/0
        vpnns -- sleep 600 & app=$!
        for try in $(seq 1000); do [ -e /run/user/0/.vpnns-default/namespaces ] && break; sleep 0.01; done
        readlink \"/proc/$app/ns/net\"; vpnns -- readlink /proc/self/ns/net
        ls -A -I .flatpak-helper /run/user/0; ls -A \"$HOME\"; vpnns --list | wc -l; vpnns --status | head -n 1
        vpnns --stop; vpnns --list; wait";
    let output = session.script_with_mounts(script).run();
    let lines: Vec<&str> = output.text().lines().collect();
    assert_eq!(lines[0], lines[1]);
    assert_eq!(
        lines[2..],
        [".vpnns-default", "2", "default", "No instance is running."]
    );
}

#[test]
fn without_a_runtime_directory_the_complaint_names_both() {
    let session = Session::new();
    let script = "mount --bind \"$HOME\" \"$HOME\"; mount -o remount,bind,ro \"$HOME\"
        mount -t tmpfs none /run; exec vpnns -- true";
    let output = session.script_with_mounts(script).run();
    assert_complaint(&output, 125, "hint: the home directory cannot be written");
    let closed = session.home().join("closed");
    session.user().make_directory(&closed);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    let output = session.inside(&["true"]).env("HOME", &closed).run();
    if !output.succeeded() {
        assert_complaint(&output, 125, "closed/.vpnns-default");
    }
}

#[test]
fn a_home_with_spaces_colons_and_commas_works() {
    let session = Session::new();
    for name in [
        "a b",
        "a:b",
        "a,b=c",
        "back\\slash",
        "quote'\"",
        "new\nline",
        "%s",
    ] {
        let home = session.home().join(name);
        session.user().make_directory(&home);
        let run = |words: &[&str]| session.vpnns(words).env("HOME", &home);
        let keep = run(&["--", "sh", "-c", "echo on; exec sleep 600"]).spawn();
        keep.wait_for("on\n");
        let script =
            "readlink /proc/self/ns/net; pwd; head -c 8 /etc/resolv.conf; stat -fc %T /etc";
        let output = run(&["--", "sh", "-c", script]).run();
        assert!(output.text().contains("# vpnns:"), "{name:?}: {output:#?}");
        assert!(
            run(&["--list"]).run().text().contains("default"),
            "{name:?}"
        );
        assert!(exists(&home.join(".vpnns-default/control")));
        run(&["--stop"]).run().text();
    }
}

#[test]
fn a_home_with_a_path_longer_than_a_socket_address_works() {
    let session = Session::new();
    let mut home = session.home();
    for _ in 0..4 {
        home = home.join("d".repeat(100));
        session.user().make_directory(&home);
    }
    let run = |words: &[&str]| session.vpnns(words).env("HOME", &home);
    let keep = run(&["--", "sh", "-c", "echo on; exec sleep 600"]).spawn();
    keep.wait_for("on\n");
    let list = run(&["--list", "--json"]).run();
    assert!(list.text().contains("\"default\""), "{list:#?}");
    let monitor = run(&["--monitor"]).spawn();
    monitor.wait_for("default: isolated");
    run(&["--stop"]).run().text();
    monitor.wait_for("default: gone");
}

#[test]
fn another_users_directory_is_refused() {
    // Only root can make one; here it is the root of a namespace, whose other user is nobody.
    let lab = crate::support::Lab::start();
    let path = lab.user().home().join(".vpnns-work");
    let words = ["install", "-d", "-m", "777", path.to_str().unwrap()];
    lab.run_by_root(&words).run().text();
    let output = lab.inside("work", &["true"]).run();
    assert_complaint(&output, 125, "belongs to another user");
}
