//! One connector at work: its keeper, its front, its signals, and the one place where it waits.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use vpnns_protocol::instance::{Facts, Retry, State};
use vpnns_protocol::question::{Answer, Ask, Question, Reply as Answered};

use super::scrub::Scrubber;
use super::{Ending, Report};
use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::net::Uplink;

/// What a wait has brought.
#[derive(PartialEq, Eq)]
pub enum Event {
    /// It is to end: somebody wants it, or nobody is there any more. From now on only the
    /// caller's descriptors and its deadline are waited for.
    Over,
    /// The user's answer to the open question.
    Answered(Answered),
    /// The host has another way out, or has slept.
    Uplink,
    /// The user wants a new connection, or the next try, now.
    Reconnect,
    /// One of the caller's descriptors is ready.
    Ready,
    /// The deadline has passed.
    Timeout,
}

/// A connector's connections to the others.
#[derive(Debug)]
pub struct Session {
    keeper: Client,
    /// To the front; none once that is gone from a connection in the background.
    leash: Option<OwnedFd>,
    /// Whether the front's end is ours.
    is_tied: bool,
    signals: SignalFd,
    uplink: Option<Uplink>,
    facts: Facts,
    questions: u64,
    open: bool,
    /// Whether the instance was ever seen connected, and whether since that was asked for.
    connected: (bool, bool),
    /// Whether the keeper has answered since it was asked the last time.
    answered: bool,
    over: Option<Ending>,
    scrubber: Scrubber,
    /// Since when lines of the client's are counted, and how many there were.
    lines: (Instant, u32),
}

/// How many of a client's lines are passed on in one second.
const LINES: u32 = 100;
/// How long the keeper may take to tell the last of its news.
const NEWS: Duration = Duration::from_secs(5);

impl Session {
    pub(super) fn new(
        keeper: Client,
        leash: OwnedFd,
        is_tied: bool,
        server: Option<String>,
    ) -> Result<Self, Errno> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
            set.add(signal);
        }
        Ok(Self {
            keeper,
            leash: Some(leash),
            is_tied,
            signals: SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            // Without it a lost connection is noticed later, by the client itself.
            uplink: Uplink::new().ok(),
            facts: Facts {
                server,
                ..Facts::default()
            },
            questions: 0,
            open: false,
            connected: (false, false),
            answered: false,
            over: None,
            scrubber: Scrubber::default(),
            lines: (Instant::now(), 0),
        })
    }

    /// Waits for whatever comes first.
    pub fn wait(&mut self, fds: &[BorrowedFd<'_>], deadline: Option<Instant>) -> Event {
        loop {
            let until = self.uplink.as_ref().and_then(Uplink::deadline);
            let until = until.filter(|_| self.over.is_none());
            let ready = self.poll(fds, [deadline, until].into_iter().flatten().min());
            if self.over.is_none()
                && let Some(event) = self.hear(&ready)
            {
                return event;
            }
            if ready.caller {
                return Event::Ready;
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return Event::Timeout;
            }
        }
    }

    fn poll(&self, fds: &[BorrowedFd<'_>], until: Option<Instant>) -> Ready {
        let mut places = vec![];
        if self.over.is_none() {
            places.extend([self.keeper.as_fd(), self.signals.as_fd()]);
            places.extend(self.leash.as_ref().map(AsFd::as_fd));
            places.extend(self.uplink.iter().flat_map(Uplink::fds));
        }
        let ours = places.len();
        places.extend(fds);
        let mut places: Vec<PollFd<'_>> = places
            .into_iter()
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        let timeout = until.map_or(PollTimeout::NONE, |at| {
            // Rounded up: a wait that ends a moment early would only be repeated.
            let rest = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
        });
        // An error (no memory) is a wait that brought nothing.
        let _ = poll(&mut places, timeout);
        let fired = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        let (ours, callers) = places.split_at(ours);
        let has_leash = usize::from(self.leash.is_some());
        Ready {
            keeper: ours.first().is_some_and(fired),
            signals: ours.get(1).is_some_and(fired),
            leash: has_leash == 1 && ours.get(2).is_some_and(fired),
            uplink: ours.len() > 2 + has_leash,
            caller: callers.iter().any(fired),
        }
    }

    /// What the others have to say.
    fn hear(&mut self, ready: &Ready) -> Option<Event> {
        if ready.signals {
            return Some(self.end(Ending::Disconnected));
        }
        if ready.leash {
            // The front says nothing: it is gone.
            self.leash = None;
            if self.is_tied {
                return Some(self.end(Ending::Disconnected));
            }
        }
        if ready.keeper {
            match self.keeper.receive() {
                Ok((Reply::Answered(answer), _)) => {
                    // One to an earlier question comes too late.
                    if self.open && answer.id == self.questions {
                        self.open = false;
                        let Answer { reply, .. } = *answer;
                        if let Answered::Form { values } = &reply {
                            for value in values.values() {
                                self.scrubber.hide(value);
                            }
                        }
                        return Some(Event::Answered(reply));
                    }
                }
                Ok((Reply::Reconnect, _)) => return Some(Event::Reconnect),
                Ok((Reply::Status(instance), _)) if instance.state == State::Connected => {
                    self.connected = (true, true);
                }
                Ok((Reply::Disconnect | Reply::Ended { .. }, _)) => {
                    return Some(self.end(Ending::Disconnected));
                }
                Ok((Reply::Counters { .. }, _)) => self.answered = true,
                Ok(_) => {}
                Err(_) => return Some(self.end(Ending::KeeperGone)),
            }
        }
        let changed = ready.uplink && self.uplink.as_mut().is_some_and(Uplink::changed);
        changed.then_some(Event::Uplink)
    }

    /// Hears all that the keeper has said before now. A wait brings one thing at a time, and a client's
    /// end may be seen before the news that it was connected is read. Returns what cannot be put off.
    pub fn catch_up(&mut self) -> Option<Event> {
        let deadline = Instant::now() + NEWS;
        let mut asked = false;
        while !(asked && self.answered) && Instant::now() < deadline {
            let until = if asked { deadline } else { Instant::now() };
            let ready = self.poll(&[], Some(until));
            // Its answer comes after everything else, and unlike a status never unasked. Not asked for
            // before the rest is read: whoever has no room for an answer is sent away.
            if !asked && !ready.keeper {
                asked = true;
                self.answered = false;
                self.send(Request::Counters);
            }
            if let Some(event @ (Event::Over | Event::Reconnect)) = self.hear(&ready) {
                return Some(event);
            }
        }
        None
    }

    fn end(&mut self, ending: Ending) -> Event {
        self.over = Some(ending);
        self.open = false;
        Event::Over
    }

    /// How it ends, once it is to.
    pub fn over(&self) -> Option<Ending> {
        self.over.clone()
    }

    /// Waits before the next try; false if it is to end. A changed uplink cuts it short, and so
    /// does the user. `reason` is what the last try has failed of.
    pub fn pause(&mut self, length: Duration, reason: Option<&str>) -> bool {
        let deadline = Instant::now() + length;
        self.waits(length, reason);
        let goes_on = loop {
            match self.wait(&[], Some(deadline)) {
                Event::Over => return false,
                Event::Timeout => break self.over.is_none(),
                Event::Uplink | Event::Reconnect => break true,
                Event::Answered(_) | Event::Ready => {}
            }
        };
        self.waits_no_longer();
        goes_on
    }

    /// Tells that the next try comes after this time.
    pub fn waits(&self, length: Duration, reason: Option<&str>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = now.unwrap_or_default() + length;
        let retry = Retry {
            at: at.as_secs() + u64::from(at.subsec_nanos() > 0),
            reason: reason.map(str::to_owned),
        };
        self.send(Request::Wait { retry: Some(retry) });
    }

    /// Tells that the next try has begun.
    pub fn waits_no_longer(&self) {
        self.send(Request::Wait { retry: None });
    }

    /// Has the keeper tell the instance's state, for clients that cannot.
    pub fn watch(&self) {
        self.send(Request::Watch);
    }

    /// The keeper, for a loop of somebody else's.
    pub fn keeper(&self) -> &Client {
        &self.keeper
    }

    /// Becomes readable when it is to end, apart from what the keeper says; for such a loop.
    pub fn quit(&self) -> Result<Epoll, Errno> {
        let quit = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        quit.add(&self.signals, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        if let Some(leash) = self.leash.as_ref().filter(|_| self.is_tied) {
            quit.add(leash, EpollEvent::new(EpollFlags::EPOLLRDHUP, 1))?;
        }
        Ok(quit)
    }

    /// Becomes readable with news of the host's network; for such a loop.
    pub fn uplink(&self) -> Option<BorrowedFd<'_>> {
        self.uplink.as_ref().map(Uplink::news)
    }

    /// Whether the instance has been connected.
    pub fn was_connected(&self) -> bool {
        self.connected.0
    }

    /// Whether it has been since this was asked the last time.
    pub fn take_connected(&mut self) -> bool {
        std::mem::take(&mut self.connected.1)
    }

    /// The instance's state directory.
    pub fn directory(&self) -> &Path {
        self.keeper.directory()
    }

    /// Says what is being done.
    pub fn stage(&self, stage: impl Into<String>) {
        self.send(Request::Stage {
            stage: stage.into(),
        });
    }

    /// Asks the user; the answer is an event.
    pub fn ask(&mut self, message: String, ask: Ask) {
        self.questions += 1;
        self.open = true;
        self.send(Request::Ask(Box::new(Question {
            id: self.questions,
            message,
            ask,
        })));
    }

    /// Takes an open question back.
    pub fn withdraw(&mut self) {
        if std::mem::take(&mut self.open) {
            self.send(Request::Withdraw);
        }
    }

    /// Says whether the other end answers.
    pub fn alive(&self, alive: bool) {
        self.send(Request::Alive { alive });
    }

    /// Changes what is known about the session, and tells it.
    pub fn learn(&mut self, change: impl FnOnce(&mut Facts)) {
        let before = self.facts.clone();
        change(&mut self.facts);
        if self.facts != before {
            self.send(Request::Facts(Box::new(self.facts.clone())));
        }
    }

    /// Says where the client is connected to: the way there is watched.
    pub fn connected_to(&mut self, server: IpAddr) {
        if let Some(uplink) = &mut self.uplink {
            uplink.set_server(server);
        }
    }

    /// Shows the user a sentence that is no state.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        if let Some(text) = self.scrubber.clean(&text) {
            self.send(Request::Log { text });
        }
        self.report(&Report::Note { text });
    }

    /// Has the keeper remember a line of the client's, without what the user has typed. One that
    /// never stops is not listened to all the time.
    pub fn log(&mut self, client: &str, line: &str) {
        let line = line.trim();
        let (since, count) = &mut self.lines;
        if since.elapsed() >= Duration::from_secs(1) {
            (*since, *count) = (Instant::now(), 0);
        }
        *count = count.saturating_add(1);
        let text = match (*count).cmp(&(LINES + 1)) {
            _ if line.is_empty() => return,
            Ordering::Greater => return,
            Ordering::Equal => format!("{client}: more than can be kept"),
            Ordering::Less => match self.scrubber.clean(line) {
                Some(line) => format!("{client}: {line}"),
                None => return,
            },
        };
        self.send(Request::Log { text });
    }

    /// A line of the client's as a sentence of ours may quote it: that is kept and shown, too.
    pub fn quote(&self, line: &str) -> String {
        let clean = self.scrubber.clean(line.trim());
        clean.unwrap_or_else(|| "its last words may hold a secret".to_owned())
    }

    /// Something that must not be in the log, besides the user's answers.
    pub fn hide(&mut self, secret: &str) {
        self.scrubber.hide(secret);
    }

    pub(super) fn report(&self, report: &Report) {
        if let Some(leash) = &self.leash {
            report.send(leash);
        }
    }

    /// Sends to the keeper; that it is gone is seen by the next wait.
    pub(super) fn send(&self, request: Request) {
        let _ = self.keeper.send(request);
    }
}

#[allow(clippy::struct_excessive_bools)] // One for each descriptor, not one state.
struct Ready {
    keeper: bool,
    signals: bool,
    leash: bool,
    uplink: bool,
    caller: bool,
}
