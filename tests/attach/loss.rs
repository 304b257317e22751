//! The end of the client, however it came, is the end of the connectivity, at once and for everyone.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Capture, Echo, Hold, LIMIT, Lab, Moment, Running, Sighting, address};

/// How soon after the death of the client the programs are to be told.
const NOTICE: Duration = Duration::from_millis(200);

/// A loaded machine may delay a try, but hardly each of them.
const TRIES: usize = 3;

#[test]
fn sigint_ends_all_connectivity_at_once() {
    the_end_is_noticed_at_once(Signal::SIGINT);
}

#[test]
fn sigterm_ends_all_connectivity_at_once() {
    the_end_is_noticed_at_once(Signal::SIGTERM);
}

#[test]
fn sighup_ends_all_connectivity_at_once() {
    the_end_is_noticed_at_once(Signal::SIGHUP);
}

#[test]
fn sigkill_ends_all_connectivity_at_once() {
    the_end_is_noticed_at_once(Signal::SIGKILL);
}

#[test]
fn a_connection_blocked_in_read_fails_at_once_when_the_client_dies() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let client = lab.connect("work");
        let held = [address::FAR, address::FAR_6].map(|host| Hold::start(&lab, "work", host));
        let death = kill(client, Signal::SIGKILL).death;
        let ends = held.map(|held| {
            let (reason, end) = held.ended(LIMIT).expect("it still hangs");
            assert_ne!(
                reason, "EOF",
                "the program must not take it for a regular end"
            );
            end.since(death)
        });
        if ends.iter().all(|end| *end <= NOTICE) {
            println!("noticed after {ends:?}");
            return;
        }
        late.push(ends);
    }
    panic!("noticed only after {late:?}");
}

#[test]
fn after_the_end_a_new_client_brings_everything_back() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let client = lab.connect("work");
        assert!(lab.reaches("work", address::FAR_6));
        kill(client, signal);
        // How soon is measured above.
        assert!(crate::support::wait_until(LIMIT, || !lab.reaches("work", address::FAR)));
    }
    let _client = lab.connect("work");
    assert!(lab.reaches("work", "intranet.corp.test"));
}

/// Per family: how long after the death answers still came, and how long it took until an error came.
#[derive(Debug)]
struct Notice {
    last_reply: Duration,
    first_refusal: Option<Duration>,
}

fn the_end_is_noticed_at_once(signal: Signal) {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let capture = Capture::start(&lab);
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let client = lab.connect("work");
        let echoes = [address::FAR, address::FAR_6].map(|host| Echo::start(&lab, "work", host));
        let end = kill(client, signal);
        std::thread::sleep(NOTICE * 3);
        let notices = echoes.map(|echo| notice(&echo, &end));
        for address in [
            address::FAR,
            address::FAR_6,
            address::INTERNET,
            address::OUTSIDE,
        ] {
            assert!(
                !lab.reaches("work", address),
                "{address} answers without tunnel"
            );
        }
        if notices.iter().all(Notice::in_time) {
            assert_eq!(capture.strays(), Vec::<String>::new());
            println!("{signal} was noticed after {notices:?}");
            return;
        }
        late.push(notices);
    }
    panic!("{signal} was noticed too late: {late:#?}");
}

/// When a client was told to end, and when it had.
struct End {
    sent: Moment,
    death: Moment,
}

fn kill(client: Running, signal: Signal) -> End {
    let sent = Moment::now();
    client.signal(signal);
    client.wait(LIMIT);
    // The others let it say goodbye to the server first; until then it is alive.
    let death = if signal == Signal::SIGKILL {
        sent
    } else {
        Moment::now()
    };
    End { sent, death }
}

fn notice(echo: &Echo, end: &End) -> Notice {
    let sightings = echo.sightings();
    let last_reply = sightings.iter().rev().find_map(|sighting| match sighting {
        Sighting::Reply(when) => Some(when.since(end.death)),
        Sighting::Refusal(..) => None,
    });
    let first_refusal = sightings.iter().find_map(|sighting| match sighting {
        // The far side's own refusal would come through the tunnel.
        Sighting::Refusal(errno, when) if errno != "ECONNREFUSED" && *when > end.sent => {
            Some(when.since(end.death))
        }
        _ => None,
    });
    Notice {
        last_reply: last_reply.expect("the probe waits for a reply"),
        first_refusal,
    }
}

impl Notice {
    fn in_time(&self) -> bool {
        self.last_reply <= NOTICE && self.first_refusal.is_some_and(|when| when <= NOTICE)
    }
}
