//! Ports: what is published is reached from outside, what is named is reached from inside, nothing else is.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "ports/end.rs"]
mod end;
#[path = "ports/load.rs"]
mod load;
#[path = "ports/passing.rs"]
mod passing;
#[path = "ports/profile.rs"]
mod profile;
#[path = "ports/refusal.rs"]
mod refusal;
#[path = "ports/start.rs"]
mod start;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use support::{Invocation, Running, Session};

/// The system's Python by its path: a version manager's wrapper may belong to another user.
const PYTHON: &str = "/usr/bin/python3";
/// Where the server listens in its network. Each instance has a network of its own.
const INSIDE: &str = "8080";
/// A word to send where the amount is of no interest.
const FEW: &str = "5";

/// A port that is free on the machine's loopback, and that no other test is given.
fn free_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 400).unwrap() * 30;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        let v4 = TcpListener::bind(("127.0.0.1", port));
        if v4.is_ok() && TcpListener::bind(("::1", port)).is_ok() {
            return port.to_string();
        }
    }
}

/// `talk.py` with these words.
fn talk(session: &Session, words: &[&str]) -> Vec<String> {
    let text = include_str!("ports/talk.py");
    let program = session.user().write("talk.py", text, 0o644);
    let mut all = vec![PYTHON.to_owned(), program.to_str().unwrap().to_owned()];
    all.extend(words.iter().map(|&word| word.to_owned()));
    all
}

fn outside(session: &Session, words: &[&str]) -> Invocation {
    session.command(&talk(session, words))
}

/// The same in an instance, with options of `vpnns` before it.
fn inside(session: &Session, options: &[&str], words: &[&str]) -> Invocation {
    let talk = talk(session, words);
    let mut all = options.to_vec();
    all.push("--");
    all.extend(talk.iter().map(String::as_str));
    session.vpnns(&all)
}

/// Starts a server in the host's network.
fn serve_outside(session: &Session, kind: &str, address: &str, port: &str) -> Running {
    let server = outside(session, &["serve", kind, address, port, "outside"]).spawn();
    server.wait_for("serving");
    server
}

/// Starts a server in an instance, and with it the instance and its ports.
fn serve_inside(session: &Session, options: &[&str], kind: &str, address: &str) -> Running {
    let label = options
        .windows(2)
        .find(|pair| pair[0] == "--name")
        .map_or("default", |pair| pair[1]);
    let server = inside(session, options, &["serve", kind, address, INSIDE, label]).spawn();
    server.wait_for("serving");
    server
}

fn sent(session: &Session, address: &str, port: &str) -> String {
    let output = outside(session, &["send", address, port, FEW]).run();
    output.text().to_owned()
}

fn asked(session: &Session, address: &str, port: &str) -> String {
    outside(session, &["ask", address, port])
        .run()
        .text()
        .to_owned()
}
