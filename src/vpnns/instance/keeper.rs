//! The keeper: the one process that holds an instance, and the only truth about its state.
//!
//! # Theory of operation
//!
//! One thread, one poll loop, no timer unless something is pending: an idle instance wakes
//! nothing up. It stands in U, N, M and UTS, and is known to its clients by the control socket.
//! [`Keeper::turn`] waits, then lets each ready descriptor have its say; at the end of a turn
//! changes are told to the watchers and, if nobody uses the instance any more, it ends.
//!
//! A tunnel's device is kept open here as well as in its relay. Two consequences: the device
//! goes when the keeper says so, however the relay died, and while nobody reads it, nothing
//! passes.

mod birth;
mod buses;
mod close;
mod connector;
mod freezer;
mod graft;
mod log;
mod loss;
pub mod members;
mod ports;
mod request;
mod supervisor;
mod tunnel;

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{Backlog, Shutdown, listen, shutdown};
use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::name::InstanceName;

use self::birth::Born;
pub use self::birth::{AppNamespace, Seed, spawn};
use self::buses::Buses;
use self::connector::Connector;
use self::log::Log;
use self::loss::Loss;
pub use self::members::Member;
use self::request::Connection;
use self::supervisor::Orphan;
use self::tunnel::{Pending, Tunnel};
use super::control;
use super::directory::{SOCKET, StateDirectory};
use super::entry::Opened;
use super::record;
use crate::isolation::masks;
use crate::sys;

/// How long a keeper that was started for a client waits for it.
const FIRST_CLIENT: Duration = Duration::from_secs(5);
/// How long apps have to end after SIGTERM before they are killed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long the relay of a killed keeper has to come back to its successor.
const RELAY_RETURN: Duration = Duration::from_secs(3);
/// How soon a keeper that could not find out whether it is used tries again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long nobody is let in when there are no descriptors for them.
const DEAF: Duration = Duration::from_millis(100);

struct Keeper {
    name: InstanceName,
    directory: StateDirectory,
    lock: File,
    listener: OwnedFd,
    /// Held for the joiners, who find it by its number.
    app_namespace: OwnedFd,
    network_inode: u64,
    members: Vec<Member>,
    /// What its children were opened by.
    opened: Opened,
    connections: Vec<Connection>,
    tunnel: Option<Tunnel>,
    /// A tunnel that waits for the one before it to make way.
    pending: Option<Pending>,
    /// Clients whose supervisor was killed, until they have ended.
    orphans: Vec<Orphan>,
    /// The process that keeps a profile up here.
    connector: Option<Connector>,
    /// The profile that is, or was last, brought up.
    profile: Option<String>,
    state: State,
    since: u64,
    /// In the state failed: what to do about it.
    hint: Option<String>,
    /// What has happened.
    log: Log,
    /// Whether the connection is lost, and what that means for the programs.
    loss: Loss,
    /// Something changed that the watchers do not know yet.
    changed: bool,
    /// There has been an app or a tunnel: this is no start that failed.
    used: bool,
    /// Until when an empty instance is kept.
    kept_until: Option<Instant>,
    /// Until when the relay of a killed keeper may come back to the device that is still there.
    orphaned_until: Option<Instant>,
    /// What hides the host's resolvers, kept in place.
    masks: Option<masks::Watch>,
    buses: Buses,
    /// Until when nobody is let in, for lack of descriptors.
    deaf_until: Option<Instant>,
    /// When the rest of the members are killed; set once the end is asked for.
    kill_at: Option<Instant>,
}

impl Keeper {
    /// Keeps the instance until nobody uses it any more.
    fn keep(born: Born) -> Result<(), Errno> {
        let now = Instant::now();
        let kept_until = born.members.is_empty().then_some(now + FIRST_CLIENT);
        let mut keeper = Self {
            name: born.name,
            directory: born.directory,
            lock: born.lock,
            listener: born.listener,
            app_namespace: born.app_namespace,
            network_inode: born.network_inode,
            members: born.members,
            opened: Opened::default(),
            connections: Vec::new(),
            tunnel: None,
            pending: None,
            orphans: Vec::new(),
            connector: None,
            profile: None,
            state: State::Isolated,
            since: unix_time(),
            hint: None,
            log: Log::default(),
            loss: Loss::default(),
            changed: false,
            used: born.adopted || kept_until.is_none(),
            kept_until,
            orphaned_until: None,
            masks: Some(masks::Watch::new(born.masks)),
            buses: Buses::new(born.session_bus),
            deaf_until: None,
            kill_at: None,
        };
        if born.adopted {
            freezer::recover(keeper.network_inode, &keeper.directory.path);
            keeper.look_for_members();
            keeper.await_relay(now + RELAY_RETURN);
        } else {
            freezer::forget(&keeper.directory.path);
        }
        let first = keeper.members.first().and_then(Member::launch);
        if let Some(launch) = first {
            keeper.opened.add(launch);
        }
        while keeper.turn()? {}
        Ok(())
    }

    /// Waits for something to happen and deals with it; false when the instance is over.
    fn turn(&mut self) -> Result<bool, Errno> {
        let ready = self.wait()?;
        let now = Instant::now();
        if ready.members {
            self.forget_the_ended();
        }
        for index in ready.connections {
            self.serve(index);
        }
        let is_due = |masks: &masks::Watch| masks.deadline().is_some_and(|at| at <= now);
        if let Some(masks) = &mut self.masks
            && (ready.masks || is_due(masks))
            && masks.renew()
        {
            self.system_bus_changed();
        }
        if ready.system_bus {
            self.system_bus_called();
        }
        if ready.session_bus {
            self.session_bus_called();
        }
        if ready.listener {
            self.accept_all();
        }
        if ready.tunnel_client {
            self.tunnel_client_ended();
        }
        if ready.links {
            self.links_changed();
        }
        self.deadlines(now);
        self.sweep_connections();
        self.follow_loss();
        let over = self.is_unused() && self.end()?;
        if self.changed {
            self.changed = false;
            self.tell_watchers();
        }
        Ok(!over)
    }

    fn wait(&self) -> Result<Ready, Errno> {
        let mut heard = PollFlags::POLLIN;
        heard.set(PollFlags::POLLIN, self.deaf_until.is_none());
        let mut fds = vec![PollFd::new(self.listener.as_fd(), heard)];
        for connection in &self.connections {
            let mut flags = PollFlags::POLLIN;
            flags.set(PollFlags::POLLOUT, connection.behind);
            fds.push(PollFd::new(connection.socket.as_fd(), flags));
        }
        for member in &self.members {
            fds.push(PollFd::new(member.pidfd.as_fd(), PollFlags::POLLIN));
        }
        let masks = self.masks.as_ref().and_then(masks::Watch::changes);
        let client = self.tunnel.as_ref().and_then(Tunnel::awaited_client);
        // A place for each, also where there is nothing to wait for.
        let links = self
            .tunnel
            .as_ref()
            .and_then(|tunnel| tunnel.grafted.as_ref())
            .map(|grafted| grafted.links().as_fd());
        let [system_bus, session_bus] = self.watched_buses();
        for fd in [masks, client, links, system_bus, session_bus] {
            let wanted = if fd.is_some() {
                PollFlags::POLLIN
            } else {
                PollFlags::empty()
            };
            fds.push(PollFd::new(fd.unwrap_or(self.listener.as_fd()), wanted));
        }
        // Their end is only waited for.
        fds.extend(self.orphans.iter().map(Orphan::watched));
        while let Err(errno) = poll(&mut fds, self.timeout()) {
            if errno != Errno::EINTR {
                return Err(errno);
            }
        }
        let fired = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
        let (connections, rest) = fds[1..].split_at(self.connections.len());
        let (members, rest) = rest.split_at(self.members.len());
        Ok(Ready {
            listener: fired(&fds[0]),
            connections: (0..connections.len())
                .filter(|index| fired(&connections[*index]))
                .collect(),
            members: members.iter().any(fired),
            masks: masks.is_some() && fired(&rest[0]),
            tunnel_client: client.is_some() && fired(&rest[1]),
            links: links.is_some() && fired(&rest[2]),
            system_bus: system_bus.is_some() && fired(&rest[3]),
            session_bus: session_bus.is_some() && fired(&rest[4]),
        })
    }

    fn timeout(&self) -> PollTimeout {
        let tunnel = self.tunnel.as_ref().and_then(Tunnel::deadline);
        let pending = self.pending.as_ref().map(|pending| pending.kill_at);
        let deadlines = [
            self.kept_until,
            self.kill_at,
            self.orphaned_until,
            self.deaf_until,
            tunnel,
            pending,
            self.supervisors_deadline(),
            self.masks.as_ref().and_then(masks::Watch::deadline),
            self.connections.iter().filter_map(|it| it.new_until).min(),
        ];
        match deadlines.into_iter().flatten().min() {
            None => PollTimeout::NONE,
            Some(deadline) => {
                // Rounded up: a wait that ends a moment early would only be repeated.
                let rest = deadline.saturating_duration_since(Instant::now());
                PollTimeout::try_from(rest + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
            }
        }
    }

    fn deadlines(&mut self, now: Instant) {
        let newcomers = self.connections.iter_mut().map(|it| &mut it.new_until);
        for deadline in [&mut self.kept_until, &mut self.deaf_until]
            .into_iter()
            .chain(newcomers)
        {
            if deadline.is_some_and(|at| at <= now) {
                *deadline = None;
            }
        }
        if self.kill_at.is_some_and(|deadline| deadline <= now) {
            self.kill_at = Some(now + STOP_PATIENCE);
            self.look_for_members();
            self.members
                .iter()
                .for_each(|member| member.signal(Signal::SIGKILL));
        }
        self.tunnel_deadlines(now);
        self.supervisors_deadlines(now);
    }

    fn accept_all(&mut self) -> usize {
        let mut accepted = 0;
        // Everybody who waits: at the end of an instance nobody may be left in the queue.
        loop {
            match sys::fd::accept(&self.listener) {
                Ok(fd) => {
                    if let Some(connection) = Connection::accept(fd) {
                        self.connections.push(connection);
                        accepted += 1;
                    }
                }
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return accepted,
                // No descriptors left: they wait in the queue, and so do we, rather than spin.
                Err(_) => {
                    self.deaf_until = Some(Instant::now() + DEAF);
                    return accepted + 1;
                }
            }
        }
    }

    fn set_state(&mut self, state: State) {
        self.used |= state == State::Connected;
        if self.state != state {
            if let (State::Reconnecting, State::Connected, Some(tunnel)) =
                (&self.state, &state, &mut self.tunnel)
            {
                tunnel.facts.reconnects += 1;
            }
            self.log.add(&log::line_of(&state));
            self.loss.comes_to(&state, self.connector.is_some());
            self.state = state;
            self.since = unix_time();
            self.hint = None;
            self.changed = true;
            if self.state == State::Connected
                && let Some(connector) = &mut self.connector
            {
                connector.is_up();
            }
        }
    }

    /// What to do about it, if that is the state.
    fn set_hint(&mut self, hint: Option<String>) {
        if matches!(self.state, State::Failed { .. }) {
            if let Some(hint) = hint.as_ref().filter(|_| self.hint != hint) {
                self.log.add(&format!("hint: {hint}"));
            }
            self.changed |= self.hint != hint;
            self.hint = hint;
        }
    }

    fn snapshot(&self) -> Instance {
        Instance {
            name: self.name.clone(),
            state: self.state.clone(),
            since: self.since,
            hint: self.hint.clone(),
            retry: self.connector.as_ref().and_then(Connector::retry).cloned(),
            frozen: self.loss.freezer().is_some(),
            keeper: std::process::id(),
            profile: self.profile.clone(),
            question: self
                .connector
                .as_ref()
                .and_then(Connector::question)
                .cloned(),
            apps: self.apps(),
            tunnel: self.tunnel.as_ref().map(|tunnel| self.facts_of(tunnel)),
            ports: self.open_ports(),
        }
    }

    /// Asks everything in the instance to end; what does not is killed later.
    fn stop(&mut self) {
        self.log.add("the instance is stopped");
        self.loss.is_wished();
        self.dismiss_pending("the instance was stopped");
        self.kept_until = None;
        self.orphaned_until = None;
        self.dismiss_connector();
        self.drop_tunnel("the instance was stopped", State::Isolated);
        self.end_supervisors("the instance was stopped");
        self.look_for_members();
        self.tell_to_end();
        self.kill_at = Some(Instant::now() + STOP_PATIENCE);
        self.changed = true;
    }

    fn tell_to_end(&self) {
        self.members.iter().for_each(Member::tell_to_end);
    }

    /// Whether nobody uses the instance. Looks for background children only when it matters.
    fn is_unused(&mut self) -> bool {
        if !self.members.is_empty() || self.tunnel.is_some() || self.pending.is_some() {
            return false;
        }
        if self.kept_until.is_some() || self.orphaned_until.is_some() || self.has_newcomer() {
            return false;
        }
        if self.connector.is_some() || self.is_supervised() || !self.orphans.is_empty() {
            return false;
        }
        self.look_for_members();
        if self.kill_at.is_some() {
            // Came in while the others were told.
            self.tell_to_end();
        }
        self.members.is_empty()
    }

    /// Finds everybody who is in, background children too.
    fn look_for_members(&mut self) {
        match members::scan(self.network_inode, self.buses.session_daemon()) {
            Ok(mut found) => {
                let freezer = self.loss.freezer();
                found.retain(|it| freezer.is_none_or(|freezer| freezer.pid() != it.pid));
                self.changed |= !found.is_empty();
                self.members = found;
            }
            // Not knowing is no reason to end: look again later.
            Err(_) => self.kept_until = Some(Instant::now() + LOOK_AGAIN),
        }
    }

    /// Ends the instance, unless somebody comes in at the last moment.
    fn end(&mut self) -> Result<bool, Errno> {
        // Starting waits for this lock; joining does not, and is caught below. Whoever has it
        // may be stopped, and the others would wait for us.
        if self.lock.try_lock().is_err() {
            self.kept_until = Some(Instant::now() + LOOK_AGAIN);
            return Ok(false);
        }
        // From here on a connect is refused: the kernel checks the listener's shutdown state.
        shutdown(self.listener.as_raw_fd(), Shutdown::Read)?;
        if self.accept_all() == 0 && !self.has_newcomer() && self.is_empty() {
            let _ = fs::remove_file(self.directory.inside(record::FILE));
            let _ = fs::remove_file(self.directory.inside(SOCKET));
            if !self.used {
                self.directory.forget_if_new();
            }
            if let Some(daemon) = self.buses.session_daemon() {
                members::end_session(self.network_inode, daemon);
            }
            // Closing the masks' watch takes milliseconds: nobody is kept out that long, and
            // whoever waits for our end (--stop) is not told of it before.
            self.let_others_in();
            self.masks = None;
            self.wake_forwarders();
            return Ok(true);
        }
        // A shut down listener cannot be opened again; those refused meanwhile wait for the lock.
        self.listener = control::bind(&self.directory)?;
        listen(&self.listener, Backlog::MAXCONN)?;
        self.let_others_in();
        Ok(false)
    }

    /// Looks a last time: a joiner may have left somebody behind and be gone itself.
    fn is_empty(&mut self) -> bool {
        self.look_for_members();
        self.members.is_empty() && self.kept_until.is_none()
    }

    fn let_others_in(&self) {
        // The file is open and locked by us: this cannot fail, and if it did, starting would say
        // that somebody is busy.
        let _ = self.lock.unlock();
    }

    /// Whether a connection has been made not long ago whose request has not been read yet.
    fn has_newcomer(&self) -> bool {
        self.connections.iter().any(|it| it.new_until.is_some())
    }

    fn tell_watchers(&mut self) {
        if !self.connections.iter().any(|it| it.watches) {
            return;
        }
        let snapshot = self.snapshot();
        for connection in self
            .connections
            .iter_mut()
            .filter(|connection| connection.watches)
        {
            connection.show(&snapshot);
        }
    }
}

/// What poll has found; connections by their position in the keeper's list.
#[allow(clippy::struct_excessive_bools)] // One for each descriptor, not one state.
struct Ready {
    listener: bool,
    connections: Vec<usize>,
    members: bool,
    masks: bool,
    tunnel_client: bool,
    links: bool,
    system_bus: bool,
    session_bus: bool,
}

fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
