//! What the system may refuse: no tun device, no namespaces. The instance stays isolated.

use crate::input::expect_refusal;
use crate::support::{StandIn, User};
use crate::{ATTACH, FAR};

/// A private mount namespace in which /dev/net is an empty directory.
const WITHOUT_TUN: &str = "mount --bind \"$0\" /dev/net && exec \"$@\"";
/// A user namespace in which no other may be made.
const WITHOUT_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";

#[test]
fn without_a_tun_driver_the_sentence_names_the_remedy_and_nothing_is_left() {
    let user = User::new();
    let empty = user.home().join("empty");
    user.make_directory(&empty);
    let within = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        WITHOUT_TUN,
        empty.to_str().unwrap(),
    ];
    let stand_in = StandIn::openconnect(&user, ATTACH).both_families();
    let output = stand_in.through(&within).run();
    expect_refusal("no tun", &output, 125, "failed to set up the tunnel device");
    for line in [
        "caused by: failed to open /dev/net/tun: No such file or directory",
        "hint: load the driver: sudo modprobe tun\n",
    ] {
        assert!(output.stderr.contains(line), "{output:#?}");
    }
    user.assert_nothing_left();
}

#[test]
fn without_a_tun_driver_a_running_instance_stays_isolated() {
    let user = User::new();
    let empty = user.home().join("empty");
    user.make_directory(&empty);
    // The device is looked for where the keeper is.
    let within = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        WITHOUT_TUN,
        empty.to_str().unwrap(),
    ];
    let keep = [
        "vpnns",
        "--name",
        "work",
        "--",
        "sh",
        "-c",
        "echo started; exec sleep 600",
    ];
    let app = user.command(&[&within[..], &keep].concat()).spawn();
    app.wait_for("started");
    let output = StandIn::openconnect(&user, ATTACH).both_families().run();
    expect_refusal("no tun", &output, 125, "failed to set up the tunnel device");
    assert!(output.stderr.contains("sudo modprobe tun"), "{output:#?}");
    let work = user.instance("work");
    let status = work.status();
    assert_eq!(status["state"], "failed", "{status}");
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("tunnel device"), "{status}");
    assert!(status["tunnel"].is_null(), "{status}");
    assert_eq!(work.devices(), []);
    assert_eq!(work.knock(FAR), "ENETUNREACH");
}

#[test]
fn where_namespaces_are_forbidden_the_sentence_names_the_switch_and_nothing_is_left() {
    let user = User::new();
    let within = ["unshare", "-Ur", "sh", "-c", WITHOUT_NAMESPACES, "sh"];
    let stand_in = StandIn::openconnect(&user, ATTACH).both_families();
    let output = stand_in.through(&within).run();
    expect_refusal("no namespaces", &output, 125, "namespace");
    assert!(
        output.stderr.contains("hint: ") && output.stderr.contains("user.max_user_namespaces"),
        "{output:#?}"
    );
    user.assert_nothing_left();
}

#[test]
fn a_home_that_cannot_be_found_is_said_so() {
    let user = User::new();
    let nobody = user.write("passwd", "root:x:0:0:root::/bin/sh\n", 0o644);
    let bind = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    let within = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        bind,
        nobody.to_str().unwrap(),
    ];
    let command = format!("{} --attach", user.program().display());
    let stand_in = StandIn::openvpn_pipe(&user, &command).set("INTERNAL_IP4_ADDRESS", "10.7.0.2");
    let output = stand_in.through(&within).run();
    let last = output.stderr.lines().last().unwrap_or_default();
    assert_eq!(output.code(), 125, "{output:#?}");
    assert!(
        output
            .stderr
            .contains("vpnns: failed to find a home directory"),
        "{output:#?}"
    );
    assert!(last.starts_with("hint: set HOME"), "{output:#?}");
    user.assert_nothing_left();
}
