//! Logging in: `openconnect --authenticate` on a pseudo-terminal, its prompts as questions.
//!
//! # Theory of operation
//!
//! Input and error output are the terminal; standard output is a pipe, and the only place from
//! which the cookie and the fingerprint are taken: no server can write there. A prompt is a line
//! that does not go on. What was answered to a login that succeeded is kept in memory, except
//! for codes, so that a session that the server has forgotten can be opened again unattended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, tcgetattr};
use vpnns_protocol::profile::{OpenConnect, OpenConnectProtocol};
use vpnns_protocol::question::{Ask, FieldKind, Reply};

use super::browser::Browser;
use super::login::{self, Login};
use super::prompt::{self, Prompt};
use super::report::{self, News};
use crate::client::connector::{Child, Event, Failure, Job, Lines, Session};
use crate::profiles;

/// A label is complete when nothing has followed for so long.
const QUIET: Duration = Duration::from_millis(150);
/// The same for a line that does not look like a label.
const LONG_QUIET: Duration = Duration::from_secs(1);
/// A server that says nothing for so long is not there.
const SILENCE: Duration = Duration::from_secs(60);

/// Why there is no session.
#[derive(Debug)]
pub enum Stop {
    /// It is to end.
    Over,
    /// The server is not there; later it may be.
    Unreachable(Failure),
    /// It is pointless to try again.
    Pointless(Failure),
}

/// What is known from earlier logins of this connector.
#[derive(Default)]
pub struct Memory {
    answers: BTreeMap<String, String>,
    /// A certificate that the user has trusted.
    fingerprint: Option<String>,
}

/// Logs in; asks the user for what is missing.
pub fn authenticate(
    session: &mut Session,
    job: &Job,
    settings: &OpenConnect,
    program: &Path,
    memory: &mut Memory,
) -> Result<Login, Stop> {
    let browser = Browser::new(session, job, program);
    let mut words = options(settings, memory);
    words.extend(browser.iter().map(Browser::option));
    words.extend(settings.arguments.iter().cloned());
    words.push("--authenticate".to_owned());
    words.push(settings.server.clone());
    let start = |error: std::io::Error| {
        Stop::Pointless(Failure::new(format!(
            "failed to start openconnect: {error}"
        )))
    };
    let (terminal, child, output) =
        start_on_terminal(program, &words, job, browser.as_ref()).map_err(start)?;
    let mut dialogue = Dialogue {
        session,
        settings,
        memory,
        child,
        keyboard: terminal.try_clone().map_err(start)?.into(),
        screen: Lines::new(terminal).map_err(|errno| start(errno.into()))?,
        output: Lines::new(output).map_err(|errno| start(errno.into()))?,
        browser,
        result: Vec::new(),
        said: Vec::new(),
        news: Vec::new(),
        asked: None,
        used: BTreeSet::new(),
        given: BTreeMap::new(),
        trusted: None,
        last_word: Instant::now(),
        is_typed: false,
    };
    let ended = dialogue.hold();
    dialogue.session.withdraw();
    if dialogue.session.over().is_some() || ended.is_err() {
        dialogue.child.end(
            dialogue.session,
            Signal::SIGTERM,
            Some(&mut dialogue.screen),
        );
    }
    ended?;
    dialogue.conclude(job)
}

/// Options for logging in, as the profile has them.
fn options(settings: &OpenConnect, memory: &Memory) -> Vec<String> {
    let mut words = vec![format!("--protocol={}", protocol(settings.protocol))];
    let fingerprint = settings
        .fingerprint
        .as_ref()
        .or(memory.fingerprint.as_ref());
    let ca = settings.ca.as_ref().map(|path| path.display().to_string());
    for (name, value) in [
        ("--user", settings.user.as_ref()),
        ("--authgroup", settings.group.as_ref()),
        ("--certificate", settings.certificate.as_ref()),
        ("--sslkey", settings.key.as_ref()),
        ("--cafile", ca.as_ref()),
        ("--servercert", fingerprint),
    ] {
        words.extend(value.map(|value| format!("{name}={value}")));
    }
    words
}

/// The word for openconnect's --protocol.
pub fn protocol(protocol: OpenConnectProtocol) -> &'static str {
    match protocol {
        OpenConnectProtocol::AnyConnect => "anyconnect",
        OpenConnectProtocol::Nc => "nc",
        OpenConnectProtocol::Gp => "gp",
        OpenConnectProtocol::Pulse => "pulse",
        OpenConnectProtocol::F5 => "f5",
        OpenConnectProtocol::Fortinet => "fortinet",
        OpenConnectProtocol::Array => "array",
    }
}

fn start_on_terminal(
    program: &Path,
    words: &[String],
    job: &Job,
    browser: Option<&Browser>,
) -> std::io::Result<(OwnedFd, Child, OwnedFd)> {
    let pair = openpty(None, None)?;
    // openpty(3) cannot say it itself.
    crate::sys::fd::close_on_exec(&pair.master)?;
    crate::sys::fd::close_on_exec(&pair.slave)?;
    let mut command = Command::new(program);
    command
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .env(crate::args::NAME_VARIABLE, job.instance.as_str())
        .stdin(Stdio::from(pair.slave.try_clone()?))
        .stderr(Stdio::from(pair.slave))
        .stdout(Stdio::piped());
    if let Some(browser) = browser {
        browser.prepare(&mut command);
    }
    let mut child = Child::spawn(command)?;
    let output = child.take_stdout().ok_or(std::io::ErrorKind::BrokenPipe)?;
    Ok((pair.master, child, output))
}

/// A prompt that the user is to answer.
struct Asked {
    label: String,
    kind: Option<FieldKind>,
    /// Of a certificate: its fingerprint, and why it is not trusted by itself.
    certificate: Option<(String, String)>,
}

struct Dialogue<'a> {
    session: &'a mut Session,
    settings: &'a OpenConnect,
    memory: &'a mut Memory,
    child: Child,
    keyboard: File,
    screen: Lines,
    output: Lines,
    browser: Option<Browser>,
    /// What has come on standard output.
    result: Vec<String>,
    /// What has come on the terminal since the last answer.
    said: Vec<String>,
    /// What that means, from the beginning.
    news: Vec<News>,
    asked: Option<Asked>,
    /// Labels that were answered from memory in this login.
    used: BTreeSet<String>,
    /// What the user has answered in this login.
    given: BTreeMap<String, String>,
    /// The certificate that the user trusts, and whether from now on.
    trusted: Option<(String, bool)>,
    last_word: Instant,
    /// Something has been typed, whose echo is still to come.
    is_typed: bool,
}

impl Dialogue<'_> {
    /// Holds the dialogue until openconnect has ended.
    fn hold(&mut self) -> Result<(), Stop> {
        loop {
            let deadline = self.deadline();
            let mut fds: Vec<BorrowedFd<'_>> = vec![self.child.as_fd()];
            fds.extend((!self.screen.has_ended()).then(|| self.screen.as_fd()));
            fds.extend((!self.output.has_ended()).then(|| self.output.as_fd()));
            fds.extend(self.browser.as_ref().map(AsFd::as_fd));
            match self.session.wait(&fds, deadline) {
                Event::Over => return Err(Stop::Over),
                Event::Answered(reply) => self.answered(&reply)?,
                Event::Uplink | Event::Reconnect => {}
                Event::Ready => {
                    let has_ended = self.child.status().is_some();
                    self.read();
                    if has_ended {
                        return Ok(());
                    }
                }
                Event::Timeout if !self.label().is_empty() => self.prompted()?,
                Event::Timeout => {
                    return Err(Stop::Unreachable(Failure::new(format!(
                        "{} does not answer",
                        self.settings.server
                    ))));
                }
            }
        }
    }

    fn label(&self) -> String {
        self.screen.unfinished().trim().to_owned()
    }

    fn deadline(&self) -> Option<Instant> {
        if self.asked.is_some() {
            return None;
        }
        let label = self.label();
        let patience = if label.is_empty() {
            SILENCE
        } else if prompt::looks_complete(&label) {
            QUIET
        } else {
            LONG_QUIET
        };
        Some(self.last_word + patience)
    }

    fn read(&mut self) {
        let before = self.screen.unfinished().len();
        let lines = self.screen.read();
        if !lines.is_empty() || self.screen.unfinished().len() != before {
            self.last_word = Instant::now();
        }
        for line in lines {
            // The rest of the line that was typed into: nobody's to know, and nothing that the server says.
            if std::mem::take(&mut self.is_typed) {
                continue;
            }
            if let Some(news) = report::read(&line) {
                if let News::Connected(address) = &news {
                    self.session.connected_to(*address);
                }
                self.news.push(news);
            }
            self.session.log("openconnect", &line);
            self.said.push(line);
        }
        self.result.extend(self.output.read());
        if let Some(url) = self.browser.as_mut().and_then(Browser::url) {
            self.asked = Some(Asked {
                label: String::new(),
                kind: None,
                certificate: None,
            });
            self.session.ask(String::new(), Ask::Browser { url });
        }
    }

    /// openconnect waits for a line.
    fn prompted(&mut self) -> Result<(), Stop> {
        let label = self.label();
        let echo = tcgetattr(&self.keyboard)
            .is_ok_and(|terminal| terminal.local_flags.contains(LocalFlags::ECHO));
        let said = std::mem::take(&mut self.said);
        self.screen.forget_unfinished();
        let Prompt { message, ask } = prompt::read(&said, &label, echo, &self.settings.server);
        let (kind, certificate) = match &ask {
            Ask::Form { fields } => (fields.first().map(|field| field.kind), None),
            Ask::Certificate {
                fingerprint,
                reason,
                ..
            } => (None, Some((fingerprint.clone(), reason.clone()))),
            Ask::Browser { .. } => (None, None),
        };
        let known = self.memory.answers.get(&label).cloned();
        // Once: what the server turns down must not be tried again and again.
        if let Some(text) = known.filter(|_| kind.is_some() && self.used.insert(label.clone())) {
            self.given.insert(label, text.clone());
            return self.type_line(&text);
        }
        self.asked = Some(Asked {
            label,
            kind,
            certificate,
        });
        self.session.ask(message, ask);
        Ok(())
    }

    fn answered(&mut self, reply: &Reply) -> Result<(), Stop> {
        let Some(asked) = self.asked.take() else {
            return Ok(());
        };
        match (reply, asked) {
            (
                Reply::Form { values },
                Asked {
                    label,
                    kind: Some(kind),
                    ..
                },
            ) => {
                let named = values.get(prompt::FIELD);
                let text = named.or_else(|| values.values().next());
                let text = text.cloned().unwrap_or_default();
                if kind != FieldKind::Code {
                    self.given.insert(label, text.clone());
                }
                self.type_line(&text)
            }
            (
                Reply::Trust { remember },
                Asked {
                    certificate: Some((fingerprint, _)),
                    ..
                },
            ) => {
                self.trusted = Some((fingerprint, *remember));
                self.type_line("yes")
            }
            (
                _,
                Asked {
                    certificate: Some((fingerprint, reason)),
                    ..
                },
            ) => Err(Stop::Pointless(Failure::with_hint(
                format!(
                    "the certificate of {} is not trusted ({reason}): {fingerprint}",
                    self.settings.server
                ),
                "compare the fingerprint with the one that the server's administrator tells",
            ))),
            _ => Err(Stop::Pointless(Failure::new(
                "the login was cancelled".to_owned(),
            ))),
        }
    }

    /// As somebody would type it: what the terminal would obey is quoted.
    fn type_line(&mut self, text: &str) -> Result<(), Stop> {
        const QUOTE_NEXT: u8 = 0x16;
        let mut bytes = Vec::with_capacity(text.len() + 1);
        for byte in text.bytes().take_while(|byte| *byte != b'\n') {
            if byte.is_ascii_control() {
                bytes.push(QUOTE_NEXT);
            }
            bytes.push(byte);
        }
        bytes.push(b'\n');
        self.last_word = Instant::now();
        self.is_typed = true;
        self.keyboard.write_all(&bytes).map_err(|error| {
            Stop::Unreachable(Failure::new(format!("openconnect has ended: {error}")))
        })
    }

    /// What has come of it.
    fn conclude(mut self, job: &Job) -> Result<Login, Stop> {
        self.read();
        let succeeded = self.child.status().is_some_and(|status| status.success());
        let login = login::read(&self.result);
        let (Some(login), true) = (login, succeeded) else {
            return Err(self.explain());
        };
        self.memory.answers = std::mem::take(&mut self.given);
        if let Some((fingerprint, remember)) = self.trusted.take() {
            // Not what stood on the terminal: what openconnect has really seen.
            self.memory.fingerprint = Some(login.fingerprint.clone());
            if remember && login.fingerprint == fingerprint {
                let kept = profiles::set_fingerprint(&job.profile_name, &fingerprint);
                if let Err(error) = kept {
                    self.session
                        .note(format!("the certificate is not remembered: {error}"));
                }
            }
        }
        Ok(login)
    }

    fn explain(&mut self) -> Stop {
        self.memory.answers.clear();
        let server = &self.settings.server;
        let last = |wanted: fn(&News) -> bool| self.news.iter().rev().find(|news| wanted(news));
        let cause = last(|news| matches!(news, News::OtherCertificate(_)))
            .or_else(|| last(|news| matches!(news, News::Refused(_) | News::Unreachable(_))))
            .or_else(|| last(|news| matches!(news, News::Handshake(_))));
        match cause {
            Some(News::OtherCertificate(found)) => Stop::Pointless(Failure::with_hint(
                format!("{server} shows another certificate than the trusted one: {found}"),
                "if the server's administrator confirms the new fingerprint, remove the line \
                 \"fingerprint\" from the profile and connect again",
            )),
            Some(News::Refused(reason)) => Stop::Pointless(Failure::with_hint(
                reason.clone(),
                "check user name and password, and connect again",
            )),
            Some(News::Unreachable(reason)) => Stop::Unreachable(Failure::with_hint(
                reason.clone(),
                "check the server's address and port, and whether this computer is online",
            )),
            Some(News::Handshake(reason)) => Stop::Pointless(Failure::with_hint(
                format!("no secured connection to {server}: {reason}"),
                "something answers there, but not as such a server does: check its address and port",
            )),
            _ => {
                let line = self.said.iter().rev().find(|line| !line.trim().is_empty());
                let line = line.map(|line| self.session.quote(line));
                let line = line.as_deref().unwrap_or("it did not say why");
                Stop::Pointless(Failure::new(format!("openconnect gave up: {line}")))
            }
        }
    }
}
