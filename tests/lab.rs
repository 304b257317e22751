//! The lab itself: what later tests conclude from silence holds only if the lab can be heard.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Capture, LIMIT, Lab, address, wait_until};

#[test]
fn the_user_of_the_lab_is_an_ordinary_one_and_can_make_namespaces() {
    let lab = Lab::start();
    let uid = lab.run_by_user(&["id", "-u"]).run();
    assert_eq!(uid.text(), lab.user().uid().to_string());
    let script = "grep -E 'Cap(Inh|Prm|Eff|Amb):' /proc/self/status | cut -f2 | sort -u";
    assert_eq!(
        lab.run_by_user(&["sh", "-c", script]).run().text(),
        "0000000000000000"
    );
    lab.run_by_user(&["unshare", "--user", "--net", "--map-root-user", "true"])
        .run()
        .text();
}

#[test]
fn the_internet_and_the_outside_answer_but_the_company_only_through_a_tunnel() {
    let lab = Lab::start();
    for (address, who) in [
        (address::OUTSIDE, "hello from the outside to 192.0.2.2"),
        (address::OUTSIDE_6, "hello from the outside to fd00:2::2"),
        (address::INTERNET, "hello from the internet to 192.0.2.2"),
        (address::INTERNET_6, "hello from the internet to fd00:2::2"),
    ] {
        assert_eq!(lab.page_outside(address).text(), who);
    }
    for address in [
        address::FAR,
        address::FAR_SECOND,
        address::FAR_6,
        address::FAR_SECOND_6,
    ] {
        assert!(
            !lab.reaches_outside(address),
            "{address} answers past the tunnel"
        );
    }
}

#[test]
fn a_capture_sees_what_passes_beside_the_tunnel_and_nothing_else() {
    let lab = Lab::start();
    let quiet = Capture::start(&lab);
    assert_eq!(quiet.strays(), Vec::<String>::new());
    let capture = Capture::start(&lab);
    assert!(lab.reaches_outside(address::INTERNET));
    assert!(lab.reaches_outside(address::INTERNET_6));
    for address in [address::INTERNET, address::INTERNET_6] {
        capture.wait_for_stray(address);
    }
}

#[test]
fn everything_of_a_lab_ends_with_it() {
    let lab = Lab::start();
    let marker = format!("600.{}", std::process::id());
    // In a session of its own, so that no parent and no terminal takes it along.
    lab.run_by_user(&["setsid", "--fork", "sleep", &marker])
        .run()
        .text();
    assert!(wait_until(LIMIT, || runs(&marker)));
    drop(lab);
    assert!(wait_until(LIMIT, || !runs(&marker)), "it outlived the lab");
}

/// Whether a process of the machine has this among its arguments.
fn runs(marker: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|word| word == marker.as_bytes())
    })
}
