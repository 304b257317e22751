//! What an instance of before may have left in the state directory.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::unistd::chown;

use crate::support::{Running, Session, assert_complaint};

/// A session with an empty state directory of the instance called `default`.
fn session_with_directory() -> Session {
    let session = Session::new();
    session
        .user()
        .make_directory(&session.home().join(".vpnns-default"));
    session
}

/// A record as a keeper writes it.
fn record(inode: u64, cookie: u64, boot: &str) -> String {
    let cookie = if cookie == 0 {
        "null".to_owned()
    } else {
        cookie.to_string()
    };
    format!("{{\"network_inode\":{inode},\"network_cookie\":{cookie},\"boot\":\"{boot}\"}}")
}

fn this_boot() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    text.trim().to_owned()
}

fn inode_of(app: &Running) -> u64 {
    fs::metadata(format!("/proc/{}/ns/net", app.pid()))
        .unwrap()
        .ino()
}

fn write_record(session: &Session, text: &str) {
    session
        .user()
        .write(".vpnns-default/namespaces", text, 0o600);
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let session = session_with_directory();
    let path = session.home().join(".vpnns-default/control");
    for kind in [SockType::SeqPacket, SockType::Stream] {
        let socket = socket(AddressFamily::Unix, kind, SockFlag::empty(), None).unwrap();
        bind(socket.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        chown(
            &path,
            Some(session.user().uid()),
            Some(session.user().gid()),
        )
        .unwrap();
        drop(socket);
        assert_eq!(
            session.vpnns(&["--list"]).run().text(),
            "No instance is running."
        );
        session.inside(&["true"]).run().text();
        session.wait_for_end("default");
    }
    session
        .user()
        .write(".vpnns-default/control", "no socket at all", 0o600);
    session.inside(&["true"]).run().text();
}

#[test]
fn a_lock_file_of_before_is_no_lock() {
    let session = session_with_directory();
    session
        .user()
        .write(".vpnns-default/lock", "12345\n", 0o600);
    session.inside(&["true"]).run().text();
}

#[test]
fn a_lock_that_is_held_for_too_long_is_reported() {
    let session = session_with_directory();
    let lock = session.user().write(".vpnns-default/lock", "", 0o600);
    let words = [
        "flock",
        "--no-fork",
        lock.to_str().unwrap(),
        "sh",
        "-c",
        "echo held; exec sleep 60",
    ];
    let holder = session.command(&words).spawn();
    holder.wait_for("held");
    let output = session.inside(&["true"]).run();
    assert_complaint(&output, 125, "hint: look for a stopped or hanging vpnns");
    assert!(output.elapsed < Duration::from_secs(20), "{output:#?}");
    drop(holder);
    session.inside(&["true"]).run().text();
}

#[test]
fn a_record_of_another_boot_names_nobody() {
    let session = session_with_directory();
    let other = session.keep("other");
    write_record(
        &session,
        &record(inode_of(&other), 1, "00000000-0000-4000-8000-000000000000"),
    );
    let app = session.keep("default");
    assert_ne!(inode_of(&app), inode_of(&other));
}

#[test]
fn a_record_that_names_the_hosts_network_names_nobody() {
    let session = session_with_directory();
    let host = fs::metadata("/proc/self/ns/net").unwrap().ino();
    write_record(&session, &record(host, 1, &this_boot()));
    let app = session.keep("default");
    assert_ne!(inode_of(&app), host);
}

#[test]
fn a_record_that_is_none_is_ignored() {
    let session = session_with_directory();
    for text in ["", "{", "null", "{\"network_inode\":-1}"] {
        write_record(&session, text);
        session.inside(&["true"]).run().text();
        session.wait_for_end("default");
    }
}

#[test]
fn a_network_whose_number_is_used_again_by_another_instance_is_not_taken_for_ours() {
    let session = session_with_directory();
    let other = session.keep("other");
    // The kernel gives the lowest free number: after a logout that killed everything, this is usual.
    write_record(&session, &record(inode_of(&other), 1, &this_boot()));
    let stop = session.vpnns(&["--stop"]).run();
    assert_complaint(&stop, 125, "no instance named default is running");
    write_record(&session, &record(inode_of(&other), 1, &this_boot()));
    let app = session.keep("default");
    assert_ne!(inode_of(&app), inode_of(&other));
    assert_eq!(session.status("other").unwrap().apps.len(), 1);
}

#[test]
fn a_network_whose_number_is_used_again_by_another_program_is_not_taken_for_ours() {
    let session = session_with_directory();
    // As rootless containers make it: no second user namespace in between.
    let words = ["unshare", "-Urn", "sh", "-c", "echo on; exec sleep 600"];
    let other = session.command(&words).spawn();
    other.wait_for("on\n");
    write_record(&session, &record(inode_of(&other), 1, &this_boot()));
    let app = session.keep("default");
    assert_ne!(inode_of(&app), inode_of(&other));
}

#[test]
fn without_cookies_a_survivor_is_named_and_not_guessed_at() {
    let session = session_with_directory();
    let other = session.keep("other");
    write_record(&session, &record(inode_of(&other), 0, &this_boot()));
    let output = session.inside(&["true"]).run();
    assert_complaint(&output, 125, "hint: end the programs left over");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_reported() {
    let session = Session::new();
    session.user().write(".vpnns-default", "1234\n", 0o644);
    let output = session.inside(&["true"]).run();
    assert_complaint(&output, 125, ".vpnns-default is not a directory");
    assert!(output.stderr.contains("hint: "), "{output:#?}");
    assert_eq!(
        session.vpnns(&["--list"]).run().text(),
        "No instance is running."
    );
}

#[test]
fn a_link_in_the_place_of_the_directory_is_not_followed() {
    let session = Session::new();
    session
        .script("mkdir elsewhere; ln -s elsewhere .vpnns-default")
        .run()
        .text();
    let output = session.inside(&["true"]).run();
    assert_complaint(&output, 125, ".vpnns-default");
    assert_eq!(
        fs::read_dir(session.home().join("elsewhere"))
            .unwrap()
            .count(),
        0
    );
}
