//! `vpnns` without a command, and `vpnns` within an instance.

use crate::support::Session;

#[test]
fn without_a_command_the_users_shell_reads_the_input() {
    let session = Session::new();
    let shell = session
        .user()
        .write("shell", "#!/bin/sh\necho \"mine $# $VPNNS_NAME\"\n", 0o755);
    let output = session.vpnns(&["-n", "work"]).env("SHELL", &shell).run();
    assert_eq!(output.text(), "mine 0 work");
}

#[test]
fn without_a_shell_of_the_users_it_is_the_systems() {
    let session = Session::new();
    let script = "readlink /proc/$$/ns/net; echo end\n";
    for invocation in [
        session.vpnns(&[]).without_env("SHELL"),
        session.vpnns(&[]).env("SHELL", ""),
    ] {
        let output = invocation.input(script).run();
        assert!(output.text().starts_with("net:["), "{output:#?}");
        assert!(output.text().ends_with("\nend"), "{output:#?}");
    }
}

#[test]
fn a_shell_that_is_not_there_is_named() {
    let session = Session::new();
    let output = session.vpnns(&[]).env("SHELL", "/no/such/shell").run();
    crate::support::assert_complaint(&output, 127, "/no/such/shell");
}

#[test]
fn the_name_is_in_the_environment_of_every_app() {
    let session = Session::new();
    let name = |words: &[&str]| {
        let words = [words, &["--", "printenv", "VPNNS_NAME"]].concat();
        session.vpnns(&words).run().text().to_owned()
    };
    assert_eq!(name(&[]), "default");
    assert_eq!(name(&["--name", "work"]), "work");
    let chosen = session
        .inside(&["printenv", "VPNNS_NAME"])
        .env("VPNNS_NAME", "study");
    assert_eq!(chosen.run().text(), "study");
}

#[test]
fn vpnns_within_an_instance_stays_in_it() {
    let session = Session::new();
    let app = session.keep("work");
    let script = "readlink /proc/self/ns/net; vpnns -- readlink /proc/self/ns/net; \
                  vpnns --name work -- readlink /proc/self/ns/net; vpnns -- id -u";
    let output = session.vpnns(&["-n", "work", "sh", "-c", script]).run();
    let lines: Vec<&str> = output.text().lines().collect();
    let network = session.network("work");
    assert_eq!(lines[..3], [&network; 3]);
    assert_eq!(lines[3], session.user().uid().to_string());
    drop(app);
    session.wait_for_end("work");
}

#[test]
fn vpnns_within_the_first_app_of_an_instance_stays_in_it_too() {
    let session = Session::new();
    let script = "readlink /proc/self/ns/net; vpnns -- readlink /proc/self/ns/net; exit 4";
    let output = session.shell_inside(script).run();
    assert_eq!(output.code(), 4, "{output:#?}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn an_instance_can_be_looked_at_and_ended_from_within() {
    let session = Session::new();
    let script = "vpnns --list; vpnns --stop; echo not reached";
    let output = session.shell_inside(script).run();
    assert_eq!(output.code(), 128 + 15, "{output:#?}");
    assert!(output.stdout.contains("isolated"), "{output:#?}");
    assert!(!output.stdout.contains("reached"), "{output:#?}");
}

#[test]
fn another_instance_is_refused_within_an_instance() {
    let session = Session::new();
    let _app = session.keep("study");
    let output = session
        .vpnns(&["-n", "work", "--", "vpnns", "-n", "study", "--", "true"])
        .run();
    crate::support::assert_complaint(&output, 125, "hint: ");
}
