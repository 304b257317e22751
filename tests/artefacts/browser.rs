//! A browser through the VPN, from the installed files alone: the same for each artefact.

use std::time::Duration;

use serde_json::Value;

use crate::desk::{Desk, PATIENCE, Side, page};
use crate::support::wireguard::{NAME, PORT, Profile, Server};
use crate::support::{Capture, Invocation, LIMIT, Root, Running, address, wait_until};

/// What Firefox calls a page that it cannot get.
const OFFLINE: &str = "Problem loading page";

/// The installed program, a VPN for it, and the user at a desk.
pub struct Site<'a> {
    /// The user's desk.
    pub desk: &'a Desk,
    /// The Debian that the program is installed on.
    pub root: &'a Root<'a>,
    /// The directory that the program is in.
    pub bin: String,
    display: String,
    _server: Server<'a>,
}

impl<'a> Site<'a> {
    /// With a WireGuard server and its profile: what needs no other program.
    pub fn new(desk: &'a Desk, root: &'a Root<'a>, bin: &str) -> Self {
        let profile = Profile::new();
        let server = Server::start_routed(desk.lab(), &profile.keys.public, None);
        let endpoint = format!("{}:{PORT}", address::GATEWAY);
        let all = ["0.0.0.0/0", "::/0"];
        profile
            .peer(&server.keys.public, &endpoint, &all, "")
            .write(desk.lab());
        let display = desk.outside(&["sh", "-c", "echo $DISPLAY"]).run();
        Self {
            desk,
            root,
            bin: bin.to_owned(),
            display: display.text().to_owned(),
            _server: server,
        }
    }

    /// A command of the user's, who has the program's directory first in `PATH`.
    pub fn user(&self, words: &[&str]) -> Invocation {
        let path = format!("PATH={}:/usr/bin:/bin", self.bin);
        let display = format!("DISPLAY={}", self.display);
        self.root
            .run_by_user(&[&["env", &path, &display], words].concat())
    }

    /// The installed `vpnns`.
    pub fn vpnns(&self, words: &[&str]) -> Invocation {
        self.user(&[&["vpnns"], words].concat())
    }

    /// What it says of the instance.
    pub fn status(&self) -> Value {
        let output = self.vpnns(&["--status", "--json", "--name", NAME]).run();
        let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        report["instances"][0].clone()
    }

    /// Waits for a state.
    #[track_caller]
    pub fn await_state(&self, state: &str, running: &Running) {
        let reached = wait_until(PATIENCE, || {
            std::thread::sleep(Duration::from_millis(50));
            self.status()["state"] == state
        });
        assert!(
            reached,
            "not {state}: {:#}\n{}",
            self.status(),
            running.log()
        );
    }

    /// Brings the VPN up.
    pub fn connect(&self) -> Running {
        let client = self.vpnns(&["--connect", NAME, "--name", NAME]).spawn();
        self.await_state("connected", &client);
        client
    }

    /// Starts a program inside that lasts.
    pub fn keep(&self) -> Running {
        let app = self
            .vpnns(&["--name", NAME, "--", "sh", "-c", "echo on; exec sleep 600"])
            .spawn();
        app.wait_for("on\n");
        app
    }

    /// Opens a page in the browser inside.
    fn open(&self, name: &str) -> Running {
        let words = ["--name", NAME, "--open", "firefox-esr", &page(name)];
        self.vpnns(&words).spawn()
    }

    /// A browser opened by it has the VPN; when that is off, it has nothing; and nothing strays.
    pub fn a_browser_has_the_vpn_or_nothing(&self) {
        let capture = Capture::start(self.desk.lab());
        let client = self.connect();
        let browser = self.open("first");
        let side = self.desk.wait_for_page("first", &[&client, &browser]);
        assert_eq!(side, Side::Inside, "{}", browser.log());

        let output = self.vpnns(&["--disconnect", "--name", NAME]).run();
        assert!(output.succeeded(), "{output:#?}");
        self.await_state("isolated", &client);
        assert!(client.wait(LIMIT).succeeded());
        // Once more by a person who sees nothing: a browser that is just coming up may miss a page.
        let mut tries = Vec::new();
        let shown = (0..4).any(|_| {
            tries.push(self.open("second"));
            wait_until(PATIENCE / 4, || {
                std::thread::sleep(Duration::from_millis(200));
                self.titles().contains(OFFLINE)
            })
        });
        let said: String = tries.iter().map(Running::log).collect();
        assert!(shown, "{}\n{}\n{said}", self.titles(), browser.log());
        assert_eq!(self.desk.asked("second"), None);

        let client = self.connect();
        let third = self.open("third");
        let side = self
            .desk
            .wait_for_page("third", &[&client, &browser, &third]);
        assert_eq!(side, Side::Inside);
        assert_eq!(capture.strays(), [] as [&str; 0]);
        let output = self
            .vpnns(&["--stop", "--name", NAME])
            .limit(PATIENCE)
            .run();
        assert!(output.succeeded(), "{output:#?}");
    }

    /// Without it the very same browser asks from outside: otherwise the rest would prove nothing.
    pub fn without_it_the_browser_is_outside(&self) {
        let browser = self.user(&["firefox-esr", &page("outside")]).spawn();
        let side = self.desk.wait_for_page("outside", &[&browser]);
        assert_eq!(side, Side::Outside);
    }

    /// The names of the windows on the screen, one a line.
    pub fn titles(&self) -> String {
        let script = "for window in $(xdotool search --name . 2>/dev/null); do
                xdotool getwindowname $window
            done";
        let output = self.desk.outside(&["sh", "-c", script]).run();
        output.stdout
    }

    /// Neither a process nor a file of ours is left outside of the user's home.
    pub fn nothing_is_left(&self) {
        for program in ["vpnns", "vpnns-desktop"] {
            let program = format!("{}/{program}", self.bin);
            assert_eq!(
                self.root.running_from(&program),
                [] as [&str; 0],
                "{program}"
            );
        }
        let script = format!(
            "find / -xdev -iname '*vpnns*' -not -path '{}/*' -not -path '{}/*' -not -path '/tmp/vpnns-*'",
            self.desk.lab().user().directory().display(),
            self.desk.lab().directory().display(),
        );
        assert_eq!(self.root.root_shell(&script), "");
    }
}
