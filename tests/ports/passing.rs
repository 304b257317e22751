//! Both directions, both protocols, both families; and that nothing is reached without.

use super::support::{Lab, Session, address};
use super::{FEW, INSIDE, asked, free_port, inside, sent, serve_inside, serve_outside};

#[test]
fn a_published_server_is_reached_and_one_that_is_not_is_not() {
    let session = Session::new();
    let port = free_port();
    let server = serve_inside(&session, &[], "tcp", "127.0.0.1");
    assert_eq!(sent(&session, "127.0.0.1", &port), "error ECONNREFUSED");
    let publish = format!("{port}:{INSIDE}");
    session
        .vpnns(&["--publish", &publish, "--", "true"])
        .run()
        .text();
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
    // Only at the address that was named.
    assert_eq!(sent(&session, "::1", &port), "error ECONNREFUSED");
    drop(server);
}

#[test]
fn a_published_server_of_datagrams_answers_each_sender() {
    let session = Session::new();
    let port = free_port();
    let publish = format!("{port}:{INSIDE}/udp");
    assert_eq!(asked(&session, "127.0.0.1", &port), "error ECONNREFUSED");
    let _server = serve_inside(&session, &["--publish", &publish], "udp", "127.0.0.1");
    for _ in 0..3 {
        assert_eq!(asked(&session, "127.0.0.1", &port), "default hello");
    }
}

#[test]
fn ipv6_is_published_and_a_server_of_ipv6_is_found() {
    for (kind, reply) in [("tcp", "intact default"), ("udp", "default hello")] {
        let session = Session::new();
        let (one, two) = (free_port(), free_port());
        let [by_v6, by_v4] = [
            format!("[::1]:{one}:{INSIDE}/{kind}"),
            format!("{two}:{INSIDE}/{kind}"),
        ];
        let options = ["--publish", &by_v6, "--publish", &by_v4];
        let _server = serve_inside(&session, &options, kind, "::1");
        let talk = |address, port: &String| match kind {
            "tcp" => sent(&session, address, port),
            _ => asked(&session, address, port),
        };
        assert_eq!(talk("::1", &one), reply);
        assert_eq!(talk("127.0.0.1", &two), reply);
    }
}

#[test]
fn a_service_of_the_host_is_reached_by_name_of_its_port_only() {
    for (kind, reply) in [("tcp", "intact outside"), ("udp", "outside hello")] {
        for address in ["127.0.0.1", "::1"] {
            let session = Session::new();
            let (port, other) = (free_port(), free_port());
            let _service = serve_outside(&session, kind, address, &port);
            let _other = serve_outside(&session, kind, address, &other);
            let talk = |options: &[&str], port: &str, at: &str| {
                let words = match kind {
                    "tcp" => vec!["send", at, port, FEW],
                    _ => vec!["ask", at, port],
                };
                let output = inside(&session, options, &words).run();
                output.text().to_owned()
            };
            assert_eq!(talk(&[], &port, "127.0.0.1"), "error ECONNREFUSED");
            let written = match address {
                "::1" => format!("[::1]:{port}/{kind}"),
                _ => format!("localhost:{port}/{kind}"),
            };
            let _app = session.keep("default");
            session
                .vpnns(&["--reach", &written, "--", "true"])
                .run()
                .text();
            // Inside it is there in both families, whatever it has outside.
            assert_eq!(talk(&[], &port, "127.0.0.1"), reply);
            assert_eq!(talk(&[], &port, "::1"), reply);
            assert_eq!(talk(&[], &other, "127.0.0.1"), "error ECONNREFUSED");
        }
    }
}

#[test]
fn two_instances_publish_the_same_port_at_two() {
    let session = Session::new();
    let (one, two) = (free_port(), free_port());
    let publish = [format!("{one}:{INSIDE}"), format!("{two}:{INSIDE}")];
    let _first = serve_inside(
        &session,
        &["--name", "one", "--publish", &publish[0]],
        "tcp",
        "127.0.0.1",
    );
    let _second = serve_inside(
        &session,
        &["--name", "two", "--publish", &publish[1]],
        "tcp",
        "127.0.0.1",
    );
    assert_eq!(sent(&session, "127.0.0.1", &one), "intact one");
    assert_eq!(sent(&session, "127.0.0.1", &two), "intact two");
}

#[test]
fn an_opened_application_has_its_ports_as_well() {
    let session = Session::new();
    let port = free_port();
    let text =
        "[Desktop Entry]\nType=Application\nName=Server\nExec=sh -c \"echo up; exec sleep 600\"\n";
    let entry = session.user().write("server.desktop", text, 0o644);
    let publish = format!("{port}:{INSIDE}");
    let entry = entry.to_str().unwrap();
    let app = session
        .vpnns(&["--open", entry, "--publish", &publish])
        .spawn();
    app.wait_for("up");
    let _server = serve_inside(&session, &[], "tcp", "127.0.0.1");
    assert_eq!(sent(&session, "127.0.0.1", &port), "intact default");
}

#[test]
fn what_is_reached_past_the_vpn_is_that_one_service_and_is_told() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let _client = lab.connect("work");
    // The user's own network answers outside, and not inside.
    assert!(lab.reaches_outside(address::OUTSIDE));
    assert!(!lab.reaches("work", address::OUTSIDE));
    assert!(!lab.reaches("work", "127.0.0.1"));
    // Below 1024 inside, too: there it is the instance's own.
    let reach = format!("{}:80", address::OUTSIDE);
    let words = ["vpnns", "--name", "work", "--reach", &reach, "--", "true"];
    lab.run_by_user(&words).run().text();
    let page = lab.page("work", "127.0.0.1");
    assert!(
        page.text().starts_with("hello from the outside"),
        "{page:#?}"
    );
    assert!(!lab.reaches("work", address::OUTSIDE));
    let told = format!("the inside reaches {reach} past the VPN by TCP");
    let status = lab
        .run_by_user(&["vpnns", "--status", "--name", "work"])
        .run();
    assert!(status.text().contains(&told), "{status:#?}");
    let check = lab
        .run_by_user(&["vpnns", "--check", "--name", "work"])
        .run();
    let line = format!("note   Something Is Reached Past the VPN: {told}");
    assert!(check.text().contains(&line), "{check:#?}");
}
