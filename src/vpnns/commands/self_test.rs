//! `vpnns --self-test`: the whole path on an embedded gateway; no account, no server, no root.
//!
//! One app (the probe) lives in an instance of a temporary home directory and is asked, check by
//! check, what it can reach: before the gateway is attached, through it, and after the gateway
//! was killed.

pub mod home;
pub mod probe;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use vpnns_protocol::finding::{Finding, Findings, Outcome};
use vpnns_protocol::instance::State;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::{VERSION, exit};

use self::home::TemporaryHome;
use super::print_all;
use crate::check;
use crate::gateway::{self, PAGE, SERVER_NAME, SERVER_V4, SERVER_V6};
use crate::instance::control::{Reply, Request};
use crate::instance::{client::Client, discovery};

/// Longest wait for anything: the whole test takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon an app must notice that the tunnel is gone. It takes a few milliseconds; a busy
/// machine takes longer, but nothing like the minutes of a time-out.
const OFFLINE_WITHIN: Duration = Duration::from_secs(1);

/// Why the test could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No place for the test's own state.
    #[error("failed to make a temporary home directory")]
    Home(#[source] std::io::Error),
    /// The program cannot start itself.
    #[error("failed to start the self-test's app")]
    Start(#[source] std::io::Error),
}

/// Runs the checks, prints a line each; exit code 1 if one failed.
pub fn self_test(json: bool) -> Result<u8, super::Error> {
    let home = TemporaryHome::new().map_err(Error::Home)?;
    let mut report = Report {
        json,
        findings: Vec::new(),
        unprinted: None,
    };
    let started = Instant::now();
    let finished = run(&mut report)?;
    let ok = finished
        && report
            .findings
            .iter()
            .all(|finding| finding.outcome == Outcome::Ok);
    drop(home);
    if let Some(error) = report.unprinted {
        return Err(error);
    }
    if json {
        let document = Findings {
            version: VERSION,
            ok,
            findings: report.findings,
        };
        // Strings and numbers only: this cannot fail.
        print_all(&format!(
            "{}\n",
            serde_json::to_string_pretty(&document).unwrap_or_default()
        ))?;
    } else {
        let verdict = if ok {
            "everything works"
        } else {
            "something does not work"
        };
        print_all(&format!(
            "{verdict} ({:.1} s)\n",
            started.elapsed().as_secs_f32()
        ))?;
    }
    Ok(if ok { exit::SUCCESS } else { exit::FINDINGS })
}

/// The checks in their order; false if one failed that all later ones need.
fn run(report: &mut Report) -> Result<bool, Error> {
    let instance: InstanceName = "self-test".parse().unwrap_or_default();
    let mut app = App::start(&instance).map_err(Error::Start)?;
    let started = app.ask("identity");
    let identity = started.as_deref().unwrap_or("no answer from the app");
    let expected = format!("uid {} without capabilities", nix::unistd::Uid::effective());
    let isolated = report.check("start", "an app runs in an instance of its own", {
        if identity == expected {
            Ok(identity.to_owned())
        } else {
            Err(identity.to_owned())
        }
    });
    if !isolated {
        return Ok(false);
    }
    let interfaces = app.ask("interfaces");
    report.check("isolated", "it has no network device but the loopback", {
        if interfaces.as_deref() == Some("lo") {
            Ok("lo".into())
        } else {
            Err(told(interfaces))
        }
    });
    report.check(
        "offline",
        "nothing gets out before a VPN is attached",
        nothing_gets_out(&mut app),
    );
    let Some(mut gateway) = attach(report, &instance) else {
        return Ok(false);
    };
    let fetched = |answer: Option<String>| match answer {
        Some(text) if text == PAGE.trim_end() => Ok(text),
        other => Err(told(other)),
    };
    let by_v4 = app.ask(&format!("fetch {SERVER_V4}:80"));
    report.check(
        "ipv4",
        "a page through the tunnel over IPv4",
        fetched(by_v4),
    );
    let by_v6 = app.ask(&format!("fetch [{SERVER_V6}]:80"));
    report.check(
        "ipv6",
        "a page through the tunnel over IPv6",
        fetched(by_v6),
    );
    let name = app.ask(&format!("resolve {SERVER_NAME}"));
    report.check("names", "names from the tunnel's resolver", {
        let both = format!("{SERVER_V4} {SERVER_V6}");
        if name.as_deref() == Some(&both) {
            Ok(both)
        } else {
            Err(told(name))
        }
    });
    report.check("leaks", "vpnns --check finds no leak", no_leak(&instance));
    let held = app.ask(&format!("hold {SERVER_V4}:80"));
    report.check(
        "drop",
        "the gateway killed: offline at once, with an error and no hang",
        {
            gateway.kill();
            dropped(&mut app, held)
        },
    );
    report.check(
        "after",
        "nothing gets out after that",
        nothing_gets_out(&mut app),
    );
    drop(app);
    report.check(
        "end",
        "the instance ends with its last app",
        ended(&instance),
    );
    Ok(true)
}

fn told(answer: Option<String>) -> String {
    answer.unwrap_or_else(|| "no answer from the app".to_owned())
}

/// Everything that --check looks for, in the instance of this test.
fn no_leak(instance: &InstanceName) -> Result<String, String> {
    let (mut made, mut leaks) = (0, Vec::new());
    let checked = check::check(instance, |finding| {
        made += 1;
        if finding.outcome == Outcome::Problem {
            leaks.push(finding.summary);
        }
    });
    checked.map_err(|error| error.to_string())?;
    if leaks.is_empty() {
        Ok(format!("{made} checks"))
    } else {
        Err(leaks.join("; "))
    }
}

/// Addresses of the gateway and of nobody (RFC 5737, RFC 3849): unreachable in any case.
fn nothing_gets_out(app: &mut App) -> Result<String, String> {
    for address in [
        format!("{SERVER_V4}:80"),
        format!("[{SERVER_V6}]:80"),
        "203.0.113.1:80".into(),
    ] {
        let answer = told(app.ask(&format!("fetch {address}")));
        if answer != "Network is unreachable" {
            return Err(format!("{address}: {answer}"));
        }
    }
    match app.ask(&format!("resolve {SERVER_NAME}")) {
        Some(answer) if answer == "no resolver" => Ok("network unreachable, no resolver".into()),
        other => Err(told(other)),
    }
}

/// Starts the gateway, which attaches itself, and waits for the keeper to say so.
fn attach(report: &mut Report, instance: &InstanceName) -> Option<Gateway> {
    let started = Instant::now();
    let gateway = gateway::start(instance).map(Gateway);
    let connected = match &gateway {
        Ok(_) => await_state(instance, |state| matches!(state, State::Connected)),
        Err(error) => Err(error.to_string()),
    };
    let connected = connected.map(|()| format!("{} ms", started.elapsed().as_millis()));
    report
        .check("attach", "a VPN is attached", connected)
        .then_some(gateway.ok())
        .flatten()
}

fn dropped(app: &mut App, held: Option<String>) -> Result<String, String> {
    if held.as_deref() != Some("held") {
        return Err(told(held));
    }
    // The probe answers when its open connection ends: with how, and after how long.
    let answer = told(app.ask("wait"));
    let (milliseconds, how) = answer.split_once(' ').unwrap_or(("", &answer));
    match milliseconds.parse::<u64>() {
        Ok(time) if u128::from(time) <= OFFLINE_WITHIN.as_millis() => {
            Ok(format!("after {time} ms: {how}"))
        }
        _ => Err(answer),
    }
}

/// Waits until the keeper is in a state.
fn await_state(instance: &InstanceName, wanted: impl Fn(&State) -> bool) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    let client = discovery::connect_by_name(instance)
        .map_err(|error| error.to_string())?
        .ok_or("the instance is gone")?;
    client
        .send(Request::Watch)
        .map_err(|error| error.to_string())?;
    let mut last = String::new();
    while readable(&client, deadline) {
        match client.receive() {
            Ok((Reply::Status(status), _)) if wanted(&status.state) => return Ok(()),
            Ok((Reply::Status(status), _)) => last = format!("{:?}", status.state),
            other => return Err(format!("{other:?}")),
        }
    }
    Err(format!("still {last} after {} s", PATIENCE.as_secs()))
}

fn readable(client: &Client, deadline: Instant) -> bool {
    let rest = deadline.saturating_duration_since(Instant::now());
    let mut fds = [PollFd::new(
        std::os::fd::AsFd::as_fd(client),
        PollFlags::POLLIN,
    )];
    poll(
        &mut fds,
        PollTimeout::try_from(rest).unwrap_or(PollTimeout::ZERO),
    ) == Ok(1)
}

fn ended(instance: &InstanceName) -> Result<String, String> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match discovery::connect_by_name(instance) {
            Ok(None) => return Ok("nothing is left".to_owned()),
            Ok(Some(_)) => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("its keeper is still there".to_owned())
}

/// Prints each finding as it comes.
struct Report {
    json: bool,
    findings: Vec<Finding>,
    /// Why a finding could not be printed; the checks go on, to leave nothing behind.
    unprinted: Option<super::Error>,
}

impl Report {
    fn check(&mut self, id: &str, what: &str, seen: Result<String, String>) -> bool {
        let passed = seen.is_ok();
        let (outcome, seen) = match seen {
            Ok(seen) => (Outcome::Ok, seen),
            Err(seen) => (Outcome::Problem, seen),
        };
        let finding = Finding {
            id: id.to_owned(),
            title: None,
            outcome,
            summary: format!("{what} ({seen})"),
            remedy: (!passed).then(|| "vpnns --doctor looks for the reason".to_owned()),
        };
        if !self.json {
            let mark = if passed { "ok     " } else { "FAILED " };
            let printed = print_all(&format!("{mark}{}\n", finding.summary));
            self.unprinted = self.unprinted.take().or(printed.err());
        }
        self.findings.push(finding);
        passed
    }
}

/// The gateway's process; it is killed if the test ends early.
struct Gateway(Pid);

impl Gateway {
    fn kill(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        while waitpid(self.0, None) == Err(Errno::EINTR) {}
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The probe, an ordinary app of the instance that answers a line to each line.
struct App {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl App {
    fn start(instance: &InstanceName) -> std::io::Result<Self> {
        let program = crate::executable::own()?;
        let mut child = Command::new(&program)
            .args(["--name", instance.as_str(), "--"])
            .arg(&program)
            .arg("--probe")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let answers = child.stdout.take().ok_or(Errno::EPIPE)?;
        Ok(Self {
            child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    /// Asks; `None` if the app is gone. The probe bounds the time of each answer.
    fn ask(&mut self, question: &str) -> Option<String> {
        let questions = self.questions.as_mut()?;
        writeln!(questions, "{question}").ok()?;
        let mut answer = String::new();
        let length = self.answers.read_line(&mut answer).ok()?;
        (length > 0).then(|| answer.trim_end().to_owned())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // End of file is how it knows.
        self.questions = None;
        let _ = self.child.wait();
    }
}
