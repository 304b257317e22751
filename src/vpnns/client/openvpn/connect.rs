//! A profile of openvpn's: its client grafted into the instance, steered by its management socket.
//!
//! # Theory of operation
//!
//! The configuration is reviewed again, whatever wrote it, and handed over as a file in memory:
//! it may hold the user's key. openvpn connects to a socket of ours in the instance's directory,
//! waits there to be let go (at every one of its restarts), and asks for whatever it needs.
//! Where it would try again by itself, we decide when, and whether that is worth anything.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::fcntl::{OFlag, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use vpnns_protocol::profile::OpenVpn;

use super::authentication::{Authentication, Step};
use super::embed::embed;
use super::management::{self, Message, State};
use super::review::review;
use super::{config, trouble};
use crate::args::NAME_VARIABLE;
use crate::client::connector::{Backoff, Child, Ending, Event, Failure, Job, Lines, Session};
use crate::client::fault::Fault;
use crate::client::program;
use crate::profiles;

/// The management socket's name in the instance's directory.
const SOCKET: &str = "management";

/// Brings it up and keeps it up until it is to end, or cannot.
pub fn run(session: &mut Session, job: &Job, settings: &OpenVpn) -> Ending {
    let program = match program::find("openvpn") {
        Ok(program) => program,
        Err(failure) => return Ending::Failed(failure),
    };
    let prepared = match prepare(job, settings) {
        Ok(prepared) => prepared,
        Err(fault) => {
            let reason = fault.to_string();
            let hint = fault.hint.clone();
            return Ending::Failed(Failure { reason, hint });
        }
    };
    let mut authentication = Authentication::new(settings.user.clone());
    let mut backoff = Backoff::default();
    let mut was_up = false;
    loop {
        session.stage("starting openvpn");
        let started = Tunnel::start(session, job, settings, &program, &prepared);
        let mut tunnel = match started {
            Ok(tunnel) => tunnel,
            Err(error) => {
                let reason = format!("failed to start openvpn: {error}");
                return Ending::Failed(Failure::new(reason));
            }
        };
        tunnel.was_up = was_up;
        let end = tunnel.carry(&mut authentication);
        was_up |= tunnel.was_up;
        match end {
            End::Over => break,
            End::Pointless(failure) => return Ending::Failed(failure),
            End::Lost(failure) if !was_up => return Ending::Failed(failure),
            End::Lost(failure) => {
                if !session.pause(backoff.next(), Some(&failure.reason)) {
                    break;
                }
            }
        }
    }
    session.over().unwrap_or(Ending::Disconnected)
}

/// A configuration that stands alone.
struct Prepared {
    text: String,
    /// How many servers it names.
    servers: usize,
}

fn prepare(job: &Job, settings: &OpenVpn) -> Result<Prepared, Fault> {
    let configuration = match (&settings.config, &settings.config_file) {
        (Some(text), _) => {
            let origin = profiles::path(&job.profile_name).unwrap_or_else(|_| PathBuf::from("-"));
            config::read_text(text, &origin)?
        }
        (None, path) => config::read(path.as_deref().unwrap_or(Path::new("")))?,
    };
    let mut review = review(&configuration)?;
    embed(&mut review)?;
    let names_server = |it: &&config::Directive| {
        it.name == "remote" || it.block.iter().any(|inner| inner.name == "remote")
    };
    Ok(Prepared {
        servers: review.kept.iter().filter(names_server).count().max(1),
        text: config::render(&review.kept),
    })
}

/// How a run of openvpn has ended.
enum End {
    /// It is to.
    Over,
    /// The connection was lost.
    Lost(Failure),
    /// It is pointless to try again.
    Pointless(Failure),
}

struct Tunnel<'a> {
    session: &'a mut Session,
    child: Child,
    output: Lines,
    listener: UnixListener,
    socket: String,
    management: Option<(Lines, std::fs::File)>,
    was_up: bool,
    /// How many servers may fail before the first connection is given up.
    tries: usize,
    backoff: Backoff,
    /// When openvpn is let go.
    release_at: Option<Instant>,
    has_been_released: bool,
    trouble: Option<trouble::Trouble>,
    ours: Option<Failure>,
    last_line: String,
    /// Keep what openvpn finds by their numbers.
    _files: [OwnedFd; 2],
}

/// A line of openvpn's without the time before it, `2026-11-25 12:00:00`.
fn without_time(line: &str) -> &str {
    let is_part = |c: char| c.is_ascii_digit() || c == '-' || c == ':' || c == ' ';
    match line.split_at_checked(20) {
        Some((time, rest)) if time.ends_with(' ') && time.chars().all(is_part) => rest,
        _ => line,
    }
}

impl<'a> Tunnel<'a> {
    fn start(
        session: &'a mut Session,
        job: &Job,
        settings: &OpenVpn,
        program: &Path,
        prepared: &Prepared,
    ) -> io::Result<Self> {
        let file = memfd_create(c"openvpn", MFdFlags::MFD_CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        file.write_all(prepared.text.as_bytes())?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open(session.directory(), flags, Mode::empty())?;
        // Through our descriptors: a home's path may be longer than a socket's can be.
        let inside =
            |fd: BorrowedFd<'_>| format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd());
        let socket = format!("{}/{SOCKET}", inside(directory.as_fd()));
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(&job.program);
        command
            .args(["--graft", &format!("--name={}", job.instance)])
            .args(job.wishes())
            .arg("--")
            .arg(program)
            .args(["--config", &inside(file.as_fd())])
            .args(&settings.arguments)
            .args(["--management", &socket, "unix", "--management-client"])
            .args(["--management-hold", "--management-query-passwords"])
            .args(["--auth-retry", "interact"]);
        let (reader, writer) = io::pipe()?;
        command
            .env("LC_ALL", "C.UTF-8")
            .env(NAME_VARIABLE, job.instance.as_str())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let child = Child::spawn(command)?;
        Ok(Self {
            session,
            child,
            output: Lines::new(reader.into())?,
            listener,
            socket,
            management: None,
            was_up: false,
            tries: prepared.servers,
            backoff: Backoff::default(),
            release_at: None,
            has_been_released: false,
            trouble: None,
            ours: None,
            last_line: String::new(),
            _files: [file.into(), directory],
        })
    }

    fn carry(&mut self, authentication: &mut Authentication) -> End {
        loop {
            let mut fds: Vec<BorrowedFd<'_>> = vec![self.child.as_fd()];
            fds.extend((!self.output.has_ended()).then(|| self.output.as_fd()));
            match &self.management {
                None => fds.push(self.listener.as_fd()),
                Some((lines, _)) if !lines.has_ended() => fds.push(lines.as_fd()),
                Some(_) => {}
            }
            match self.session.wait(&fds, self.release_at) {
                Event::Over => {
                    self.end();
                    return End::Over;
                }
                Event::Uplink | Event::Reconnect => {
                    self.backoff.reset();
                    if self.release_at.is_some() {
                        self.release();
                    } else if self.was_up {
                        self.child.signal(Signal::SIGUSR1);
                    }
                }
                Event::Timeout => self.release(),
                Event::Answered(reply) => match authentication.answered(&reply) {
                    Ok(commands) => self.command(&commands),
                    Err(failure) => {
                        self.end();
                        return End::Pointless(failure);
                    }
                },
                Event::Ready => {
                    let has_ended = self.child.status().is_some();
                    let end = self.hear(authentication);
                    if let Some(failure) = end {
                        self.end();
                        return failure;
                    }
                    if has_ended {
                        return self.judge();
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        self.session.withdraw();
        self.child
            .end(self.session, Signal::SIGTERM, Some(&mut self.output));
    }

    fn command(&mut self, text: &str) {
        if let Some((_, writer)) = &mut self.management {
            // A few lines into an empty socket. If it is gone, openvpn is about to end.
            let _ = writer.write_all(text.as_bytes());
        }
    }

    /// Lets openvpn go on.
    fn release(&mut self) {
        if self.release_at.take().is_some() {
            self.session.waits_no_longer();
        }
        self.has_been_released = true;
        self.command("hold release\n");
    }

    /// Everything that has come; the end if it is one.
    fn hear(&mut self, authentication: &mut Authentication) -> Option<End> {
        self.hear_output();
        if self.management.is_none()
            && let Ok((socket, _)) = self.listener.accept()
        {
            // One openvpn, once.
            let _ = std::fs::remove_file(&self.socket);
            let socket = OwnedFd::from(socket);
            let writer = socket.try_clone().ok()?;
            self.management = Some((Lines::new(socket).ok()?, writer.into()));
            self.command("log on\nstate on\n");
        }
        let lines = match &mut self.management {
            Some((lines, _)) => lines.read(),
            None => Vec::new(),
        };
        for line in lines {
            let end = self.understand(management::parse(&line), authentication);
            if end.is_some() {
                return end;
            }
        }
        None
    }

    fn hear_output(&mut self) {
        for line in self.output.read() {
            self.session.log("openvpn", without_time(&line));
            if let Some(sentence) = line.strip_prefix("vpnns: ") {
                self.ours = Some(Failure::new(sentence.to_owned()));
            } else if let (Some(hint), Some(failure)) =
                (line.strip_prefix("hint: "), &mut self.ours)
            {
                failure.hint = Some(hint.to_owned());
            } else if !line.trim().is_empty() {
                self.last_line = line;
            }
        }
    }

    fn understand(&mut self, message: Message, authentication: &mut Authentication) -> Option<End> {
        match message {
            Message::Hold => {
                if self.has_been_released {
                    let wait = self.backoff.next();
                    self.release_at = Some(Instant::now() + wait);
                    let trouble = self.trouble.as_ref().map(|it| it.reason.as_str());
                    self.session.waits(wait, trouble);
                } else {
                    self.release();
                }
            }
            Message::Need(need) => match authentication.needed(need) {
                Step::Command(commands) => self.command(&commands),
                Step::Ask(message, ask) => self.session.ask(message, ask),
            },
            Message::Refused { kind, challenge } => authentication.refused(&kind, challenge),
            Message::WebAuth(url) => {
                let ask = vpnns_protocol::question::Ask::Browser { url };
                self.session.ask(String::new(), ask);
            }
            Message::State(state) => return self.state(&state, authentication),
            Message::Fatal(text) => {
                self.trouble.get_or_insert(trouble::Trouble {
                    reason: format!("openvpn gave up: {text}"),
                    is_pointless: false,
                    is_final: true,
                });
            }
            Message::Log { text, .. } => {
                if let Some(cipher) = trouble::cipher(&text) {
                    self.session.learn(|facts| facts.cipher = Some(cipher));
                }
                authentication.heard(&text);
                if let Some(trouble) = trouble::read(&text) {
                    let is_final = trouble.is_final;
                    self.trouble = Some(trouble);
                    if is_final && !self.was_up && self.tries == 1 {
                        return Some(self.lost());
                    }
                }
            }
            Message::Error(_) | Message::Other => {}
        }
        None
    }

    fn state(&mut self, state: &State, authentication: &mut Authentication) -> Option<End> {
        let doing = match state.name.as_str() {
            "RESOLVE" => "looking up the server",
            "TCP_CONNECT" | "CONNECTING" | "WAIT" => "calling the server",
            "AUTH" => "logging in",
            "AUTH_PENDING" => "waiting for the sign-in",
            "GET_CONFIG" => "waiting for the server's settings",
            "ASSIGN_IP" | "ADD_ROUTES" => "setting up the device",
            "CONNECTED" => {
                self.was_up = true;
                self.trouble = None;
                self.backoff.reset();
                self.session.withdraw();
                authentication.succeeded();
                if let Some(address) = state.server.as_ref().and_then(|it| it.parse().ok()) {
                    self.session.connected_to(address);
                }
                self.session.alive(true);
                return None;
            }
            "RECONNECTING" => return self.reconnecting(state, authentication),
            _ => return None,
        };
        self.session.stage(doing);
        None
    }

    /// openvpn starts over.
    fn reconnecting(&mut self, state: &State, authentication: &Authentication) -> Option<End> {
        if self.trouble.as_ref().is_some_and(|it| it.is_pointless) {
            return Some(self.lost());
        }
        // It is going to ask again.
        if authentication.is_refused() {
            return None;
        }
        if self.was_up {
            self.session.alive(false);
            return None;
        }
        self.tries = self.tries.saturating_sub(1);
        if self.tries > 0 {
            return None;
        }
        self.trouble.get_or_insert(trouble::Trouble {
            reason: format!("the server does not answer ({})", state.detail),
            is_pointless: false,
            is_final: true,
        });
        Some(self.lost())
    }

    fn lost(&mut self) -> End {
        match self.trouble.take() {
            Some(trouble) if trouble.is_pointless => End::Pointless(Failure::new(trouble.reason)),
            Some(trouble) => End::Lost(Failure::new(trouble.reason)),
            None => {
                let line = self.session.quote(&self.last_line);
                End::Lost(Failure::new(format!("openvpn ended unexpectedly: {line}")))
            }
        }
    }

    /// It has ended by itself.
    fn judge(&mut self) -> End {
        self.hear_output();
        self.session.withdraw();
        if self.session.over().is_some() {
            return End::Over;
        }
        if let (Some(ours), None) = (self.ours.take(), &self.trouble) {
            return if self.was_up {
                End::Lost(ours)
            } else {
                End::Pointless(ours)
            };
        }
        self.lost()
    }
}
