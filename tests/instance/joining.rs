//! Which network an app gets, and for how long there is one.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Session, exists};

#[test]
fn apps_of_one_name_share_a_network_and_of_two_names_do_not() {
    let session = Session::new();
    let outside = session.command(&["readlink", "/proc/self/ns/net"]).run();
    let (_work, _study) = (session.keep("work"), session.keep("study"));
    let work = session.network("work");
    assert_eq!(session.network("work"), work);
    assert_ne!(session.network("study"), work);
    assert_ne!(work, outside.text());
    assert_ne!(session.network("study"), outside.text());
}

#[test]
fn apps_of_one_instance_share_all_its_namespaces() {
    let session = Session::new();
    let app = session.keep("default");
    for kind in ["user", "net", "mnt", "uts"] {
        let first = format!("/proc/{}/ns/{kind}", app.pid());
        let own = format!("/proc/self/ns/{kind}");
        let both = session.inside(&["readlink", &first, &own]).run();
        let lines: Vec<&str> = both.text().lines().collect();
        assert_eq!(lines[0], lines[1]);
    }
}

#[test]
fn a_server_of_one_app_is_reached_by_another_and_not_from_outside() {
    let session = Session::new();
    let words = [
        "/usr/bin/python3",
        "-u",
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "8765",
    ];
    let server = session.inside(&words).spawn();
    server.wait_for("Serving HTTP");
    let curl = [
        "curl",
        "--silent",
        "--noproxy",
        "*",
        "http://127.0.0.1:8765/",
    ];
    session.inside(&curl).run().text();
    assert_eq!(session.command(&curl).run().code(), 7, "it was reached");
}

#[test]
fn a_background_child_keeps_the_instance_until_it_ends() {
    let session = Session::new();
    for keep in [false, true] {
        let app = keep.then(|| session.keep("default"));
        let script = "sleep 600 >/dev/null & echo $!; readlink /proc/self/ns/net
            until grep -q sleep /proc/$!/comm; do :; done";
        let output = session.shell_inside(script).run();
        let (child, network) = output.text().split_once('\n').unwrap();
        drop(app);
        // Long enough for a keeper that does not know of the child to have ended.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(session.network("default"), network);
        let apps = session.status("default").unwrap().apps;
        assert_eq!(apps.len(), 1, "{apps:?}");
        assert_eq!(
            (apps[0].pid.to_string(), &*apps[0].command),
            (child.to_owned(), "sleep")
        );
        kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGTERM).unwrap();
        session.wait_for_end("default");
    }
}

#[test]
fn an_instance_ends_with_its_last_app_and_leaves_no_socket() {
    let session = Session::new();
    let (first, second) = (session.keep("default"), session.keep("default"));
    drop(first);
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(session.status("default").unwrap().apps.len(), 1);
    drop(second);
    session.wait_for_end("default");
    let directory = session.home().join(".vpnns-default");
    for name in ["control", "namespaces"] {
        assert!(!exists(&directory.join(name)), "{name} is left");
    }
}

#[test]
fn a_program_that_comes_to_the_keeper_and_says_nothing_keeps_no_instance() {
    let session = Session::new();
    let app = session.keep("default");
    let visit = "import socket, time
visitor = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
visitor.connect('.vpnns-default/control')
print('there', flush=True)
time.sleep(600)";
    let mut visitor = session.command(&["/usr/bin/python3", "-c", visit]).spawn();
    visitor.wait_for("there\n");
    drop(app);
    session.wait_for_end("default");
    assert!(visitor.ended().is_none(), "{}", visitor.log());
}

#[test]
fn the_state_directory_is_nobody_elses_business() {
    let session = Session::new();
    let directory = session.home().join(".vpnns-default");
    session.user().make_directory(&directory);
    let chmod = ["chmod", "755", directory.to_str().unwrap()];
    session.command(&chmod).run().text();
    session.inside(&["true"]).run().text();
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(directory).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}
