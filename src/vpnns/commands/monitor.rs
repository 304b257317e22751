//! `vpnns --monitor`: what changes, as it happens.
//!
//! # Theory of operation
//!
//! Every keeper tells its watchers of each change, so a known instance needs no looking after.
//! New ones are noticed by inotify: a state directory appearing below the home directory, or a
//! control socket appearing in one. The socket exists a moment before its keeper listens, so a
//! refused connection is tried again for a while. Idle, the monitor wakes up for nothing. What has
//! passed is no change that a keeper would tell, and is asked for ([`meter`]).

mod change;
mod meter;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use vpnns_protocol::event::{Event, Line};
use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::{VERSION, exit};

use self::meter::Meter;
use super::list::traffic;
use super::{Error, print_all};
use crate::instance::client::Client;
use crate::instance::control::{Reply, Request};
use crate::instance::directory::{self, SOCKET, instance_of};
use crate::instance::discovery;
use crate::{report, sys};

/// How long a socket may be there before its keeper listens.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is tried meanwhile.
const RETRY: Duration = Duration::from_millis(10);
/// How often it is told what has passed.
const MEASURE: Duration = Duration::from_secs(1);

/// What is to be shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only this instance.
    pub name: Option<InstanceName>,
    /// As JSON lines.
    pub json: bool,
    /// Also what passes.
    pub traffic: bool,
}

/// Prints changes until interrupted, or until nobody reads them any more.
pub fn monitor(options: &Options) -> Result<u8, Error> {
    let mut monitor = Monitor {
        options,
        inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(Error::Watch)?,
        roots: BTreeMap::new(),
        directories: BTreeMap::new(),
        known: BTreeMap::new(),
        awaited: BTreeMap::new(),
        measure_at: None,
    };
    for root in directory::roots()? {
        // Watch before the first look, or an instance could come in between.
        let flags =
            AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR;
        if let Ok(watch) = monitor.inotify.add_watch(&root, flags) {
            monitor.roots.insert(watch, root.clone());
        }
        for (name, path) in discovery::directories(&root) {
            monitor.watch_directory(&name, path)?;
        }
    }
    // An app may be there already whose keeper does not listen yet.
    for (path, _) in monitor.awaited.values() {
        discovery::settle(path);
    }
    monitor.retry()?;
    monitor.say(Event::Ready)?;
    monitor.measure()?;
    while monitor.turn()? {}
    Ok(exit::SUCCESS)
}

struct Monitor<'a> {
    options: &'a Options,
    inotify: Inotify,
    roots: BTreeMap<WatchDescriptor, PathBuf>,
    directories: BTreeMap<WatchDescriptor, (InstanceName, PathBuf)>,
    known: BTreeMap<InstanceName, Known>,
    /// Sockets that nobody listens on yet, and until when they are tried.
    awaited: BTreeMap<InstanceName, (PathBuf, Instant)>,
    /// When it is told next what has passed; never while no instance is connected.
    measure_at: Option<Instant>,
}

/// An instance that has been told of.
struct Known {
    keeper: Client,
    /// What was told last.
    shown: Instance,
    meter: Meter,
}

impl Known {
    fn is_connected(&self) -> bool {
        self.shown.state == State::Connected
    }
}

impl Monitor<'_> {
    fn turn(&mut self) -> Result<bool, Error> {
        let stdout = std::io::stdout();
        let mut fds = vec![
            // No events asked for: an error still comes when the reader closes its pipe.
            PollFd::new(stdout.as_fd(), PollFlags::empty()),
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
        ];
        let sockets = self.known.values().map(|known| known.keeper.as_fd());
        fds.extend(sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN)));
        match poll(&mut fds, self.timeout()) {
            Err(Errno::EINTR) => return Ok(true),
            Err(errno) => return Err(Error::Watch(errno)),
            Ok(_) => {}
        }
        let fired = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
        if fired(&fds[0]) {
            return Ok(false);
        }
        let changed_directories = fired(&fds[1]);
        let names = self.known.keys().zip(&fds[2..]).filter(|(_, fd)| fired(fd));
        let changed: Vec<InstanceName> = names.map(|(name, _)| name.clone()).collect();
        for name in changed {
            self.hear(&name)?;
        }
        if changed_directories {
            self.look()?;
        }
        self.retry()?;
        self.measure()?;
        Ok(true)
    }

    fn timeout(&self) -> PollTimeout {
        let retry = (!self.awaited.is_empty()).then_some(RETRY);
        let measure = self.measure_at.map(|at| {
            // Rounded up: a wait that ends a moment early would only be repeated.
            at.saturating_duration_since(Instant::now()) + Duration::from_millis(1)
        });
        match [retry, measure].into_iter().flatten().min() {
            Some(wait) => PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX),
            None => PollTimeout::NONE,
        }
    }

    /// Tells what has passed, if it is time for that.
    fn measure(&mut self) -> Result<(), Error> {
        if !self.options.traffic || !self.known.values().any(Known::is_connected) {
            self.measure_at = None;
            return Ok(());
        }
        let now = Instant::now();
        if self.measure_at.is_some_and(|at| at > now) {
            return Ok(());
        }
        self.measure_at = Some(now + MEASURE);
        let connected = self.known.iter_mut().filter(|(_, it)| it.is_connected());
        let events = connected.filter_map(|(name, known)| {
            let (name, counters) = (name.clone(), known.meter.read()?);
            Some(Event::Traffic { name, counters })
        });
        let events: Vec<_> = events.collect();
        events.into_iter().try_for_each(|event| self.say(event))
    }

    /// A known instance has something to say, or is gone.
    fn hear(&mut self, name: &InstanceName) -> Result<(), Error> {
        let Some(known) = self.known.get_mut(name) else {
            return Ok(());
        };
        match known.keeper.receive() {
            Ok((Reply::Status(instance), _)) => {
                // The keeper may have looked again and found what was there before.
                if known.shown == *instance {
                    return Ok(());
                }
                let before = std::mem::replace(&mut known.shown, *instance.clone());
                if self.options.json {
                    let instance = *instance;
                    self.say(Event::Changed { instance })?;
                } else {
                    tell(&instance.name, &change::between(&before, &instance))?;
                }
            }
            Ok(_) => {}
            Err(_) => {
                self.known.remove(name);
                self.say(Event::Gone { name: name.clone() })?;
                // A keeper that made its socket anew, or a successor, may be there already.
                let found = self
                    .directories
                    .values()
                    .find(|(known, _)| known == name)
                    .cloned();
                if let Some((name, path)) = found.filter(|(_, path)| path.join(SOCKET).exists()) {
                    self.meet(&name, path)?;
                }
            }
        }
        Ok(())
    }

    /// Something was made in a directory that we watch.
    fn look(&mut self) -> Result<(), Error> {
        for event in self.inotify.read_events().unwrap_or_default() {
            let Some(file) = event.name else { continue };
            if let Some(root) = self.roots.get(&event.wd) {
                let path = root.join(file);
                if let Some(name) = instance_of(&path) {
                    self.watch_directory(&name, path)?;
                }
            } else if let Some((name, path)) = self.directories.get(&event.wd).cloned()
                && file == SOCKET
            {
                self.meet(&name, path)?;
            }
        }
        Ok(())
    }

    fn watch_directory(&mut self, name: &InstanceName, path: PathBuf) -> Result<(), Error> {
        if self.options.name.as_ref().is_some_and(|only| only != name) {
            return Ok(());
        }
        let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_ONLYDIR;
        if let Ok(watch) = self.inotify.add_watch(&path, flags) {
            self.directories.insert(watch, (name.clone(), path.clone()));
        }
        if path.join(SOCKET).exists() {
            self.meet(name, path)?;
        }
        Ok(())
    }

    /// Connects to a keeper, now or as soon as it listens.
    fn meet(&mut self, name: &InstanceName, path: PathBuf) -> Result<(), Error> {
        if self.known.contains_key(name) {
            return Ok(());
        }
        match discovery::connect(path.clone()) {
            Some(client) if client.send(Request::Watch).is_ok() => {
                self.awaited.remove(name);
                if let Ok((Reply::Status(instance), _)) = client.receive() {
                    let known = Known {
                        keeper: client,
                        shown: *instance.clone(),
                        meter: Meter::new(path),
                    };
                    self.known.insert(name.clone(), known);
                    let instance = *instance;
                    self.say(Event::Appeared { instance })?;
                }
            }
            _ => {
                let until = Instant::now() + PATIENCE;
                self.awaited.entry(name.clone()).or_insert((path, until));
            }
        }
        Ok(())
    }

    fn retry(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        self.awaited.retain(|_, (_, until)| *until > now);
        for (name, (path, _)) in self.awaited.clone() {
            self.meet(&name, path)?;
        }
        Ok(())
    }

    fn say(&self, event: Event) -> Result<(), Error> {
        if self.options.json {
            let line = Line {
                version: VERSION,
                event,
            };
            // Strings and numbers only: this cannot fail.
            let text = serde_json::to_string(&line).unwrap_or_default();
            return print_all(&format!("{text}\n"));
        }
        match event {
            Event::Appeared { instance } => tell(&instance.name, &[change::first(&instance)]),
            Event::Gone { name } => tell(&name, &["gone".to_owned()]),
            Event::Traffic { name, counters } => tell(&name, &[traffic(&counters)]),
            Event::Changed { .. } | Event::Ready | Event::Unknown => Ok(()),
        }
    }
}

/// Prints lines for a person, each with the time of day.
fn tell(name: &InstanceName, lines: &[String]) -> Result<(), Error> {
    let [hour, minute, second] = sys::clock::time_of_day();
    lines.iter().try_for_each(|line| {
        let line = report::visible(line);
        print_all(&format!(
            "{hour:02}:{minute:02}:{second:02} {name}: {line}\n"
        ))
    })
}
