//! Output that cannot be written: an error that is told, and no success.

use std::time::Duration;

use crate::support::{Session, assert_complaint};

#[test]
fn output_that_does_not_fit_on_the_disk_is_a_failure() {
    let session = Session::new();
    let _app = session.keep("default");
    for words in [
        "--help",
        "--version",
        "--completions bash",
        "--list",
        "--list --json",
        "--status",
        "--status --json",
        "--doctor --json",
        "--self-test",
        "--monitor",
        "--monitor --json",
    ] {
        let script = format!("vpnns {words} >/dev/full");
        let output = session.script(&script).limit(Duration::from_secs(60)).run();
        assert_complaint(&output, 125, "failed to write the output");
        assert!(output.stderr.contains("No space left"), "{output:#?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let session = Session::new();
    let _app = session.keep("default");
    for words in ["--help", "--list", "--status --json", "--completions zsh"] {
        // The reader is gone before the first byte. Without the trap the signal ends the writer,
        // as it ends others.
        let script = format!("{{ trap '' PIPE; sleep 0.2; vpnns {words}; echo $? >&2; }} | true");
        let output = session.script(&script).run();
        assert_eq!(output.log(), "0\n", "{words}");
    }
}
