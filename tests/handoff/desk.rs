//! The lab's user at a desk: a session bus, a display, and pages that tell where they were asked from.

use std::time::Duration;

use crate::support::command::{require, require_file};
use crate::support::{Invocation, Lab, Running, address, wait_until};

/// Browsers take long to start on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// From where a page was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Through the tunnel.
    Inside,
    /// From the user's own network.
    Outside,
}

/// The address of a page that answers on both sides.
pub fn page(name: &str) -> String {
    format!("http://{}/{name}", address::INTERNET)
}

/// A lab with a tunnel for the instance `work`, and the user's desktop session.
pub struct Desk {
    // In the order in which they end.
    _tunnel: Option<(Running, Running)>,
    _display: Running,
    _bus: Running,
    display: String,
    /// More of the session's environment.
    variables: Vec<(String, String)>,
    /// The helper, with what has to stand before its words.
    helper: Vec<String>,
    lab: Lab,
}

impl Desk {
    /// A session in which nothing runs, and an instance with a tunnel.
    pub fn new() -> Self {
        let desk = Self::without_tunnel();
        let app = desk.lab.keep("work");
        let client = desk.lab.connect("work");
        Self {
            _tunnel: Some((app, client)),
            ..desk
        }
    }

    /// A session in which nothing runs yet.
    pub fn without_tunnel() -> Self {
        Self::in_lab(Lab::start())
    }

    /// The same in a lab that is there already.
    pub fn in_lab(lab: Lab) -> Self {
        for (program, package) in [
            ("dbus-daemon", "dbus-daemon"),
            ("dbus-run-session", "dbus-daemon"),
            ("Xvfb", "xvfb"),
            ("xdg-open", "xdg-utils"),
        ] {
            require(program, package);
        }
        let address = format!("unix:path={}/bus", lab.user().runtime_directory().display());
        let words = [
            "dbus-daemon",
            "--session",
            "--nofork",
            "--print-address",
            "--address",
        ];
        let bus = lab.run_by_user(&[&words[..], &[&address]].concat()).spawn();
        bus.wait_for("unix:path=");
        // Displays of several labs would take one another's sockets away.
        let script = "mkdir -p /tmp/.X11-unix && mount -t tmpfs -o mode=1777 none /tmp/.X11-unix";
        lab.run_by_root(&["sh", "-c", script]).run().text();
        let words = [
            "Xvfb",
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "1024x768x24",
        ];
        let display = lab.run_by_user(&words).spawn();
        assert!(
            wait_until(PATIENCE, || display.stdout().ends_with('\n')),
            "{}",
            display.log()
        );
        let number = format!(":{}", display.stdout().trim());
        Self {
            _tunnel: None,
            _display: display,
            _bus: bus,
            display: number,
            variables: Vec::new(),
            helper: vec!["vpnns".to_owned()],
            lab,
        }
    }

    /// Names the session's bus to programs, as login managers do; not all find it by themselves.
    pub fn name_bus(&mut self) {
        let run = self.lab.user().runtime_directory();
        let address = format!("unix:path={}/bus", run.display());
        self.variables
            .push(("DBUS_SESSION_BUS_ADDRESS".to_owned(), address));
    }

    /// Takes another helper from now on.
    pub fn use_helper(&mut self, words: &[&str]) {
        self.helper = words.iter().map(|word| (*word).to_owned()).collect();
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// A command in the session, outside.
    pub fn outside(&self, words: &[&str]) -> Invocation {
        let command = self.lab.run_by_user(words).env("DISPLAY", &self.display);
        let variables = self.variables.iter();
        variables.fold(command, |command, (name, value)| command.env(name, value))
    }

    /// `vpnns` for the instance, with these words.
    pub fn vpnns(&self, words: &[&str]) -> Invocation {
        let helper: Vec<&str> = self.helper.iter().map(String::as_str).collect();
        self.outside(&[&helper[..], &["--name", "work"], words].concat())
    }

    /// From where the page was asked for so far, if it was.
    pub fn asked(&self, name: &str) -> Option<Side> {
        let requests = self.lab.internet_requests();
        let mut lines = requests
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let end = format!("/{name}");
        let line = lines.find(|words| words.last() == Some(&&*end))?;
        match line[line.len() - 3] {
            client if client.starts_with("10.99.1.") => Some(Side::Inside),
            "192.0.2.2" => Some(Side::Outside),
            client => panic!("{client} asked for {name}"),
        }
    }

    /// Waits until the page is asked for; says from where.
    pub fn wait_for_page(&self, name: &str, running: &[&Running]) -> Side {
        let mut side = None;
        wait_until(PATIENCE, || {
            side = self.asked(name);
            side.is_some()
        });
        let logs: Vec<String> = running.iter().map(|it| it.log()).collect();
        side.unwrap_or_else(|| panic!("nobody asked for {name}:\n{}", logs.join("\n---\n")))
    }

    /// Writes an entry of the user's own that is complete but for these lines.
    pub fn write_entry(&self, id: &str, lines: &str) {
        let user = self.lab.user();
        for place in [".local", ".local/share", ".local/share/applications"] {
            let path = user.home().join(place);
            if !path.exists() {
                user.make_directory(&path);
            }
        }
        let text = format!("[Desktop Entry]\nType=Application\n{lines}");
        user.write(
            &format!(".local/share/applications/{id}.desktop"),
            &text,
            0o644,
        );
    }

    /// The network namespace of the instance.
    pub fn network(&self) -> String {
        let words = ["readlink", "/proc/self/ns/net"];
        let words = [&["--"], &words[..]].concat();
        self.vpnns(&words).run().text().to_owned()
    }
}

/// Fails the test where an application's launcher entry is not there.
pub fn require_entry(id: &str, package: &str) {
    require_file(&format!("/usr/share/applications/{id}.desktop"), package);
}
