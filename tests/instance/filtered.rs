//! A container whose system call filter is older than a call that we like to use.

use crate::support::{Session, command::require};

/// Refuses close_range (436 on every machine), then becomes the command.
const FILTER: &str = r#"
import ctypes, os, struct, sys
def statement(code, true, false, value): return struct.pack("HBBI", code, true, false, value)
program = (statement(0x20, 0, 0, 0)                 # load the call's number
           + statement(0x15, 0, 1, 436)             # if it is close_range
           + statement(0x06, 0, 0, 0x00050000 | 1)  # then EPERM
           + statement(0x06, 0, 0, 0x7FFF0000))     # else go ahead
text = ctypes.create_string_buffer(program)
head = struct.pack("HxxxxxxP", 4, ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0              # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, head, 0, 0) == 0           # PR_SET_SECCOMP
os.execvp(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn a_keeper_lets_go_of_what_its_launcher_had_open_also_without_close_range() {
    require("python3", "python3");
    let session = Session::new();
    let filter = session.user().write("filter.py", FILTER, 0o644);
    let script = format!(
        "exec 7<filter.py; exec python3 {} vpnns -- sh -c 'echo on; exec sleep 600'",
        filter.display()
    );
    let app = session.script(&script).spawn();
    app.wait_for("on\n");
    let open = |pid| {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        entries
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .any(|file| file == filter)
    };
    assert!(open(app.pid()), "the app itself keeps its files");
    assert!(!open(session.keeper("default")), "the keeper has it open");
    assert_eq!(session.inside(&["echo", "fine"]).run().text(), "fine");
}
