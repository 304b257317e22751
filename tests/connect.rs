//! `vpnns --connect` with a real openconnect and a real server: questions, stages, and staying up.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "connect/background.rs"]
mod background;
#[path = "connect/end.rs"]
mod end;
#[path = "connect/log.rs"]
mod log;
#[path = "connect/login.rs"]
mod login;
#[path = "connect/loss.rs"]
mod loss;
#[path = "connect/openvpn.rs"]
mod openvpn;
#[path = "connect/reconnect.rs"]
mod reconnect;
#[path = "connect/refusal.rs"]
mod refusal;
#[path = "connect/retry.rs"]
mod retry;
#[path = "connect/secrets.rs"]
mod secrets;

use std::time::Duration;

use serde_json::Value;
use support::{Invocation, Lab, Output, Running, address, wait_until};

/// How long a login with everything around it may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes a profile of the lab's user.
fn profile(lab: &Lab, name: &str, text: &str) {
    let home = lab.user().home();
    for directory in [".config", ".config/vpnns", ".config/vpnns/profiles"] {
        let path = home.join(directory);
        if !path.exists() {
            lab.user().make_directory(&path);
        }
    }
    let path = format!(".config/vpnns/profiles/{name}.toml");
    lab.user()
        .write(&path, &format!("version = 1\n{text}"), 0o600);
}

/// An openconnect profile for the lab's server with these fields.
fn openconnect(lab: &Lab, name: &str, fields: &str) {
    let text = format!(
        "[openconnect]\nserver = \"{}:443\"\n{fields}\n",
        address::GATEWAY
    );
    profile(lab, name, &text);
}

/// One that asks for nothing but the password.
fn usual(lab: &Lab, name: &str) {
    let fields = format!(
        "user = \"test\"\nfingerprint = \"{}\"",
        support::ocserv::pin()
    );
    openconnect(lab, name, &fields);
}

/// The fingerprint of the lab's server.
fn pin() -> &'static str {
    support::ocserv::pin()
}

/// `vpnns` with these words.
fn vpnns(lab: &Lab, words: &[&str]) -> Invocation {
    lab.run_by_user(&[&["vpnns"], words].concat())
}

/// Everything about the instance; null where it does not run.
fn status(lab: &Lab, name: &str) -> Value {
    let output = vpnns(lab, &["--status", "--json", "--name", name]).run();
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    report["instances"][0].clone()
}

/// Waits until the status is as wanted; returns it.
fn wait_for(lab: &Lab, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let reached = wait_until(PATIENCE, || {
        last = status(lab, name);
        wanted(&last)
    });
    assert!(reached, "never {what}: {last:#}");
    last
}

fn wait_for_state(lab: &Lab, name: &str, state: &str) -> Value {
    wait_for(lab, name, state, |status| status["state"] == state)
}

/// Waits for the question with at least this number.
fn question(lab: &Lab, name: &str, id: u64) -> Value {
    let asked = |status: &Value| status["question"]["id"].as_u64() >= Some(id);
    wait_for(lab, name, &format!("asked question {id}"), asked)["question"].clone()
}

/// Answers a question from another process.
fn answer(lab: &Lab, name: &str, question: &Value, reply: &str) -> Output {
    let id = question["id"].to_string();
    vpnns(lab, &["--answer", &id, "--name", name])
        .input(&format!("{reply}\n"))
        .run()
}

/// Fills in the one field of a form.
fn fill_in(lab: &Lab, name: &str, question: &Value, text: &str) {
    let field = question["fields"][0]["name"].as_str().unwrap();
    let reply = serde_json::json!({"reply": "form", "values": {field: text}});
    let output = answer(lab, name, question, &reply.to_string());
    assert!(output.succeeded(), "{output:#?}");
}

/// Starts the usual profile with JSON, so that questions stay open until they are answered.
fn start(lab: &Lab, name: &str) -> Running {
    vpnns(lab, &["--connect", name, "--json"]).spawn()
}

/// Brings the usual profile up by answering its one question.
fn connect(lab: &Lab, name: &str) -> Running {
    let front = start(lab, name);
    let asked = question(lab, name, 1);
    fill_in(lab, name, &asked, support::ocserv::PASSWORD);
    wait_for_state(lab, name, "connected");
    front
}

/// The same in the background.
fn connect_in_background(lab: &Lab, name: &str) {
    let output = vpnns(lab, &["--connect", name, "--background"])
        .input(&format!("{}\n", support::ocserv::PASSWORD))
        .run();
    assert!(output.succeeded(), "{output:#?}");
}

/// Waits until no connector of `work` is left: one that was told to end, or has lost its keeper, is gone a moment
/// after its tunnel, and until then another one is refused.
fn wait_for_no_connector(lab: &Lab) {
    let find = ["pgrep", "-f", "^vpnns: connecting work"];
    let gone = || lab.run_by_user(&find).run().stdout.is_empty();
    assert!(wait_until(PATIENCE, gone));
}

/// The processes of the lab with this program's name.
fn running(lab: &Lab, program: &str) -> Vec<String> {
    let output = lab.run_by_root(&["ps", "-C", program, "-o", "pid="]).run();
    output
        .stdout
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Waits until none of a program's processes is left: they end with what the caller has waited for, but
/// are reaped in their own time.
fn wait_for_none(lab: &Lab, program: &str) {
    let none = wait_until(PATIENCE, || running(lab, program).is_empty());
    assert!(none, "still there: {:?}", running(lab, program));
}

/// Sits down at a terminal with a command, types and waits as the steps say.
fn sit(lab: &Lab, command: &[&str], steps: &[&str]) -> Invocation {
    let script = include_str!("support/terminal.py");
    let script = lab.user().write("terminal.py", script, 0o644);
    let program = [
        "env",
        "ECHO=1",
        "/usr/bin/python3",
        script.to_str().unwrap(),
    ];
    let words = [&program[..], command, &["--"], steps].concat();
    lab.run_by_user(&words).limit(Duration::from_secs(60))
}
