//! The host name: the host's, unless another one is asked for, and always one that resolves.

use crate::support::{Session, assert_complaint};

#[test]
fn the_host_name_is_the_hosts_and_resolves() {
    let session = Session::new();
    let outside = session.command(&["uname", "-n"]).run();
    let script = "uname -n; getent hosts \"$(uname -n)\" >/dev/null && echo resolves";
    let output = session.shell_inside(script).run();
    assert_eq!(output.text(), format!("{}\nresolves", outside.text()));
}

#[test]
fn a_host_name_that_the_hosts_file_does_not_know_resolves_too() {
    let session = Session::new();
    let script = "echo '127.0.0.1 localhost' >hosts; mount --bind hosts /etc/hosts
        vpnns -- getent hosts \"$(uname -n)\"; vpnns -- getent hosts localhost";
    let output = session.script_with_mounts(script).run();
    let lines: Vec<&str> = output.text().lines().collect();
    assert!(lines[0].starts_with("127.0.1.1 "), "{output:#?}");
    assert_eq!(lines.len(), 2, "{output:#?}");
}

#[test]
fn another_host_name_is_given_and_resolves() {
    let session = Session::new();
    let outside = session.command(&["uname", "-n"]).run().text().to_owned();
    let script = "uname -n; getent hosts box.example; readlink /proc/self/ns/net";
    let first = session
        .vpnns(&["--hostname", "box.example", "--", "sh", "-c", script])
        .run();
    assert!(
        first.text().starts_with("box.example\n127.0.1.1"),
        "{first:#?}"
    );
    session.wait_for_end("default");
    // The next instance has its host's again.
    assert_eq!(session.inside(&["uname", "-n"]).run().text(), outside);
    assert_eq!(session.command(&["uname", "-n"]).run().text(), outside);
    let hosts = session.inside(&["cat", "/etc/hosts"]).run();
    assert!(!hosts.text().contains("box.example"), "{hosts:#?}");
}

#[test]
fn a_running_instance_keeps_its_host_name() {
    let session = Session::new();
    let words = [
        "--hostname",
        "box",
        "--",
        "sh",
        "-c",
        "echo on; exec sleep 600",
    ];
    let app = session.vpnns(&words).spawn();
    app.wait_for("on\n");
    assert_eq!(session.inside(&["uname", "-n"]).run().text(), "box");
    let same = session
        .vpnns(&["--hostname", "box", "--", "uname", "-n"])
        .run();
    assert_eq!(same.text(), "box");
    let other = session.vpnns(&["--hostname", "other", "--", "true"]).run();
    assert_complaint(&other, 125, "already runs with the host name box");
    assert!(
        other.stderr.contains("hint: leave out --hostname"),
        "{other:#?}"
    );
    assert_eq!(session.inside(&["uname", "-n"]).run().text(), "box");
}
