//! `vpnns --monitor`: everything that happens, as it happens, and nothing while nothing does.

use std::time::Duration;

use nix::unistd::Pid;
use vpnns_protocol::event::{Event, Line};
use vpnns_protocol::instance::Instance;

use crate::support::{LIMIT, Running, Session, wait_until};

/// The events that a monitor has printed so far.
fn events(monitor: &Running) -> Vec<Event> {
    let text = monitor.stdout();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap());
    lines
        .map(|line| {
            assert_eq!(line.version, vpnns_protocol::VERSION);
            line.event
        })
        .collect()
}

/// The events in short: a word and the instance, and of a snapshot the number of its apps.
fn in_short(monitor: &Running) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Ready => "ready".to_owned(),
        Event::Appeared { instance } => format!("+{} {}", instance.name, instance.apps.len()),
        Event::Changed { instance } => format!("{} {}", instance.name, instance.apps.len()),
        Event::Gone { name } => format!("-{name}"),
        Event::Traffic { name, .. } => format!("~{name}"),
        Event::Unknown => "unknown".to_owned(),
    };
    events(monitor).iter().map(word).collect()
}

fn start(session: &Session, words: &[&str]) -> Running {
    let monitor = session
        .vpnns(&[&["--monitor", "--json"], words].concat())
        .spawn();
    monitor.wait_for("\"ready\"");
    monitor
}

fn assert_soon(monitor: &Running, expected: &[&str]) {
    wait_until(LIMIT, || in_short(monitor) == expected);
    assert_eq!(in_short(monitor), expected);
}

#[test]
fn what_is_there_is_told_before_ready_and_what_comes_after_it() {
    let session = Session::new();
    let _work = session.keep("work");
    let monitor = start(&session, &[]);
    assert_soon(&monitor, &["+work 1", "ready"]);
    let study = session.keep("study");
    assert_soon(&monitor, &["+work 1", "ready", "+study 1"]);
    let second = session.keep("study");
    assert_soon(&monitor, &["+work 1", "ready", "+study 1", "study 2"]);
    drop(study);
    assert_soon(
        &monitor,
        &["+work 1", "ready", "+study 1", "study 2", "study 1"],
    );
    drop(second);
    wait_until(LIMIT, || {
        in_short(&monitor)
            .last()
            .is_some_and(|last| last == "-study")
    });
    let seen = in_short(&monitor);
    // The last app's end may be told before the instance's.
    assert!(matches!(seen.len(), 6 | 7), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "-study");
    let _again = session.keep("study");
    assert!(wait_until(LIMIT, || in_short(&monitor).last().unwrap() == "+study 1"));
}

#[test]
fn a_killed_keeper_is_gone_and_its_successor_appears() {
    let session = Session::new();
    let _app = session.keep("default");
    let monitor = start(&session, &[]);
    let plain = session.vpnns(&["--monitor"]).spawn();
    plain.wait_for("default: isolated");
    session.kill_keeper("default");
    assert_soon(&monitor, &["+default 1", "ready", "-default"]);
    plain.wait_for("default: gone\n");
    session.network("default");
    let back =
        |event: &Event| matches!(event, Event::Appeared { instance } if !instance.apps.is_empty());
    assert!(wait_until(LIMIT, || events(&monitor)
        .iter()
        .filter(|event| back(event))
        .count()
        == 2));
}

#[test]
fn only_the_named_instance_is_told_of_when_there_is_a_name() {
    let session = Session::new();
    let _other = session.keep("other");
    let monitor = start(&session, &["-n", "work"]);
    let _work = session.keep("work");
    let _third = session.keep("third");
    assert_soon(&monitor, &["ready", "+work 1"]);
}

#[test]
fn short_lives_are_told_whole_or_not_at_all() {
    let session = Session::new();
    let monitor = start(&session, &[]);
    for _ in 0..20 {
        session.inside(&["true"]).run().text();
    }
    session.wait_for_end("default");
    let _last = session.keep("last");
    assert!(wait_until(LIMIT, || in_short(&monitor)
        .iter()
        .any(|word| word == "+last 1")));
    let mut there = false;
    for word in in_short(&monitor)
        .iter()
        .filter(|word| word.contains("default"))
    {
        match word.as_bytes()[0] {
            b'+' => assert!(!std::mem::replace(&mut there, true), "{word} twice"),
            b'-' => assert!(std::mem::replace(&mut there, false), "{word} twice"),
            _ => assert!(there, "{word} of an instance that is not there"),
        }
    }
    assert!(wait_until(LIMIT, || in_short(&monitor)
        .iter()
        .rfind(|word| word.contains("default"))
        .is_none_or(|word| word == "-default")));
}

#[test]
fn a_monitor_ends_when_its_reader_goes_away() {
    let session = Session::new();
    let _app = session.keep("default");
    for json in ["--json", ""] {
        let script = format!("vpnns --monitor {json} | head -n 1");
        let output = session
            .script(&format!("set +o pipefail; {script}"))
            .limit(Duration::from_secs(10))
            .run();
        assert!(output.text().contains("default"), "{output:#?}");
    }
}

#[test]
fn a_person_reads_when_and_what_has_changed_and_nothing_twice() {
    let session = Session::new();
    let first = session.keep("default");
    let monitor = session.vpnns(&["--monitor"]).spawn();
    // For how many seconds, that is the machine's business.
    monitor.wait_for(" default: isolated for ");
    let rest = format!(" s: no VPN, apps are offline; sh ({})\n", first.pid());
    monitor.wait_for(&rest);
    let second = session.keep("default");
    let number = second.pid();
    monitor.wait_for(&format!(" default: sh ({number}) started\n"));
    drop(second);
    monitor.wait_for(&format!(" ({number}) ended\n"));
    drop(first);
    monitor.wait_for(" default: gone\n");
    let text = monitor.stdout();
    let mut told = std::collections::BTreeSet::new();
    for line in text.lines() {
        let (time, what) = line.split_once(' ').unwrap();
        let parts: Vec<&str> = time.split(':').collect();
        assert!(
            parts.len() == 3 && parts.iter().all(|part| part.len() == 2),
            "{text}"
        );
        assert!(told.insert(what), "twice: {text}");
    }
}

#[test]
fn the_end_of_an_app_is_told_once() {
    let session = Session::new();
    let _first = session.keep("default");
    let monitor = start(&session, &[]);
    for _ in 0..5 {
        drop(session.keep("default"));
    }
    wait_until(LIMIT, || events(&monitor).len() >= 12);
    let snapshots: Vec<Instance> = events(&monitor)
        .into_iter()
        .filter_map(|event| match event {
            Event::Appeared { instance } | Event::Changed { instance } => Some(instance),
            _ => None,
        })
        .collect();
    for pair in snapshots.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn nobody_does_anything_while_nothing_happens() {
    let session = Session::new();
    let app = session.keep("default");
    let keeper = session.keeper("default");
    let monitor = start(&session, &[]);
    assert_soon(&monitor, &["+default 1", "ready"]);
    let switches = || [keeper, monitor.pid()].map(context_switches);
    assert!(stays(switches), "the keeper or the monitor wakes up");
    drop(app);
    session.wait_for_end("default");
    let switches = || context_switches(monitor.pid());
    assert!(stays(switches), "the monitor wakes up");
}

/// Whether it comes to rest: on a busy machine what has just happened takes its time.
fn stays<T: PartialEq>(value: impl Fn() -> T) -> bool {
    wait_until(LIMIT, || {
        let before = value();
        std::thread::sleep(Duration::from_millis(1500));
        value() == before
    })
}

/// How often a process has waited and been woken up again.
fn context_switches(pid: Pid) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("voluntary_ctxt_switches"));
    line.unwrap().to_owned()
}

/// What a monitor with --traffic has told of passing packets.
fn received(monitor: &Running) -> Vec<u64> {
    let told = events(monitor).into_iter().filter_map(|event| match event {
        Event::Traffic { name, counters } => {
            assert_eq!(name.as_str(), "demo");
            Some(counters.received_packets)
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn what_passes_is_told_once_a_second_while_an_instance_is_connected_and_only_then() {
    let session = Session::new();
    let _app = session.keep("demo");
    let _other = session.keep("other");
    let path = session.home().join(".config/vpnns/profiles");
    session
        .user()
        .make_directory(&session.home().join(".config"));
    session
        .user()
        .make_directory(&session.home().join(".config/vpnns"));
    session.user().make_directory(&path);
    let file = ".config/vpnns/profiles/demo.toml";
    session.user().write(file, "version = 1\n[demo]\n", 0o600);
    let monitor = start(&session, &["--traffic"]);
    let quiet = start(&session, &[]);
    let switches = || context_switches(monitor.pid());
    assert!(stays(switches), "the monitor wakes up without a tunnel");
    assert!(received(&monitor).is_empty());
    let front = session.vpnns(&["--connect", "demo"]).spawn();
    assert!(wait_until(LIMIT, || received(&monitor).len() >= 2));
    let before = *received(&monitor).last().unwrap();
    let ask = "until getent hosts gateway.vpnns.test; do sleep 0.1; done";
    session
        .vpnns(&["--name", "demo", "--", "sh", "-c", ask])
        .run()
        .text();
    assert!(wait_until(LIMIT, || received(&monitor).last() > Some(&before)));
    assert!(received(&monitor).is_sorted(), "{:?}", received(&monitor));
    let person = session
        .vpnns(&["--monitor", "--traffic", "--name", "demo"])
        .spawn();
    person.wait_for(" demo: ");
    person.wait_for(" received in ");
    assert!(received(&quiet).is_empty());
    let switches = || context_switches(quiet.pid());
    assert!(stays(switches), "a monitor without --traffic wakes up");
    session
        .vpnns(&["--disconnect", "--name", "demo"])
        .run()
        .text();
    front.wait(LIMIT);
    let switches = || context_switches(monitor.pid());
    assert!(stays(switches), "the monitor wakes up without a tunnel");
}
