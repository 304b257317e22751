//! When a port begins: before the program, in the instance that the program is in.

use nix::sys::signal::{Signal, kill};

use super::support::{LIMIT, Session, has_asked, wait_until};
use super::{FEW, INSIDE, free_port, inside, sent, serve_outside};

#[test]
fn ports_are_open_for_a_program_that_comes_as_the_last_one_goes() {
    let session = Session::new();
    let (published, reached) = (free_port(), free_port());
    let _outside = serve_outside(&session, "tcp", "127.0.0.1", &reached);
    let publish = format!("{published}:{INSIDE}");
    let reach = format!("127.0.0.1:{reached}");
    for options in [["--publish", &publish], ["--reach", &reach]] {
        let app = session.keep("default");
        let keeper = session.keeper("default");
        // It hears in one turn that its last program has ended, and of the ports.
        kill(keeper, Signal::SIGSTOP).unwrap();
        drop(app);
        let words = ["serve", "tcp", "127.0.0.1", INSIDE, "default"];
        let server = inside(&session, &options, &words).spawn();
        assert!(wait_until(LIMIT, || has_asked(server.pid())));
        kill(keeper, Signal::SIGCONT).unwrap();
        server.wait_for("serving");
        assert_eq!(session.status("default").unwrap().ports.len(), 1);
        if options[0] == "--publish" {
            assert_eq!(sent(&session, "127.0.0.1", &published), "intact default");
        } else {
            let ask = inside(&session, &[], &["send", "127.0.0.1", &reached, FEW]);
            assert_eq!(ask.run().text(), "intact outside");
        }
        drop(server);
        session.wait_for_end("default");
    }
}

#[test]
fn an_instance_does_not_wait_for_long_for_a_program_that_never_comes() {
    let session = Session::new();
    let port = free_port();
    let app = session.keep("default");
    let publish = format!("{port}:{INSIDE}");
    let output = session.vpnns(&["--publish", &publish, "--", "/nonexistent"]);
    assert_eq!(output.run().code(), 127);
    drop(app);
    session.wait_for_end("default");
}
