//! What an instance sees is settled when it is made: whoever joins wants the same, or nothing.

use crate::support::{Session, assert_complaint};

#[test]
fn one_who_joins_with_the_same_wishes_is_let_in() {
    let session = Session::new();
    let wishes = "--share /run/nscd --mask a --mask b --system-bus none";
    let script = format!(
        "vpnns {wishes} -- sh -c 'vpnns {wishes} -- echo same; vpnns --mask b -- echo one of them
            vpnns -- echo none'"
    );
    let output = session.script(&script).run();
    assert_eq!(output.text(), "same\none of them\nnone");
}

#[test]
fn one_who_joins_with_other_wishes_is_refused() {
    let session = Session::new();
    let app = session.keep("default");
    for wish in [
        "--share /run/nscd",
        "--mask /run/something",
        "--system-bus full",
    ] {
        let words: Vec<&str> = wish.split(' ').chain(["--", "true"]).collect();
        let output = session.vpnns(&words).run();
        let sentence = format!("the instance default already runs, and without {wish}");
        assert_complaint(&output, 125, &sentence);
        assert!(
            output.stderr.contains("vpnns --stop --name default"),
            "{output:#?}"
        );
    }
    let same = session
        .vpnns(&["--system-bus", "filtered", "--", "true"])
        .run();
    assert_eq!(same.log(), "");
    drop(app);
    session.wait_for_end("default");
}

#[test]
fn what_no_program_can_live_without_cannot_be_masked() {
    let session = Session::new();
    for path in ["/", "/proc", "/dev", "../../../../../../.."] {
        let output = session.vpnns(&["--mask", path, "--", "true"]).run();
        assert_complaint(&output, 2, "no program could live without it");
    }
}
