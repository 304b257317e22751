//! What cannot be connected, and says why in one sentence.

use crate::support::{Lab, address, assert_complaint};
use crate::*;

#[test]
fn a_missing_profile_is_named() {
    let lab = Lab::start();
    let output = vpnns(&lab, &["--connect", "nosuch"]).run();
    assert_complaint(&output, 125, "there is no profile named nosuch");
}

#[test]
fn an_unreachable_server_is_given_up_at_the_first_try() {
    let lab = Lab::start();
    profile(&lab, "work", "[openconnect]\nserver = \"192.0.2.1:444\"\n");
    let output = vpnns(&lab, &["--connect", "work", "--background"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let sentence = "vpnns: failed to reach 192.0.2.1:444: Connection refused";
    assert!(output.stderr.contains(sentence), "{output:#?}");
    assert!(output.stderr.contains("hint: check the server's address"));
    // On a loaded machine the keeper may hear of the end after us.
    let gone = wait_until(PATIENCE, || status(&lab, "work") == Value::Null);
    assert!(gone, "the instance is still there");
}

#[test]
fn a_server_of_another_kind_is_said_to_be_one() {
    let lab = Lab::start();
    // It answers whatever it hears in words of its own, as a mail server would.
    let other = "import socket
server = socket.create_server(('', 2525))
print('listens', flush=True)
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(b'500 What?\\r\\n')
    client.close()";
    let other = lab.on_gateway(&["/usr/bin/python3", "-c", other]).spawn();
    other.wait_for("listens");
    let server = format!("https://{}:2525", address::GATEWAY);
    let text = format!("[openconnect]\nserver = \"{server}\"\n");
    profile(&lab, "work", &text);
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let sentence = format!("vpnns: no secured connection to {server}: ");
    assert!(output.stderr.contains(&sentence), "{output:#?}");
    let hint = "hint: something answers there, but not as such a server does";
    assert!(output.stderr.contains(hint), "{output:#?}");
}

#[test]
fn a_name_that_does_not_resolve_is_said() {
    let lab = Lab::start();
    profile(&lab, "work", "[openconnect]\nserver = \"nosuch.invalid\"\n");
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let sentence = "vpnns: the name nosuch.invalid cannot be looked up";
    assert!(output.stderr.contains(sentence), "{output:#?}");
}

#[test]
fn a_missing_client_names_its_package() {
    let lab = Lab::start();
    usual(&lab, "work");
    let script = "mount -t tmpfs none /usr/sbin; exec setpriv --reuid=$0 --clear-groups \
        env HOME=$1 PATH=$2 vpnns --connect work";
    let (uid, home) = (lab.user().uid().to_string(), lab.user().home());
    let path = lab.path();
    let words = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        &uid,
        home.to_str().unwrap(),
        &path,
    ];
    let output = lab.run_by_root(&words).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output
            .stderr
            .contains("vpnns: openconnect is not installed\n"),
        "{output:#?}"
    );
    assert!(
        output
            .stderr
            .contains("hint: install the package openconnect"),
        "{output:#?}"
    );
}

#[test]
fn without_anybody_to_ask_it_says_what_was_asked() {
    let lab = Lab::start();
    usual(&lab, "work");
    // The standard input is an empty file.
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    let sentence = "vpnns: the server asks for \"Password\", and there is no terminal to ask in";
    assert!(output.stderr.contains(sentence), "{output:#?}");
    wait_for_none(&lab, "openconnect");
}

#[test]
fn a_second_connect_is_refused_and_says_what_to_do() {
    let lab = Lab::start();
    usual(&lab, "work");
    let _front = connect(&lab, "work");
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_complaint(&output, 1, "being connected with the profile work already");
    assert!(
        output.stderr.contains("vpnns --disconnect --name work"),
        "{output:#?}"
    );
    assert_eq!(status(&lab, "work")["state"], "connected");
}

#[test]
fn another_certificate_than_the_trusted_one_is_no_question() {
    let lab = Lab::start();
    let wrong = format!("pin-sha256:{}=", "A".repeat(43));
    openconnect(
        &lab,
        "work",
        &format!("user = \"test\"\nfingerprint = \"{wrong}\""),
    );
    let output = vpnns(&lab, &["--connect", "work"]).run();
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output.stderr.contains("shows another certificate"),
        "{output:#?}"
    );
    assert!(output.stderr.contains(pin()), "{output:#?}");
}

#[test]
fn answers_to_nothing_and_of_nothing_are_refused() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let words = ["--answer", "7", "--name", "work"];
    let reply = "{\"reply\":\"cancel\"}\n";
    let output = vpnns(&lab, &words).input(reply).run();
    assert_complaint(&output, 125, "the question is no longer open");
    let output = vpnns(&lab, &words).input("hunter2\n").run();
    assert_complaint(&output, 125, "holds no answer");
    assert!(!output.stderr.contains("hunter2"));
    let output = vpnns(&lab, &["--disconnect", "--name", "work"]).run();
    assert_complaint(&output, 125, "the instance work has no tunnel");
    assert!(
        output.stderr.contains("vpnns --stop --name work"),
        "{output:#?}"
    );
    let output = vpnns(&lab, &["--disconnect", "--name", "other"]).run();
    assert_complaint(&output, 125, "no instance named other is running");
}
