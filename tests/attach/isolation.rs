//! Leaks: an instance without a tunnel reaches nothing, and with one nothing but the tunnel.

use crate::support::{Capture, Lab, address};

/// What answers in the user's own network, and must not in an instance.
const OUTSIDE: [&str; 4] = [
    address::OUTSIDE,
    address::OUTSIDE_6,
    address::INTERNET,
    address::INTERNET_6,
];

#[test]
fn no_packet_leaves_an_instance_before_attach() {
    let lab = Lab::start();
    for address in OUTSIDE {
        assert!(
            lab.reaches_outside(address),
            "{address} does not even answer outside"
        );
    }
    let _app = lab.keep("work");
    let capture = Capture::start(&lab);
    for address in OUTSIDE
        .into_iter()
        .chain([address::FAR, address::FAR_6, address::GATEWAY])
    {
        assert!(
            !lab.reaches("work", address),
            "{address} answers in an instance without tunnel"
        );
    }
    let addresses = lab.lookup("work", "intranet.corp.test");
    assert_eq!(addresses.stdout, "", "a name was resolved without tunnel");
    assert_eq!(capture.strays(), Vec::<String>::new());
}

#[test]
fn with_a_tunnel_no_packet_passes_beside_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    let capture = Capture::start(&lab);
    for address in [address::INTERNET, address::INTERNET_6] {
        let page = lab.page("work", address);
        assert!(page.text().contains("to 10.99.1.") || page.text().contains("to fd99:1:"));
    }
    for address in [address::OUTSIDE, address::OUTSIDE_6] {
        assert!(
            !lab.reaches("work", address),
            "{address} answers in an instance"
        );
    }
    // Also for a name that nobody has, which a resolver may ask elsewhere.
    lab.lookup("work", "nobody.example");
    assert!(lab.far_requests().contains("dns 10.99.0.1 nobody.example"));
    assert_eq!(capture.strays(), Vec::<String>::new());
    assert!(
        !lab.outside_requests().contains("10.99.1."),
        "{}",
        lab.outside_requests()
    );
}

#[test]
fn the_users_own_network_is_left_as_it_is() {
    let lab = Lab::start();
    let describe = "ip -brief address; ip route; ip -6 route; cat /etc/resolv.conf";
    let state = || {
        lab.run_by_user(&["sh", "-c", describe])
            .run()
            .text()
            .to_owned()
    };
    let before = state();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    assert_eq!(state(), before);
    assert_eq!(
        lab.page_outside(address::INTERNET).text(),
        "hello from the internet to 192.0.2.2"
    );
    assert!(
        !lab.reaches_outside(address::FAR),
        "the tunnel is there for everyone"
    );
}

#[test]
fn programs_can_neither_change_the_network_nor_leave_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let client = lab.connect("work");
    for change in [
        "ip link set lo down",
        "ip route add 198.51.100.0/24 dev lo",
        "umount /etc",
    ] {
        let output = lab.inside("work", &["sh", "-c", change]).run();
        assert!(!output.succeeded(), "{change}: {output:#?}");
    }
    let network = format!("--net=/proc/{}/ns/net", client.number_inside());
    let words = ["nsenter", &network, "true"];
    // The way is right, as one who may take it shows.
    lab.run_by_root(&words).run().text();
    assert!(
        !lab.inside("work", &words).run().succeeded(),
        "a program went back to the outside"
    );
}
