//! In the background, without whoever has started it; and new handshakes at the user's wish.

use nix::sys::signal::Signal;

use crate::*;

#[test]
fn a_front_that_is_killed_while_it_waits_for_the_handshake_is_not_needed() {
    let lab = Lab::start();
    let _app = lab.keep(NAME);
    let (profile, server) = one_peer(&lab);
    server.set(&["listen-port", "51999"]);
    profile.write(&lab);
    let words = ["vpnns", "--connect", NAME, "--name", NAME, "--background"];
    let front = lab.run_by_user(&words).spawn();
    lab.wait_for_state("connecting", &front);
    let waits = || lab.wireguard_status()["stage"] == "waiting for the handshake";
    assert!(wait_until(LIMIT, waits));
    front.signal(Signal::SIGKILL);
    server.set(&["listen-port", &PORT.to_string()]);
    lab.wait_for_state("connected", &front);
    assert!(lab.reaches(NAME, address::FAR));
    lab.run_by_user(&["vpnns", "--disconnect", "--name", NAME])
        .run()
        .text();
    assert!(!lab.reaches(NAME, address::FAR));
}

#[test]
fn a_wish_to_connect_again_is_a_new_handshake() {
    let lab = Lab::start();
    let (profile, _server) = one_peer(&lab);
    let client = lab.wireguard_up(&profile);
    let handshake = || lab.wireguard_status()["tunnel"]["peers"][0]["handshake"].as_u64();
    let before = handshake();
    assert!(before.is_some());
    // It is told in whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    lab.run_by_user(&["vpnns", "--reconnect", "--name", NAME])
        .run()
        .text();
    assert!(wait_until(LIMIT, || handshake() > before));
    lab.wait_for_state("connected", &client);
    assert!(lab.reaches(NAME, address::FAR));
}

/// That the peer is back is told by its answer, and frozen programs ask nothing.
#[test]
fn frozen_programs_do_not_keep_the_tunnel_from_coming_back() {
    let lab = Lab::start();
    let (mut profile, _server) = one_peer(&lab);
    profile.top.push_str("on-drop = \"freeze\"\n");
    let client = lab.wireguard_up(&profile);
    let session = lab.session(address::FAR);
    lab.root_shell("ip link set veth0 down");
    lab.wait_for_state("reconnecting", &client);
    let is_frozen = || lab.wireguard_status()["frozen"] == true;
    assert!(wait_until(LIMIT, is_frozen));
    lab.root_shell("ip link set veth0 up; ip route replace default via 192.0.2.1");
    lab.wait_for_state("connected", &client);
    assert!(session.goes_on(LIMIT));
    assert!(!is_frozen());
    session.end();
}
