//! Profiles that run a command of the user's, and the demo with its embedded gateway.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use vpnns_protocol::profile::{self, Method};

use super::connector::{Backoff, Child, Ending, Event, Failure, Job, Lines, Session};
use crate::args::NAME_VARIABLE;
use crate::gateway;
use crate::isolation::command::program_name;
use crate::sys::process::pidfd_open;

/// Runs the command, again and again once it has been connected.
pub fn run(session: &mut Session, job: &Job, settings: &profile::Command) -> Ending {
    let Some(program) = settings.run.first() else {
        return Ending::Failed(Failure::new("the profile has no command to run".to_owned()));
    };
    let mut backoff = Backoff::default();
    session.watch();
    loop {
        session.stage(format!("running {program}"));
        let failure = match once(session, job, settings) {
            Ok(End::Over) => break,
            Ok(End::Again) => continue,
            Ok(End::Lost(failure)) => failure,
            Err(error) => {
                return Ending::Failed(Failure::new(format!("failed to start {program}: {error}")));
            }
        };
        match session.catch_up() {
            Some(Event::Over) => break,
            Some(_) => continue,
            None => {}
        }
        if !session.was_connected() {
            return Ending::Failed(failure);
        }
        if session.take_connected() {
            backoff.reset();
        }
        if !session.pause(backoff.next(), Some(&failure.reason)) {
            break;
        }
    }
    session.over().unwrap_or(Ending::Disconnected)
}

/// How a run has ended.
enum End {
    /// It was to.
    Over,
    /// The user wants another one.
    Again,
    /// By itself.
    Lost(Failure),
}

/// Runs it once.
fn once(session: &mut Session, job: &Job, settings: &profile::Command) -> std::io::Result<End> {
    let (reader, writer) = std::io::pipe()?;
    let mut words = settings.run.clone();
    if settings.method != Some(Method::Attach) {
        let mut all = vec![
            job.program.display().to_string(),
            "--graft".to_owned(),
            format!("--name={}", job.instance),
        ];
        all.extend(job.wishes());
        all.push("--".to_owned());
        all.append(&mut words);
        words = all;
    }
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .envs(&settings.environment)
        .env(NAME_VARIABLE, job.instance.as_str())
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = Child::spawn(command)?;
    let mut output = Lines::new(reader.into())?;
    let (mut last, mut ours): (String, Option<Failure>) = (String::new(), None);
    let program = program_name(settings.run[0].as_ref());
    loop {
        let mut fds: Vec<BorrowedFd<'_>> = vec![child.as_fd()];
        fds.extend((!output.has_ended()).then(|| output.as_fd()));
        let event = session.wait(&fds, None);
        if matches!(event, Event::Over | Event::Reconnect) {
            child.end(session, Signal::SIGTERM, Some(&mut output));
            let is_over = session.over().is_some();
            return Ok(if is_over { End::Over } else { End::Again });
        }
        let status = child.status();
        for line in output.read() {
            session.log(&program, &line);
            if let Some(sentence) = line.strip_prefix("vpnns: ") {
                ours = Some(Failure::new(sentence.to_owned()));
            } else if let (Some(hint), Some(failure)) = (line.strip_prefix("hint: "), &mut ours) {
                failure.hint = Some(hint.to_owned());
            }
            if !line.trim().is_empty() {
                last = line;
            }
        }
        if let Some(status) = status {
            let name = &settings.run[0];
            let colon = if last.is_empty() { "" } else { ": " };
            let last = session.quote(&last);
            let general = Failure::new(format!("{name} ended ({status}){colon}{last}"));
            return Ok(End::Lost(ours.unwrap_or(general)));
        }
    }
}

/// The embedded gateway: no server, no account.
pub fn demo(session: &mut Session, job: &Job) -> Ending {
    let mut backoff = Backoff::default();
    session.watch();
    loop {
        session.stage("starting the embedded gateway");
        match demo_once(session, job) {
            Ok(Event::Over) => break,
            Ok(Event::Reconnect) => continue,
            Ok(_) => {}
            Err(failure) => return Ending::Failed(failure),
        }
        match session.catch_up() {
            Some(Event::Over) => break,
            Some(_) => continue,
            None => {}
        }
        if !session.was_connected() {
            let reason = "the embedded gateway ended before it was connected".to_owned();
            let hint = "vpnns --self-test says more";
            return Ending::Failed(Failure::with_hint(reason, hint));
        }
        if session.take_connected() {
            backoff.reset();
        }
        if !session.pause(backoff.next(), Some("the embedded gateway ended")) {
            break;
        }
    }
    session.over().unwrap_or(Ending::Disconnected)
}

/// Runs it once; what has ended it.
fn demo_once(session: &mut Session, job: &Job) -> Result<Event, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new(error.to_string());
    let pid = gateway::start(&job.instance).map_err(|error| failed(&error))?;
    let pidfd: OwnedFd = pidfd_open(pid).map_err(|errno| failed(&errno))?;
    let end = loop {
        let event = session.wait(&[pidfd.as_fd()], None);
        if matches!(event, Event::Over | Event::Reconnect | Event::Ready) {
            break event;
        }
    };
    // It is our child and not yet waited for: the number is its own.
    let _ = kill(pid, Signal::SIGKILL);
    let _ = waitpid(pid, None);
    Ok(end)
}
