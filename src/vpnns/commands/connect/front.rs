//! The front at work: between the keeper, which tells the state, and the user.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use vpnns_protocol::event::{Event, Line};
use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::question::{Answer, Ask};
use vpnns_protocol::{VERSION, exit};

use super::dialogue::Dialogue;
use super::terminal::{Terminal, write_stderr};
use super::{Error, Options};
use crate::client::connector::{Failure, Report};
use crate::commands::list::as_news;
use crate::commands::{self, print_all};
use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::instance::enter::{self, Target};
use crate::report;
use crate::sys;

/// How long the connector may take to log out and end: longer than it gives its client.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the user sees of a connector.
pub struct Front {
    name: InstanceName,
    options: Options,
    /// None once it is gone; the connector says the rest.
    keeper: Option<Client>,
    leash: OwnedFd,
    signals: SignalFd,
    terminal: Terminal,
    dialogue: Option<Dialogue>,
    /// The state that was printed last.
    shown: Option<State>,
    has_appeared: bool,
    was_connected: bool,
    /// Why it ends, where we know better than the connector.
    reason: Option<Error>,
    /// Until when the connector may take, once it was told to end.
    until: Option<Instant>,
}

impl Front {
    /// Watches the instance in which a connector was just started.
    pub fn new(target: &Target, options: &Options, leash: OwnedFd) -> Result<Self, Error> {
        let mut set = SigSet::empty();
        for signal in [
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGTSTP,
        ] {
            set.add(signal);
        }
        set.thread_block().map_err(Error::Start)?;
        sys::process::ignore(Signal::SIGPIPE);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let keeper = enter::as_client(target)?;
        keeper.send(Request::Watch).map_err(Error::Keeper)?;
        Ok(Self {
            name: target.name.clone(),
            options: options.clone(),
            keeper: Some(keeper),
            leash,
            signals: SignalFd::with_flags(&set, flags).map_err(Error::Start)?,
            terminal: Terminal::new(),
            dialogue: None,
            shown: None,
            has_appeared: false,
            was_connected: false,
            reason: None,
            until: None,
        })
    }

    /// Stays until the end, or with --background until it is connected.
    pub fn stay(mut self) -> Result<u8, commands::Error> {
        loop {
            let ready = self.wait();
            if ready.leash
                && let Some(end) = self.hear_connector()?
            {
                return end;
            }
            if ready.keeper {
                self.hear_keeper()?;
            }
            if self.was_connected && self.options.background {
                return Ok(exit::SUCCESS);
            }
            if ready.signals {
                self.hear_signals();
            }
            if ready.input {
                self.terminal.fill();
                self.take_lines();
            }
            if self.until.is_some_and(|until| until <= Instant::now()) {
                return Err(self.reason.take().unwrap_or(Error::Stuck).into());
            }
        }
    }

    fn wait(&self) -> Ready {
        let wants_input = !self.terminal.has_ended()
            && (self.options.json
                || self
                    .dialogue
                    .as_ref()
                    .is_some_and(|it| it.prompt().is_some()));
        let unused = self.leash.as_fd();
        let flags = |wanted: bool| {
            if wanted {
                PollFlags::POLLIN
            } else {
                PollFlags::empty()
            }
        };
        let keeper = self.keeper.as_ref();
        let input = if wants_input {
            self.terminal.as_fd()
        } else {
            unused
        };
        let mut fds = [
            PollFd::new(self.leash.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(keeper.map_or(unused, AsFd::as_fd), flags(keeper.is_some())),
            PollFd::new(input, flags(wants_input)),
        ];
        let timeout = self.until.map_or(PollTimeout::NONE, |until| {
            let rest = until.saturating_duration_since(Instant::now());
            PollTimeout::try_from(rest + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        // An error (no memory) is a wait that brought nothing.
        let _ = poll(&mut fds, timeout);
        let fired = fds.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
        Ready {
            leash: fired[0],
            signals: fired[1],
            keeper: keeper.is_some() && fired[2],
            input: wants_input && fired[3],
        }
    }

    /// A note, or the end: then the result.
    #[allow(clippy::type_complexity)] // The end, if it is one; printing may fail before that.
    fn hear_connector(&mut self) -> Result<Option<Result<u8, commands::Error>>, commands::Error> {
        match Report::receive(&self.leash) {
            Ok(Report::Note { text }) => {
                self.terminal.show();
                report::note(&text);
                Ok(None)
            }
            Ok(Report::End { failure }) => {
                self.terminal.show();
                // The last state is told before the end.
                self.hear_rest()?;
                Ok(Some(self.result(failure)))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(_) => {
                let reason = "the connector ended unexpectedly, so the VPN was disconnected";
                Ok(Some(self.result(Some(Failure::new(reason.to_owned())))))
            }
        }
    }

    fn result(&mut self, failure: Option<Failure>) -> Result<u8, commands::Error> {
        if let Some(reason) = self.reason.take() {
            return Err(reason.into());
        }
        match failure {
            Some(failure) => Err(Error::GaveUp(failure).into()),
            None if self.options.background && self.until.is_none() => {
                let reason = "it was disconnected before it was connected".to_owned();
                Err(Error::GaveUp(Failure::new(reason)).into())
            }
            None => Ok(exit::SUCCESS),
        }
    }

    /// What the keeper has still to say of a connector that has just said goodbye to it.
    fn hear_rest(&mut self) -> Result<(), commands::Error> {
        const REST: Duration = Duration::from_millis(200);
        while let Some(keeper) = &self.keeper {
            match keeper.receive_within(REST) {
                Ok(Some((Reply::Status(instance), _))) => {
                    let is_over = matches!(instance.state, State::Isolated | State::Failed { .. });
                    self.show(*instance)?;
                    if is_over {
                        break;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => self.gone()?,
            }
        }
        Ok(())
    }

    fn hear_keeper(&mut self) -> Result<(), commands::Error> {
        let Some(keeper) = &self.keeper else {
            return Ok(());
        };
        match keeper.receive() {
            Ok((Reply::Status(instance), _)) => self.show(*instance),
            Ok((reply, _)) => {
                if let Err(refusal) = reply.accepted() {
                    report::print(&refusal, refusal.hint.as_deref());
                }
                Ok(())
            }
            Err(_) => self.gone(),
        }
    }

    fn gone(&mut self) -> Result<(), commands::Error> {
        self.keeper = None;
        self.dialogue = None;
        self.terminal.show();
        if self.options.json && self.has_appeared {
            let name = self.name.clone();
            print_line(Event::Gone { name })?;
        }
        Ok(())
    }

    fn show(&mut self, instance: Instance) -> Result<(), commands::Error> {
        self.was_connected |= instance.state == State::Connected;
        if self.options.json {
            let first = !std::mem::replace(&mut self.has_appeared, true);
            return print_line(if first {
                Event::Appeared { instance }
            } else {
                Event::Changed { instance }
            });
        }
        let open = self.dialogue.as_ref().map(Dialogue::id);
        if open.is_some() && open != instance.question.as_ref().map(|it| it.id) {
            self.dialogue = None;
            self.terminal.show();
        }
        if self.shown.as_ref() != Some(&instance.state) {
            self.terminal.show();
            let standing = report::visible(&as_news(&instance));
            print_all(&format!("{}: {standing}\n", instance.name))?;
            self.shown = Some(instance.state);
        }
        if let Some(question) = instance.question
            && self.dialogue.is_none()
            && self.until.is_none()
        {
            let is_browser = matches!(question.ask, Ask::Browser { .. });
            let dialogue = Dialogue::new(question);
            write_stderr(&dialogue.opening());
            self.dialogue = Some(dialogue);
            if !is_browser {
                self.terminal.forget();
                self.prompt();
            }
        }
        Ok(())
    }

    /// Asks for the next line; it may be there already.
    fn prompt(&mut self) {
        let Some(dialogue) = &self.dialogue else {
            return;
        };
        if let Some(text) = dialogue.prompt() {
            self.terminal.prompt(&text, dialogue.is_secret());
            self.take_lines();
        }
    }

    fn take_lines(&mut self) {
        while self.options.json || self.dialogue.is_some() {
            let Some(line) = self.terminal.line() else {
                break;
            };
            if self.options.json {
                self.take_json(&line);
                continue;
            }
            self.terminal.show();
            let Some(dialogue) = &mut self.dialogue else {
                return;
            };
            if let Some(answer) = dialogue.line(&line) {
                self.dialogue = None;
                self.send(Request::Answer(Box::new(answer)));
                return;
            }
            // An unusable line, or the next field.
            if let Some(text) = dialogue.prompt() {
                self.terminal.prompt(&text, dialogue.is_secret());
            }
        }
        if !self.options.json
            && self.terminal.has_ended()
            && self.until.is_none()
            && let Some(dialogue) = self.dialogue.take()
        {
            self.terminal.show();
            self.reason = Some(Error::Nobody(dialogue.subject()));
            self.disconnect();
        }
    }

    fn take_json(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<Answer>(line) {
            Ok(answer) => self.send(Request::Answer(Box::new(answer))),
            // Not the line itself: it may hold a secret.
            Err(error) => report::note(&format!(
                "a line on the standard input is no answer (at column {})",
                error.column()
            )),
        }
    }

    fn hear_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo.cast_signed() == Signal::SIGTSTP as i32 {
                self.terminal.stop();
                self.prompt();
                continue;
            }
            self.terminal.show();
            self.dialogue = None;
            if self.until.is_some() {
                // Asked twice: the leash says it to the connector.
                self.until = Some(Instant::now());
            } else {
                self.disconnect();
            }
        }
    }

    fn disconnect(&mut self) {
        self.until = Some(Instant::now() + PATIENCE);
        self.send(Request::Disconnect);
    }

    /// That the keeper is gone is heard from itself.
    fn send(&self, request: Request) {
        if let Some(keeper) = &self.keeper {
            let _ = keeper.send(request);
        }
    }
}

#[allow(clippy::struct_excessive_bools)] // One for each descriptor, not one state.
struct Ready {
    leash: bool,
    signals: bool,
    keeper: bool,
    input: bool,
}

fn print_line(event: Event) -> Result<(), commands::Error> {
    let line = Line {
        version: VERSION,
        event,
    };
    // Strings and numbers only: this cannot fail.
    let text = serde_json::to_string(&line).unwrap_or_default();
    print_all(&format!("{text}\n"))
}
