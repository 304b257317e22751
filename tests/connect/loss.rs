//! What a lost connection means for the programs, as the profile wants it.

use nix::sys::signal::Signal;

use crate::support::openvpn::{OpenVpn, OpenVpnServer};
use crate::support::{Hold, Lab, Running, address, has_ended, wait_until};
use crate::*;

/// An openvpn that is started again in vain while its configuration is away.
struct Connection<'lab> {
    lab: &'lab Lab,
    _server: OpenVpn,
    configuration: std::path::PathBuf,
}

impl<'lab> Connection<'lab> {
    /// Brings it up, in the background.
    fn start(lab: &'lab Lab, on_drop: &str) -> Self {
        let server = OpenVpnServer::default().start(lab);
        let configuration = lab.user().write("work.ovpn", &server.client(), 0o600);
        let words = format!(
            "[\"openvpn\", \"--config\", \"{}\"]",
            configuration.display()
        );
        let text = format!("on-drop = \"{on_drop}\"\n[command]\nrun = {words}\n");
        profile(lab, "work", &text);
        let it = Self {
            lab,
            _server: server,
            configuration,
        };
        it.connect();
        it
    }

    fn connect(&self) {
        wait_for_no_connector(self.lab);
        let words = ["--connect", "work", "--background"];
        vpnns(self.lab, &words).run().text();
        assert_eq!(status(self.lab, "work")["state"], "connected");
    }

    fn lose(&self) {
        let client = status(self.lab, "work")["tunnel"]["client"]["pid"].to_string();
        std::fs::rename(
            &self.configuration,
            self.configuration.with_extension("away"),
        )
        .unwrap();
        self.kill(&client);
        wait_for_state(self.lab, "work", "reconnecting");
    }

    fn find(&self) {
        std::fs::rename(
            self.configuration.with_extension("away"),
            &self.configuration,
        )
        .unwrap();
    }

    /// Makes it fail for good.
    fn fail(&self) {
        let script = "pgrep -f '^vpnns: connecting work'";
        let pid = self.lab.run_by_user(&["sh", "-c", script]).run();
        self.kill(pid.text());
        wait_for_state(self.lab, "work", "failed");
    }

    fn kill(&self, pid: &str) {
        self.lab.run_by_root(&["kill", "-KILL", pid]).run().text();
    }
}

/// A program with a child that writes all the time.
fn busy(lab: &Lab) -> Running {
    let script = "sh -c 'while :; do echo on; sleep 0.02; done'; true";
    let app = vpnns(lab, &["--name", "work", "--", "sh", "-c", script]).spawn();
    app.wait_for("on\n");
    app
}

/// Whether it comes to write something.
fn goes_on(app: &Running) -> bool {
    let before = app.stdout().len();
    wait_until(PATIENCE, || app.stdout().len() > before)
}

/// Whether it writes nothing for a while, once what it has written has arrived.
fn stands_still(app: &Running) -> bool {
    wait_until(PATIENCE, || {
        let before = app.stdout().len();
        std::thread::sleep(std::time::Duration::from_millis(500));
        app.stdout().len() == before
    })
}

fn frozen(lab: &Lab) {
    wait_for(lab, "work", "frozen", |status| status["frozen"] == true);
}

fn thawed(lab: &Lab) {
    wait_for(lab, "work", "thawed", |status| {
        status["name"] == "work" && status["frozen"] == Value::Null
    });
}

#[test]
fn programs_are_frozen_until_the_vpn_is_back_and_then_go_on_as_if_nothing_had_been() {
    let lab = Lab::start();
    let app = busy(&lab);
    let stopped = lab.keep("work");
    let connection = Connection::start(&lab, "freeze");
    let mut held = Hold::start(&lab, "work", address::FAR);
    // One that the user has stopped before is the user's to let go on.
    stopped.signal(Signal::SIGSTOP);
    assert!(wait_until(PATIENCE, || state_of(&stopped).starts_with('T')));
    assert_eq!(status(&lab, "work")["frozen"], Value::Null);
    connection.lose();
    frozen(&lab);
    assert!(stands_still(&app), "it goes on");
    let apps = status(&lab, "work")["apps"].as_array().unwrap().len();
    // What is started meanwhile runs, and the process that holds the others is no program.
    let words = ["--name", "work", "--", "echo", "here"];
    assert_eq!(vpnns(&lab, &words).run().text(), "here");
    assert_eq!(apps, 3, "{:#}", status(&lab, "work"));
    connection.find();
    vpnns(&lab, &["--reconnect", "--name", "work"]).run().text();
    wait_for_state(&lab, "work", "connected");
    thawed(&lab);
    assert!(goes_on(&app), "it stands still");
    assert!(held.holds(), "the connection did not survive");
    let state = state_of(&stopped);
    assert!(
        state.starts_with('T'),
        "the user's own stop was undone: {state}"
    );
    stopped.signal(Signal::SIGCONT);
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(goes_on(&app), "a wished end stops it");
}

fn state_of(app: &Running) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", app.pid())).unwrap();
    stat.rsplit(") ").next().unwrap().to_owned()
}

#[test]
fn frozen_programs_go_on_when_the_user_disconnects_also_after_a_failure() {
    let lab = Lab::start();
    let app = busy(&lab);
    let connection = Connection::start(&lab, "freeze");
    connection.lose();
    frozen(&lab);
    let disconnect = ["--disconnect", "--name", "work"];
    vpnns(&lab, &disconnect).run().text();
    thawed(&lab);
    assert!(goes_on(&app));
    connection.find();
    connection.connect();
    connection.fail();
    frozen(&lab);
    assert!(stands_still(&app));
    // A try that fails changes nothing; one that succeeds lets them go on.
    std::fs::rename(&connection.configuration, lab.user().home().join("away")).unwrap();
    let words = ["--connect", "work", "--background"];
    assert_eq!(vpnns(&lab, &words).run().code(), 1);
    // On a loaded machine the keeper may hear of the end after us.
    wait_for_state(&lab, "work", "failed");
    assert_eq!(status(&lab, "work")["frozen"], true);
    vpnns(&lab, &disconnect).run().text();
    thawed(&lab);
    assert_eq!(status(&lab, "work")["state"], "isolated");
    assert!(goes_on(&app));
    std::fs::rename(lab.user().home().join("away"), &connection.configuration).unwrap();
    connection.connect();
    connection.fail();
    frozen(&lab);
    connection.connect();
    thawed(&lab);
    assert!(goes_on(&app));
}

#[test]
fn nothing_stays_frozen_after_a_stop_or_the_keepers_death() {
    let lab = Lab::start();
    let connection = Connection::start(&lab, "freeze");
    let app = busy(&lab);
    connection.lose();
    frozen(&lab);
    let keeper = status(&lab, "work")["keeper"].to_string();
    connection.kill(&keeper);
    assert!(goes_on(&app), "it stands still without a keeper");
    connection.find();
    // A new keeper takes it over.
    connection.connect();
    connection.lose();
    frozen(&lab);
    vpnns(&lab, &["--stop", "--name", "work"]).run().text();
    assert_eq!(status(&lab, "work"), Value::Null);
    // Not waited for: nsenter, which has started it, has stopped itself along with it.
    assert!(has_ended(app.pid()));
}

/// Kills the keeper, the connector, and the process that stops the programs.
fn kill_all(lab: &Lab) {
    let keeper = status(lab, "work")["keeper"].to_string();
    // With the connector: its next try would have a new keeper made at once. The keeper last: its
    // end is what the process that stops them waits for.
    let others = "$(pgrep -f '^vpnns: (stopping|connecting) work')";
    let script = format!("kill -KILL {others} {keeper}");
    lab.run_by_user(&["sh", "-c", &script]).run();
    // Until it has gone it may let somebody in, who then is no reason for a new one.
    let gone = || !lab.run_by_user(&["kill", "-0", &keeper]).run().succeeded();
    assert!(wait_until(PATIENCE, gone));
}

#[test]
fn nothing_stays_frozen_for_a_new_keeper_where_everything_of_the_old_one_was_killed() {
    let lab = Lab::start();
    let connection = Connection::start(&lab, "freeze");
    let app = busy(&lab);
    connection.lose();
    frozen(&lab);
    kill_all(&lab);
    // Nobody is left who could do anything about it, until somebody comes.
    assert!(stands_still(&app));
    vpnns(&lab, &["--name", "work", "--", "true"]).run().text();
    assert!(goes_on(&app), "it stands still under a new keeper");
    vpnns(&lab, &["--stop", "--name", "work"]).run().text();
    assert!(has_ended(app.pid()));
}

/// Starts `cat` again and again, each time on what somebody writes into a pipe. Until somebody does, it waits
/// for a child that has no program yet, and does not come to stand still.
const STARTS: &str = "
import os
os.mkfifo('pipe')
print('on', flush=True)
while True:
    actions = [(os.POSIX_SPAWN_OPEN, 0, 'pipe', os.O_RDONLY, 0)]
    os.waitpid(os.posix_spawn('/bin/cat', ['cat'], os.environ, file_actions=actions), 0)
    print('went on', flush=True)
";

#[test]
fn a_program_that_was_starting_another_one_does_not_stay_frozen_either() {
    let lab = Lab::start();
    let connection = Connection::start(&lab, "freeze");
    let words = ["--name", "work", "--", "/usr/bin/python3", "-c", STARTS];
    let app = vpnns(&lab, &words).spawn();
    app.wait_for("on\n");
    assert!(wait_until(PATIENCE, || state_of(&app).starts_with('D')));
    connection.lose();
    frozen(&lab);
    kill_all(&lab);
    vpnns(&lab, &["--name", "work", "--", "true"]).run().text();
    let write = ["timeout", "20", "sh", "-c", "echo word >pipe"];
    lab.run_by_user(&write).run().text();
    app.wait_for("word\nwent on\n");
}

#[test]
fn programs_that_are_to_be_closed_stay_while_it_is_tried_again_and_end_when_it_has_failed() {
    let lab = Lab::start();
    let app = busy(&lab);
    let connection = Connection::start(&lab, "close");
    connection.lose();
    assert!(goes_on(&app));
    assert!(!lab.reaches("work", address::INTERNET));
    connection.find();
    vpnns(&lab, &["--reconnect", "--name", "work"]).run().text();
    wait_for_state(&lab, "work", "connected");
    vpnns(&lab, &["--disconnect", "--name", "work"])
        .run()
        .text();
    assert!(goes_on(&app), "a wished end closes it");
    connection.connect();
    let connector = "kill -KILL $(pgrep -f '^vpnns: connecting work')";
    lab.run_by_user(&["sh", "-c", connector]).run().text();
    let output = app.wait(PATIENCE);
    assert_ne!(output.code(), 0, "{output:#?}");
}

#[test]
fn by_default_and_where_it_has_never_been_up_the_programs_go_on() {
    let lab = Lab::start();
    let app = busy(&lab);
    let connection = Connection::start(&lab, "keep");
    connection.fail();
    assert!(goes_on(&app));
    for on_drop in ["freeze", "close"] {
        let text = format!("on-drop = \"{on_drop}\"\n[command]\nrun = [\"false\"]\n");
        profile(&lab, "work", &text);
        let words = ["--connect", "work", "--background"];
        assert_eq!(vpnns(&lab, &words).run().code(), 1);
        assert_eq!(status(&lab, "work")["frozen"], Value::Null);
        assert!(goes_on(&app), "{on_drop}");
    }
}

#[test]
fn a_connector_that_comes_late_to_the_news_has_not_missed_that_it_was_connected() {
    let lab = Lab::start();
    let app = lab.keep("work");
    let server = OpenVpnServer::default().start(&lab);
    let path = lab.user().write("work.ovpn", &server.client(), 0o600);
    let script = format!(
        "touch waits; until [ -e go ]; do sleep 0.05; done; exec openvpn --config {}",
        path.display()
    );
    let text = format!("on-drop = \"close\"\n[command]\nrun = [\"sh\", \"-c\", \"{script}\"]\n");
    profile(&lab, "work", &text);
    let _front = vpnns(&lab, &["--connect", "work"]).spawn();
    let home = lab.user().home();
    assert!(wait_until(PATIENCE, || home.join("waits").exists()));
    let connector = lab.run_by_user(&["pgrep", "-f", "^vpnns: connecting"]);
    let connector = connector.run().text().to_owned();
    let signal = |signal: &str, pid: &str| {
        lab.run_by_root(&["kill", signal, pid]).run().text();
    };
    signal("-STOP", &connector);
    // Of this it hears first.
    lab.inside("work", &["true"]).run().text();
    lab.write_home("go", "");
    let client = wait_for_state(&lab, "work", "connected")["tunnel"]["client"]["pid"].to_string();
    std::fs::remove_file(home.join("go")).unwrap();
    signal("-KILL", &client);
    let has_ended_for_it = || {
        let states = lab.run_by_root(&["ps", "--ppid", &connector, "-o", "stat="]);
        states.run().text().starts_with('Z')
    };
    assert!(wait_until(PATIENCE, has_ended_for_it));
    signal("-CONT", &connector);
    let log = || vpnns(&lab, &["--log", "--name", "work"]).run().stdout;
    let tries_again = wait_until(PATIENCE, || log().contains("; trying again in "));
    assert!(tries_again, "it was given up: {}", log());
    assert_eq!(status(&lab, "work")["state"], "reconnecting");
    lab.write_home("go", "");
    wait_for_state(&lab, "work", "connected");
    assert!(!has_ended(app.pid()), "the programs were told to end");
}
