//! A client that we know nothing of: wireguard-go, which looks at its device and sets its MTU by
//! itself, and whose addresses only the user can tell.

use super::support::wireguard::{Keys, OWN, OWN_6, Server};
use super::support::{Capture, LIMIT, Lab, Running, address, wait_until};
use super::{becomes, status};

/// wireguard-go as the user, with a /run of its own: there it keeps the socket that `wg` talks to.
fn wireguard_go(lab: &Lab) -> Running {
    let user = lab.user();
    let script = format!(
        "mount -t tmpfs -o mode=1777 tmpfs /run && mkdir -m 1777 /run/wireguard &&
         exec setpriv --clear-groups --inh-caps=-all --reuid={} --regid={} --pdeathsig KILL -- \
         env --chdir {} LOG_LEVEL=verbose vpnns --graft --name work --address {OWN}/32,{OWN_6}/128 \
         --dns {} -- wireguard-go --foreground wg0",
        user.uid(),
        user.gid(),
        user.home().display(),
        address::FAR,
    );
    lab.run_by_root(&["unshare", "--mount", "sh", "-c", &script])
        .spawn()
}

fn wg(lab: &Lab, client: &Running, input: &str) {
    let target = format!("--target={}", client.number_inside());
    let words = [
        "nsenter",
        &target,
        "--mount",
        "--",
        "wg",
        "setconf",
        "wg0",
        "/dev/stdin",
    ];
    // Before that wg takes away the socket, for nobody listens on it.
    client.wait_for("UAPI listener started");
    lab.run_by_root(&words).input(input).run().text();
}

#[test]
fn wireguard_go_connects_an_instance() {
    let lab = Lab::start();
    let keys = Keys::new();
    let server = Server::start_routed(&lab, &keys.public, None);
    let capture = Capture::start(&lab);
    let client = wireguard_go(&lab);
    becomes(&lab, "connected");
    assert!(
        !lab.reaches("work", address::FAR),
        "not before it has its keys"
    );
    let configuration = format!(
        "[Interface]\nPrivateKey = {}\n[Peer]\nPublicKey = {}\nEndpoint = {}:51820\n\
         AllowedIPs = 0.0.0.0/0, ::/0\n",
        keys.private,
        server.keys.public,
        address::GATEWAY,
    );
    wg(&lab, &client, &configuration);
    super::everything_comes(&lab);
    let tunnel = &status(&lab)["tunnel"];
    assert_eq!(tunnel["client"]["name"], "wireguard-go");
    assert_eq!(tunnel["device"], "wg0");
    super::clients::assert_ordinary(&lab, client.pid());
    drop(client);
    // The keeper sees a moment later that its supervisor was killed.
    assert!(wait_until(LIMIT, || !lab.reaches("work", address::FAR)));
    assert_eq!(capture.strays(), [""; 0]);
}

/// A program of the test's that does what clients with code of their own for it do.
const CONFIGURES_ITSELF: &str = r#"
import fcntl, os, socket, struct, time
tun = os.open("/dev/net/tun", os.O_RDWR)
name = struct.unpack_from("16s", fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"own%d", 0x1001)))[0]
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def set(request, value):
    fcntl.ioctl(control, request, struct.pack("16s24s", name, value))
def address(text):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
set(0x8916, address("10.77.0.2"))
set(0x891c, address("255.255.255.0"))
set(0x8922, struct.pack("i", 1300))
set(0x8914, struct.pack("h", 0x1043))
index = struct.unpack_from("i", fcntl.ioctl(control, 0x8933, struct.pack("16s24x", name)), 16)[0]
# RTM_NEWROUTE of 10.88.0.0/16 into the device: rtmsg, RTA_DST, RTA_OIF.
body = struct.pack("BBBBBBBBI", 2, 16, 0, 0, 254, 4, 253, 1, 0)
body += struct.pack("HH4s", 8, 1, socket.inet_aton("10.88.0.0")) + struct.pack("HHi", 8, 4, index)
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
route.send(struct.pack("IHHII", 16 + len(body), 24, 0x605, 1, 0) + body)
answer = route.recv(4096)
print("route", struct.unpack_from("i", answer, 16)[0], name.rstrip(b"\0").decode(), flush=True)
while True:
    packet = os.read(tun, 2000)
    print("packet to", socket.inet_ntoa(packet[16:20]), flush=True)
"#;

#[test]
fn a_client_may_configure_its_device_by_ioctls_and_routing_sockets() {
    let lab = Lab::start();
    let script = lab.write_home("client.py", CONFIGURES_ITSELF);
    let client = lab
        .run_by_user(&[
            "vpnns",
            "--graft",
            "-n",
            "work",
            "--",
            "/usr/bin/python3",
            &script,
        ])
        .spawn();
    client.wait_for("route 0 own0");
    becomes(&lab, "connected");
    let network = || status(&lab)["tunnel"]["network"].clone();
    let routes = || network()["routes"].to_string();
    let shown = wait_until(LIMIT, || routes().contains("10.88.0.0/16"));
    assert!(shown, "{:#}", network());
    assert_eq!(network()["mtu"], 1300);
    assert_eq!(network()["addresses"], serde_json::json!(["10.77.0.2/24"]));
    let page = lab.page("work", "10.88.1.1");
    assert!(!page.succeeded());
    client.wait_for("packet to 10.88.1.1");
    // The host has none of it.
    let host = lab.run_by_user(&["ip", "-brief", "address"]).run();
    assert!(!host.text().contains("own0") && !host.text().contains("10.77."));
    let routes = lab.run_by_user(&["ip", "route"]).run();
    assert!(!routes.text().contains("10.88."));
}
