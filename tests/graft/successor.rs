//! Who waits with `--replace` for a client that logs out, when the user wants no VPN any more.

use std::time::Duration;

use super::support::{LIMIT, Lab, Running, has_ended, wait_until};
use super::{StandIn, state};

/// An openconnect that calls the helper, as another program plays it.
const STAND_IN: &str = include_str!("../support/stand_in.py");
const ADDRESS: &str = "INTERNAL_IP4_ADDRESS=10.7.0.2";
const ATTACH: &str = "vpnns --attach --replace --name work";

/// A client that does not want to end, and who waits until it has to.
struct Queue<'lab> {
    lab: &'lab Lab,
    first: Running,
    second: Running,
}

impl<'lab> Queue<'lab> {
    fn attached(lab: &'lab Lab) -> Self {
        Self::of(lab, || {
            let program = lab.write_home("stand_in.py", STAND_IN);
            let words = [
                "python3", &program, "--style", "shell", "--set", ADDRESS, ATTACH,
            ];
            lab.run_by_user(&words).spawn()
        })
    }

    fn grafted(lab: &'lab Lab) -> Self {
        let replacing = StandIn::new(lab).options(&["--replace"]);
        Self::of(lab, || replacing.run(&["tun", "stay"]))
    }

    fn of(lab: &'lab Lab, second: impl FnOnce() -> Running) -> Self {
        let first = StandIn::new(lab).run(&["deaf", "tun", "stay"]);
        first.wait_for("stays");
        let second = second();
        // It is told so when the second one has begun to wait.
        first.wait_for("took over");
        Self { lab, first, second }
    }

    /// Does it while the second one waits; returns what that says at its end.
    fn during(self, action: &str, state_then: &str) -> String {
        let words = ["vpnns", action, "--name", "work"];
        let output = self.lab.run_by_user(&words).run();
        assert_eq!((output.code(), &*output.log()), (0, ""));
        let pid = self.second.pid();
        let ended = wait_until(LIMIT, || has_ended(pid));
        assert!(ended, "it goes on: {}", self.second.log());
        let comes_back = || state(self.lab) != state_then;
        let back = wait_until(Duration::from_secs(1), comes_back);
        assert!(!back, "it is {} again", state(self.lab));
        drop(self.first);
        self.second.wait(LIMIT).stderr
    }
}

#[test]
fn stop_is_the_end_for_who_waits_for_the_tunnel_as_well() {
    let lab = Lab::start();
    let said = Queue::attached(&lab).during("--stop", "none");
    let sentence = "vpnns: failed to take over the tunnel: the instance was stopped\n";
    assert_eq!(said, sentence);
}

#[test]
fn disconnecting_gives_the_tunnel_to_nobody_who_waits_for_it() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let said = Queue::attached(&lab).during("--disconnect", "isolated");
    let sentence = "vpnns: failed to take over the tunnel: it was disconnected\n";
    assert_eq!(said, sentence);
}

#[test]
fn nor_to_another_grafted_client() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let said = Queue::grafted(&lab).during("--disconnect", "isolated");
    assert!(said.contains("it was disconnected"), "{said}");
}
