//! What a leak check works with: the instance's status and namespaces, and the app inside of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vpnns_protocol::instance::{Instance, Tunnel};
use vpnns_protocol::name::InstanceName;

use super::inside::{self, Answer, Question};
use crate::instance::client::Client;
use crate::instance::discovery;
use crate::instance::enter;
use crate::instance::record::{self, Record};
use crate::isolation::services::Exposure;
use crate::sys;

/// Longest wait for the app: its own waits are shorter.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot start itself.
    #[error("failed to start the check's app in the instance {0}")]
    Start(InstanceName, #[source] std::io::Error),
    /// The app did not come up; it has said why.
    #[error("the check's app did not start in the instance {0}")]
    NoApp(InstanceName),
    /// The keeper cannot be asked.
    #[error("the instance {0} ended while it was checked")]
    Gone(InstanceName),
    /// The check was called from within.
    #[error("the instance {0} can only be checked from outside of it")]
    Inside(InstanceName),
    /// Its namespaces cannot be looked at.
    #[error("failed to look at the namespaces of the instance {0}")]
    Namespaces(InstanceName, #[source] std::io::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Inside(_) => {
                Some("run it in a terminal that was not opened in the VPN".to_owned())
            }
            Self::NoApp(_) => Some("vpnns --doctor looks for the reason".to_owned()),
            _ => None,
        }
    }
}

/// The instance under examination.
pub struct Scene {
    app: App,
    keeper: Client,
    /// The newest status.
    pub status: Instance,
    /// The inode of its network namespace.
    pub network: u64,
    /// The inode of its mount namespace.
    pub mounts: u64,
    /// The cookie of its network namespace; `None` before Linux 5.14.
    pub cookie: Option<u64>,
    /// What of the host's services the user wants it to see.
    pub exposure: Exposure,
    /// Its outer user namespace, whose root the keeper is.
    pub outer: OwnedFd,
    /// The inode of the apps' user namespace.
    pub apps: u64,
}

impl Scene {
    /// Starts the app, and the instance with it if need be, and looks who is who.
    pub fn open(name: &InstanceName) -> Result<Self, Error> {
        let mut app = App::start(name).map_err(|error| Error::Start(name.clone(), error))?;
        if app.ask(&Question::Devices).is_err() {
            return Err(Error::NoApp(name.clone()));
        }
        let gone = || Error::Gone(name.clone());
        let keeper = discovery::connect_by_name(name).ok().flatten();
        let keeper = keeper.ok_or_else(gone)?;
        let status = discovery::status(&keeper).ok_or_else(gone)?;
        let failed = |error| Error::Namespaces(name.clone(), error);
        if enter::is_inside(&keeper) {
            return Err(Error::Inside(name.clone()));
        }
        let network = File::open(format!("/proc/{}/ns/net", app.pid())).map_err(failed)?;
        let outer = sys::namespace::owner(&network).map_err(|errno| failed(errno.into()))?;
        let apps = namespace(app.pid(), "user").map_err(failed)?;
        // Written by the keeper, if its disk was not full; the app stands in the same.
        let record = Record::read(&keeper.directory().join(record::FILE));
        Ok(Self {
            network: namespace(app.pid(), "net").map_err(failed)?,
            mounts: namespace(app.pid(), "mnt").map_err(failed)?,
            cookie: record.as_ref().and_then(|record| record.network_cookie),
            exposure: record.map(|record| record.exposure).unwrap_or_default(),
            app,
            keeper,
            status,
            outer,
            apps,
        })
    }

    /// Asks the keeper again how it stands.
    pub fn refresh(&mut self) {
        if let Some(status) = discovery::status(&self.keeper) {
            self.status = status;
        }
    }

    /// Asks the app.
    pub fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        match self.app.ask(question)? {
            Answer::Failed(reason) => Err(reason),
            answer => Ok(answer),
        }
    }

    /// The app's process.
    pub fn app(&self) -> u32 {
        self.app.pid()
    }

    /// The tunnel, if there is one.
    pub fn tunnel(&self) -> Option<&Tunnel> {
        self.status.tunnel.as_ref()
    }

    /// Whether the tunnel carries packets right now.
    pub fn is_connected(&self) -> bool {
        matches!(
            self.status.state,
            vpnns_protocol::instance::State::Connected
        )
    }
}

/// The inode of a namespace of a process.
pub fn namespace(pid: u32, kind: &str) -> std::io::Result<u64> {
    fs::metadata(format!("/proc/{pid}/ns/{kind}")).map(|it| it.ino())
}

/// The addresses and devices of the host's network, but for its loopback.
pub fn host() -> Result<(Vec<IpAddr>, Vec<String>), Errno> {
    let (mut addresses, mut devices) = (Vec::new(), Vec::new());
    for interface in getifaddrs()? {
        if interface.interface_name == "lo" {
            continue;
        }
        addresses.extend(interface.address.as_ref().and_then(inside::ip));
        if !devices.contains(&interface.interface_name) {
            devices.push(interface.interface_name);
        }
    }
    // A link-local address means something else on each device.
    addresses.retain(
        |address| !matches!(address, IpAddr::V6(address) if address.is_unicast_link_local()),
    );
    Ok((addresses, devices))
}

/// The app inside; it ends with its input.
struct App {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl App {
    fn start(name: &InstanceName) -> std::io::Result<Self> {
        let program = crate::executable::own()?;
        let mut child = Command::new(&program)
            .args(["--name", name.as_str(), "--"])
            .arg(&program)
            .args(["--probe", super::PROBE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let answers = child.stdout.take().ok_or(Errno::EPIPE)?;
        Ok(Self {
            child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    /// It has become the app: the number is the same.
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        let gone = |_| "the app inside has ended".to_owned();
        let questions = self.questions.as_mut().ok_or("it has not started")?;
        let text = serde_json::to_string(question).map_err(|error| error.to_string())?;
        writeln!(questions, "{text}").map_err(gone)?;
        self.wait()?;
        // A whole line is written at once.
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(gone)?;
        serde_json::from_str(&line).map_err(|_| "the app inside has ended".to_owned())
    }

    fn wait(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(
                self.answers.get_ref().as_fd(),
                PollFlags::POLLIN,
            )];
            match poll(
                &mut fds,
                PollTimeout::try_from(rest).unwrap_or(PollTimeout::ZERO),
            ) {
                Ok(0) => return Err(format!("no answer in {} s", PATIENCE.as_secs())),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.desc().to_owned()),
                Ok(_) => return Ok(()),
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // End of file is how it knows; one that is stuck is not waited for.
        self.questions = None;
        if self.wait().is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
