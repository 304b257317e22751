//! A computer in the lab that has what a reader of the README has, and the commands typed on it.

use std::cell::RefCell;
use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::commands::{How, how, typed};
use crate::desk::{Desk, PATIENCE, require_entry};
use crate::document::{Block, Command, blocks, resembles};
use crate::support::command::{require, require_file};
use crate::support::{Invocation, Lab, Output, Running, wait_until};
use crate::{readme, top};

/// The files of the machine that a lab shows with something else in them.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.1 vpn.example.com\n";

/// Whom the computer's programs trust.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The desk, with what has been started at it.
pub struct Stage {
    // Before the desk: what runs ends before its lab.
    running: RefCell<Vec<Running>>,
    desk: Desk,
}

impl Stage {
    /// A computer with the README's programs, on which `vpn.example.com` has an address and a good certificate.
    pub fn new() -> Self {
        require("firefox", "firefox-esr");
        require_file(AUTHORITIES, "ca-certificates");
        require_entry("firefox-esr", "firefox-esr");
        let desk = Desk::without_tunnel();
        let stage = Self {
            running: RefCell::default(),
            desk,
        };
        let lab = stage.lab();
        let copy = lab.user().program().parent().unwrap().join("vpnns-desktop");
        if !copy.exists() {
            let app = option_env!("CARGO_BIN_EXE_vpnns-desktop");
            fs::copy(app.expect("this test belongs to the app's package"), copy).unwrap();
        }
        lab.user()
            .make_directory(&lab.user().home().join("Downloads"));
        lab.set_hosts(HOSTS);
        // The lab's own resolver of the outside, so that a name nobody has is told so at once.
        let resolver = lab.write_home("resolv.conf", "nameserver 192.0.2.2\n");
        lab.root_shell(&format!("mount --bind {resolver} /etc/resolv.conf"));
        // Debian's name for Firefox is another one.
        let entry = fs::read_to_string("/usr/share/applications/firefox-esr.desktop").unwrap();
        let lines = entry
            .replace("[Desktop Entry]\n", "")
            .replace("Type=Application\n", "");
        stage.desk.write_entry("firefox", &lines);
        stage.trust_server();
        stage
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        self.desk.lab()
    }

    /// Puts a file into `~/Downloads`.
    pub fn download(&self, name: &str, text: &str) {
        self.lab()
            .user()
            .write(&format!("Downloads/{name}"), text, 0o600);
    }

    /// Writes a launcher entry of the user's own.
    pub fn write_entry(&self, id: &str, lines: &str) {
        self.desk.write_entry(id, lines);
    }

    /// A certificate for the server's name, which an authority that the computer trusts vouches for.
    fn trust_server(&self) {
        let lab = self.lab();
        let directory = lab.directory();
        let script = "cd \"$0\" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
             -subj /CN=vpn.example.com -addext subjectAltName=DNS:vpn.example.com \
             -keyout named.key -out named.pem 2>/dev/null &&
             cat named.key >key.pem && cat named.pem >certificate.pem &&
             cat \"$1\" named.pem >authorities.pem && chmod a+r authorities.pem &&
             mount --bind authorities.pem \"$1\"";
        lab.stop_gateway();
        let directory = directory.to_str().unwrap();
        let words = ["sh", "-euc", script, directory, AUTHORITIES];
        lab.run_by_root(&words).run().text();
        lab.restart_gateway();
        let words = ["openssl", "s_client", "-connect", "192.0.2.1:443"];
        let up = wait_until(PATIENCE, || lab.run_by_user(&words).run().succeeded());
        assert!(up, "the server did not start: {}", lab.gateway_log());
    }

    /// Types every command of a section, as it is written, and compares what comes with what is shown.
    pub fn play(&self, section: &str) {
        let blocks = blocks(&readme());
        let of_section = blocks.iter().filter(|block| block.section == section);
        let commands: Vec<Command> = of_section.flat_map(Block::commands).collect();
        assert!(!commands.is_empty(), "{section:?} has no commands");
        for command in &commands {
            self.enter(command);
        }
    }

    /// Types one command.
    fn enter(&self, command: &Command) {
        let text = &command.text;
        let output = match how(text) {
            How::Runs => self.succeeds(text),
            How::Says(what) => {
                let output = self.succeeds(text);
                assert!(output.stdout.contains(what), "{output:#?}");
                output
            }
            How::Again(what) => {
                let again = || self.shell(text).run().stdout.contains(what);
                assert!(wait_until(PATIENCE, again), "{:#?}", self.shell(text).run());
                return;
            }
            How::Ends(code) => {
                let output = self.shell(text).limit(PATIENCE).run();
                assert_eq!(output.code(), *code, "{output:#?}");
                output
            }
            How::Stays(until) => {
                let mut running = self.shell(text).spawn();
                let come = wait_until(PATIENCE, || {
                    std::thread::sleep(Duration::from_millis(50));
                    until(self, &running.log())
                });
                let ended = running.ended();
                assert!(
                    come,
                    "{text}: {ended:?}\n{}\n{:#}",
                    running.log(),
                    self.status("work")
                );
                compare(command, &running.log());
                self.running.borrow_mut().push(running);
                return;
            }
            How::Instead(..) => return self.instead(text),
        };
        compare(command, &output.stdout);
    }

    /// What is done here in place of a command that the lab cannot run.
    fn instead(&self, text: &str) {
        if let Some(profile) = text.strip_prefix("systemctl --user enable --now vpnns@") {
            self.unit("ExecStart", profile);
            let up = wait_until(PATIENCE, || self.is_connected(profile));
            assert!(up, "{:?}", self.running.borrow().last().map(Running::log));
        }
    }

    /// Runs one line of the unit, as the manager of the user's units would.
    pub fn unit(&self, line: &str, profile: &str) {
        let unit = fs::read_to_string(top().join("data/vpnns@.service.in")).unwrap();
        let start = format!("{line}=");
        let line = unit.lines().find_map(|line| line.strip_prefix(&start));
        let program = self.lab().user().program();
        let bin = program.parent().unwrap().to_str().unwrap().to_owned();
        let line = line
            .unwrap()
            .replace("@bindir@", &bin)
            .replace("%i", profile);
        self.running.borrow_mut().push(self.shell(&line).spawn());
    }

    fn succeeds(&self, text: &str) -> Output {
        let output = self.shell(text).limit(PATIENCE).run();
        assert!(output.succeeded(), "{output:#?}");
        output
    }

    /// The command in a shell of the user's, with what a person types, and both outputs in one.
    pub fn shell(&self, text: &str) -> Invocation {
        let words = ["bash", "-c", "exec 2>&1; eval \"$1\"", "bash", text];
        self.desk.outside(&words).input(&typed(text))
    }

    /// What `--status --json` says of an instance; null where it does not run.
    pub fn status(&self, name: &str) -> Value {
        let words = ["vpnns", "--status", "--json", "--name", name];
        let output = self.lab().run_by_user(&words).run();
        let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        report["instances"][0].clone()
    }

    /// Whether an instance's VPN is up.
    pub fn is_connected(&self, name: &str) -> bool {
        self.status(name)["state"] == "connected"
    }

    /// Whether an application runs in an instance.
    pub fn has_app(&self, name: &str, entry: &str) -> bool {
        let status = self.status(name);
        let apps = status["apps"].as_array().cloned().unwrap_or_default();
        apps.iter().any(|app| app["entry"] == entry)
    }

    /// Whether the company was asked for a page.
    pub fn far_was_asked_for(&self, path: &str) -> bool {
        let end = format!(" GET {path}");
        let requests = self.lab().far_requests();
        requests
            .lines()
            .any(|line| line.starts_with("http ") && line.ends_with(&end))
    }

    /// Whether the app is on the session bus.
    pub fn app_answers(&self) -> bool {
        let words = [
            "gdbus",
            "call",
            "--session",
            "--dest",
            "org.freedesktop.DBus",
            "--object-path",
            "/org/freedesktop/DBus",
            "--method",
            "org.freedesktop.DBus.NameHasOwner",
            "org.vpnns.PerAppVpn",
        ];
        self.desk.outside(&words).run().stdout.contains("true")
    }

    /// Fails the test if an instance's page or name was asked for outside.
    pub fn assert_nothing_outside(&self, what: &str) {
        let requests = self.lab().outside_requests();
        assert!(!requests.contains(what), "{requests}");
    }
}

/// Fails the test unless every line that is shown has come, in that order.
fn compare(command: &Command, output: &str) {
    let mut lines = output.lines();
    for shown in &command.shown {
        let found = lines.any(|line| resembles(line, shown));
        assert!(found, "{}: {shown:?} has not come:\n{output}", command.text);
    }
}
