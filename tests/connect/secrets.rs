//! What the user has typed, and the cookie, are nowhere to be found.

use crate::support::Lab;
use crate::support::ocserv::PASSWORD;
use crate::*;

/// Looks for what it reads through what others can see of the processes, and the user's files.
const SEARCH: &str = r#"
import os, sys
needles = sys.stdin.read().split("\n")[:-1]
seen = 0
def look(path):
    global seen
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return
    seen += 1
    for needle in needles:
        if needle.encode() in content:
            print("found in", path)
for pid in filter(str.isdigit, os.listdir("/proc")):
    look(f"/proc/{pid}/cmdline")
    look(f"/proc/{pid}/environ")
for directory, _, files in os.walk(os.environ["HOME"]):
    for file in files:
        path = os.path.join(directory, file)
        if os.path.isfile(path):
            look(path)
print("looked into", "enough" if seen > 20 else seen)
"#;

#[test]
fn password_and_cookie_are_in_no_argument_no_environment_and_no_file() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    usual(&lab, "work");
    let front = connect(&lab, "work");
    let output = lab
        .run_by_user(&["/usr/bin/python3", "-c", SEARCH])
        .input(&format!("{PASSWORD}\nwebvpn=\nopenconnect_strapkey\n"))
        .run();
    assert_eq!(output.text(), "looked into enough");
    assert!(!front.log().contains(PASSWORD) && !front.log().contains("webvpn="));
}
