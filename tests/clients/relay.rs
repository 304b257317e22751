//! The relay under clients that send nonsense, stop reading, or see it killed.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::support::{
    Client, Instance, LIMIT, StandIn, User, has_ended, processor_ticks, wait_until,
};
use crate::{ATTACH, FAR, FAR_6};

fn connect(user: &User) -> Client {
    StandIn::openconnect(user, ATTACH)
        .both_families()
        .connect("work")
}

#[test]
fn nonsense_from_the_client_ends_nothing() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = connect(&user);
    let relay = client.relay();
    for datagram in [
        "send empty",
        "send zeroes 1",
        "send zeroes 1500",
        "send zeroes 65535",
        "send zeroes 65536",
        "send zeroes 69000",
        "send hex ff",
        "send hex 45",
        "send hex 4500001400000000400100000000000000000000",
        "send hex 60000000",
        "send hex 00ff00ff00ff00ff",
    ] {
        for _ in 0..3 {
            assert_eq!(client.order(datagram), "sent", "{datagram}");
        }
        assert_eq!(work.knock(FAR), "through", "after {datagram}");
    }
    assert_eq!(work.state(), "connected");
    assert_eq!(client.relay(), relay);
    assert_eq!(client.running.stderr(), "");
}

#[test]
fn a_socket_that_keeps_the_order_of_packets_is_as_good() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let stand_in = StandIn::openconnect(&user, ATTACH)
        .both_families()
        .socket("seqpacket");
    let client = stand_in.connect("work");
    assert_eq!(work.knock(FAR), "through");
    drop(client);
    assert!(wait_until(LIMIT, || work.state() == "isolated"));
}

#[test]
fn packets_of_every_size_pass_unharmed_both_ways() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    for mtu in [1280, 1400, 2048, 2049, 4000, 9000, 65535] {
        let stand_in = StandIn::openconnect(&user, ATTACH).both_families();
        let client = stand_in
            .set("INTERNAL_IP4_MTU", &mtu.to_string())
            .connect("work");
        let (full, less) = (mtu.to_string(), (mtu - 1).to_string());
        for address in [FAR, FAR_6] {
            let output = work
                .app(&["whole", address, "100", "1000", &less, &full])
                .run();
            assert_eq!(
                output.text(),
                format!("whole 100\nwhole 1000\nwhole {less}\nwhole {full}")
            );
            if mtu < 65535 {
                // ping looks at every byte of an answer, too. One at a time: for the second it
                // would wait no longer than for the first.
                let rest = (mtu - if address == FAR { 28 } else { 48 }).to_string();
                let words = ["ping", "-c1", "-W10", "-Mdo", "-s", &rest, address];
                let output = work.inside(&words).run();
                assert!(output.text().contains(" 1 received"), "{output:#?}");
                assert!(!output.stdout.contains("wrong"), "{output:#?}");
            }
        }
        assert_eq!(client.order("counts")["largest"], mtu);
        drop(client);
        assert!(wait_until(LIMIT, || work.state() == "isolated"));
    }
}

#[test]
fn what_a_client_does_not_read_waits_for_it_and_costs_nothing() {
    const PACKETS: u32 = 300;
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = connect(&user);
    client.order("pause");
    let count = PACKETS.to_string();
    let poured = work.app(&["pour", FAR, &count, "1000"]).run();
    assert_eq!(poured.text(), "poured");
    std::thread::sleep(Duration::from_millis(200));
    let before = processor_ticks(client.relay());
    std::thread::sleep(Duration::from_secs(1));
    let ticks = processor_ticks(client.relay()) - before;
    assert!(
        ticks <= 2,
        "the relay used {ticks} of 100 ticks while it had to wait"
    );
    assert_eq!(client.received(), 0);
    // The other direction has nothing to do with it.
    assert_eq!(client.order("send hex 00"), "sent");
    assert_eq!(work.state(), "connected");
    client.order("resume");
    let all: Vec<u32> = (0..PACKETS).collect();
    let came = wait_until(LIMIT, || client.sunk().len() >= all.len());
    assert!(came, "only {} of {PACKETS} came", client.sunk().len());
    assert_eq!(client.sunk(), all, "packets were lost or changed places");
    assert_eq!(work.knock(FAR), "through");
}

#[test]
fn an_idle_relay_costs_nothing() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = connect(&user);
    let switches = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", client.relay())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary"))
            .unwrap();
        line.split_whitespace()
            .last()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    // The kernel's own router solicitations come at first.
    assert!(wait_until(LIMIT, || {
        let before = switches();
        std::thread::sleep(Duration::from_millis(500));
        switches() == before
    }));
    assert_eq!(work.state(), "connected");
}

#[test]
fn the_death_of_the_relay_is_a_failure_with_a_reason_and_felt_at_once() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = connect(&user);
    let mut apps = [work.talk("tcp", FAR), work.talk("tcp", FAR_6)];
    let killed = Instant::now();
    kill(client.relay(), Signal::SIGKILL).unwrap();
    let told = wait_until(LIMIT, || apps.iter_mut().all(|app| app.ended().is_some()));
    assert!(
        // Without an abort it would be minutes; how soon exactly is measured with real clients.
        told && killed.elapsed() < Duration::from_secs(5),
        "{:?}",
        killed.elapsed()
    );
    let status = work.status();
    assert_eq!(status["state"], "failed", "{status}");
    assert_eq!(status["reason"], "the relay ended unexpectedly");
    assert!(status["tunnel"].is_null(), "{status}");
    assert_eq!(work.devices(), []);
    assert_eq!(work.knock(FAR), "ENETUNREACH");
    // And the next client finds nothing in its way.
    let _next = connect(&user);
    assert_eq!(work.knock(FAR), "through");
}

#[test]
fn a_stopped_relay_does_not_keep_the_instance_from_being_stopped() {
    let user = User::new();
    let work = user.instance("work");
    let mut app = work.keep();
    let client = connect(&user);
    let relay = client.relay();
    kill(relay, Signal::SIGSTOP).unwrap();
    let began = Instant::now();
    user.command(&["vpnns", "--stop", "--name", "work"])
        .run()
        .text();
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert!(app.ended().is_some());
    assert!(work.status().is_null());
    // It is woken to hear of it.
    assert!(
        wait_until(LIMIT, || has_ended(relay)),
        "the relay stays without an instance"
    );
}

#[test]
fn a_stopped_relay_can_be_replaced() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let first = connect(&user);
    let relay = first.relay();
    kill(relay, Signal::SIGSTOP).unwrap();
    let second = StandIn::openconnect(&user, "vpnns --attach --name work --replace");
    let second = second
        .both_families()
        .set("INTERNAL_IP4_ADDRESS", "10.7.0.3")
        .start();
    let taken = wait_until(LIMIT, || is_connected_by(&work, &second));
    assert!(taken, "{}", second.running.log());
    assert_eq!(work.knock(FAR), "through");
    assert!(second.received() > 0);
    assert!(
        wait_until(LIMIT, || has_ended(relay)),
        "the stopped relay is still there"
    );
}

#[test]
fn a_relay_told_to_go_by_a_signal_leaves_an_isolated_instance() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        let client = connect(&user);
        kill(client.relay(), signal).unwrap();
        assert!(client.helper_ends(LIMIT));
        assert!(
            client.running.stdout().contains("the helper ended with 0"),
            "{signal}"
        );
        assert!(wait_until(LIMIT, || work.state() == "isolated"), "{signal}");
        assert_eq!(work.devices(), [], "{signal}");
    }
}

fn is_connected_by(work: &Instance<'_>, client: &Client) -> bool {
    let status = work.status();
    let pid = i64::from(client.pid().as_raw());
    status["state"] == "connected" && status["tunnel"]["client"]["pid"] == pid
}
