//! An update while instances run: their keepers are of one version, and whoever comes is of another.
//!
//! A debug build says that it speaks the protocol that `VPNNS_TEST_PROTOCOL` names. Each test goes both
//! ways: a newer helper with an older keeper, and after a downgrade the other way round.

use serde_json::Value;

use crate::support::{Invocation, LIMIT, Running, Session, assert_complaint, wait_until};

/// The protocols of the keeper and of whoever comes.
const BOTH_WAYS: [(&str, &str); 2] = [("1", "2"), ("2", "1")];

fn of_version(session: &Session, version: &str, words: &[&str]) -> Invocation {
    let vpnns = session.vpnns(words);
    vpnns.env("VPNNS_TEST_PROTOCOL", version)
}

fn keep(session: &Session, version: &str) -> Running {
    let words = ["--", "sh", "-c", "echo on; exec sleep 600"];
    let app = of_version(session, version, &words).spawn();
    app.wait_for("on\n");
    app
}

fn instance(session: &Session, version: &str, name: &str) -> Value {
    let words = ["--status", "--json", "--name", name];
    let output = of_version(session, version, &words).run();
    let report: Value = serde_json::from_str(output.text()).unwrap();
    report["instances"][0].clone()
}

#[test]
fn programs_get_in_and_out_and_are_seen_whatever_version_has_started_the_instance() {
    for (keeper, other) in BOTH_WAYS {
        let session = Session::new();
        let first = keep(&session, keeper);
        let second = keep(&session, other);
        let networks = [keeper, other].map(|version| {
            let words = ["--", "readlink", "/proc/self/ns/net"];
            of_version(&session, version, &words)
                .run()
                .text()
                .to_owned()
        });
        assert_eq!(networks[0], networks[1]);
        let seen = instance(&session, other, "default");
        assert_eq!(seen["apps"].as_array().map(Vec::len), Some(2), "{seen:#}");
        let list = of_version(&session, other, &["--list"]).run();
        assert!(list.text().contains("default"), "{list:#?}");
        let log = of_version(&session, other, &["--log"]).run();
        assert!(log.succeeded(), "{log:#?}");
        let output = of_version(&session, other, &["--stop"]).run();
        assert_eq!((output.code(), &*output.log()), (0, ""));
        for app in [first, second] {
            assert_eq!(app.wait(LIMIT).code(), 128 + 15);
        }
        session.wait_for_nothing();
    }
}

#[test]
fn a_vpn_of_another_version_goes_on_and_can_be_disconnected() {
    for (keeper, other) in BOTH_WAYS {
        let session = Session::new();
        let import = "mkdir -p ~/.config/vpnns/profiles; chmod -R go= ~/.config
            printf 'version = 1\\n[demo]\\n' >~/.config/vpnns/profiles/demo.toml
            chmod 600 ~/.config/vpnns/profiles/demo.toml";
        session.script(import).run().text();
        let client = of_version(&session, keeper, &["--connect", "demo", "--background"]);
        client.limit(LIMIT * 4).run().text();
        let connected = || instance(&session, other, "demo")["state"] == "connected";
        assert!(connected(), "{:#}", instance(&session, other, "demo"));
        // What belongs to the tunnel is for the keeper's own version. It says what to do next.
        let words = ["--connect", "demo", "--name", "demo"];
        let refused = of_version(&session, other, &words).run();
        let text = "the instance demo was started by a vpnns of another version, which keeps it";
        assert_complaint(&refused, 1, text);
        let hint = "programs and VPN of demo go on as they are; to use that version, end it and start it again: \
                    vpnns --stop --name demo";
        assert!(refused.stderr.contains(hint), "{refused:#?}");
        let words = ["--name", "demo", "--publish", "8080:80", "--", "true"];
        let refused = of_version(&session, other, &words).run();
        assert_eq!(refused.code(), 125, "{refused:#?}");
        assert!(
            refused.stderr.contains("end it with vpnns --stop"),
            "{refused:#?}"
        );
        assert!(connected());
        // A program that comes later gets in all the same.
        let words = [
            "--name",
            "demo",
            "--",
            "sh",
            "-c",
            "echo on; exec sleep 600",
        ];
        let app = of_version(&session, other, &words).spawn();
        app.wait_for("on\n");
        assert!(connected());
        let down = of_version(&session, other, &["--disconnect", "--name", "demo"]).run();
        assert!(down.succeeded(), "{down:#?}");
        let isolated = || instance(&session, other, "demo")["state"] == "isolated";
        assert!(
            wait_until(LIMIT, isolated),
            "{:#}",
            instance(&session, other, "demo")
        );
        let stopped = of_version(&session, other, &["--stop", "--name", "demo"]).run();
        assert!(stopped.succeeded(), "{stopped:#?}");
        assert_eq!(app.wait(LIMIT).code(), 128 + 15);
        session.wait_for_nothing();
    }
}
