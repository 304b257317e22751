//! A profile of openconnect's: logs in, brings the tunnel up, and keeps it up.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use vpnns_protocol::profile::{Method, OpenConnect};

use super::authenticate::{Memory, Stop, authenticate, protocol};
use super::login::{Login, quote};
use super::report::{self, News};
use crate::args::NAME_VARIABLE;
use crate::client::connector::{Backoff, Child, Ending, Event, Failure, Job, Lines, Session};
use crate::client::program;

/// How often a session that has just been opened may be rejected.
const REJECTIONS: u32 = 2;

/// Brings it up and keeps it up until it is to end, or cannot.
pub fn run(session: &mut Session, job: &Job, settings: &OpenConnect) -> Ending {
    let program = match program::find("openconnect") {
        Ok(program) => program,
        Err(failure) => return Ending::Failed(failure),
    };
    let mut memory = Memory::default();
    let mut backoff = Backoff::default();
    let mut login: Option<Login> = None;
    let mut was_up = false;
    let mut rejections = 0;
    loop {
        let current = if let Some(login) = login.take() {
            login
        } else {
            session.stage(format!("logging in to {}", settings.server));
            match authenticate(session, job, settings, &program, &mut memory) {
                Ok(login) => login,
                Err(Stop::Over) => break,
                Err(Stop::Unreachable(failure)) if was_up => {
                    if !session.pause(backoff.next(), Some(&failure.reason)) {
                        break;
                    }
                    continue;
                }
                Err(Stop::Unreachable(failure) | Stop::Pointless(failure)) => {
                    return Ending::Failed(failure);
                }
            }
        };
        session.stage(format!("connecting to {}", settings.server));
        let mut tunnel = match Tunnel::start(session, job, settings, &program, &current) {
            Ok(tunnel) => tunnel,
            Err(error) => {
                let reason = format!("failed to start openconnect: {error}");
                return Ending::Failed(Failure::new(reason));
            }
        };
        let end = tunnel.carry();
        if tunnel.was_up {
            was_up = true;
            rejections = 0;
            backoff.reset();
        }
        match end {
            End::Over => break,
            End::Pointless(failure) => return Ending::Failed(failure),
            End::Rejected => {
                rejections += 1;
                if rejections > REJECTIONS {
                    return Ending::Failed(Failure::new(format!(
                        "{} rejects the sessions that it has just opened",
                        settings.server
                    )));
                }
            }
            End::Lost(failure) if !was_up => return Ending::Failed(failure),
            End::Lost(failure) => {
                login = Some(current);
                if !session.pause(backoff.next(), Some(&failure.reason)) {
                    break;
                }
            }
        }
    }
    session.over().unwrap_or(Ending::Disconnected)
}

/// How a tunnel has ended.
enum End {
    /// It is to.
    Over,
    /// The server does not know the session any more.
    Rejected,
    /// The connection was lost.
    Lost(Failure),
    /// It is pointless to try again.
    Pointless(Failure),
}

struct Tunnel<'a> {
    session: &'a mut Session,
    server: &'a str,
    child: Child,
    output: Lines,
    was_up: bool,
    /// Waits between tries that openconnect is pushed to.
    backoff: Backoff,
    push_at: Option<Instant>,
    rejected: bool,
    terminated: Option<String>,
    trouble: Option<String>,
    /// What one of our own processes has complained about, and its hint.
    ours: Option<Failure>,
    last_line: String,
}

impl<'a> Tunnel<'a> {
    fn start(
        session: &'a mut Session,
        job: &Job,
        settings: &'a OpenConnect,
        program: &Path,
        login: &Login,
    ) -> std::io::Result<Self> {
        session.hide(&login.cookie);
        let (reader, writer) = std::io::pipe()?;
        let mut command = command(job, settings, program, login);
        command
            .env("LC_ALL", "C.UTF-8")
            // The moment at which the session ends is told in local time.
            .env("TZ", "UTC0")
            .env(NAME_VARIABLE, job.instance.as_str())
            .stdin(Stdio::piped())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut child = Child::spawn(command)?;
        if let Some(mut stdin) = child.take_stdin() {
            // Far less than a pipe holds. If it has ended already, that is seen below.
            let _ = stdin.write_all(format!("{}\n", login.cookie).as_bytes());
        }
        Ok(Self {
            session,
            server: &settings.server,
            child,
            output: Lines::new(reader.into())?,
            was_up: false,
            backoff: Backoff::default(),
            push_at: None,
            rejected: false,
            terminated: None,
            trouble: None,
            ours: None,
            last_line: String::new(),
        })
    }

    fn carry(&mut self) -> End {
        loop {
            let mut fds: Vec<BorrowedFd<'_>> = vec![self.child.as_fd()];
            fds.extend((!self.output.has_ended()).then(|| self.output.as_fd()));
            match self.session.wait(&fds, self.push_at) {
                Event::Over => {
                    self.child
                        .end(self.session, Signal::SIGINT, Some(&mut self.output));
                    return End::Over;
                }
                Event::Uplink | Event::Reconnect => {
                    self.backoff.reset();
                    self.push();
                }
                Event::Timeout => self.push(),
                Event::Answered(_) => {}
                Event::Ready => {
                    let has_ended = self.child.status().is_some();
                    for line in self.output.read() {
                        self.hear(line);
                    }
                    if has_ended {
                        return self.judge();
                    }
                    if self.ours.is_some() {
                        // It would notice only at the next packet that nobody takes its packets.
                        self.child
                            .end(self.session, Signal::SIGINT, Some(&mut self.output));
                        return self.judge();
                    }
                }
            }
        }
    }

    /// Has it try again at once, whatever it is waiting for.
    fn push(&mut self) {
        self.push_at = None;
        if self.was_up {
            self.session.waits_no_longer();
            self.child.signal(Signal::SIGUSR2);
        }
    }

    fn hear(&mut self, line: String) {
        let news = report::read(&line);
        // Our own word is a note, or the reason for the end, and told as such.
        if !matches!(news, Some(News::Ours(_))) {
            self.session.log("openconnect", &line);
        }
        match news {
            Some(News::Connected(address)) => self.session.connected_to(address),
            Some(News::Up) => {
                self.was_up = true;
                self.push_at = None;
                self.backoff.reset();
                self.session.alive(true);
            }
            Some(News::Down) if self.was_up => self.session.alive(false),
            Some(News::Sleeps(seconds)) if self.was_up => {
                self.session.alive(false);
                let wait = self.backoff.next();
                let is_sooner = wait < Duration::from_secs(seconds);
                self.push_at = is_sooner.then(|| Instant::now() + wait);
                let wait = wait.min(Duration::from_secs(seconds));
                self.session.waits(wait, self.trouble.as_deref());
            }
            Some(News::Cipher(cipher)) => self.session.learn(|facts| facts.cipher = Some(cipher)),
            Some(News::Expires(at)) => self.session.learn(|facts| facts.expires = Some(at)),
            Some(News::CookieRejected) => self.rejected = true,
            Some(News::Terminated(reason)) => {
                let known = self.terminated.take().filter(|known| !known.is_empty());
                self.terminated = Some(known.unwrap_or(reason));
            }
            Some(News::Unreachable(reason) | News::Refused(reason) | News::Handshake(reason)) => {
                self.trouble = Some(reason);
            }
            Some(News::OtherCertificate(found)) => {
                self.trouble = Some(format!(
                    "{} shows another certificate than before: {found}",
                    self.server
                ));
            }
            Some(News::Ours(sentence)) if is_complaint(&sentence) => {
                self.ours.get_or_insert(Failure::new(sentence));
            }
            Some(News::Ours(sentence)) => self.session.note(sentence),
            Some(News::Down | News::Sleeps(_)) | None => {
                if let (Some(failure), Some(hint)) = (&mut self.ours, line.strip_prefix("hint: ")) {
                    failure.hint = Some(hint.to_owned());
                }
            }
        }
        if !line.trim().is_empty() {
            self.last_line = line;
        }
    }

    fn judge(&mut self) -> End {
        for line in self.output.read() {
            self.hear(line);
        }
        if self.session.over().is_some() {
            return End::Over;
        }
        if let Some(failure) = self.ours.take() {
            return End::Pointless(failure);
        }
        if self.rejected {
            return End::Rejected;
        }
        if let Some(reason) = self.terminated.take() {
            let colon = if reason.is_empty() { "" } else { ": " };
            return End::Pointless(Failure::with_hint(
                format!("{} has ended the session{colon}{reason}", self.server),
                "connect again",
            ));
        }
        let line = self.session.quote(&self.last_line);
        let reason = self.trouble.take();
        End::Lost(Failure::new(reason.unwrap_or_else(|| {
            format!("openconnect ended unexpectedly: {line}")
        })))
    }
}

/// Whether a sentence of `vpnns --attach` is a failure and not a note.
fn is_complaint(sentence: &str) -> bool {
    sentence.starts_with("failed") || sentence.contains("already has a tunnel")
}

fn command(job: &Job, settings: &OpenConnect, program: &Path, login: &Login) -> Command {
    let vpnns = job.program.display().to_string();
    let name = job.instance.as_str();
    let wishes = job.wishes();
    let mut words: Vec<String> = vec![
        program.display().to_string(),
        format!("--protocol={}", protocol(settings.protocol)),
        "--cookie-on-stdin".to_owned(),
        format!("--servercert={}", login.fingerprint),
    ];
    words.extend(
        login
            .resolve
            .iter()
            .map(|value| format!("--resolve={value}")),
    );
    words.extend(settings.arguments.iter().cloned());
    if settings.method == Some(Method::Graft) {
        words.push(login.url.clone());
        let mut all = vec![vpnns, "--graft".to_owned(), format!("--name={name}")];
        all.extend(wishes);
        all.push("--".to_owned());
        all.extend(words);
        words = all;
    } else {
        let mut script = vec![
            quote(&vpnns),
            "--attach".to_owned(),
            format!("--name={name}"),
        ];
        script.extend(wishes);
        words.push(format!("--script={}", script.join(" ")));
        words.extend(["--script-tun".to_owned(), login.url.clone()]);
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}
