//! Answering a grafted client's trapped calls.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{major, minor};
use nix::unistd::Pid;
use vpnns_protocol::instance::Client as ClientProcess;

use crate::instance::client::{self, Client};
use crate::instance::control::{Graft, Refusal, Reply, Request, SocketKind};
use crate::sys::memory::{self, INTERFACE_REQUEST};
use crate::sys::process::pidfd_open;
use crate::sys::seccomp::{self, Call, Place};
use crate::sys::tun::TUNSETIFF;

/// The device number of /dev/net/tun (Linux' devices.txt: misc, TUN/TAP).
const TUN_NUMBER: (u64, u64) = (10, 200);
/// A client that restarts may open the device anew before it has closed it: how often, and how
/// long each time, it is made to wait for itself.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// How long the keeper may take to answer: far above what configuring a device takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a supervisor does not lose sight of while a call waits for the keeper.
pub trait Attention {
    /// What becomes readable: when a signal has come, and when the client has ended.
    fn descriptors(&self) -> [BorrowedFd<'_>; 2];
    /// Deals with the signals that have come; whether one asks for the end.
    fn heed(&self) -> bool;
}

/// Why a client cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It wants something else than a tun device.
    #[error("the client wants a tap device, which carries Ethernet; an instance has a tun device")]
    Tap,
    /// Its memory cannot be read.
    #[error("failed to read the client's request")]
    Memory(#[source] Errno),
    /// The connection to the keeper broke.
    #[error("the keeper of the instance has ended")]
    Keeper(#[source] client::Error),
    /// The keeper wants the client to end.
    #[error("the tunnel was ended: {0}")]
    Ended(String),
    /// The keeper says nothing.
    #[error("the keeper of the instance did not answer in {} s", PATIENCE.as_secs())]
    Silent,
    /// Nobody waits for the answer any more.
    #[error("the client was interrupted")]
    Interrupted,
    /// The kernel's interface failed.
    #[error("failed to answer the client")]
    Answer(#[source] Errno),
}

impl Failure {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Tap => Some("ask for a configuration with 'dev tun'".to_owned()),
            Self::Memory(Errno::EPERM) if yama() >= 2 => Some(
                "let processes look into their children: sudo sysctl kernel.yama.ptrace_scope=1"
                    .into(),
            ),
            Self::Memory(Errno::EPERM) => Some(
                "the client hides its memory (it is setuid or has file capabilities?); use a copy \
                 of its program that does not"
                    .to_owned(),
            ),
            Self::Silent => Some("is it suspended? otherwise: vpnns --stop".to_owned()),
            _ => None,
        }
    }
}

fn yama() -> u32 {
    let text = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default()
}

/// Answers the calls of one client and its descendants.
#[derive(Debug)]
pub struct Calls {
    listener: OwnedFd,
    /// What is asked for at each TUNSETIFF; name and flags are the client's.
    graft: Graft,
    /// The device's name, once there is one, and the one that the client has asked for.
    device: Option<(String, String)>,
    /// For ioctls in the instance's network.
    socket: Option<OwnedFd>,
    /// Answers that nobody has waited for, and that are still to come.
    owed: u32,
    /// The client is to end, and gets nothing any more.
    is_over: bool,
}

/// The two that a call is answered with.
#[derive(Clone, Copy)]
struct Sides<'a> {
    keeper: &'a Client,
    attention: &'a dyn Attention,
}

impl AsFd for Calls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Calls {
    /// Answers what arrives at the listener.
    pub fn new(listener: OwnedFd, graft: Graft) -> Self {
        Self {
            listener,
            graft,
            device: None,
            socket: None,
            owed: 0,
            is_over: false,
        }
    }

    /// The client is to end: from now on the keeper is not asked for anything.
    pub fn finish(&mut self) {
        self.is_over = true;
    }

    /// The keeper has answered when nobody waited any more.
    pub fn forget_answer(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// Receives one call and answers it. A client that is gone by then needs no answer.
    pub fn serve(&mut self, keeper: &Client, attention: &dyn Attention) -> Result<(), Failure> {
        let sides = Sides { keeper, attention };
        let call = match seccomp::receive(&self.listener) {
            Ok(call) => call,
            Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(Failure::Answer(errno)),
        };
        let answered = match (call.number, request(&call)) {
            (libc::SYS_ioctl, TUNSETIFF) => self.set_device(sides, &call),
            (libc::SYS_ioctl, _) => self.configure_device(sides, &call),
            (libc::SYS_socket, _) => self.give_socket(sides, &call),
            _ => self.pass(&call),
        };
        if let Err(failure) = &answered {
            // It is about to be ended, but it must not hang until then.
            let errno = match failure {
                Failure::Refused(_) => Errno::EBUSY,
                Failure::Tap => Errno::EINVAL,
                Failure::Interrupted => Errno::EINTR,
                _ => Errno::EPERM,
            };
            let _ = seccomp::answer(&self.listener, &call, Err(errno));
        }
        match answered {
            Err(Failure::Interrupted) => Ok(()),
            other => other,
        }
    }

    /// TUNSETIFF: the instance's device takes the place of the client's descriptor.
    fn set_device(&mut self, sides: Sides<'_>, call: &Call) -> Result<(), Failure> {
        // The descriptor's number is an int, whatever the upper half holds.
        #[allow(clippy::cast_possible_truncation)]
        let number = call.arguments[0] as RawFd;
        let Some(file) = OpenFile::of(call.thread, number).filter(|file| file.is_tun) else {
            return self.pass(call);
        };
        let thread = thread(call);
        let mut request = [0; INTERFACE_REQUEST];
        let address = call.arguments[2];
        if let Err(errno) = memory::read(thread, address, &mut request) {
            return self.memory_failed(call, errno);
        }
        if !seccomp::is_waiting(&self.listener, call) {
            return Ok(());
        }
        // struct ifreq: 16 bytes of name, then, for this request, flags.
        let flags = i16::from_ne_bytes([request[16], request[17]]);
        if i32::from(flags) & libc::IFF_TAP != 0 {
            return Err(Failure::Tap);
        }
        let asked = name_of(&request);
        let (reader, pidfd) = caller(call).unzip();
        self.graft.client = reader.unwrap_or_else(|| self.graft.client.clone());
        self.graft.device.clone_from(&asked);
        self.graft.flags = flags;
        let Some((device, fd)) = self.ask_for_device(sides, call, pidfd.as_ref())? else {
            return Ok(());
        };
        if file.non_blocking {
            // The flag is the open file's, and this is another one.
            let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK;
            fcntl(&fd, FcntlArg::F_SETFL(flags)).map_err(Failure::Answer)?;
        }
        let mut name = [0; libc::IFNAMSIZ];
        let length = device.len().min(libc::IFNAMSIZ - 1);
        name[..length].copy_from_slice(&device.as_bytes()[..length]);
        self.device = Some((device, asked));
        if !seccomp::is_waiting(&self.listener, call) {
            return Ok(());
        }
        if let Err(errno) = memory::write(thread, address, &name) {
            return self.memory_failed(call, errno);
        }
        let place = Place::Over(number);
        let given = seccomp::add_fd(&self.listener, call, &fd, place, file.close_on_exec);
        // Before the client goes on: our copy would keep the device busy.
        drop(fd);
        self.gone_is_fine(given.and_then(|()| seccomp::answer(&self.listener, call, Ok(0))))
    }

    /// The device's name and descriptor; none for a caller that is gone.
    fn ask_for_device(
        &mut self,
        sides: Sides<'_>,
        call: &Call,
        reader: Option<&OwnedFd>,
    ) -> Result<Option<(String, OwnedFd)>, Failure> {
        for _ in 0..TRIES {
            let request = Request::Graft(Box::new(self.graft.clone()));
            match self.ask(sides, request, reader)? {
                (Reply::Attached { device, .. }, Some(fd)) => return Ok(Some((device, fd))),
                (Reply::Busy, _) => std::thread::sleep(BETWEEN_TRIES),
                other => return Err(refused(other.0)),
            }
            if !seccomp::is_waiting(&self.listener, call) {
                return Ok(None);
            }
        }
        Err(Refusal {
            message: "the client wants a second device, and an instance has one".to_owned(),
            source: None,
            hint: Some("run each client in an instance of its own: --name ID".to_owned()),
        }
        .into())
    }

    fn socket_from(&mut self, sides: Sides<'_>, kind: SocketKind) -> Result<OwnedFd, Failure> {
        match self.ask(sides, Request::Socket { kind }, None)? {
            (Reply::Socket, Some(fd)) => Ok(fd),
            other => Err(refused(other.0)),
        }
    }

    /// Asks the keeper, which may be busy or suspended: waits, but neither for ever nor for a
    /// client that is gone or to go.
    fn ask(
        &mut self,
        sides: Sides<'_>,
        request: Request,
        fd: Option<&OwnedFd>,
    ) -> Result<(Reply, Option<OwnedFd>), Failure> {
        if self.is_over {
            return Err(Failure::Interrupted);
        }
        let sent = sides.keeper.send_with(request, fd);
        sent.map_err(Failure::Keeper)?;
        self.owed += 1;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let [signals, client] = sides.attention.descriptors();
            let mut fds = [sides.keeper.as_fd(), signals, client]
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            let rest = deadline.saturating_duration_since(Instant::now());
            let rest = PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX);
            match poll(&mut fds, rest) {
                Ok(0) => return Err(Failure::Silent),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(Failure::Answer(errno)),
            }
            let [answer, signal, end] =
                fds.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
            if answer {
                match sides.keeper.receive().map_err(Failure::Keeper)? {
                    (Reply::Ended { reason }, _) => return Err(Failure::Ended(reason)),
                    reply => {
                        self.forget_answer();
                        // Those before it belong to calls that were interrupted.
                        if self.owed == 0 {
                            return Ok(reply);
                        }
                    }
                }
            }
            if end || (signal && sides.attention.heed()) {
                return Err(Failure::Interrupted);
            }
        }
    }

    /// A caller that is gone has no memory either, and that is no failure of ours.
    fn memory_failed(&self, call: &Call, errno: Errno) -> Result<(), Failure> {
        if seccomp::is_waiting(&self.listener, call) {
            return Err(Failure::Memory(errno));
        }
        Ok(())
    }

    /// An ioctl on a device by its name: ours is in the instance, all others are the host's.
    fn configure_device(&mut self, sides: Sides<'_>, call: &Call) -> Result<(), Failure> {
        let (thread, address) = (thread(call), call.arguments[2]);
        let mut argument = [0; INTERFACE_REQUEST];
        if memory::read(thread, address, &mut argument).is_err() {
            return self.pass(call);
        }
        if !seccomp::is_waiting(&self.listener, call) {
            return Ok(());
        }
        let named = name_of(&argument);
        let Some((device, asked)) = &self.device else {
            return self.pass(call);
        };
        if named != *device && named != *asked {
            return self.pass(call);
        }
        let device = device.clone();
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.socket_from(sides, SocketKind::Ioctl)?,
        };
        set_name(&mut argument, &device);
        let mut done = memory::interface_ioctl(&socket, request(call), &mut argument);
        self.socket = Some(socket);
        if !seccomp::is_waiting(&self.listener, call) {
            return Ok(());
        }
        if done.is_ok() {
            set_name(&mut argument, &named);
            if let Err(errno) = memory::write(thread, address, &argument) {
                done = Err(errno);
            }
        }
        self.gone_is_fine(seccomp::answer(&self.listener, call, done))
    }

    /// socket(AF_NETLINK, ..., NETLINK_ROUTE): one of the instance's network.
    ///
    /// What a client asks before it has a device is about the host, such as the way to its
    /// server.
    fn give_socket(&mut self, sides: Sides<'_>, call: &Call) -> Result<(), Failure> {
        if self.device.is_none() {
            return self.pass(call);
        }
        let socket = self.socket_from(sides, SocketKind::Route)?;
        // An int of flags beside the type.
        #[allow(clippy::cast_possible_truncation)]
        let kind = call.arguments[1] as i32;
        if kind & libc::SOCK_NONBLOCK != 0 {
            fcntl(
                &socket,
                FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK),
            )
            .map_err(Failure::Answer)?;
        }
        let close_on_exec = kind & libc::SOCK_CLOEXEC != 0;
        self.gone_is_fine(seccomp::add_fd(
            &self.listener,
            call,
            &socket,
            Place::Result,
            close_on_exec,
        ))
    }

    fn pass(&self, call: &Call) -> Result<(), Failure> {
        self.gone_is_fine(seccomp::pass(&self.listener, call))
    }

    /// ENOENT: a signal has ended the caller's wait; if it calls again, so do we answer again.
    #[allow(clippy::unused_self)] // Reads as what it is about.
    fn gone_is_fine(&self, answered: Result<(), Errno>) -> Result<(), Failure> {
        match answered {
            Err(Errno::ENOENT | Errno::EINPROGRESS) | Ok(()) => Ok(()),
            Err(errno) => Err(Failure::Answer(errno)),
        }
    }
}

fn refused(reply: Reply) -> Failure {
    let refusal = reply.accepted().err().unwrap_or_else(|| Refusal {
        message: "the keeper gave an answer that this version does not know".to_owned(),
        source: None,
        hint: Some("restart the instance: vpnns --stop".to_owned()),
    });
    refusal.into()
}

fn thread(call: &Call) -> Pid {
    Pid::from_raw(call.thread.cast_signed())
}

/// An ioctl's request is an int, whatever the upper half of the register holds.
#[allow(clippy::cast_possible_truncation)]
fn request(call: &Call) -> u32 {
    call.arguments[1] as u32
}

fn name_of(request: &[u8; INTERFACE_REQUEST]) -> String {
    let name = &request[..libc::IFNAMSIZ];
    let end = name.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&name[..end.unwrap_or(libc::IFNAMSIZ)]).into_owned()
}

fn set_name(request: &mut [u8; INTERFACE_REQUEST], name: &str) {
    let field = &mut request[..libc::IFNAMSIZ];
    field.fill(0);
    let length = name.len().min(libc::IFNAMSIZ - 1);
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
}

/// The process that a calling thread belongs to: perhaps a descendant of what we have started.
fn caller(call: &Call) -> Option<(ClientProcess, OwnedFd)> {
    let status = fs::read_to_string(format!("/proc/{}/status", call.thread)).ok()?;
    let field = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim().to_owned())
    };
    let pid: u32 = field("Tgid:")?.parse().ok()?;
    let pidfd = pidfd_open(Pid::from_raw(pid.cast_signed())).ok()?;
    let name = field("Name:")?;
    Some((ClientProcess { name, pid }, pidfd))
}

/// An open file of the caller's.
struct OpenFile {
    is_tun: bool,
    non_blocking: bool,
    close_on_exec: bool,
}

impl OpenFile {
    fn of(thread: u32, number: RawFd) -> Option<Self> {
        let is_tun = is_tun(&format!("/proc/{thread}/fd/{number}")).ok()?;
        let info = fs::read_to_string(format!("/proc/{thread}/fdinfo/{number}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
        Some(Self {
            is_tun,
            non_blocking: flags & libc::O_NONBLOCK != 0,
            close_on_exec: flags & libc::O_CLOEXEC != 0,
        })
    }
}

fn is_tun(path: &str) -> io::Result<bool> {
    let file = fs::metadata(path)?;
    let number = (major(file.rdev()), minor(file.rdev()));
    Ok(file.file_type().is_char_device() && number == TUN_NUMBER)
}
