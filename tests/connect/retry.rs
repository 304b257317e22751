//! Waiting for the next try: it is told with its time and reason, and need not be waited for.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::openvpn::OpenVpnServer;
use crate::support::{Hold, Lab, address, assert_complaint};
use crate::*;

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

fn reconnect(lab: &Lab) -> Output {
    vpnns(lab, &["--reconnect", "--name", "work"]).run()
}

/// Waits until the next try is so far away that nobody reaches it by waiting for it.
fn wait_for_a_long_wait(lab: &Lab) -> Value {
    wait_for(lab, "work", "waited", |status| {
        let at = status["retry"]["at"].as_u64();
        at.is_some_and(|at| at > now() + 5)
    })
}

#[test]
fn a_command_that_fails_again_tells_when_it_is_run_next_and_why_and_can_be_told_to_now() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let server = OpenVpnServer::default().start(&lab);
    let path = lab.user().write("work.ovpn", &server.client(), 0o600);
    // Fails in an instant while the file is away.
    let run = format!("run = [\"openvpn\", \"--config\", \"{}\"]", path.display());
    profile(&lab, "work", &format!("[command]\n{run}\n"));
    let front = vpnns(&lab, &["--connect", "work"]).spawn();
    let status = wait_for_state(&lab, "work", "connected");
    assert_eq!(status["retry"], Value::Null, "{status:#}");
    let client = status["tunnel"]["client"]["pid"].to_string();
    std::fs::rename(&path, path.with_extension("away")).unwrap();
    lab.run_by_root(&["kill", "-KILL", &client]).run().text();
    let status = wait_for_a_long_wait(&lab);
    assert_eq!(status["state"], "reconnecting", "{status:#}");
    let reason = status["retry"]["reason"].as_str().unwrap();
    assert!(reason.contains("work.ovpn"), "{status:#}");
    std::fs::rename(path.with_extension("away"), &path).unwrap();
    let at = wait_for_a_long_wait(&lab)["retry"]["at"].as_u64().unwrap();
    assert!(reconnect(&lab).succeeded());
    // How long it takes then is the machine's business.
    wait_for(&lab, "work", "tried again", |status| {
        status["retry"] == Value::Null
    });
    assert!(now() < at, "it was waited for");
    let status = wait_for_state(&lab, "work", "connected");
    assert_eq!(status["retry"], Value::Null, "{status:#}");
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(front.wait(PATIENCE).succeeded());
}

#[test]
fn a_server_that_is_away_is_tried_again_when_the_user_says_so() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let mut server = OpenVpnServer::default().start(&lab);
    let text = format!("[openvpn]\nconfig = '''\n{}'''\n", server.client());
    profile(&lab, "work", &text);
    let _front = vpnns(&lab, &["--connect", "work"]).spawn();
    wait_for_state(&lab, "work", "connected");
    let mut held = Hold::start(&lab, "work", address::FAR);
    server.kill();
    let status = wait_for(&lab, "work", "waited", |status| {
        status["state"] == "reconnecting" && status["retry"]["at"].is_u64()
    });
    assert!(
        status["retry"]["at"].as_u64() <= Some(now() + 61),
        "{status:#}"
    );
    server.restart(&lab);
    assert!(reconnect(&lab).succeeded());
    let status = wait_for_state(&lab, "work", "connected");
    assert_eq!(status["retry"], Value::Null, "{status:#}");
    assert!(held.holds(), "the connection did not survive");
}

#[test]
fn a_connection_that_is_there_is_made_anew_and_the_programs_keep_theirs() {
    for kind in ["openconnect", "openvpn", "demo"] {
        let lab = Lab::start();
        let _app = lab.keep("work");
        let server = OpenVpnServer::default().start(&lab);
        let _front = match kind {
            "openconnect" => {
                usual(&lab, "work");
                connect(&lab, "work")
            }
            "openvpn" => {
                let text = format!("[openvpn]\nconfig = '''\n{}'''\n", server.client());
                profile(&lab, "work", &text);
                vpnns(&lab, &["--connect", "work"]).spawn()
            }
            _ => {
                profile(&lab, "work", "[demo]\n");
                vpnns(&lab, &["--connect", "work"]).spawn()
            }
        };
        wait_for_state(&lab, "work", "connected");
        let mut held = (kind != "demo").then(|| Hold::start(&lab, "work", address::FAR));
        assert!(reconnect(&lab).succeeded());
        wait_for(&lab, "work", "reconnected", |status| {
            let times = status["tunnel"]["reconnects"].as_u64();
            status["state"] == "connected" && times >= Some(1)
        });
        if let Some(held) = &mut held {
            assert!(held.holds(), "{kind}: the connection did not survive");
        }
    }
}

#[test]
fn where_nothing_is_kept_up_there_is_nothing_to_connect_again() {
    let lab = Lab::start();
    assert_complaint(&reconnect(&lab), 125, "no instance named work is running");
    let _app = lab.keep("work");
    let output = reconnect(&lab);
    assert_complaint(&output, 125, "there is nothing to connect again in work");
    assert!(
        output
            .stderr
            .contains("vpnns --connect PROFILE --name work")
    );
    let _client = lab.connect("work");
    let output = reconnect(&lab);
    assert_complaint(&output, 125, "was not brought up by vpnns --connect");
}

#[test]
fn a_failure_says_in_the_status_what_to_do_about_it_until_the_next_try() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let fields = "user = \"test\"\nfingerprint = \"pin-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
    openconnect(&lab, "work", fields);
    let output = vpnns(&lab, &["--connect", "work", "--json"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let failed = wait_for_state(&lab, "work", "failed");
    let hint = failed["hint"].as_str().unwrap();
    assert!(hint.contains("remove the line"), "{failed:#}");
    assert!(output.stderr.contains(hint), "{output:#?}");
    assert!(output.stdout.contains("\"hint\":"), "{output:#?}");
    usual(&lab, "work");
    let _front = connect(&lab, "work");
    assert_eq!(status(&lab, "work")["hint"], Value::Null);
}
