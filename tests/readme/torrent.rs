//! A small swarm in the lab's internet: one who has the file, and a tracker that tells who asked.

use std::fs;

use crate::support::command::require;
use crate::support::{Lab, Running, address, wait_until};

/// The name by which the torrent knows its tracker.
const TRACKER: &str = "tracker.example.net";

/// The swarm; it ends with this value.
pub struct Swarm {
    seed: Running,
    tracker: Running,
}

impl Swarm {
    /// Makes a file and `~/Downloads/linux.torrent` of it, and starts those who serve it.
    pub fn start(lab: &Lab) -> Self {
        require("aria2c", "aria2");
        let directory = lab.directory().join("swarm");
        lab.user().make_directory(&directory);
        let place = directory.to_str().unwrap();
        let script = lab.directory().join("swarm.py");
        fs::write(&script, include_str!("torrent.py")).unwrap();
        let python = ["/usr/bin/python3", script.to_str().unwrap()];
        let downloads = lab.user().home().join("Downloads/linux.torrent");
        let words = [
            &python[..],
            &["make", place, &format!("http://{TRACKER}:6969/announce")],
        ];
        lab.run_by_root(&words.concat()).run().text();
        fs::copy(directory.join("linux.torrent"), &downloads).unwrap();
        nix::unistd::chown(&downloads, Some(lab.user().uid()), Some(lab.user().gid())).unwrap();
        let words = [
            &python[..],
            &["track", place, address::INTERNET, "6969", "6881"],
        ];
        let tracker = lab.on_gateway(&words.concat()).spawn();
        tracker.wait_for("ready");
        let dir = format!("--dir={place}");
        let torrent = format!("{place}/linux.torrent");
        let words = [
            "aria2c",
            "--no-conf",
            "--bt-exclude-tracker=*",
            "--enable-dht=false",
            "--enable-dht6=false",
            "--listen-port=6881",
            "--seed-ratio=0.0",
            "--check-integrity=true",
            "--bt-seed-unverified=false",
            &dir,
            &torrent,
        ];
        let seed = lab.on_gateway(&words).spawn();
        let swarm = Self { seed, tracker };
        let listening = || {
            let words = ["ss", "-Hltn", "sport = :6881"];
            !lab.on_gateway(&words).run().stdout.is_empty()
        };
        assert!(
            wait_until(crate::desk::PATIENCE, listening),
            "{}",
            swarm.seed.log()
        );
        swarm
    }

    /// Fails the test unless the user has the whole file, and every peer the swarm saw had this address.
    pub fn assert_fetched(&self, lab: &Lab, peer: &str) {
        let made = fs::read(lab.directory().join("swarm/linux.iso")).unwrap();
        let fetched = fs::read(lab.user().home().join("linux.iso")).unwrap();
        assert!(made == fetched, "{} bytes came", fetched.len());
        let asked = self.tracker.stdout();
        let mut peers: Vec<&str> = asked.lines().filter(|line| *line != "ready").collect();
        peers.dedup();
        assert_eq!(peers, [peer], "{asked}");
    }
}
