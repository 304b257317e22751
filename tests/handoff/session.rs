//! A whole browser session, with everything that can happen to a VPN in it, and the wire watched all the time.

use serde_json::{Value, json};

use crate::desk::{Desk, PATIENCE, Side, require_entry};
use crate::support::{Capture, Output, Running, command::require, ocserv, wait_until};

impl Desk {
    /// Writes a profile for the lab's server that asks for nothing but the password.
    fn write_profile(&self) {
        let user = self.lab().user();
        for place in [".config", ".config/vpnns", ".config/vpnns/profiles"] {
            user.make_directory(&user.home().join(place));
        }
        let server = crate::support::address::GATEWAY;
        let text = format!(
            "version = 1\n[openconnect]\nserver = \"{server}:443\"\nuser = \"test\"\nfingerprint = \"{}\"\n",
            ocserv::pin()
        );
        user.write(".config/vpnns/profiles/work.toml", &text, 0o600);
    }

    fn status(&self) -> Value {
        let output = self.vpnns(&["--status", "--json"]).run();
        let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        report["instances"][0].clone()
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let reached = wait_until(PATIENCE, || {
            last = self.status();
            wanted(&last)
        });
        assert!(reached, "never {what}: {last:#}");
        last
    }

    fn wait_for_state(&self, state: &str) -> Value {
        self.wait_for(state, |status| status["state"] == state)
    }

    /// Brings the profile up.
    fn connect(&self) -> Running {
        let front = self
            .outside(&["vpnns", "--connect", "work", "--json"])
            .spawn();
        let status = self.wait_for("asked", |status| status["question"].is_object());
        let question = &status["question"];
        let field = question["fields"][0]["name"].as_str().unwrap();
        let reply = json!({"reply": "form", "values": {field: ocserv::PASSWORD}});
        let answer = self.vpnns(&["--answer", &question["id"].to_string()]);
        answer.input(&format!("{reply}\n")).run().text();
        self.wait_for_state("connected");
        front
    }

    /// Has the browser inside open a page.
    fn open(&self, name: &str) -> Running {
        // By its name, so that it has to be looked up as well.
        let address = format!("http://www.internet.test/{name}");
        self.vpnns(&["--open", "firefox-esr", &address]).spawn()
    }

    /// The same, for a page that comes.
    fn visit(&self, name: &str, browser: &Running) {
        let call = self.open(name);
        assert_eq!(self.wait_for_page(name, &[browser, &call]), Side::Inside);
    }

    fn page_past_the_vpn(&self) -> Output {
        self.lab().page_outside(crate::support::address::INTERNET)
    }
}

#[test]
fn no_packet_of_a_whole_browser_session_passes_beside_the_vpn() {
    require_entry("firefox-esr", "firefox-esr");
    let desk = Desk::without_tunnel();
    desk.write_profile();
    // What the capture would show of a single page that is fetched outside.
    let capture = Capture::start(desk.lab());
    desk.page_past_the_vpn().text();
    capture.wait_for_stray(crate::support::address::INTERNET);
    drop(capture);

    let capture = Capture::start(desk.lab());
    // A browser that is there before the VPN, and wants a page at once.
    let browser = desk.open("too-early");
    desk.wait_for("started", |status| {
        !status["apps"].as_array().is_none_or(Vec::is_empty)
    });
    // Before it takes calls, another one would find its profile in use, and wait for the user.
    require("xdotool", "xdotool");
    let search = ["xdotool", "search", "--onlyvisible", "--class", "firefox"];
    let shown = || desk.outside(&search).run().succeeded();
    assert!(wait_until(PATIENCE, shown), "{}", browser.log());
    let front = desk.connect();
    desk.visit("connected", &browser);
    // The server goes, and comes back.
    desk.lab().stop_gateway();
    desk.wait_for_state("reconnecting");
    let meanwhile = desk.open("meanwhile");
    desk.lab().restart_gateway();
    desk.wait_for_state("connected");
    desk.visit("reconnected", &browser);
    // The client is killed, and started again.
    let client = desk.status()["tunnel"]["client"]["pid"].to_string();
    desk.lab()
        .run_by_root(&["kill", "-KILL", &client])
        .run()
        .text();
    desk.wait_for("started again", |status| {
        let now = status["tunnel"]["client"]["pid"].to_string();
        status["state"] == "connected" && now != client
    });
    desk.visit("started-again", &browser);
    // The user logs out; the browser stays, and tries.
    desk.vpnns(&["--disconnect"]).run().text();
    desk.wait_for_state("isolated");
    let too_late = desk.open("too-late");
    assert!(too_late.wait(PATIENCE).succeeded());
    assert!(front.wait(PATIENCE).succeeded());
    // As long as a browser may take to ask again what it has not been told.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(desk.asked("too-late"), None);
    desk.vpnns(&["--stop"]).run().text();
    drop((browser, meanwhile));
    assert_eq!(capture.strays(), Vec::<String>::new());
}
