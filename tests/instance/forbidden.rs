//! A system that does not allow what an instance needs.

use crate::support::{Session, assert_complaint};

/// Runs `vpnns -- true` where the kernel's limit of a kind of namespace is zero.
fn with_none_of(kind: &str) -> Session {
    let session = Session::new();
    let script = format!("echo 0 >/proc/sys/user/max_{kind}_namespaces; exec vpnns -- true");
    let output = session
        .command(&["unshare", "-Ur", "sh", "-c", &script])
        .run();
    assert_complaint(&output, 125, "vpnns: failed to create ");
    let switch = format!("sudo sysctl -w user.max_{kind}_namespaces=");
    assert!(output.stderr.contains(&switch), "{output:#?}");
    session
}

#[test]
fn without_user_namespaces_one_sentence_says_why_and_nothing_is_left() {
    let session = with_none_of("user");
    assert_eq!(std::fs::read_dir(session.home()).unwrap().count(), 0);
    session.wait_for_nothing();
    // And nothing stands in the way once they are allowed.
    session.inside(&["true"]).run().text();
}

#[test]
fn without_another_kind_of_namespace_the_switch_of_that_kind_is_named() {
    for kind in ["net", "mnt", "uts"] {
        let session = with_none_of(kind);
        assert_eq!(std::fs::read_dir(session.home()).unwrap().count(), 0);
        session.wait_for_nothing();
    }
}

#[test]
fn a_refused_start_does_not_touch_what_was_there() {
    let session = Session::new();
    session.inside(&["true"]).run().text();
    session.wait_for_end("default");
    session.user().write(".vpnns-default/notes", "mine", 0o644);
    let script = "echo 0 >/proc/sys/user/max_user_namespaces; exec vpnns -- true";
    let output = session
        .command(&["unshare", "-Ur", "sh", "-c", script])
        .run();
    assert_complaint(&output, 125, "user namespace");
    let notes = session.home().join(".vpnns-default/notes");
    assert_eq!(std::fs::read_to_string(notes).unwrap(), "mine");
    session.inside(&["true"]).run().text();
}

#[test]
fn with_room_for_one_user_namespace_only_no_keeper_is_left_waiting() {
    let session = Session::new();
    // The keeper's is allowed, the apps' is not: the failure comes after the fork.
    let script = "echo 1 >/proc/sys/user/max_user_namespaces; exec vpnns -- true";
    let output = session
        .command(&["unshare", "-Ur", "sh", "-c", script])
        .run();
    assert_complaint(&output, 125, "hint: ");
    session.wait_for_nothing();
}

#[test]
fn an_instance_that_runs_is_joined_even_where_no_new_one_could_be_made() {
    let session = Session::new();
    let script = "vpnns -- sh -c 'echo on; exec sleep 600' >on & app=$!
        for try in $(seq 1000); do [ -s on ] && break; sleep 0.01; done
        echo 0 >/proc/sys/user/max_user_namespaces
        vpnns -- readlink /proc/self/ns/net; readlink \"/proc/$app/ns/net\"; vpnns --stop; wait";
    let output = session.script_with_mounts(script).run();
    let lines: Vec<&str> = output.text().lines().collect();
    assert_eq!(lines[0], lines[1]);
}
