//! Two instances with a relay each, back to back on one pair of sockets: packets that one relay
//! takes out of its instance, the other puts into its own.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use serde_json::Value;

use super::super::held::{Held, Names};
use crate::failure::{Act, Failure, Result};

/// What every tunnel carries at most, in bytes: a usual size.
const MTU: &str = "1400";
/// How long relays may take until packets pass.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the far side's echo listens.
pub(crate) const ECHO_PORT: u16 = 7007;

/// An address at the far side, in each family.
pub(crate) const FAR: &str = "10.7.0.2";
/// The same in IPv6.
pub(crate) const FAR_6: &str = "fd07::2";

/// A relay under test (near), and one of ours behind it (far).
pub(crate) struct Rig {
    near: Side,
    far: Side,
    echo: Guarded,
}

/// An instance with its relay.
struct Side {
    program: PathBuf,
    held: Held,
    relay: Guarded,
}

/// A process that ends when it is no longer needed.
pub(crate) struct Guarded(pub(crate) Child);

impl Guarded {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Nothing more can be done about one that does not go.
        if let Ok(pid) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let end = Instant::now() + Duration::from_secs(2);
        while matches!(self.0.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Rig {
    /// Builds it, and returns when packets pass. `theirs` is whether `program` is the original.
    pub(crate) fn start(
        program: &Path,
        theirs: bool,
        helper: &Path,
        names: &Names,
        label: &str,
    ) -> Result<Self> {
        let (near, far) = socketpair(
            AddressFamily::Unix,
            SockType::Datagram,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .act(|| "failed to make a pair of sockets".into())?;
        let held = if theirs {
            Held::start_original(program, names, &format!("{label}-near"))?
        } else {
            Held::start(program, names, &format!("{label}-near"))?
        };
        let near = Side::start(program, held, &near, "1")?;
        let held = Held::start(helper, names, &format!("{label}-far"))?;
        let far = Side::start(helper, held, &far, "2")?;
        let mut echo = far.command();
        echo.arg(own_program()?)
            .args(["bench-echo", "serve", &ECHO_PORT.to_string()]);
        let echo = Guarded(
            echo.stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .act(|| "failed to start the echo".into())?,
        );
        let rig = Self { near, far, echo };
        rig.wait()?;
        Ok(rig)
    }

    /// Runs a command in the near instance.
    pub(crate) fn near(&self) -> Command {
        self.near.command()
    }

    /// Runs a command in the far instance.
    pub(crate) fn far(&self) -> Command {
        self.far.command()
    }

    /// The processor time that the relay under test has used, in seconds.
    pub(crate) fn relay_seconds(&self) -> Result<f64> {
        processor_seconds(self.near.relay.pid())
    }

    /// Asks the far side's echo.
    pub(crate) fn echo(&self, count: u32) -> Result<Value> {
        let mut command = self.near();
        command.arg(own_program()?).args([
            "bench-echo",
            "ask",
            FAR,
            &ECHO_PORT.to_string(),
            &count.to_string(),
        ]);
        let answer = command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .act(|| "failed to start the one who asks for echoes".into())?;
        serde_json::from_slice(&answer.stdout).act(|| "no echo came from the far side".into())
    }

    fn wait(&self) -> Result {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.echo(1) {
                Ok(_) => return Ok(()),
                Err(failure) if Instant::now() > end => return Err(failure),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Ends everything.
    pub(crate) fn end(self, names: &Names) -> Result {
        let Self { near, far, echo } = self;
        drop(echo);
        for side in [near, far] {
            drop(side.relay);
            side.held.end(names)?;
        }
        Ok(())
    }
}

impl Side {
    fn start(program: &Path, held: Held, socket: &OwnedFd, host: &str) -> Result<Self> {
        let relay = attach(program, &held.name, socket, host)?;
        Ok(Self {
            program: program.to_owned(),
            held,
            relay,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--name", &self.held.name, "--"]);
        command
    }
}

/// Starts a relay for the instance, as a VPN client would that got the address 10.7.0.`host`.
pub(crate) fn attach(program: &Path, name: &str, socket: &OwnedFd, host: &str) -> Result<Guarded> {
    let act = || "failed to pass a socket on".into();
    let inherited = |flag| fcntl(socket.as_fd(), FcntlArg::F_SETFD(flag)).act(act);
    inherited(FdFlag::empty())?;
    let child = Command::new(program)
        .args(["--attach", "--name", name])
        .env("VPNFD", socket.as_raw_fd().to_string())
        .env("INTERNAL_IP4_ADDRESS", format!("10.7.0.{host}"))
        .env("INTERNAL_IP4_MTU", MTU)
        .env("INTERNAL_IP4_DNS", "10.7.0.9")
        .env("INTERNAL_IP6_NETMASK", format!("fd07::{host}/64"))
        .env("CISCO_DEF_DOMAIN", "corp.test")
        .stdin(Stdio::null())
        // The original complains of each packet that it drops.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .act(|| format!("failed to start {}", program.display()));
    inherited(FdFlag::FD_CLOEXEC)?;
    Ok(Guarded(child?))
}

/// The processor time that a process has used, in seconds.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/schedstat");
    let text = fs::read_to_string(&path).act(|| format!("failed to read {path}"))?;
    let nanoseconds = text.split_whitespace().next().map(str::parse::<f64>);
    match nanoseconds {
        Some(Ok(nanoseconds)) => Ok(nanoseconds / 1e9),
        _ => Err(Failure::new(format!("{path} has an unknown form"))),
    }
}

/// This very program, for what runs inside instances.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().act(|| "failed to find this program's own file".into())
}
