//! `--script`: somebody else configures the device, with the client's variables, inside the instance.

use std::collections::HashMap;
use std::fs;

use crate::FAR;
use crate::input::expect_refusal;
use crate::support::{LIMIT, StandIn, User, command, wait_until};

/// Where Debian's package vpnc-scripts puts it.
const VPNC_SCRIPT: &str = "/usr/share/vpnc-scripts/vpnc-script";

fn attach(options: &str) -> String {
    format!("vpnns --attach --name work --script {options}")
}

#[test]
fn the_real_vpnc_script_sets_everything_up_and_takes_it_down() {
    command::require_file(VPNC_SCRIPT, "vpnc-scripts");
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let resolv = || {
        work.inside(&["cat", "/etc/resolv.conf"])
            .run()
            .text()
            .to_owned()
    };
    let outside = || fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let (isolated, host) = (resolv(), outside());
    let client = StandIn::openconnect(&user, &attach(VPNC_SCRIPT))
        .both_families()
        .set("INTERNAL_IP4_NETMASK", "255.255.255.0")
        .set("INTERNAL_IP4_NETMASKLEN", "24")
        .set("INTERNAL_IP4_NETADDR", "10.7.0.0")
        .set("INTERNAL_IP6_ADDRESS", "fd07::2")
        .set("CISCO_DEF_DOMAIN", "corp.test")
        .set("VPNGATEWAY", "192.0.2.1")
        .connect("work");
    assert_eq!(work.knock(FAR), "through", "{}", client.running.log());
    let link = &work.ip(&["address", "show", "tun0"])[0];
    assert_eq!(link["mtu"], 1400, "{link}");
    assert_eq!(link["addr_info"][0]["local"], "10.7.0.2", "{link}");
    let text = resolv();
    assert!(
        text.contains("nameserver 10.7.0.1") && text.contains("corp.test"),
        "{text}"
    );
    let status = work.status();
    assert_eq!(status["tunnel"]["script"], true, "{status}");
    drop(client);
    assert!(wait_until(LIMIT, || work.state() == "isolated"));
    assert_eq!(work.devices(), []);
    assert_eq!(resolv(), isolated, "the resolvers are still there");
    assert_eq!(
        outside(),
        host,
        "the script has written to the machine's own file"
    );
    assert_eq!(work.knock(FAR), "ENETUNREACH");
}

#[test]
fn a_script_gets_every_variable_of_the_client_and_two_more() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    user.write("record", "#!/bin/sh\nenv -0 >\"$HOME/$reason\"\n", 0o755);
    let variables = [
        ("CISCO_BANNER", "Welcome.\nBe good;  $HOME `id`"),
        ("CISCO_CSTP_OPTIONS", "X-CSTP-Version=1"),
        ("CISCO_SPLIT_DNS", "corp.test,lab.test"),
        ("IDLE_TIMEOUT", "1800"),
        ("OF_NOBODYS_KNOWLEDGE", " kept as it is "),
    ];
    let stand_in = StandIn::openconnect(&user, &attach("./record")).both_families();
    let stand_in = variables
        .iter()
        .fold(stand_in, |it, (name, value)| it.set(name, value));
    let client = stand_in.connect("work");
    drop(client);
    let read = |reason: &str| {
        let path = user.home().join(reason);
        // Written whole when the instance is isolated again.
        let text = fs::read_to_string(path).unwrap_or_default();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<HashMap<_, _>>()
    };
    assert!(wait_until(LIMIT, || work.state() == "isolated"));
    for reason in ["connect", "disconnect"] {
        let seen = read(reason);
        for (name, value) in variables {
            assert_eq!(
                seen.get(name).map(String::as_str),
                Some(value),
                "{reason}: {name}"
            );
        }
        assert_eq!(seen.get("INTERNAL_IP4_ADDRESS").unwrap(), "10.7.0.2");
        assert_eq!(seen.get("TUNDEV").unwrap(), "tun0");
        assert_eq!(seen.get("reason").unwrap(), reason);
        assert_eq!(seen.get("HOME").unwrap(), user.home().to_str().unwrap());
    }
}

#[test]
fn a_script_that_fails_fails_the_attach_and_leaves_the_instance_isolated() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let script = "#!/bin/sh\nip address add 10.7.0.2 dev $TUNDEV\nip link set $TUNDEV up\n\
                  ip route add default dev $TUNDEV\nexit 3\n";
    let path = user.write("fails", script, 0o755);
    let output = StandIn::openconnect(&user, &attach(path.to_str().unwrap()))
        .both_families()
        .run();
    expect_refusal("exit 3", &output, 125, "failed with exit status 3");
    assert!(wait_until(LIMIT, || work.devices().is_empty()));
    let status = work.status();
    assert_eq!(status["state"], "failed", "{status}");
    assert!(
        status["reason"].as_str().unwrap().contains("exit status 3"),
        "{status}"
    );
    assert_eq!(work.knock(FAR), "ENETUNREACH");
}

#[test]
fn a_script_that_cannot_be_run_is_one_sentence_with_a_hint() {
    let user = User::new();
    user.write("text", "no program\n", 0o644);
    user.write("orphan", "#!/no/such/interpreter\n", 0o755);
    let missing = user.home().join("no-such-script");
    for script in [
        missing.to_str().unwrap(),
        "./no-such-script",
        "./text",
        "./orphan",
        "./",
    ] {
        let output = StandIn::openconnect(&user, &attach(script))
            .both_families()
            .run();
        expect_refusal(script, &output, 125, "script");
        assert!(output.stderr.contains("\nhint: "), "{script}: {output:#?}");
        user.assert_nothing_left();
    }
}

#[test]
fn a_scripts_path_may_be_relative_and_hold_spaces() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let directory = user.home().join("my scripts");
    user.make_directory(&directory);
    user.write(
        "my scripts/set up",
        "#!/bin/sh\n[ $reason = connect ] || exit 0\nip address add 10.7.0.2 dev $TUNDEV &&\n\
         ip link set $TUNDEV up && ip route add default dev $TUNDEV\n",
        0o755,
    );
    for path in [
        "'my scripts/set up'",
        "./my\\ scripts/set\\ up",
        "\"$HOME/my scripts/set up\"",
    ] {
        let client = StandIn::openconnect(&user, &attach(path))
            .both_families()
            .connect("work");
        assert_eq!(work.knock(FAR), "through", "{path}");
        drop(client);
        assert!(wait_until(LIMIT, || work.state() == "isolated"), "{path}");
    }
}

#[test]
fn a_script_ended_by_a_signal_is_a_failure_too() {
    let user = User::new();
    let path = user.write("dies", "#!/bin/sh\nkill -9 $$\n", 0o755);
    let output = StandIn::openconnect(&user, &attach(path.to_str().unwrap()))
        .both_families()
        .run();
    expect_refusal("SIGKILL", &output, 125, "failed with exit status 137");
    user.assert_nothing_left();
}

#[test]
fn a_client_that_ignores_its_children_does_not_hide_how_a_script_ended() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let fine = user.write("fine", "#!/bin/sh\nexit 0\n", 0o755);
    let client = StandIn::openconnect(&user, &attach(fine.to_str().unwrap()))
        .both_families()
        .deaf()
        .connect("work");
    assert_eq!(client.running.stderr(), "");
    drop(client);
    assert!(wait_until(LIMIT, || { work.state() == "isolated" }));
    let fails = user.write("fails", "#!/bin/sh\nexit 4\n", 0o755);
    let stand_in = StandIn::openconnect(&user, &attach(fails.to_str().unwrap())).deaf();
    let output = stand_in.both_families().run();
    expect_refusal("exit 4", &output, 125, "failed with exit status 4");
}
