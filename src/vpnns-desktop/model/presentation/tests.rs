//! Each state as it is shown: the table of the mock-ups.

use vpnns_protocol::instance::{App, Retry};
use vpnns_protocol::question::Field;

use super::*;
use crate::helper::Trouble;

fn facts(json: &str) -> Facts {
    let instance: Instance = serde_json::from_str(json).unwrap();
    Facts {
        name: instance.name.clone(),
        instance: Some(instance),
        listed: serde_json::from_str(
            r#"{"name":"work","path":"/p","title":"Work","kind":"openconnect",
                "server":"vpn.example.org","connect-on-open":false,"start-at-login":false,
                "apps":[],"error":null}"#,
        )
        .ok(),
        pending: None,
        trouble: None,
    }
}

fn in_state(state: &str) -> Facts {
    facts(&format!(
        r#"{{"name":"work",{state},"since":1000,"keeper":1,"apps":[{{"pid":1,"command":"a"}},
           {{"pid":2,"command":"b"}}],"tunnel":null}}"#
    ))
}

fn labels(shown: &Presentation) -> Vec<(&str, bool)> {
    let buttons = shown.buttons.iter();
    buttons
        .map(|it| (it.label.as_str(), it.suggested))
        .collect()
}

#[test]
fn off_says_how_many_apps_wait() {
    let shown = Presentation::of(&in_state(r#""state":"isolated""#), 1000);
    assert_eq!((shown.look, shown.title.as_str()), (Look::Off, "Off"));
    assert_eq!(shown.subtitle, "2 apps are waiting offline");
    assert_eq!(labels(&shown), [("Connect", true)]);
    assert_eq!(shown.apps_say, AppsSay::Offline);
}

#[test]
fn connected_says_for_how_long() {
    let shown = Presentation::of(&in_state(r#""state":"connected""#), 1000 + 12 * 60);
    assert_eq!(shown.line, "Connected · 12 min");
    assert_eq!(shown.subtitle, "vpn.example.org · 12 min");
    assert_eq!(labels(&shown), [("Disconnect", false)]);
    assert_eq!(shown.ticks, Some(60));
    let shown = Presentation::of(&in_state(r#""state":"connected""#), 1059);
    assert_eq!(
        (shown.line.as_str(), shown.subtitle.as_str()),
        ("Connected", "vpn.example.org")
    );
}

#[test]
fn reconnecting_says_when_it_tries_again() {
    let mut facts = in_state(r#""state":"reconnecting""#);
    let instance = facts.instance.as_mut().unwrap();
    instance.retry = Some(Retry {
        at: 1008,
        reason: None,
    });
    let shown = Presentation::of(&facts, 1000);
    assert_eq!(shown.line, "Reconnecting · next try in 8\u{a0}s");
    assert_eq!(
        shown.strip.as_deref(),
        Some("The server does not answer. Next try in 8\u{a0}s.")
    );
    assert_eq!(shown.subtitle, "2 apps are waiting; nothing leaks");
    assert_eq!(shown.ticks, Some(1));
}

#[test]
fn failed_says_what_happened_and_what_to_do() {
    let mut facts = in_state(r#""state":"failed","reason":"the server refused the password""#);
    facts.instance.as_mut().unwrap().hint = Some("try another one".into());
    let shown = Presentation::of(&facts, 1000);
    let failure = shown.failure.clone().unwrap();
    assert_eq!(failure.heading, "The server refused the password");
    assert_eq!(failure.text, "Try another one.");
    assert_eq!(labels(&shown), [("Try Again", true)]);
    assert_eq!(shown.subtitle, "2 apps are offline; nothing leaks");
}

#[test]
fn a_failure_without_an_instance_is_told_as_well() {
    let mut facts = in_state(r#""state":"isolated""#);
    facts.instance = None;
    facts.trouble = Some(Trouble::new("openconnect is not installed").hint("install it"));
    let shown = Presentation::of(&facts, 0);
    assert_eq!(shown.look, Look::Failed);
    assert_eq!(shown.failure.unwrap().text, "Install it.");
}

#[test]
fn a_question_offers_to_answer_it() {
    let mut facts = in_state(r#""state":"connecting","stage":"signing in""#);
    let shown = Presentation::of(&facts, 0);
    assert_eq!(shown.line, "Signing in…");
    let field = |kind| Field {
        name: "f".into(),
        label: "F".into(),
        kind,
        options: vec![],
        value: None,
    };
    facts.instance.as_mut().unwrap().question = Some(Question {
        id: 1,
        message: String::new(),
        ask: Ask::Form {
            fields: vec![field(FieldKind::Code), field(FieldKind::Text)],
        },
    });
    let shown = Presentation::of(&facts, 0);
    assert_eq!(
        (shown.look, shown.line.as_str()),
        (Look::Question, "Waiting for a code")
    );
    assert_eq!(labels(&shown), [("Cancel", false), ("Enter Code…", true)]);
}

#[test]
fn what_was_asked_for_shows_at_once() {
    let mut facts = in_state(r#""state":"failed","reason":"x""#);
    facts.pending = Some(Pending::Connecting);
    assert_eq!(Presentation::of(&facts, 0).look, Look::Connecting);
    facts.instance = None;
    assert_eq!(Presentation::of(&facts, 0).title, "Connecting…");
}

#[test]
fn the_stages_of_a_connection_are_steps_in_order() {
    for (stage, step, line) in [
        ("starting openvpn", Some(1), "Starting openvpn…"),
        ("logging in to vpn.example.org", Some(2), "Signing in…"),
        (
            "waiting for the server's settings",
            Some(3),
            "Waiting for the server's settings…",
        ),
        ("setting up the device", Some(4), "Setting up the device…"),
        ("running my-client", None, "Running my-client…"),
    ] {
        let state = format!(r#""state":"connecting","stage":"{stage}""#);
        let shown = Presentation::of(&in_state(&state), 0);
        assert_eq!((shown.step, shown.line.as_str()), (step, line));
    }
}

#[test]
fn stopped_programs_are_said_to_be_paused() {
    let facts = in_state(r#""state":"reconnecting","frozen":true"#);
    assert_eq!(Presentation::of(&facts, 0).apps_say, AppsSay::Paused);
}

#[test]
fn only_one_button_is_suggested_in_any_state() {
    for state in [
        r#""state":"isolated""#,
        r#""state":"connecting","stage":"x""#,
        r#""state":"connected""#,
        r#""state":"reconnecting""#,
        r#""state":"failed","reason":"x""#,
    ] {
        let shown = Presentation::of(&in_state(state), 0);
        assert!(
            shown.buttons.iter().filter(|it| it.suggested).count() <= 1,
            "{state}"
        );
        assert!(!shown.title.is_empty() && !shown.line.is_empty(), "{state}");
    }
}

#[test]
fn processes_of_one_application_are_one_app() {
    let mut facts = in_state(r#""state":"isolated""#);
    let instance = facts.instance.as_mut().unwrap();
    instance.apps = vec![
        App {
            pid: 1,
            command: "a".into(),
            ..App::default()
        },
        App {
            pid: 2,
            command: "a".into(),
            parent: Some(1),
            ..App::default()
        },
    ];
    assert_eq!(Presentation::of(&facts, 0).apps, 1);
}
