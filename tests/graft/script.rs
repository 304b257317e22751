//! What the scripts of clients tell, and which of them are believed.

use super::support::{Lab, OpenVpnServer, address};
use super::{StandIn, becomes, everything_comes, openvpn, state, status};

const GOOD: &str = "tell:reason=connect,INTERNAL_IP4_ADDRESS=10.1.2.3,INTERNAL_IP4_MTU=1400";

#[test]
fn a_reconnect_without_a_connect_is_no_connection() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = StandIn::new(&lab).run(&["tun", "tell:reason=reconnect", "stay"]);
    client.wait_for("told: reconnect 0");
    client.wait_for("stays");
    assert_eq!(state(&lab), "connecting");
}

#[test]
fn half_a_configuration_is_taken_back_and_the_same_may_be_tried_again() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    // The kernel takes the first address, and not the loopback's on another device.
    let bad = format!("{GOOD},INTERNAL_IP6_ADDRESS=::1,CISCO_SPLIT_INC=0");
    let again = lab.user().home().join("again");
    let wait = format!("await:{}", again.display());
    let client = StandIn::new(&lab).run(&["tun", &bad, &wait, &bad, GOOD, "stay"]);
    client.wait_for("told: connect 125");
    becomes(&lab, "failed");
    let reason = status(&lab)["reason"].to_string();
    assert!(reason.contains("::1"), "{:#}", status(&lab));
    let addresses = || {
        let words = ["ip", "-brief", "address", "show", "tun7"];
        lab.inside("work", &words).run().text().to_owned()
    };
    assert!(!addresses().contains("10.1.2.3"), "{}", addresses());
    lab.write_home("again", "");
    client.wait_for("stays");
    assert_eq!(client.log().matches("told: connect 125").count(), 2);
    becomes(&lab, "connected");
    assert!(addresses().contains("10.1.2.3"), "{}", addresses());
}

#[test]
fn an_announcement_that_makes_no_sense_fails_the_tunnel_with_the_reason() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let bad = "tell:reason=connect,INTERNAL_IP4_ADDRESS=bogus";
    let client = StandIn::new(&lab).run(&["tun", bad, "stay"]);
    client.wait_for("told: connect 125");
    becomes(&lab, "failed");
    assert!(status(&lab)["reason"].to_string().contains("bogus"));
}

#[test]
fn only_the_clients_own_script_is_believed() {
    let lab = Lab::start();
    let server = OpenVpnServer::default().start(&lab);
    let _app = lab.keep("work");
    let _client = openvpn(&lab, &server, &[]);
    let before = status(&lab)["tunnel"]["network"].clone();
    for session in ["", "0123456789abcdef"] {
        let configure = lab
            .run_by_user(&["vpnns", "--configure", "-n", "work"])
            .env("VPNNS_SESSION", session)
            .env("reason", "connect")
            .env("INTERNAL_IP4_ADDRESS", "10.1.2.3")
            .run();
        assert_eq!(configure.code(), 125);
        assert!(
            configure.stderr.contains("belongs to another client"),
            "{configure:#?}"
        );
        let lost = lab.run_by_user(&["vpnns", "--configure", "-n", "work"]);
        let lost = lost
            .env("VPNNS_SESSION", session)
            .env("reason", "attempt-reconnect");
        lost.run().text();
    }
    assert_eq!(state(&lab), "connected");
    assert_eq!(status(&lab)["tunnel"]["network"], before);
    everything_comes(&lab);
    assert!(!lab.reaches("work", address::OUTSIDE));
}
