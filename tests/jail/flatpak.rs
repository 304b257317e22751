//! Flatpak's copies of the network's files: what its applications have as /etc/resolv.conf.

use std::fs;
use std::path::PathBuf;

use crate::support::{LIMIT, Session, StandIn, User, wait_until};

/// The directory as Flatpak's session helper makes it.
fn make_monitor(user: &User) -> PathBuf {
    let helper = user.runtime_directory().join(".flatpak-helper");
    let monitor = helper.join("monitor");
    // Where Flatpak is installed, an instance has made them already.
    for directory in [&helper, &monitor] {
        if !directory.exists() {
            user.make_directory(directory);
        }
    }
    for (name, text) in [
        ("resolv.conf", "nameserver 192.0.2.53\n"),
        ("hosts", "127.0.0.1 hosts.of.the.host\n"),
        ("timezone", "Europe/Prague\n"),
        ("localtime", "TZif2"),
    ] {
        let path = user.write(name, text, 0o644);
        fs::copy(&path, monitor.join(name)).unwrap();
    }
    monitor
}

fn file(monitor: &std::path::Path, name: &str) -> String {
    monitor.join(name).to_str().unwrap().to_owned()
}

#[test]
fn flatpaks_resolver_is_the_hosts_inside_where_it_is_shared() {
    let session = Session::new();
    let monitor = make_monitor(session.user());
    let share = monitor.to_str().unwrap().to_owned();
    let words = [
        "--share",
        &share,
        "--",
        "cat",
        &file(&monitor, "resolv.conf"),
    ];
    let said = session.vpnns(&words).run();
    assert_eq!(said.text(), "nameserver 192.0.2.53");
}

#[test]
fn flatpaks_resolver_is_the_instances_inside() {
    let session = Session::new();
    let monitor = make_monitor(session.user());
    let read = |name| {
        let said = session.inside(&["cat", &file(&monitor, name)]).run();
        said.text().to_owned()
    };
    assert!(read("resolv.conf").starts_with("# vpnns: "));
    assert!(!read("hosts").contains("hosts.of.the.host"));
    assert_eq!(read("timezone"), "Europe/Prague");
    assert_eq!(read("localtime"), "TZif2");
    let change = format!("echo x >{}", file(&monitor, "resolv.conf"));
    let changed = session.shell_inside(&change).run();
    assert!(changed.log().contains("Read-only"), "{changed:#?}");
    let outside = fs::read_to_string(monitor.join("resolv.conf")).unwrap();
    assert_eq!(outside, "nameserver 192.0.2.53\n");
}

#[test]
fn flatpaks_resolver_inside_follows_the_tunnel() {
    let user = User::new();
    let monitor = make_monitor(&user);
    let work = user.instance("work");
    // Started before: as an application that has the file open for as long as it runs.
    let _app = work.keep();
    let read = || {
        let said = work.inside(&["cat", &file(&monitor, "resolv.conf")]).run();
        said.text().to_owned()
    };
    let isolated = read();
    let client = StandIn::openconnect(&user, "vpnns --attach --name work")
        .both_families()
        .connect("work");
    assert!(read().contains("nameserver 10.7.0.1"), "{}", read());
    drop(client);
    assert!(wait_until(LIMIT, || work.state() == "isolated"));
    assert_eq!(read(), isolated);
}

#[test]
fn a_directory_that_flatpak_makes_later_is_covered_as_well() {
    let session = Session::new();
    let app = session.keep("default");
    let monitor = make_monitor(session.user());
    let words = ["cat", &file(&monitor, "resolv.conf")];
    let covered = || session.inside(&words).run().stdout.starts_with("# vpnns: ");
    assert!(wait_until(LIMIT, covered));
    drop(app);
    session.wait_for_end("default");
}

/// Whether the directory is there outside, and its resolver inside, where Flatpak is installed or not.
fn before_flatpak(prepare: &str) -> String {
    let session = Session::new();
    let script =
        "vpnns -- cat $XDG_RUNTIME_DIR/.flatpak-helper/monitor/resolv.conf 2>/dev/null || echo none
        ls -A $XDG_RUNTIME_DIR";
    let script = [prepare, script].join("\n");
    session.script_with_mounts(&script).run().text().to_owned()
}

#[test]
fn where_flatpak_is_installed_its_directory_is_covered_before_it_makes_it() {
    let flatpak = "mkdir bin; touch bin/flatpak
        mount -t overlay overlay -o lowerdir=$PWD/bin:/usr/bin,userxattr /usr/bin";
    let said = before_flatpak(flatpak);
    assert!(said.starts_with("# vpnns: "), "{said}");
    assert!(said.ends_with(".flatpak-helper"), "{said}");
}

#[test]
fn where_flatpak_is_not_installed_nothing_is_made_for_it() {
    // A whiteout: the machine's own Flatpak, if there is one, is gone here.
    let without = "mkdir bin; mknod bin/flatpak c 0 0
        mount -t overlay overlay -o lowerdir=$PWD/bin:/usr/bin,userxattr /usr/bin
        test ! -e /usr/bin/flatpak";
    assert_eq!(before_flatpak(without), "none");
}
