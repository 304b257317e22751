//! An instance of a user on the machine itself: no lab, since all its packets end in a stand-in.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::Pid;
use serde_json::Value;

use super::command::Invocation;
use super::process::{LIMIT, Running, wait_until};
use super::stand_in::PYTHON;
use super::user::User;

/// One instance by its name.
pub struct Instance<'user> {
    user: &'user User,
    name: String,
}

impl User {
    /// The instance of this name, whether it runs or not.
    pub fn instance(&self, name: &str) -> Instance<'_> {
        Instance {
            user: self,
            name: name.to_owned(),
        }
    }

    /// What runs on behalf of this user: processes with this home in their environment.
    pub fn processes(&self) -> Vec<String> {
        let home = format!("HOME={}", self.home().display()).into_bytes();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment
                .split(|byte| *byte == 0)
                .any(|word| word == home)
            {
                let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&words).replace('\0', " "));
            }
        }
        found
    }

    /// The state directories in the home.
    pub fn state_directories(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home()).unwrap().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.to_str().unwrap().contains("/.vpnns-"))
            .collect()
    }

    /// Fails the test unless nothing of the helper's is left.
    pub fn assert_nothing_left(&self) {
        let clean = || self.processes().is_empty() && self.state_directories().is_empty();
        assert!(
            wait_until(LIMIT, clean),
            "left behind: {:?} {:?}",
            self.processes(),
            self.state_directories()
        );
    }
}

impl<'user> Instance<'user> {
    /// Whose it is.
    pub fn user(&self) -> &'user User {
        self.user
    }

    /// A command in the instance.
    pub fn inside<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        let mut all = vec!["vpnns", "--name", &self.name, "--"];
        all.extend(words.iter().map(AsRef::as_ref));
        self.user.command(&all)
    }

    /// `app.py` in the instance.
    pub fn app(&self, words: &[&str]) -> Invocation {
        let program = self.user.write("app.py", include_str!("app.py"), 0o644);
        let mut all = vec![PYTHON, program.to_str().unwrap()];
        all.extend(words);
        self.inside(&all)
    }

    /// Starts an app that keeps the instance alive until the guard is dropped.
    pub fn keep(&self) -> Running {
        let app = self.keep_soon();
        app.wait_for("started");
        app
    }

    /// The same, without waiting for it: it says "started".
    pub fn keep_soon(&self) -> Running {
        self.inside(&["sh", "-c", "echo started; exec sleep 600"])
            .spawn()
    }

    /// Starts an app that talks to the far side all the time, and waits for the first answer.
    pub fn talk(&self, kind: &str, address: &str) -> Running {
        let app = self.app(&["talk", kind, address]).spawn();
        app.wait_for("echo ");
        app
    }

    /// Why there is no way to an address; `through` if there is.
    pub fn knock(&self, address: &str) -> String {
        self.app(&["knock", address]).run().text().to_owned()
    }

    /// Its whole status; null where it does not run.
    pub fn status(&self) -> Value {
        let words = ["vpnns", "--status", "--name", &self.name, "--json"];
        let output = self.user.command(&words).run();
        let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        report["instances"][0].clone()
    }

    /// The name of its state; empty where it does not run.
    pub fn state(&self) -> String {
        let status = self.status();
        status["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a state; the client's words explain why it never came.
    pub fn wait_for_state(&self, state: &str, client: &Running) {
        let reached = wait_until(LIMIT, || self.state() == state);
        assert!(
            reached,
            "{} is {}, not {state}:\n{}",
            self.name,
            self.status(),
            client.log()
        );
    }

    /// What `ip -json` says in the instance.
    pub fn ip(&self, words: &[&str]) -> Value {
        let mut all = vec!["ip", "-json"];
        all.extend(words);
        serde_json::from_str(self.inside(&all).run().text()).unwrap()
    }

    /// Name and index of its devices beside the loopback.
    pub fn devices(&self) -> Vec<(String, u64)> {
        let links = self.ip(&["link"]);
        let links = links.as_array().unwrap().iter();
        links
            .map(|link| {
                let name = link["ifname"].as_str().unwrap().to_owned();
                (name, link["ifindex"].as_u64().unwrap())
            })
            .filter(|(name, _)| name != "lo")
            .collect()
    }
}

/// The processor time that a process has used so far, in ticks of 10 ms.
pub fn processor_ticks(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Fields 14 and 15 of proc_pid_stat(5), counted from the end of the name.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    fields[11..13]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum()
}
