//! Watching the wire of the user's own network for packets that the VPN client did not send.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::lab::Lab;
use super::process::{LIMIT, Running};

/// Not the clients' packets (openconnect's, openvpn's, WireGuard's), nor what makes a link work: ARP, neighbour discovery and multicast.
const STRAY: &str = "not ((tcp or udp) and (port 443 or port 1194 or port 51820)) and not arp \
                     and not (ip6 and (dst net ff00::/8 or (icmp6 and ip6[40] >= 133)))";

/// A capture that runs until it is asked.
pub struct Capture(Running);

impl Capture {
    /// Starts to watch.
    pub fn start(lab: &Lab) -> Self {
        let words = [
            "tcpdump",
            "-i",
            "veth0",
            "-n",
            "-l",
            "--immediate-mode",
            "-Z",
            "root",
            STRAY,
        ];
        let capture = lab.run_by_root(&words).spawn();
        capture.wait_for("listening on");
        Self(capture)
    }

    /// Stops, and tells the packets that passed beside the tunnel, one a line.
    pub fn strays(self) -> Vec<String> {
        // Packets on their way are in the capture's ring before they are in its output.
        std::thread::sleep(Duration::from_millis(100));
        self.0.signal(Signal::SIGINT);
        let output = self.0.wait(LIMIT);
        output.text().lines().map(str::to_owned).collect()
    }
}
