//! What the server asks, answered by a person at a terminal or by a program.

use crate::support::ocserv::PASSWORD;
use crate::support::{Gateway, Lab, OpenVpnServer, address, wait_until};
use crate::*;

/// A login that a server of the kind of ocserv turns down stays turned down, whatever is typed next.
#[test]
fn after_a_wrong_password_the_servers_word_is_shown_and_it_is_asked_again() {
    let lab = Lab::start();
    openconnect(&lab, "work", &format!("fingerprint = \"{}\"", pin()));
    let steps = [
        ">Username: ",
        "<test\\n",
        ">Password: ",
        "<wrong horse\\n",
        ">Login failed",
        ">Password: ",
        "<\\x03",
    ];
    let output = sit(&lab, &["vpnns", "--connect", "work"], &steps).run();
    assert!(output.succeeded(), "{output:#?}");
    assert!(!output.stdout.contains("horse"), "{output:#?}");
    wait_for_none(&lab, "openconnect");
}

#[test]
fn what_was_typed_is_no_word_of_the_servers() {
    let lab = Lab::start();
    openconnect(&lab, "work", "");
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    let reply = r#"{"reply":"trust","remember":false}"#;
    assert!(answer(&lab, "work", &asked, reply).succeeded());
    let asked = question(&lab, "work", 2);
    // Not "yes"; that a name is wanted says the field.
    assert_eq!(asked["message"], "");
    fill_in(&lab, "work", &asked, "test");
    let asked = question(&lab, "work", 3);
    assert_eq!(asked["message"], "Please enter your password.");
}

/// A stand-in for openconnect, since ocserv never takes the right one after a wrong one.
#[test]
fn a_right_password_after_a_wrong_one_is_passed_on() {
    let lab = Lab::start();
    usual(&lab, "work");
    let script = "#!/bin/bash\n\
        case \"$*\" in *--version*) echo 'OpenConnect version v8.10'; exit;; esac\n\
        if [[ $* != *--authenticate* ]]; then read -r; echo \"$REPLY\" >cookie; exit 1; fi\n\
        stty -echo; until [ \"$password\" = \"it's right\" ]; do\n\
        printf 'Password:' >&2; read -r password; echo >&2; echo 'Login failed.' >&2; done\n\
        echo \"COOKIE='a=b'\"; echo \"HOST='192.0.2.1'\"; echo \"FINGERPRINT='pin-sha256:x'\"\n";
    let front = stand_in(&lab, script);
    let asked = question(&lab, "work", 1);
    fill_in(&lab, "work", &asked, "wrong");
    let asked = question(&lab, "work", 2);
    assert_eq!(asked["message"], "Login failed.");
    fill_in(&lab, "work", &asked, "it's right");
    let output = front.wait(PATIENCE);
    assert!(
        output.stderr.contains("openconnect ended unexpectedly"),
        "{output:#?}"
    );
    let cookie = std::fs::read_to_string(lab.user().home().join("cookie")).unwrap();
    assert_eq!(cookie, "a=b\n");
}

/// Starts `vpnns --connect work --json` with a script by the name of openconnect.
fn stand_in(lab: &Lab, script: &str) -> Running {
    lab.user().make_directory(&lab.user().home().join("bin"));
    lab.user().write("bin/openconnect", script, 0o755);
    let path = format!("PATH={}/bin:{}", lab.user().home().display(), lab.path());
    let words = ["env", &path, "vpnns", "--connect", "work", "--json"];
    lab.run_by_user(&words).spawn()
}

#[test]
fn a_person_types_user_name_and_password_and_the_password_is_not_shown() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    openconnect(&lab, "work", &format!("fingerprint = \"{}\"", pin()));
    let typed = format!("<{PASSWORD}\\n");
    let steps = [
        ">Username: ",
        "<test\\n",
        ">Password: ",
        &typed,
        ">work: connected",
        "<\\x03",
        ">work: isolated",
    ];
    let output = sit(&lab, &["vpnns", "--connect", "work"], &steps).run();
    assert!(output.succeeded(), "{output:#?}");
    assert!(output.stdout.contains("test"), "{output:#?}");
    assert!(!output.stdout.contains("horse"), "{output:#?}");
    assert!(!lab.reaches("work", address::FAR));
}

#[test]
fn a_program_answers_by_json_lines_on_the_standard_input() {
    let lab = Lab::start();
    usual(&lab, "work");
    let script = r#"mkfifo answers; vpnns --connect work --json <answers >events & front=$!
        exec 3>answers
        until grep -q '"label":"Password"' events; do sleep 0.05; done
        echo 'no answer' >&3
        echo '{"id":1,"reply":"form","values":{"answer":"'"$PASSWORD"'"}}' >&3
        exec 3>&-
        until grep -q '"state":"connected"' events; do sleep 0.05; done
        vpnns --name work -- true
        vpnns --disconnect --name work
        wait $front; echo code=$?; cat events"#;
    let password = format!("PASSWORD={PASSWORD}");
    let words = ["env", &password, "bash", "-c", script];
    let output = lab.run_by_user(&words).limit(PATIENCE * 3).run();
    assert!(output.stdout.contains("code=0"), "{output:#?}");
    assert!(output.stderr.contains("no answer"), "{output:#?}");
    let mut events = output.stdout.lines().filter(|line| line.starts_with('{'));
    assert!(events.next().unwrap().contains("appeared"), "{output:#?}");
    assert!(!output.stdout.contains("horse"), "{output:#?}");
}

#[test]
fn a_question_is_answered_by_another_process_and_facts_are_shown() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let _front = connect(&lab, "work");
    assert!(lab.reaches("work", "intranet.corp.test"));
    let status = wait_for(&lab, "work", "a cipher", |it| {
        it["tunnel"]["cipher"].is_string() && it["tunnel"]["expires"].is_u64()
    });
    let tunnel = &status["tunnel"];
    assert_eq!(status["profile"], "work");
    assert_eq!(status["question"], serde_json::Value::Null);
    assert_eq!(tunnel["server"], format!("{}:443", address::GATEWAY));
    assert_eq!(tunnel["client"]["name"], "openconnect");
    assert!(
        tunnel["cipher"].as_str().unwrap().contains("TLS"),
        "{tunnel:#}"
    );
    assert!(
        tunnel["counters"]["received-bytes"].as_u64() > Some(0),
        "{tunnel:#}"
    );
    let text = vpnns(&lab, &["--status", "--name", "work"]).run();
    for word in ["profile", "cipher", "traffic", "expires"] {
        assert!(text.text().contains(word), "{word}: {text:#?}");
    }
}

#[test]
fn an_unknown_certificate_is_asked_about_and_remembered_only_on_request() {
    let lab = Lab::start();
    openconnect(&lab, "work", "user = \"test\"");
    let file = lab.user().home().join(".config/vpnns/profiles/work.toml");
    let kept = || std::fs::read_to_string(&file).unwrap().contains(pin());
    for (remember, is_kept) in [(false, false), (true, true)] {
        let front = start(&lab, "work");
        let asked = question(&lab, "work", 1);
        assert_eq!(asked["ask"], "certificate", "{asked:#}");
        assert_eq!(asked["fingerprint"], pin());
        let reply = format!(r#"{{"reply":"trust","remember":{remember}}}"#);
        assert!(answer(&lab, "work", &asked, &reply).succeeded());
        let asked = question(&lab, "work", 2);
        fill_in(&lab, "work", &asked, PASSWORD);
        wait_for_state(&lab, "work", "connected");
        assert_eq!(kept(), is_kept);
        vpnns(&lab, &["--disconnect", "--name", "work"])
            .run()
            .text();
        assert!(front.wait(PATIENCE).succeeded());
    }
    let _front = start(&lab, "work");
    assert_eq!(question(&lab, "work", 1)["ask"], "form");
}

#[test]
fn a_certificate_that_is_not_trusted_ends_it_with_its_fingerprint() {
    let lab = Lab::start();
    openconnect(&lab, "work", "user = \"test\"");
    let front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    assert!(answer(&lab, "work", &asked, r#"{"reply":"cancel"}"#).succeeded());
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(output.stderr.contains(pin()), "{output:#?}");
    assert!(output.stderr.contains("hint: "), "{output:#?}");
}

#[test]
fn an_expired_certificate_is_asked_about_with_the_reason() {
    let settings = Gateway {
        expired: true,
        ..Gateway::default()
    };
    let lab = settings.start();
    // Trusted but for its time.
    let trusted = lab.directory().join("certificate.pem");
    let fields = format!("user = \"test\"\nca = \"{}\"", trusted.display());
    openconnect(&lab, "work", &fields);
    let front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["ask"], "certificate", "{asked:#}");
    assert!(
        asked["reason"].as_str().unwrap().contains("expired"),
        "{asked:#}"
    );
    assert!(answer(&lab, "work", &asked, r#"{"reply":"cancel"}"#).succeeded());
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(output.stderr.contains("expired"), "{output:#?}");
}

#[test]
fn a_group_is_chosen_from_the_servers_list() {
    let lab = Gateway {
        groups: vec!["staff", "guests"],
        ..Gateway::default()
    }
    .start();
    usual(&lab, "work");
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["fields"][0]["kind"], "choice", "{asked:#}");
    assert_eq!(asked["fields"][0]["options"][1], "guests", "{asked:#}");
    fill_in(&lab, "work", &asked, "guests");
    let asked = question(&lab, "work", 2);
    assert_eq!(asked["fields"][0]["kind"], "password", "{asked:#}");
    fill_in(&lab, "work", &asked, PASSWORD);
    wait_for_state(&lab, "work", "connected");
}

/// ocserv here has no second factor that needs no service: a stand-in asks like openconnect.
#[test]
fn a_second_factor_and_a_browser_sign_in_are_asked_as_such() {
    let lab = Lab::start();
    usual(&lab, "work");
    let script = "#!/bin/sh\n\
        case \"$*\" in *--version*) echo 'OpenConnect version v9.01'; exit;; esac\n\
        for word; do case $word in --external-browser=*) browser=${word#*=};; esac; done\n\
        printf 'Enter the code from your app.\\nVerification code:' >&2\n\
        stty -echo; read -r code; stty echo; echo >&2\n\
        echo \"$code\" >\"$HOME/code\"\n\
        \"$browser\" https://login.corp.test/saml?x=1\n\
        until [ -e \"$HOME/signed-in\" ]; do sleep 0.05; done\n\
        echo 'HTTP/1.1 401 Unauthorized' >&2; exit 1\n";
    let front = stand_in(&lab, script);
    let asked = question(&lab, "work", 1);
    assert_eq!(asked["message"], "Enter the code from your app.");
    assert_eq!(asked["fields"][0]["kind"], "code");
    fill_in(&lab, "work", &asked, "123 \u{7}456");
    let asked = question(&lab, "work", 2);
    assert_eq!(asked["ask"], "browser");
    assert_eq!(asked["url"], "https://login.corp.test/saml?x=1");
    let code = std::fs::read_to_string(lab.user().home().join("code")).unwrap();
    assert_eq!(code, "123 \u{7}456\n");
    lab.user().write("signed-in", "", 0o644);
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output.stderr.contains("does not accept the login"),
        "{output:#?}"
    );
}

#[test]
fn wrong_passwords_end_with_the_servers_word_when_the_server_has_had_enough() {
    let lab = Lab::start();
    usual(&lab, "work");
    let mut front = start(&lab, "work");
    let mut id = 1;
    while front.ended().is_none() && id < 10 {
        let asked = status(&lab, "work")["question"].clone();
        if asked["id"] == id {
            fill_in(&lab, "work", &asked, "wrong");
            id += 1;
        }
    }
    assert!(wait_until(PATIENCE, || front.ended().is_some()));
    let output = front.wait(PATIENCE);
    assert_eq!(output.code(), 1, "{output:#?}");
    assert!(
        output.stderr.contains("does not accept the login"),
        "{output:#?}"
    );
    assert!(
        output.stderr.contains("hint: check user name"),
        "{output:#?}"
    );
}

#[test]
fn a_login_after_a_keepers_death_may_take_its_time() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    // Grafted, so that its device outlives it and the keeper.
    let server = OpenVpnServer::default().start(&lab);
    let path = lab.write_home("before.ovpn", &server.client());
    let words = ["--graft", "--name", "work", "--", "openvpn", "--config"];
    let before = vpnns(&lab, &[&words[..], &[&path]].concat()).spawn();
    before.wait_for("Initialization Sequence Completed");
    let keeper = status(&lab, "work")["keeper"].to_string();
    lab.run_by_user(&["kill", "-KILL", &keeper]).run().text();
    assert_eq!(before.wait(PATIENCE).code(), 125);
    usual(&lab, "work");
    let _front = start(&lab, "work");
    let asked = question(&lab, "work", 1);
    // Longer than a killed keeper's relay is waited for.
    std::thread::sleep(Duration::from_millis(3500));
    let now = status(&lab, "work");
    assert_eq!(now["state"], "connecting", "{now:#}");
    let links = lab.inside("work", &["ip", "-brief", "link"]).run();
    assert!(!links.text().contains("tun"), "{links:#?}");
    fill_in(&lab, "work", &asked, PASSWORD);
    wait_for_state(&lab, "work", "connected");
    assert!(lab.reaches("work", address::FAR));
}
