//! The log tells what happened in order, in the client's words too, and nothing that was typed.

use crate::support::ocserv::PASSWORD;
use crate::support::openvpn::{OpenVpnServer, PASSWORD as OPENVPN_PASSWORD};
use crate::support::{Lab, assert_complaint, wait_until};
use crate::*;

/// The log's lines.
fn log(lab: &Lab) -> Vec<String> {
    let output = vpnns(lab, &["--log", "--name", "work", "--json"]).run();
    let document: Value = serde_json::from_str(output.text()).unwrap();
    assert_eq!(document["version"], 1);
    let lines = document["lines"].as_array().unwrap().iter();
    let lines = lines.map(|line| {
        assert!(line["time"].as_u64() > Some(1_700_000_000), "{line:#}");
        line["text"].as_str().unwrap().to_owned()
    });
    lines.collect()
}

/// Fails unless the lines begin like this, in this order, whatever is between.
fn assert_in_order(lines: &[String], starts: &[&str]) {
    let mut rest = lines.iter();
    for start in starts {
        assert!(
            rest.any(|line| line.starts_with(start)),
            "{start:?} is not in its place in {lines:#?}"
        );
    }
}

#[test]
fn a_login_and_a_lost_server_are_told_in_order_and_the_password_is_not() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    openconnect(&lab, "work", &format!("fingerprint = \"{}\"", pin()));
    assert_eq!(log(&lab), Vec::<String>::new());
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    // A name that is part of many words, as names are.
    fill_in(&lab, "work", &asked, "test");
    let asked = question(&lab, "work", 2);
    fill_in(&lab, "work", &asked, PASSWORD);
    wait_for_state(&lab, "work", "connected");
    let keys = |line: &String| line.contains("ookie:") || line.contains("webvpn");
    lab.stop_gateway();
    wait_for(&lab, "work", "waited", |status| status["retry"].is_object());
    let lines = log(&lab);
    assert_in_order(
        &lines,
        &[
            "connecting with the profile work",
            "connecting: logging in to 192.0.2.1:443",
            "openconnect: ",
            "a question is asked",
            "the question is answered",
            "connecting: connecting to 192.0.2.1:443",
            "openconnect: ",
            "connected",
            "reconnecting",
        ],
    );
    assert!(
        lines.iter().any(|line| line.contains("; trying again in ")),
        "{lines:#?}"
    );
    let typed = |line: &String| line.contains(PASSWORD) || line.contains("test");
    assert!(
        !lines.iter().any(|line| typed(line) || keys(line)),
        "{lines:#?}"
    );
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    let text = vpnns(&lab, &["--log", "--name", "work"]).run();
    let last: Vec<&str> = text.text().lines().rev().take(2).collect();
    assert!(last[0].ends_with(" isolated"), "{text:#?}");
    assert!(
        last[1].ends_with(" the user wants it disconnected"),
        "{text:#?}"
    );
}

#[test]
fn openvpns_own_lines_are_there_without_their_time_and_without_what_was_typed() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let settings = OpenVpnServer {
        password: true,
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    // As much as it can tell.
    let text = format!("[openvpn]\nconfig = '''\n{}verb 7\n'''\n", server.client());
    profile(&lab, "work", &text);
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    let values = serde_json::json!({"username": "test", "password": OPENVPN_PASSWORD});
    let reply = serde_json::json!({"reply": "form", "values": values});
    assert!(answer(&lab, "work", &asked, &reply.to_string()).succeeded());
    wait_for_state(&lab, "work", "connected");
    let said = || log(&lab).iter().any(|line| line.starts_with("openvpn: "));
    assert!(wait_until(PATIENCE, said), "{:#?}", log(&lab));
    for line in log(&lab) {
        let typed = line.contains(OPENVPN_PASSWORD) || line.contains("username \"Auth\"");
        assert!(!typed, "{line}");
        assert!(!line.starts_with("openvpn: 20"), "{line}");
    }
}

#[test]
fn a_failure_is_in_the_log_with_its_hint_and_a_new_try_is_added_to_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    profile(
        &lab,
        "work",
        "[command]\nrun = [\"sh\", \"-c\", \"echo first; echo no good >&2; exit 3\"]\n",
    );
    for _ in 0..2 {
        let output = vpnns(&lab, &["--connect", "work"]).run();
        assert_eq!(output.code(), 1, "{output:#?}");
        assert!(output.stderr.contains("sh ended"), "{output:#?}");
        // On a loaded machine the keeper may hear of the end after us.
        wait_for_state(&lab, "work", "failed");
    }
    let once = [
        "connecting with the profile work",
        "connecting: running sh",
        "sh: first",
        "sh: no good",
        "failed: sh ended",
    ];
    assert_in_order(&log(&lab), &[once, once].concat());
}

#[test]
fn a_client_that_never_stops_talking_fills_no_memory_and_hides_nothing_else() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let run = "yes \\\"$(printf %0900d 0)\\\" | head -n 20000; exit 3";
    profile(
        &lab,
        "work",
        &format!("[command]\nrun = [\"sh\", \"-c\", \"{run}\"]\n"),
    );
    assert_eq!(vpnns(&lab, &["--connect", "work"]).run().code(), 1);
    wait_for_state(&lab, "work", "failed");
    let lines = log(&lab);
    assert!(lines.iter().map(String::len).sum::<usize>() <= 64 * 1024);
    assert!(
        lines.iter().any(|line| line == "sh: more than can be kept"),
        "{}",
        lines.len()
    );
    assert_in_order(&lines, &["failed: sh ended"]);
}

#[test]
fn a_last_line_that_holds_a_key_is_in_no_failure() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    for (last, quoted) in [
        ("no route to host", "no route to host"),
        (
            "Set-Cookie: webvpn=5ecret",
            "its last words may hold a secret",
        ),
    ] {
        let text = format!("[command]\nrun = [\"sh\", \"-c\", \"echo '{last}'; exit 3\"]\n");
        profile(&lab, "work", &text);
        let front = vpnns(&lab, &["--connect", "work"]).run();
        assert_eq!(front.code(), 1);
        wait_for_state(&lab, "work", "failed");
        let told = [front.stderr, status(&lab, "work").to_string()];
        for told in told.into_iter().chain([log(&lab).join("\n")]) {
            assert!(told.contains(quoted) && !told.contains("5ecret"), "{told}");
        }
    }
}

#[test]
fn an_instance_that_is_gone_has_taken_its_log_with_it() {
    let lab = Lab::start();
    let output = vpnns(&lab, &["--log", "--name", "work"]).run();
    assert_complaint(&output, 125, "takes its log with it");
    let output = vpnns(&lab, &["--log", "--name", "work", "--json"]).run();
    assert_complaint(&output, 125, "no instance named work is running");
}
