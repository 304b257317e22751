//! openvpn's two ways: the out-of-tree pipe, and 2.7's `--dev-node unix:`.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Instance, LIMIT, Running, StandIn, User, wait_until};
use crate::{FAR, FAR_6};

/// What is said where the pipe variant names no resolver, as it never does.
const FALLBACK: &str =
    "vpnns: the VPN client named no resolver; asking 8.8.8.8 and 8.8.4.4 through the tunnel";

/// What the out-of-tree openvpn announces, and no more.
fn pipe<'user>(user: &'user User, command: &str) -> StandIn<'user> {
    StandIn::openvpn_pipe(user, command)
        .set("INTERNAL_IP4_ADDRESS", "10.8.0.2")
        .set("INTERNAL_IP4_MTU", "1400")
        .set("INTERNAL_IP6_NETMASK", "fd08::2/64")
}

#[test]
fn the_pipe_variant_needs_no_environment_and_asks_resolvers_of_its_own() {
    let user = User::new();
    let instance = user.instance("default");
    let _app = instance.keep();
    let command = format!(
        "HOME={} {} --attach",
        user.home().display(),
        user.program().display()
    );
    let client = pipe(&user, &command).connect("default");
    client.running.wait_for(FALLBACK);
    assert_eq!(resolvers(&instance), ["8.8.8.8", "8.8.4.4"]);
    assert_eq!(instance.knock(FAR), "through");
    assert_eq!(instance.knock(FAR_6), "through");
    assert_eq!(
        instance.knock("8.8.8.8"),
        "through",
        "the resolver is the stand-in as well"
    );
    assert_eq!(instance.ip(&["link", "show", "tun0"])[0]["mtu"], 1400);
}

#[test]
fn other_resolvers_than_the_fallback_can_be_named() {
    let user = User::new();
    let instance = user.instance("default");
    let _app = instance.keep();
    let start = format!(
        "HOME={} {} --attach",
        user.home().display(),
        user.program().display()
    );
    for (options, expected) in [
        ("--dns 10.8.0.1 --dns fd08::1", &["10.8.0.1", "fd08::1"][..]),
        ("--dns 10.8.0.1,10.8.0.9", &["10.8.0.1", "10.8.0.9"]),
        ("--dns none", &[]),
    ] {
        let client = pipe(&user, &format!("{start} {options}")).connect("default");
        assert_eq!(resolvers(&instance), expected, "{options}");
        assert_eq!(client.running.stderr(), "", "{options}");
        drop(client);
        isolated(&instance);
    }
}

#[test]
fn without_home_the_user_database_names_it() {
    let user = User::new();
    let instance = user.instance("default");
    let _app = instance.keep();
    let command = format!("{} --attach", user.program().display());
    let _client = pipe(&user, &command)
        .through(&with_passwd(&user))
        .connect("default");
    assert_eq!(instance.knock(FAR), "through");
}

/// What openvpn 2.7 sets for a `--dev-node unix:` program.
fn node(user: &User) -> StandIn<'_> {
    StandIn::openvpn_node(user, &attach_program(user))
        .set("TUNTAP_DEV_TYPE", "tun")
        .set("TUNTAP_MTU", "1400")
        .set("ifconfig_local", "10.8.0.2")
        .set("ifconfig_netmask", "255.255.255.0")
        .set("ifconfig_ipv6_local", "fd08::2")
        .set("ifconfig_ipv6_netbits", "64")
        .set("route_redirect_gateway_ipv4", "1")
        .set("route_ipv6_network_1", "2001:db8:113::/48")
        .set("foreign_option_1", "dhcp-option DNS 10.8.0.1")
        .set("foreign_option_2", "dhcp-option DOMAIN corp.test")
        .set("VPNNS_NAME", "work")
}

/// The same, with the home that the test's user has.
fn node_at_home(user: &User) -> StandIn<'_> {
    node(user).set("HOME", user.home().to_str().unwrap())
}

/// The program under the name that makes it attach without arguments.
fn attach_program(user: &User) -> PathBuf {
    let path = user.home().join("vpnns-attach");
    if !path.exists() {
        symlink(user.program(), &path).unwrap();
    }
    path
}

#[test]
fn the_node_variant_needs_neither_arguments_nor_home_nor_path() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = node(&user).through(&with_passwd(&user)).connect("work");
    assert_eq!(client.running.stderr(), "");
    assert_eq!(work.knock(FAR), "through");
    assert_eq!(work.knock(FAR_6), "through");
    assert_eq!(
        work.knock("2001:db8:777::1"),
        "ENETUNREACH",
        "only one network was named"
    );
    assert_eq!(resolvers(&work), ["10.8.0.1"]);
    let address = &work.ip(&["-4", "address", "show", "tun0"])[0]["addr_info"][0];
    assert_eq!(
        (address["local"].as_str(), address["prefixlen"].as_u64()),
        (Some("10.8.0.2"), Some(24))
    );
}

#[test]
fn a_copy_of_the_program_works_like_a_link() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let copy = user.home().join("vpnns-attach");
    std::fs::copy(user.program(), &copy).unwrap();
    let _client = node_at_home(&user).connect("work");
    assert_eq!(work.knock(FAR), "through");
}

#[test]
fn an_ethernet_device_is_refused_with_a_sentence() {
    let user = User::new();
    let output = node_at_home(&user).set("TUNTAP_DEV_TYPE", "tap").run();
    crate::input::expect_refusal("tap", &output, 125, "\"tap\" device");
    user.assert_nothing_left();
}

#[test]
fn a_restart_keeps_the_device_and_what_is_open() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = node_at_home(&user).connect("work");
    let apps = [("tcp", FAR), ("udp", FAR), ("tcp", FAR_6)]
        .map(|(kind, address)| work.talk(kind, address));
    let before = (
        work.devices(),
        work.ip(&["address"]),
        work.status()["tunnel"].clone(),
    );
    for _ in 0..3 {
        client.order("stop");
        work.wait_for_state("reconnecting", &client.running);
        // What was on its way when the relay went arrives in its own time.
        let passed = || (apps.each_ref().map(echoes), client.received());
        let nothing = wait_until(LIMIT, || {
            let before = passed();
            std::thread::sleep(Duration::from_millis(300));
            passed() == before
        });
        assert!(nothing, "something passes without a relay");
        let (echoes, _) = passed();
        client.order("start");
        work.wait_for_state("connected", &client.running);
        for (app, before) in apps.iter().zip(echoes) {
            let more = wait_until(LIMIT, || self::echoes(app) > before + 5);
            assert!(more, "an app did not survive:\n{}", app.log());
        }
    }
    let (devices, mut addresses, mut tunnel) = before;
    assert_eq!(work.devices(), devices);
    let mut now = work.ip(&["address"]);
    for list in [&mut addresses, &mut now] {
        // What passes and what waits is not what was configured.
        for link in list.as_array_mut().unwrap() {
            link.as_object_mut().unwrap().remove("operstate");
        }
    }
    assert_eq!(now, addresses);
    let mut back = work.status()["tunnel"].take();
    assert_eq!(back["reconnects"], 3);
    assert!(
        back["counters"]["sent-packets"].as_u64() > tunnel["counters"]["sent-packets"].as_u64()
    );
    for counted in ["reconnects", "counters"] {
        for status in [&mut back, &mut tunnel] {
            status[counted].take();
        }
    }
    assert_eq!(back, tunnel);
    for app in &apps {
        assert!(!app.stdout().contains("error"), "{}", app.log());
    }
}

#[test]
fn another_address_after_a_restart_gives_another_device() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = node_at_home(&user).connect("work");
    let mut app = work.talk("tcp", FAR);
    let before = work.devices();
    client.order("stop");
    work.wait_for_state("reconnecting", &client.running);
    client.order("start ifconfig_local=10.8.0.77");
    work.wait_for_state("connected", &client.running);
    assert!(
        wait_until(LIMIT, || app.ended().is_some()),
        "an app was not told"
    );
    assert!(app.stdout().contains("error "), "{}", app.log());
    assert_ne!(work.devices(), before, "it is the same device");
    let address = &work.ip(&["-4", "address", "show", "tun0"])[0]["addr_info"];
    assert_eq!(address[0]["local"], "10.8.0.77");
    assert_eq!(address.as_array().unwrap().len(), 1, "{address}");
    assert_eq!(work.knock(FAR), "through");
}

#[test]
fn the_end_of_the_client_ends_the_tunnel_with_and_without_a_relay() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    for held in [false, true] {
        let client = node_at_home(&user).connect("work");
        let mut app = work.talk("tcp", FAR);
        if held {
            client.order("stop");
            work.wait_for_state("reconnecting", &client.running);
        }
        client.running.signal(Signal::SIGKILL);
        assert!(
            wait_until(LIMIT, || app.ended().is_some()),
            "held {held}: the app hangs"
        );
        isolated(&work);
        assert_eq!(work.knock(FAR), "ENETUNREACH", "held {held}");
        drop(client);
    }
}

#[test]
fn another_client_may_take_the_place_of_one_that_restarts() {
    let user = User::new();
    let work = user.instance("work");
    let _app = work.keep();
    let client = node_at_home(&user).connect("work");
    client.order("stop");
    work.wait_for_state("reconnecting", &client.running);
    let other = StandIn::openconnect(&user, crate::ATTACH)
        .both_families()
        .connect("work");
    assert_eq!(work.knock(FAR), "through");
    assert!(other.received() > 0);
    // The first finds its place taken.
    client.order("start");
    assert!(client.helper_ends(LIMIT), "{}", client.running.log());
    let said = client.running.stderr();
    assert!(
        said.contains("vpnns: the instance work already has a tunnel"),
        "{said}"
    );
    assert_eq!(work.knock(FAR), "through");
}

/// A way into a mount namespace whose user database says where the user's home is.
fn with_passwd(user: &User) -> [&'static str; 6] {
    let line = format!("root:x:0:0:root:{}:/bin/sh\n", user.home().display());
    let passwd = user.write("passwd", &line, 0o644);
    // A leak of a few bytes in a test: the words outlive the call.
    let passwd = Box::leak(passwd.to_str().unwrap().to_owned().into_boxed_str());
    let bind = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    ["unshare", "-Urm", "sh", "-c", bind, passwd]
}

fn resolvers(instance: &Instance<'_>) -> Vec<String> {
    let file = instance.inside(&["cat", "/etc/resolv.conf"]).run();
    let lines = file.text().lines();
    lines
        .filter_map(|line| line.strip_prefix("nameserver "))
        .map(str::to_owned)
        .collect()
}

fn echoes(app: &Running) -> usize {
    app.stdout().matches("echo ").count()
}

fn isolated(instance: &Instance<'_>) {
    assert!(
        wait_until(LIMIT, || instance.state() == "isolated"),
        "{}",
        instance.status()
    );
}
