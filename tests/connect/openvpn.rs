//! openvpn, steered by its management socket, with a real server.

use crate::support::openvpn::{OpenVpn, OpenVpnServer, PASSWORD};
use crate::support::{Hold, Lab, address};
use crate::*;

/// Writes a profile with the configuration that the server's users get.
fn openvpn(lab: &Lab, server: &OpenVpn, fields: &str) {
    let config = server.client();
    let text = format!("[openvpn]\n{fields}config = '''\n{config}'''\n");
    profile(lab, "work", &text);
}

fn with_password() -> OpenVpnServer {
    OpenVpnServer {
        password: true,
        ..OpenVpnServer::default()
    }
}

fn values(pairs: &[(&str, &str)]) -> String {
    let values: std::collections::BTreeMap<_, _> = pairs.iter().copied().collect();
    serde_json::json!({"reply": "form", "values": values}).to_string()
}

#[test]
fn a_wrong_password_is_asked_again_and_the_right_one_connects() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let server = with_password().start(&lab);
    openvpn(&lab, &server, "");
    let front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["fields"][0]["name"], "username", "{asked:#}");
    assert_eq!(asked["fields"][1]["kind"], "password", "{asked:#}");
    let wrong = values(&[("username", "test"), ("password", "wr\"ong")]);
    assert!(answer(&lab, "work", &asked, &wrong).succeeded());
    let asked = question(&lab, "work", 2);
    assert!(
        asked["message"]
            .as_str()
            .unwrap()
            .contains("does not accept"),
        "{asked:#}"
    );
    let right = values(&[("username", "test"), ("password", PASSWORD)]);
    assert!(answer(&lab, "work", &asked, &right).succeeded());
    wait_for_state(&lab, "work", "connected");
    assert!(lab.reaches("work", address::FAR));
    let cipher = |status: &Value| status["tunnel"]["cipher"].is_string();
    let status = wait_for(&lab, "work", "told the cipher", cipher);
    assert_eq!(status["tunnel"]["server"], address::GATEWAY);
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(front.wait(PATIENCE).succeeded());
    assert!(!lab.reaches("work", address::FAR));
    assert!(
        running(&lab, "openvpn").len() <= 1,
        "the client is still there"
    );
    assert_eq!(server.asked(), format!("wr\"ong\n{PASSWORD}\n"));
}

#[test]
fn a_restarted_server_is_found_again_without_a_question() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let mut server = with_password().start(&lab);
    openvpn(&lab, &server, "user = \"test\"\n");
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["fields"].as_array().unwrap().len(), 1, "{asked:#}");
    assert!(answer(&lab, "work", &asked, &values(&[("password", PASSWORD)])).succeeded());
    wait_for_state(&lab, "work", "connected");
    let mut held = Hold::start(&lab, "work", address::FAR);
    server.kill();
    wait_for_state(&lab, "work", "reconnecting");
    assert!(
        !lab.reaches("work", address::INTERNET),
        "there is a way past the tunnel"
    );
    server.restart(&lab);
    wait_for_state(&lab, "work", "connected");
    assert!(held.holds(), "the connection did not survive");
}

#[test]
fn certificates_need_no_question_and_nothing_secret_is_in_sight() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let server = OpenVpnServer::default().start(&lab);
    openvpn(&lab, &server, "");
    let front = vpnns(&lab, &["--connect", "work", "--background"]).spawn();
    let output = front.wait(PATIENCE);
    assert!(output.succeeded(), "{output:#?}");
    assert!(lab.reaches("work", address::FAR_6));
    let script = "grep -l 'PRIVATE[ ]KEY' /proc/[0-9]*/environ /proc/[0-9]*/cmdline; \
        grep -rl 'PRIVATE[ ]KEY' ~ | grep -v /profiles/";
    let found = lab.run_by_user(&["bash", "-c", script]).run();
    assert_eq!(found.stdout, "");
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(!lab.reaches("work", address::FAR));
}

#[test]
fn a_static_challenge_is_asked_with_the_password_and_sent_with_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    // "tr0ub4dor" and "4711" in base64, as openvpn joins them.
    let settings = OpenVpnServer {
        accepts: "SCRV1:dHIwdWI0ZG9y:NDcxMQ==",
        ..with_password()
    };
    let server = settings.start(&lab);
    let config = format!(
        "{}static-challenge \"Code of the token\" 1\n",
        server.client()
    );
    let text = format!("[openvpn]\nuser = \"test\"\nconfig = '''\n{config}'''\n");
    profile(&lab, "work", &text);
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    let fields = asked["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 2, "{asked:#}");
    assert_eq!(fields[1]["label"], "Code of the token", "{asked:#}");
    assert_eq!(fields[1]["kind"], "code", "{asked:#}");
    let name = |index: usize| fields[index]["name"].as_str().unwrap();
    let given = values(&[(name(0), "tr0ub4dor"), (name(1), "4711")]);
    assert!(answer(&lab, "work", &asked, &given).succeeded());
    wait_for_state(&lab, "work", "connected");
    assert!(lab.reaches("work", address::FAR));
}

#[test]
fn an_expired_certificate_is_named_and_not_tried_again() {
    let lab = Lab::start();
    let settings = OpenVpnServer {
        expired: true,
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    openvpn(&lab, &server, "");
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let sentence = "the server's certificate is not accepted: certificate has expired";
    assert!(output.stderr.contains(sentence), "{output:#?}");
    assert_eq!(output.stderr.matches("vpnns: ").count(), 1, "{output:#?}");
}

#[test]
fn a_server_that_is_not_there_is_given_up_at_the_first_try() {
    let lab = Lab::start();
    let mut server = OpenVpnServer::default().start(&lab);
    openvpn(&lab, &server, "");
    server.kill();
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(output.stderr.contains("Connection refused"), "{output:#?}");
}

#[test]
fn a_command_of_the_users_is_kept_up_too() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let mut server = OpenVpnServer::default().start(&lab);
    let path = lab.user().write("work.ovpn", &server.client(), 0o600);
    let run = format!("run = [\"openvpn\", \"--config\", \"{}\"]", path.display());
    profile(&lab, "work", &format!("[command]\n{run}\n"));
    let front = vpnns(&lab, &["--connect", "work"]).spawn();
    wait_for_state(&lab, "work", "connected");
    assert!(lab.reaches("work", address::FAR));
    let client = status(&lab, "work")["tunnel"]["client"]["pid"].to_string();
    lab.run_by_root(&["kill", "-KILL", &client]).run().text();
    wait_for(&lab, "work", "run again", |status| {
        let pid = status["tunnel"]["client"]["pid"].to_string();
        status["state"] == "connected" && pid != client
    });
    assert!(lab.reaches("work", address::FAR));
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(front.wait(PATIENCE).succeeded());
    server.kill();
    wait_for_none(&lab, "openvpn");
}
