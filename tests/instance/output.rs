//! Output that cannot be written: an error that is told, and no success.

use std::time::Duration;

use crate::support::stand_in::PYTHON;
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

/// Says at the door of the keeper what an app inside could say there, and stays.
const SPEAKER: &str = r#"
import json, os, socket, time
os.chdir(os.path.expanduser("~/.vpnns-default"))
words = "\x1b[2J\nkeeper  fake"
said = [[{"do": "join", "command": "first" + words}],
        [{"do": "connect", "profile": "second" + words, "server": None},
         {"do": "stage", "stage": "third" + words}]]
open_sockets = []
for requests in said:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect("control")
    for request in requests:
        control.send(json.dumps({"v": 1, **request}).encode())
    open_sockets.append(control)
print("on", flush=True)
time.sleep(600)
"#;

#[test]
fn what_a_program_inside_says_of_itself_moves_no_cursor() {
    let session = Session::new();
    let _app = session.keep("default");
    let speaker = session.inside(&[PYTHON, "-c", SPEAKER]).spawn();
    speaker.wait_for("on\n");
    let monitor = session.vpnns(&["--monitor"]).spawn();
    monitor.wait_for("third");
    let list = session.vpnns(&["--list"]).run();
    let status = session.vpnns(&["--status"]).run();
    assert!(status.text().contains("second"), "{status:#?}");
    for said in [list.text(), status.text(), &monitor.stdout()] {
        assert!(said.contains("first"), "{said:?}");
        let fits = |c: char| !c.is_control() || c == '\n';
        assert!(said.chars().all(fits), "{said:?}");
        assert!(!said.contains("\nkeeper"), "{said:?}");
    }
}

/// The same, at length.
const CHATTERBOX: &str = r#"
import json, os, socket, time
os.chdir(os.path.expanduser("~/.vpnns-default"))
control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
control.connect("control")
for number in range(500):
    control.send(json.dumps({"v": 1, "do": "join", "command": "c" * 1000, "entry": "e" * 1000}).encode())
print("on", flush=True)
time.sleep(600)
"#;

#[test]
fn a_program_that_says_too_much_of_itself_hides_no_status() {
    let session = Session::new();
    let app = session.keep("default");
    let chatterbox = session.inside(&[PYTHON, "-c", CHATTERBOX]).spawn();
    chatterbox.wait_for("on\n");
    let monitor = session.vpnns(&["--monitor"]).spawn();
    monitor.wait_for(&chatterbox.pid().to_string());
    let apps = session.status("default").unwrap().apps;
    let pids: Vec<String> = apps.iter().map(|it| it.pid.to_string()).collect();
    let mut expected = [app.pid().to_string(), chatterbox.pid().to_string()];
    expected.sort_by_key(|pid| pid.parse::<u32>().unwrap());
    assert_eq!(pids, expected);
    assert!(apps.iter().all(|it| it.command.len() <= 255));
}
