//! Watching the wire of the user's own network for packets that the VPN client did not send.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::command::Invocation;
use super::lab::Lab;
use super::process::{LIMIT, Running, wait_until};

/// Not the clients' packets, nor what makes a link work: ARP, neighbour discovery and multicast; nor the
/// host's own word that nobody listens on the port of a client that is gone.
const STRAY: &str = "not arp and not (ip6 and (dst net ff00::/8 or (icmp6 and ip6[40] >= 133))) \
    and not (icmp and icmp[0] == 3 and icmp[1] == 3) and not (icmp6 and ip6[40] == 1 and ip6[41] == 4)";
/// The clients' packets: openconnect's, openvpn's and WireGuard's.
const CLIENTS: &str = "(tcp or udp) and (port 443 or port 1194 or port 51820)";

/// A capture that runs until it is asked.
pub struct Capture(Running);

impl Capture {
    /// Starts to watch for what is not a client's.
    pub fn start(lab: &Lab) -> Self {
        Self::begin(lab.run_by_root(&words("veth0", CLIENTS)))
    }

    /// Starts to watch at the gateway's end of the wire, which stays when the user's goes down, for
    /// what is not the client's own.
    pub fn at_gateway(lab: &Lab, own: &str) -> Self {
        Self::begin(lab.on_gateway(&words("veth1", own)))
    }

    fn begin(tcpdump: Invocation) -> Self {
        let capture = tcpdump.spawn();
        capture.wait_for("listening on");
        Self(capture)
    }

    /// Waits until a packet from or to an address has passed beside the tunnel.
    pub fn wait_for_stray(&self, address: &str) {
        let seen = wait_until(LIMIT, || self.0.stdout().contains(address));
        assert!(seen, "nothing of {address} is seen: {}", self.0.log());
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

fn words(device: &str, own: &str) -> Vec<String> {
    let filter = format!("not ({own}) and {STRAY}");
    let options = [
        "tcpdump",
        "-i",
        device,
        "-n",
        "-l",
        "--immediate-mode",
        "-Z",
        "root",
        &filter,
    ];
    options.map(str::to_owned).into()
}
