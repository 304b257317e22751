//! The real wireguard-go as the far peer, on the lab's gateway, and profiles that lead to it.
//!
//! It answers on UDP 51820 of the gateway, with the company (10.99.0.0/16, fd99::/16) and the
//! internet behind it. Like all of the lab it runs as the lab's root, without any of the machine's.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::command::{Invocation, require};
use super::lab::{Lab, address};
use super::process::{Running, wait_until};

/// The client's addresses inside the tunnel.
pub const OWN: &str = "10.99.1.2";
/// The same over IPv6.
pub const OWN_6: &str = "fd99:1::2";
/// Where the server listens unless told otherwise.
pub const PORT: u16 = 51820;
/// The instance and the profile of these tests.
pub const NAME: &str = "work";

/// A pair of keys, in base64.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The private one.
    pub private: String,
    /// The public one.
    pub public: String,
}

impl Keys {
    /// New ones.
    pub fn new() -> Self {
        require("wg", "wireguard-tools");
        let private = wg(&["genkey"], "");
        let public = wg(&["pubkey"], &private);
        Self { private, public }
    }
}

/// A new preshared key.
pub fn preshared_key() -> String {
    wg(&["genpsk"], "")
}

fn wg(words: &[&str], input: &str) -> String {
    let mut child = Command::new("wg")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A wireguard-go on the gateway.
pub struct Server<'lab> {
    lab: &'lab Lab,
    process: Running,
    device: String,
    /// Its keys.
    pub keys: Keys,
}

impl<'lab> Server<'lab> {
    /// Starts one called `device`, which knows one client by its public key.
    pub fn start(
        lab: &'lab Lab,
        device: &str,
        port: u16,
        client: &str,
        preshared: Option<&str>,
    ) -> Self {
        require("wireguard-go", "wireguard-go");
        let keys = Keys::new();
        // Its socket is in /run, which here is root's: it gets one of its own.
        let script = format!(
            "mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/wireguard &&
             LOG_LEVEL=verbose exec wireguard-go --foreground {device}"
        );
        let words = ["unshare", "--mount", "sh", "-c", &script];
        let process = lab.on_gateway(&words).spawn();
        let server = Self {
            lab,
            process,
            device: device.to_owned(),
            keys,
        };
        // Asking it would not do: wg takes away a socket that is there and does not listen yet.
        server.process.wait_for("UAPI listener started");
        let preshared = preshared.map_or(String::new(), |key| format!("PresharedKey = {key}\n"));
        let text = format!(
            "[Interface]\nPrivateKey = {}\nListenPort = {port}\n\
             [Peer]\nPublicKey = {client}\nAllowedIPs = {OWN}/32, {OWN_6}/128\n{preshared}",
            server.keys.private
        );
        let set = format!("wg setconf {device} /dev/stdin");
        let configure = server.enter(&["sh", "-c", &set]).input(&text);
        configure.run().text();
        let up = format!("ip link set {device} mtu 1420 up");
        lab.on_gateway(&["sh", "-c", &up]).run().text();
        server
    }

    /// One with the client's way back leading to it.
    pub fn start_routed(lab: &'lab Lab, client: &str, preshared: Option<&str>) -> Self {
        let server = Self::start(lab, "wg0", PORT, client, preshared);
        let routes =
            format!("ip route add {OWN}/32 dev wg0 && ip -6 route add {OWN_6}/128 dev wg0");
        lab.on_gateway(&["sh", "-c", &routes]).run().text();
        server
    }

    /// `wg` where this server is.
    pub fn wg(&self, words: &[&str]) -> Invocation {
        self.enter(&[&["wg"], words].concat())
    }

    /// `wg set` for this server's device.
    pub fn set(&self, words: &[&str]) {
        let all = [&["set", &*self.device], words].concat();
        self.wg(&all).run().text();
    }

    fn enter(&self, words: &[&str]) -> Invocation {
        let target = format!("--target={}", self.process.number_inside());
        let all = [&["nsenter", &target, "--mount", "--net", "--"], words].concat();
        self.lab.run_by_root(&all)
    }
}

/// A profile's text.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The client's keys.
    pub keys: Keys,
    /// What stands at the top.
    pub top: String,
    /// More of `[wireguard]`.
    pub more: String,
    /// All peers.
    pub peers: String,
}

impl Profile {
    /// One of a new client, without peers; the company's resolver.
    pub fn new() -> Self {
        Self {
            keys: Keys::new(),
            top: format!("version = 1\ndns = [\"{}\"]\n", address::FAR),
            more: String::new(),
            peers: String::new(),
        }
    }

    /// Adds a peer.
    pub fn peer(mut self, key: &str, endpoint: &str, allowed: &[&str], more: &str) -> Self {
        let _ = write!(
            self.peers,
            "[[wireguard.peer]]\npublic-key = \"{key}\"\nendpoint = \"{endpoint}\"\n\
             allowed-ips = {allowed:?}\n{more}\n"
        );
        self
    }

    /// Writes it where the program looks for it.
    pub fn write(&self, lab: &Lab) {
        let home = lab.user().home();
        for part in [".config", ".config/vpnns", ".config/vpnns/profiles"] {
            if !home.join(part).exists() {
                lab.user().make_directory(&home.join(part));
            }
        }
        let text = format!(
            "{}[wireguard]\nprivate-key = \"{}\"\naddresses = [\"{OWN}/32\", \"{OWN_6}/128\"]\n{}\n{}",
            self.top, self.keys.private, self.more, self.peers
        );
        let path = format!(".config/vpnns/profiles/{NAME}.toml");
        lab.user().write(&path, &text, 0o600);
    }
}

impl Lab {
    /// Brings the profile up and returns at once.
    pub fn wireguard(&self, profile: &Profile) -> Running {
        profile.write(self);
        self.run_by_user(&["vpnns", "--connect", NAME, "--name", NAME])
            .spawn()
    }

    /// Brings the profile up, and waits until it is.
    pub fn wireguard_up(&self, profile: &Profile) -> Running {
        let client = self.wireguard(profile);
        self.wait_for_state("connected", &client);
        client
    }

    /// What `--status --json` says of the instance.
    pub fn wireguard_status(&self) -> Value {
        let words = ["vpnns", "--status", "--name", NAME, "--json"];
        let output = self.run_by_user(&words).run();
        let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        report["instances"][0].clone()
    }

    /// Waits for a state; the client's words explain why it never came.
    pub fn wait_for_state(&self, state: &str, client: &Running) {
        let is = || self.wireguard_status()["state"] == state;
        let reached = wait_until(Duration::from_secs(60), || {
            std::thread::sleep(Duration::from_millis(50));
            is()
        });
        let status = self.wireguard_status();
        assert!(reached, "not {state}: {status:#}\n{}", client.log());
    }

    /// Starts an app with one TCP connection over which it sends.
    pub fn session(&self, address: &str) -> Session {
        let program = self
            .user()
            .write("session.py", include_str!("session.py"), 0o644);
        let words = ["/usr/bin/python3", program.to_str().unwrap(), address];
        let app = self.inside(NAME, &words).spawn();
        app.wait_for("delivered ");
        Session(app)
    }

    /// The root of the lab's shell, in the user's own network.
    pub fn root_shell(&self, script: &str) {
        self.run_by_root(&["sh", "-euc", script]).run().text();
    }

    /// Gives the lab a file of hosts, for names outside of the tunnel.
    pub fn set_hosts(&self, text: &str) {
        let path = self.user().home().join("hosts");
        if path.exists() {
            // In place: it is mounted.
            fs::write(&path, text).unwrap();
            return;
        }
        let path = self.user().write("hosts", text, 0o644);
        self.root_shell(&format!("mount --bind {} /etc/hosts", path.display()));
    }
}

/// An app that sends over one TCP connection.
pub struct Session(Running);

impl Session {
    /// How many bytes have arrived so far; fails the test when the connection is over.
    pub fn delivered(&self) -> u64 {
        let text = self.0.stdout();
        assert!(!text.contains("ended"), "the connection ended: {text}");
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let last = whole.lines().last().unwrap_or_default();
        let number = last.strip_prefix("delivered ").unwrap_or("0");
        number.parse().unwrap()
    }

    /// Waits until more arrives than has so far.
    pub fn goes_on(&self, limit: Duration) -> bool {
        let before = self.delivered();
        // More than what may have been on its way.
        wait_until(limit, || self.delivered() > before + 3000)
    }

    /// Ends the app.
    pub fn end(self) {
        self.0.signal(Signal::SIGKILL);
    }
}
