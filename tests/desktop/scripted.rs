//! The app with a helper that says what a test wants it to say: for states that no real part holds still.

use std::fs::{self, OpenOptions};
use std::io::Write;

use serde_json::json;

use crate::support::Lab;
use crate::*;

/// The app of a session, and what its helper is told to say.
pub struct Scripted<'a> {
    lab: &'a Lab,
}

impl<'a> Scripted<'a> {
    /// Starts the app with one VPN, "Work", that is off.
    #[track_caller]
    pub fn start(lab: &'a Lab, desktop: &Desktop<'_>) -> Self {
        Self::start_with(lab, desktop, &json!({}))
    }

    /// The same with answers to calls of the helper.
    #[track_caller]
    pub fn start_with(lab: &'a Lab, desktop: &Desktop<'_>, calls: &Value) -> Self {
        Self::start_in(lab, desktop, calls, json!({}))
    }

    /// The same with more variables.
    #[track_caller]
    pub fn start_in(
        lab: &'a Lab,
        desktop: &Desktop<'_>,
        calls: &Value,
        mut environment: Value,
    ) -> Self {
        let user = lab.user();
        let text = include_str!("../support/scripted_helper.py");
        let helper = user.write("scripted-helper", text, 0o755);
        user.make_directory(&user.home().join("scenario"));
        let profile = json!({
            "name": "work", "path": "/p", "title": "Work", "kind": "demo", "server": null,
            "connect-on-open": false, "start-at-login": false, "apps": [], "error": null,
        });
        let mut answers = json!({"--profiles": {"print": {"version": 1, "profiles": [profile]}}});
        for (call, answer) in calls.as_object().into_iter().flatten() {
            answers[call] = answer.clone();
        }
        let scenario = json!({"monitor": [[{"event": "ready"}]], "calls": answers});
        user.write("scenario/scenario.json", &scenario.to_string(), 0o644);
        user.write("scenario/feed", "", 0o666);
        environment["VPNNS_HELPER"] = helper.to_str().into();
        environment["VPNNS_SCENARIO"] = user.home().join("scenario").to_str().into();
        desktop.launch_with(&[], &environment);
        desktop.see("Off");
        Self { lab }
    }

    /// Has the helper tell that the VPN is in a state; "question" is one of connecting.
    #[track_caller]
    pub fn tell(&self, state: &str) {
        self.tell_until(state, &Value::Null);
    }

    /// The same, of a session that the server ends.
    #[track_caller]
    pub fn tell_until(&self, state: &str, expires: &Value) {
        let apps = json!([
            {"pid": 4000, "command": "sleep", "entry": "notes.desktop"},
            {"pid": 4001, "command": "thunderbird"},
        ]);
        let mut instance = json!({
            "name": "work", "state": state, "since": {"ago": 60}, "keeper": 3000, "apps": apps,
            "tunnel": null,
        });
        match state {
            "connecting" => instance["stage"] = "authenticating".into(),
            "question" => {
                instance["state"] = "connecting".into();
                instance["stage"] = "authenticating".into();
                instance["question"] = json!({
                    "id": 7, "message": "Enter your code", "ask": "form",
                    "fields": [{"name": "code", "label": "Code", "kind": "code"}],
                });
            }
            "failed" => instance["reason"] = "the server refused the password".into(),
            "connected" | "reconnecting" => {
                instance["tunnel"] = json!({
                    "client": {"name": "openconnect", "pid": 3001}, "device": "tun0",
                    "gateway": "192.0.2.1", "since": {"ago": 50}, "script": false, "network": {},
                });
                if !expires.is_null() {
                    instance["tunnel"]["expires"] = expires.clone();
                }
            }
            _ => {}
        }
        let event = json!({"event": "changed", "instance": instance});
        let path = self.lab.user().home().join("scenario/feed");
        // Appended: the helper reads on where it was.
        let mut feed = OpenOptions::new().append(true).open(&path).unwrap();
        feed.write_all(format!("{event}\n").as_bytes()).unwrap();
    }

    /// Waits until the helper was called with words that begin like this.
    #[track_caller]
    pub fn await_call(&self, words: &[&str]) {
        let path = self.lab.user().home().join("scenario/called");
        let mut calls = String::new();
        let called = wait_until(PATIENCE, || {
            calls = fs::read_to_string(&path).unwrap_or_default();
            calls.lines().any(|line| {
                let call: Value = serde_json::from_str(line).unwrap_or_default();
                let call = call["words"].as_array().cloned().unwrap_or_default();
                call.len() >= words.len() && words.iter().zip(&call).all(|(a, b)| a == b)
            })
        });
        assert!(called, "never called with {words:?}: {calls}");
    }
}
