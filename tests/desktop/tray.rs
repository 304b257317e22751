//! The icon in the tray, seen and used by a host that speaks nothing but the specifications.

use std::path::PathBuf;

use crate::support::Lab;
use crate::*;

/// The host's script, in the session.
pub struct Host<'a> {
    desktop: &'a Desktop<'a>,
    script: PathBuf,
}

impl<'a> Host<'a> {
    pub fn new(lab: &Lab, desktop: &'a Desktop<'a>) -> Self {
        let text = include_str!("../support/tray.py");
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

    fn log(&self) -> Vec<Value> {
        let path = "\"$XDG_RUNTIME_DIR/tray.log\"";
        let text = self
            .desktop
            .shell(&format!("cat {path} 2>/dev/null || true"));
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
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
            last = self.ask("properties")["IconName"].clone();
            last == wanted.as_str()
        });
        assert!(there, "not {wanted} but {last}");
    }

    /// The arguments of all signals of that name so far.
    pub fn signals(&self, name: &str) -> Vec<Value> {
        let log = self.log();
        let found = log.iter().filter(|it| it["signal"] == name);
        found.map(|it| it["arguments"].clone()).collect()
    }

    /// How many signals of that name have come.
    fn count(&self, signal: &str) -> usize {
        self.signals(signal).len()
    }
}

#[test]
fn the_icon_tells_the_state_and_its_menu_connects() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    host.await_icon("isolated");
    let shown = host.ask("properties");
    assert_eq!(shown["Id"], "org.vpnns.PerAppVpn");
    assert_eq!(shown["Category"], "ApplicationStatus");
    assert_eq!(shown["Status"], "Active");
    assert_eq!(shown["ItemIsMenu"], false);
    assert_eq!(shown["ToolTip"][2], "All VPNs are off");
    let pictures = shown["IconPixmap"].as_array().unwrap();
    assert!(!pictures.is_empty(), "no picture for who lacks the name");
    assert!(pictures.iter().all(|it| it[2] == true), "{pictures:?}");

    let before = host.ask("menu");
    let layouts = host.count("LayoutUpdated");
    host.ask("click 'Demonstration*' Connect");
    await_state(&lab, "demo", "connected");
    host.await_icon("connected");
    let shown = host.ask("properties");
    assert_eq!(shown["ToolTip"][2], "Demonstration connected");
    // Labels changed in place: the same items, and nobody was told to read them all again.
    let after = host.ask("menu");
    let ids = |menu: &Value| {
        let items = menu["root"]["children"].as_array().unwrap();
        let ids: Vec<Value> = items.iter().map(|it| it["id"].clone()).collect();
        ids
    };
    assert_eq!(before["revision"], after["revision"]);
    assert_eq!(ids(&before), ids(&after));
    assert_eq!(host.count("LayoutUpdated"), layouts, "{:?}", host.log());
    assert!(host.count("ItemsPropertiesUpdated") > 0);
    assert!(host.count("NewIcon") > 0 && host.count("NewToolTip") > 0);

    host.ask("click 'Demonstration*' Disconnect");
    host.await_icon("isolated");
    assert_ne!(status(&lab, "demo")["state"], "connected");
}

#[test]
fn a_menu_that_has_not_changed_is_not_sent_again() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    host.await_icon("isolated");
    // A program comes and goes in the VPN: that changes what is known, and nothing of the menu.
    let _ = host.ask("menu");
    let told = || ["ItemsPropertiesUpdated", "LayoutUpdated"].map(|signal| host.count(signal));
    let before = told();
    let words = ["vpnns", "--name", "demo", "--", "true"];
    lab.run_by_user(&words).run();
    desktop.see("Off");
    assert_eq!(told(), before, "{:?}", host.log());
    // And a VPN more changes its shape.
    profile(&lab, "other", "title = \"Another One\"\n[demo]\n");
    desktop.see("Another One");
    let is_told = wait_until(PATIENCE, || told()[1] > before[1]);
    assert!(is_told, "{:?}", host.log());
}

#[test]
fn a_hostile_host_gets_errors_and_does_no_harm() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    host.await_line("registered", "no icon came");
    let calls = host.ask("hostile");
    assert!(calls["refused"].as_u64() > Some(0), "{calls}");
    host.ask("click 'Demonstration*' Connect");
    await_state(&lab, "demo", "connected");
}

#[test]
fn a_click_on_the_icon_hides_and_shows_the_window_and_closing_it_hides_it_too() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    let host = Host::new(&lab, &desktop);
    host.watch();
    desktop.launch(&[]);
    desktop.see("Off");
    host.await_line("registered", "no icon came");
    let windows = || {
        let find = "xdotool search --onlyvisible --name '^Per-App VPN$' | wc -l";
        desktop.shell(find).trim().to_owned()
    };
    host.ask("activate");
    assert!(wait_until(PATIENCE, || windows() == "0"), "not hidden");
    host.ask("activate");
    assert!(wait_until(PATIENCE, || windows() == "1"), "not shown");
    desktop.see("Off");
    desktop.key("alt+F4");
    assert!(wait_until(PATIENCE, || windows() == "0"), "not closed");
    // Still there, and its icon leads back.
    host.await_icon("isolated");
    host.ask("activate SecondaryActivate");
    await_state(&lab, "demo", "connected");
    // A panel that goes for good must not leave an app that nobody can see.
    host.end();
    assert!(wait_until(PATIENCE, || windows() == "1"), "not back");
    host.watch();
    host.await_line("registered", "the icon did not come back");
}

#[test]
fn without_a_tray_closing_the_window_asks_if_something_is_connected() {
    let lab = Lab::start();
    demonstration(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Connect");
    desktop.see("Connected");
    desktop.key("alt+F4");
    desktop.see("Quit Per-App VPN?");
    desktop.picture("quit");
    // By keys: AT-SPI names each button of such a dialog twice.
    desktop.key("Escape");
    desktop.unsee("Quit Per-App VPN?");
    desktop.see("Connected");
    desktop.key("alt+F4");
    desktop.see("Quit Per-App VPN?");
    desktop.key("Return");
    desktop.tell(&serde_json::json!({"do": "wait_exit"}));
    assert_eq!(status(&lab, "demo")["state"], "connected");
    desktop.launch(&[]);
    desktop.see("Connected");
    desktop.key("ctrl+q");
    desktop.see("Quit Per-App VPN?");
    desktop.key("Tab Return");
    desktop.tell(&serde_json::json!({"do": "wait_exit"}));
    assert_ne!(status(&lab, "demo")["state"], "connected");
}
