//! `vpnns --attach` behind a real openconnect and a real server, seen by the programs of an instance.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "attach/isolation.rs"]
mod isolation;
#[path = "attach/loss.rs"]
mod loss;
#[path = "attach/routes.rs"]
mod routes;
#[path = "attach/second.rs"]
mod second;

use support::{Gateway, Lab, Running, address, uses_dtls};

#[test]
fn ipv4_pages_and_names_come_through_the_tunnel() {
    let lab = Gateway {
        ipv6: false,
        ..Gateway::default()
    }
    .start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    everything_comes_over_ipv4(&lab);
}

#[test]
fn ipv6_pages_and_names_come_through_the_tunnel() {
    let lab = Gateway {
        ipv4: false,
        dns: vec![address::FAR_6],
        ..Gateway::default()
    }
    .start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    everything_comes_over_ipv6(&lab);
}

#[test]
fn both_families_come_through_dtls() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = lab.connect("work");
    client.wait_for("Established DTLS connection");
    everything_comes_over_ipv4(&lab);
    everything_comes_over_ipv6(&lab);
    let addresses = lab.lookup("work", "intranet.corp.test");
    assert_eq!(addresses.text(), [address::FAR, address::FAR_6].join("\n"));
    large_transfers_come_whole(&lab);
}

#[test]
fn both_families_come_through_tls_alone() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = lab.openconnect("work").tls_only().connect();
    everything_comes_over_ipv4(&lab);
    everything_comes_over_ipv6(&lab);
    large_transfers_come_whole(&lab);
    assert!(!uses_dtls(&client), "{}", client.log());
}

#[test]
fn an_instance_may_be_attached_before_its_first_program_starts() {
    let lab = Lab::start();
    let _client = lab.connect("work");
    everything_comes_over_ipv4(&lab);
}

#[test]
fn two_instances_have_a_tunnel_each() {
    let lab = Lab::start();
    let (_app, _other_app) = (lab.keep("work"), lab.keep("study"));
    let _client = lab.connect("work");
    assert!(
        !lab.reaches("study", address::FAR),
        "one instance uses the tunnel of another"
    );
    let _other_client = lab.connect("study");
    let own = lab.page("work", address::FAR);
    let other = lab.page("study", address::FAR);
    assert_ne!(
        own.text(),
        other.text(),
        "the server gave both the same address"
    );
}

#[test]
fn a_reconnecting_client_keeps_the_connections_of_the_programs() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = lab.connect("work");
    let mut held = support::Hold::start(&lab, "work", address::FAR);
    let pid = client.pid();
    // openconnect's own way to say that the network has changed.
    client.signal(nix::sys::signal::Signal::SIGUSR2);
    client.wait_for("SSL negotiation with");
    let back = support::wait_until(support::LIMIT, || {
        client.log().matches("SSL negotiation with").count() > 1
    });
    assert!(back, "{}", client.log());
    // It has begun to; until it is there, a page takes longer than it is waited for.
    let reached = || lab.reaches("work", address::FAR);
    assert!(support::wait_until(support::LIMIT, reached));
    everything_comes_over_ipv4(&lab);
    assert_eq!(client.pid(), pid);
    assert!(held.holds(), "the connection did not survive");
}

#[test]
fn the_relay_takes_the_processor_from_nobody() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    // The client's own shell has become it.
    let find = "pgrep -a vpnns | grep -- --attach | cut -d' ' -f1";
    let find = format!("for pid in $({find}); do chrt -p $pid; done");
    let policies = lab.run_by_user(&["sh", "-c", &find]).run();
    assert!(policies.text().contains("SCHED_BATCH"), "{policies:?}");
}

#[test]
fn a_script_configures_the_device_when_one_is_given() {
    let lab = Gateway {
        ipv6: false,
        ..Gateway::default()
    }
    .start();
    let _app = lab.keep("work");
    let script = "#!/bin/sh\n\
        echo \"$reason $TUNDEV $INTERNAL_IP4_ADDRESS $CISCO_DEF_DOMAIN\" >>\"$HOME/calls\"\n\
        [ \"$reason\" = connect ] || exit 0\n\
        ip link set dev \"$TUNDEV\" up mtu \"$INTERNAL_IP4_MTU\" &&\n\
        ip address add \"$INTERNAL_IP4_ADDRESS/32\" dev \"$TUNDEV\" &&\n\
        ip route add 10.99.0.1/32 dev \"$TUNDEV\"\n";
    let path = lab.user().write("configure", script, 0o755);
    let options = format!("--script {}", path.display());
    let client = lab.openconnect("work").attach_options(&options).connect();
    assert!(
        !lab.reaches("work", address::FAR_SECOND),
        "there is more than the script set up"
    );
    end(client);
    let calls = || std::fs::read_to_string(lab.user().home().join("calls")).unwrap_or_default();
    support::wait_until(support::LIMIT, || calls().lines().count() > 1);
    let calls = calls();
    let lines: Vec<Vec<&str>> = calls
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    let [connect, disconnect] = &lines[..] else {
        panic!("{calls}")
    };
    assert_eq!((connect[0], disconnect[0]), ("connect", "disconnect"));
    assert!(!connect[1].is_empty(), "no TUNDEV: {calls}");
    assert!(connect[2].starts_with("10.99.1."), "{calls}");
    assert_eq!(connect[3], "corp.test");
    assert_eq!(
        connect[1..],
        disconnect[1..],
        "the second call was made with other variables"
    );
}

#[test]
fn programs_run_as_the_user_without_any_capability() {
    let lab = Lab::start();
    let script = "id -u; id -g; grep CapEff /proc/self/status | cut -f2";
    let words = lab.inside("work", &["sh", "-c", script]).run();
    let (uid, gid) = (lab.user().uid(), lab.user().gid());
    assert_eq!(words.text(), format!("{uid}\n{gid}\n0000000000000000"));
}

fn everything_comes_over_ipv4(lab: &Lab) {
    let expect = |host: &str, answer: &str| {
        let page = lab.page("work", host);
        assert!(page.stdout.starts_with(answer), "{host}: {page:#?}");
    };
    expect(address::FAR, "hello from the far side to 10.99.1.");
    expect("four.corp.test", "hello from the far side to 10.99.1.");
    expect(address::INTERNET, "hello from the internet to 10.99.1.");
    let addresses = lab.lookup("work", "four.corp.test");
    assert_eq!(addresses.text(), address::FAR);
}

fn everything_comes_over_ipv6(lab: &Lab) {
    let expect = |host: &str, answer: &str| {
        let page = lab.page("work", host);
        assert!(page.stdout.starts_with(answer), "{host}: {page:#?}");
    };
    expect(address::FAR_6, "hello from the far side to fd99:1:");
    expect("six.corp.test", "hello from the far side to fd99:1:");
    expect(address::INTERNET_6, "hello from the internet to fd99:1:");
    let addresses = lab.lookup("work", "six.corp.test");
    assert_eq!(addresses.text(), address::FAR_6);
}

/// Both directions, long enough for full packets, many at a time.
fn large_transfers_come_whole(lab: &Lab) {
    for host in [address::FAR, "[fd99::1]"] {
        let script = "set -o pipefail
            curl --silent --max-time 20 http://$0/bytes/3000000 | wc -c
            head -c 3000000 /dev/zero | curl --silent --max-time 20 --data-binary @- http://$0/";
        let transfers = lab.inside("work", &["bash", "-c", script, host]).run();
        assert_eq!(transfers.text(), "3000000\nreceived 3000000 bytes");
    }
}

/// Ends a client the way Ctrl-C does, and waits until it has ended.
fn end(client: Running) {
    client.signal(nix::sys::signal::Signal::SIGINT);
    client.wait(support::LIMIT);
}
