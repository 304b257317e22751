//! Answering a grafted client's trapped calls.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::stat::{major, minor};
use nix::unistd::Pid;
use vpnns_protocol::instance::Client as ClientProcess;

use crate::instance::client::{self, Client};
use crate::instance::control::{Graft, Reply, Request, SocketKind};
use crate::sys::memory::{self, INTERFACE_REQUEST};
use crate::sys::seccomp::{self, Call, Place};
use crate::sys::tun::TUNSETIFF;

/// The device number of /dev/net/tun (Linux' devices.txt: misc, TUN/TAP).
const TUN_NUMBER: (u64, u64) = (10, 200);
/// A client that restarts may open the device anew before it has closed it: how often, and how
/// long each time, it is made to wait for itself.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Why a client cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The keeper said no.
    #[error("{message}")]
    Refused {
        /// What failed.
        message: String,
        /// The innermost causes.
        causes: Vec<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// It wants something else than a tun device.
    #[error("the client wants a tap device, which carries Ethernet; an instance has a tun device")]
    Tap,
    /// Its memory cannot be read.
    #[error("failed to read the client's request")]
    Memory(#[source] Errno),
    /// The connection to the keeper broke.
    #[error("the keeper of the instance has ended")]
    Keeper(#[source] client::Error),
    /// The kernel's interface failed.
    #[error("failed to answer the client")]
    Answer(#[source] Errno),
}

impl Failure {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
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
            Self::Memory(_) | Self::Keeper(_) | Self::Answer(_) => None,
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
        }
    }

    /// Receives one call and answers it. A client that is gone by then needs no answer.
    pub fn serve(&mut self, keeper: &Client) -> Result<(), Failure> {
        let call = match seccomp::receive(&self.listener) {
            Ok(call) => call,
            Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(Failure::Answer(errno)),
        };
        let answered = match (call.number, request(&call)) {
            (libc::SYS_ioctl, TUNSETIFF) => self.set_device(keeper, &call),
            (libc::SYS_ioctl, _) => self.configure_device(keeper, &call),
            (libc::SYS_socket, _) => self.give_socket(keeper, &call),
            _ => self.pass(&call),
        };
        if let Err(failure) = &answered {
            // It is about to be ended, but it must not hang until then.
            let errno = match failure {
                Failure::Refused { .. } => Errno::EBUSY,
                Failure::Tap => Errno::EINVAL,
                _ => Errno::EPERM,
            };
            let _ = seccomp::answer(&self.listener, &call, Err(errno));
        }
        answered
    }

    /// TUNSETIFF: the instance's device takes the place of the client's descriptor.
    fn set_device(&mut self, keeper: &Client, call: &Call) -> Result<(), Failure> {
        // The descriptor's number is an int, whatever the upper half holds.
        #[allow(clippy::cast_possible_truncation)]
        let number = call.arguments[0] as RawFd;
        let Some(file) = OpenFile::of(call.thread, number).filter(|file| file.is_tun) else {
            return self.pass(call);
        };
        let thread = thread(call);
        let mut request = [0; INTERFACE_REQUEST];
        let address = call.arguments[2];
        memory::read(thread, address, &mut request).map_err(Failure::Memory)?;
        if !seccomp::is_waiting(&self.listener, call) {
            return Ok(());
        }
        // struct ifreq: 16 bytes of name, then, for this request, flags.
        let flags = i16::from_ne_bytes([request[16], request[17]]);
        if i32::from(flags) & libc::IFF_TAP != 0 {
            return Err(Failure::Tap);
        }
        let asked = name_of(&request);
        self.graft.client = caller(call).unwrap_or_else(|| self.graft.client.clone());
        self.graft.device.clone_from(&asked);
        self.graft.flags = flags;
        let (device, fd) = self.ask_for_device(keeper)?;
        if file.non_blocking {
            // The flag is the open file's, and this is another one.
            let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK;
            fcntl(&fd, FcntlArg::F_SETFL(flags)).map_err(Failure::Answer)?;
        }
        let mut name = [0; libc::IFNAMSIZ];
        let length = device.len().min(libc::IFNAMSIZ - 1);
        name[..length].copy_from_slice(&device.as_bytes()[..length]);
        self.device = Some((device, asked));
        memory::write(thread, address, &name).map_err(Failure::Memory)?;
        let place = Place::Over(number);
        let given = seccomp::add_fd(&self.listener, call, &fd, place, file.close_on_exec);
        // Before the client goes on: our copy would keep the device busy.
        drop(fd);
        self.gone_is_fine(given.and_then(|()| seccomp::answer(&self.listener, call, Ok(0))))
    }

    fn ask_for_device(&self, keeper: &Client) -> Result<(String, OwnedFd), Failure> {
        let request = || Request::Graft(Box::new(self.graft.clone()));
        for tried in 1..=TRIES {
            match keeper.ask(request()).map_err(Failure::Keeper)? {
                (Reply::Attached { device, .. }, Some(fd)) => return Ok((device, fd)),
                (Reply::Busy, _) if tried < TRIES => std::thread::sleep(BETWEEN_TRIES),
                (
                    Reply::Refused {
                        message,
                        causes,
                        hint,
                    },
                    _,
                ) => {
                    return Err(Failure::Refused {
                        message,
                        causes,
                        hint,
                    });
                }
                (Reply::Ended { reason }, _) => {
                    return Err(Failure::Refused {
                        message: format!("the tunnel was ended: {reason}"),
                        causes: Vec::new(),
                        hint: None,
                    });
                }
                (Reply::Busy, _) => break,
                _ => return Err(unknown_answer()),
            }
        }
        Err(Failure::Refused {
            message: "the client wants a second device, and an instance has one".to_owned(),
            causes: Vec::new(),
            hint: Some("run each client in an instance of its own: --name ID".to_owned()),
        })
    }

    /// An ioctl on a device by its name: ours is in the instance, all others are the host's.
    fn configure_device(&mut self, keeper: &Client, call: &Call) -> Result<(), Failure> {
        let (thread, address) = (thread(call), call.arguments[2]);
        let mut argument = [0; INTERFACE_REQUEST];
        if memory::read(thread, address, &mut argument).is_err() {
            return self.pass(call);
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
            None => socket_from(keeper, SocketKind::Ioctl)?,
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
    fn give_socket(&mut self, keeper: &Client, call: &Call) -> Result<(), Failure> {
        let socket = socket_from(keeper, SocketKind::Route)?;
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

fn socket_from(keeper: &Client, kind: SocketKind) -> Result<OwnedFd, Failure> {
    match keeper
        .ask(Request::Socket { kind })
        .map_err(Failure::Keeper)?
    {
        (Reply::Socket, Some(fd)) => Ok(fd),
        (
            Reply::Refused {
                message,
                causes,
                hint,
            },
            _,
        ) => Err(Failure::Refused {
            message,
            causes,
            hint,
        }),
        _ => Err(unknown_answer()),
    }
}

fn unknown_answer() -> Failure {
    Failure::Refused {
        message: "the keeper gave an answer that this version does not know".to_owned(),
        causes: Vec::new(),
        hint: Some("restart the instance: vpnns --stop".to_owned()),
    }
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
fn caller(call: &Call) -> Option<ClientProcess> {
    let status = fs::read_to_string(format!("/proc/{}/status", call.thread)).ok()?;
    let field = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim().to_owned())
    };
    Some(ClientProcess {
        name: field("Name:")?,
        pid: field("Tgid:")?.parse().ok()?,
    })
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
