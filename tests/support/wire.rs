//! Two instances back to back (`wire.py`), and apps that look at every byte (`traffic.py`).

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::command::Invocation;
use super::instance::Instance;
use super::process::{LIMIT, Running, wait_until};
use super::stand_in::PYTHON;
use super::user::User;

/// The near instance's address, and the far one's, in both families.
pub const NEAR: [&str; 2] = ["10.7.0.1", "fd07::1"];
/// The far instance's.
pub const FAR: [&str; 2] = ["10.7.0.2", "fd07::2"];

/// What the wire has seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Datagrams that went over it.
    pub forwarded: u64,
    /// Those of them that it has spoiled.
    pub corrupted: u64,
    /// The size of the largest, in bytes.
    pub largest: u64,
}

/// A wire between the instances `near` and `far`.
pub struct Wire {
    running: Running,
}

impl Wire {
    /// Lays it and waits until both are connected. The instances have to be there.
    pub fn start(user: &User, options: &[&str]) -> Self {
        let program = user.write("wire.py", include_str!("wire.py"), 0o644);
        let mut words = vec![PYTHON, program.to_str().unwrap()];
        words.extend(options);
        words.extend(["near", "far"]);
        let running = user.command(&words).spawn();
        running.wait_for("relays ");
        for name in ["near", "far"] {
            user.instance(name).wait_for_state("connected", &running);
        }
        Self { running }
    }

    /// The near instance's relay.
    pub fn near_relay(&self) -> Pid {
        let line = self.running.stdout();
        let pid = line.split_whitespace().nth(1).unwrap();
        Pid::from_raw(pid.parse().unwrap())
    }

    /// Asks it what it has seen.
    pub fn seen(&self) -> Seen {
        let lines = || self.running.stdout().lines().count();
        let before = lines();
        self.running.signal(Signal::SIGUSR1);
        assert!(
            wait_until(LIMIT, || lines() > before),
            "{}",
            self.running.log()
        );
        let text = self.running.stdout();
        let words: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        let number = |index: usize| words[index].parse().unwrap();
        Seen {
            forwarded: number(1),
            corrupted: number(3),
            largest: number(5),
        }
    }
}

impl Instance<'_> {
    /// `traffic.py` in the instance.
    pub fn traffic(&self, words: &[&str]) -> Invocation {
        let user = self.user();
        let program = user.write("traffic.py", include_str!("traffic.py"), 0o644);
        let mut all = vec![PYTHON, program.to_str().unwrap()];
        all.extend(words);
        self.inside(&all)
    }

    /// `traffic.py` listening in the instance, on port 5001.
    pub fn serve(&self) -> Running {
        let server = self.traffic(&["serve", "5001"]).spawn();
        server.wait_for("listening");
        server
    }
}

/// The words that run a command under a kernel that refuses something; `refuse.py` knows what.
pub fn refusing(user: &User, what: &str) -> String {
    let program = user.write("refuse.py", include_str!("refuse.py"), 0o644);
    format!("{} {what}", program.to_str().unwrap())
}
