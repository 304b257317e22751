//! A host of the tray's, which speaks nothing but the specifications.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::Lab;
use super::desktop::Desktop;
use super::process::wait_until;

/// How long a state may take to be reached on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The host's script, in the session.
pub struct Host<'a> {
    desktop: &'a Desktop<'a>,
    script: PathBuf,
}

impl<'a> Host<'a> {
    pub fn new(lab: &Lab, desktop: &'a Desktop<'a>) -> Self {
        let text = include_str!("tray.py");
        let script = lab.user().write("tray.py", text, 0o644);
        Self { desktop, script }
    }

    /// Begins to watch for icons, and to show them.
    #[track_caller]
    pub fn watch(&self) {
        self.watch_as("watch");
    }

    /// Begins to watch in another way.
    #[track_caller]
    pub fn watch_as(&self, how: &str) {
        let script = self.script.to_str().unwrap();
        let mut words = vec!["/usr/bin/python3", script];
        words.extend(how.split(' '));
        self.desktop.start_program(&words);
        self.await_line("watching", "nobody watches");
    }

    /// Ends the one that watches, as a panel ends.
    pub fn end(&self) {
        self.signal("TERM");
        self.desktop.shell("rm \"$XDG_RUNTIME_DIR/tray.log\"");
    }

    /// Sends a signal to the one that watches.
    pub fn signal(&self, name: &str) {
        let log = self.log();
        let mut pids = log.iter().filter_map(|line| line["watching"].as_i64());
        let pid = pids.next_back().expect("somebody watches");
        self.desktop.shell(&format!("kill -{name} {pid}"));
    }

    #[track_caller]
    pub fn ask(&self, what: &str) -> Value {
        let script = self.script.display();
        let text = self
            .desktop
            .shell(&format!("/usr/bin/python3 '{script}' {what}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{what}: {error}: {text}"))
    }

    /// The same of an item that may not be there yet: nothing then.
    fn ask_if_there(&self, what: &str) -> Value {
        let script = self.script.display();
        let text = self.desktop.shell(&format!(
            "/usr/bin/python3 '{script}' {what} 2>/dev/null || echo null"
        ));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{what}: {error}: {text}"))
    }

    /// What it has noted.
    pub fn log(&self) -> Vec<Value> {
        let path = "\"$XDG_RUNTIME_DIR/tray.log\"";
        let text = self
            .desktop
            .shell(&format!("cat {path} 2>/dev/null || true"));
        // The last one may not be whole yet.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    #[track_caller]
    pub fn await_line(&self, field: &str, trouble: &str) {
        let there = wait_until(PATIENCE, || {
            self.log().iter().any(|line| !line[field].is_null())
        });
        assert!(there, "{trouble}: {:?}", self.log());
    }

    /// Waits until the icon is that of a state.
    #[track_caller]
    pub fn await_icon(&self, state: &str) {
        let wanted = format!("org.vpnns.PerAppVpn-{state}-symbolic");
        let mut last = Value::Null;
        let there = wait_until(PATIENCE, || {
            last = self.ask_if_there("properties")["IconName"].clone();
            last == wanted.as_str()
        });
        assert!(there, "not {wanted} but {last}");
    }

    /// Waits until the menu has a line that begins like this, and what was told of that is noted: an icon
    /// is there before the VPNs are in its menu.
    #[track_caller]
    pub fn await_menu(&self, label: &str) {
        let mut last = Value::Null;
        let there = wait_until(PATIENCE, || {
            last = self.ask("menu");
            let lines = last["root"]["children"].as_array().into_iter().flatten();
            let mut labels = lines.filter_map(|it| it["properties"]["label"].as_str());
            let told = self.signals("LayoutUpdated");
            let told = told.last().map_or(0, |it| it[0].as_u64().unwrap());
            labels.any(|it| it.starts_with(label)) && last["revision"] == told
        });
        assert!(there, "no {label}, or nobody was told of it: {last}");
    }

    /// The arguments of all signals of that name so far.
    pub fn signals(&self, name: &str) -> Vec<Value> {
        let log = self.log();
        let found = log.iter().filter(|it| it["signal"] == name);
        found.map(|it| it["arguments"].clone()).collect()
    }

    /// How many signals of that name have come.
    pub fn count(&self, signal: &str) -> usize {
        self.signals(signal).len()
    }
}
