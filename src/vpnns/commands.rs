//! What the command line can ask for: one file each.

mod answer;
mod apps;
pub mod attach;
pub mod check;
mod close;
mod completions;
pub mod configure;
pub mod connect;
mod detach;
mod disconnect;
mod doctor;
pub mod graft;
mod list;
mod log;
pub mod monitor;
mod open;
pub mod profiles;
mod reconnect;
mod run;
mod self_test;
mod stop;

use std::ffi::OsString;
use std::io::Write;

use clap_complete::Shell;
use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::port::Port;

use crate::apps::Wish;
use crate::apps::handoff::Handling;
use crate::client::decision::Wishes;
use crate::client::openconnect::browser;
use crate::instance::control::{Refusal, Request};
use crate::instance::enter::{self, Target};
use crate::instance::{client, directory, discovery};
use crate::isolation::command;
use crate::report;

/// One thing to do.
pub enum Action {
    /// Run a command in an instance.
    Run(Target, Vec<Port>, Vec<OsString>, Handling),
    /// Run an installed application in an instance.
    Open(Target, Vec<Port>, Wish),
    /// Run something in an instance, with no ties to the caller.
    Detached(Box<Action>),
    /// List the installed applications.
    Apps {
        /// As JSON.
        json: bool,
        /// Also what was left out.
        verbose: bool,
    },
    /// Carry a VPN client's packets.
    Attach(Target, attach::Options),
    /// Run a stock VPN client.
    Graft(Target, graft::Options),
    /// Tell the keeper what a grafted client's server assigns.
    Configure(InstanceName, Wishes),
    /// Bring a profile up.
    Connect(Target, connect::Options),
    /// Take a tunnel down.
    Disconnect(InstanceName),
    /// Connect again at once.
    Reconnect(InstanceName),
    /// Answer a question.
    Answer(InstanceName, u64),
    /// Be openconnect's browser, for this page.
    Browse(String),
    /// List the instances.
    List {
        /// Only this one.
        name: Option<InstanceName>,
        /// As JSON.
        json: bool,
    },
    /// Show instances in full.
    Status {
        /// Only this one.
        name: Option<InstanceName>,
        /// As JSON.
        json: bool,
    },
    /// Show changes as they happen.
    Monitor(monitor::Options),
    /// Show what has happened.
    Log {
        /// The instance.
        name: InstanceName,
        /// As JSON.
        json: bool,
    },
    /// End a program of an instance.
    Close {
        /// The instance.
        name: InstanceName,
        /// The program.
        pid: u32,
        /// Without a chance to do anything about it.
        force: bool,
    },
    /// End an instance.
    Stop(InstanceName),
    /// Check the system.
    Doctor {
        /// As JSON.
        json: bool,
    },
    /// Look for leaks.
    Check(InstanceName, check::Options),
    /// Try everything.
    SelfTest {
        /// As JSON.
        json: bool,
    },
    /// List the profiles.
    Profiles {
        /// As JSON.
        json: bool,
    },
    /// Make a profile.
    Import(profiles::ImportOptions),
    /// Print a profile.
    Export(InstanceName),
    /// Delete a profile.
    Remove(InstanceName),
    /// The app's part of the self-test, or of the leak check.
    Probe(Vec<OsString>),
    /// Print shell completions.
    Completions(Shell),
}

/// Why a command of ours failed. The exit code is 125 but where a shell's convention differs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance cannot be reached or started.
    #[error(transparent)]
    Enter(#[from] enter::Error),
    /// The command cannot be run.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The application cannot be started, or there is none.
    #[error(transparent)]
    Open(#[from] crate::apps::Error),
    /// A port cannot be opened.
    #[error(transparent)]
    Ports(#[from] crate::ports::Error),
    /// The program cannot be let go.
    #[error("failed to start a process apart from this one")]
    Detach(#[source] std::io::Error),
    /// The VPN client's packets cannot be carried.
    #[error(transparent)]
    Attach(#[from] attach::Error),
    /// The stock VPN client cannot be run.
    #[error(transparent)]
    Graft(#[from] graft::Error),
    /// Its device cannot be configured.
    #[error(transparent)]
    Configure(#[from] configure::Error),
    /// A profile is not up, or not any more.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else was faster, or nothing was asked.
    #[error("the question is no longer open")]
    NoQuestion,
    /// The input is none.
    #[error("the standard input holds no answer (at column {0})")]
    NoAnswer(usize),
    /// The input cannot be read.
    #[error("failed to read the answer")]
    Input(#[source] std::io::Error),
    /// The connector takes its time.
    #[error("the tunnel of {0} is still up")]
    StillUp(InstanceName),
    /// The connector cannot be told the page.
    #[error("failed to hand the page over to vpnns --connect")]
    Browse(#[source] std::io::Error),
    /// The state directories cannot be found.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The keeper cannot be talked to.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The instance does not run.
    #[error("no instance named {0} is running")]
    NotRunning(InstanceName),
    /// The log was its keeper's.
    #[error("no instance named {0} is running, and an instance takes its log with it")]
    NoLog(InstanceName),
    /// The file system cannot be watched.
    #[error("failed to watch for instances")]
    Watch(#[source] nix::errno::Errno),
    /// The profiles cannot be read or written.
    #[error(transparent)]
    Profiles(#[from] crate::profiles::Error),
    /// No profile can be made of a source.
    #[error(transparent)]
    Import(#[from] crate::import::Error),
    /// The leak check could not be carried out.
    #[error(transparent)]
    Check(#[from] crate::check::Error),
    /// The self-test could not be carried out.
    #[error(transparent)]
    SelfTest(#[from] self_test::Error),
    /// What was asked for cannot be printed: the disk is full, for example.
    #[error("failed to write the output")]
    Output(#[source] std::io::Error),
}

impl Error {
    /// Whether a process of ours has said it already.
    fn is_said(&self) -> bool {
        matches!(
            self,
            Self::Enter(enter::Error::Said)
                | Self::Attach(attach::Error::Enter(enter::Error::Said))
                | Self::Graft(graft::Error::Enter(enter::Error::Said))
                | Self::Connect(connect::Error::Enter(enter::Error::Said))
        )
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Enter(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Ports(error) => error.hint(),
            Self::Attach(error) => error.hint(),
            Self::Graft(error) => error.hint(),
            Self::Configure(error) => error.hint(),
            Self::Connect(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::NoQuestion => Some("vpnns --status shows what is asked".to_owned()),
            Self::NoAnswer(_) => Some(
                r#"as in: {"reply":"form","values":{"answer":"..."}}; vpnns(1) explains it"#
                    .to_owned(),
            ),
            Self::StillUp(name) => Some(format!("end everything: vpnns --stop --name {name}")),
            Self::Directory(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::Command(command::Error::NotFound(program, _)) => not_found(program),
            Self::Profiles(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::NotRunning(_) | Self::NoLog(_) => {
                Some("vpnns --list shows what is running".to_owned())
            }
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Command(error) => error.exit_code(),
            Self::Open(error) => error.exit_code(),
            Self::Graft(error) => error.exit_code(),
            Self::Connect(error) => error.exit_code(),
            _ => exit::FAILED,
        }
    }
}

fn not_found(program: &OsString) -> Option<String> {
    let path = std::path::Path::new(program);
    if let Some(option) = crate::args::option_like(program) {
        return Some(format!("did you mean vpnns {option}?"));
    }
    if path.exists() {
        return Some("the interpreter or loader that the file names is not there".to_owned());
    }
    // A path says itself where the program should be.
    (path.parent() == Some("".as_ref())).then(|| "no directory in PATH has it".to_owned())
}

/// Does it; returns the exit code.
pub fn run(action: Action) -> u8 {
    let done = match action {
        Action::Run(target, ports, command, handling) => {
            run::run(&target, &ports, command, &handling).map(|never| match never {})
        }
        Action::Open(target, ports, wish) => {
            open::open(&target, &ports, &wish).map(|never| match never {})
        }
        Action::Detached(action) => detach::detach(*action),
        Action::Apps { json, verbose } => apps::apps(json, verbose),
        Action::Attach(target, options) => attach::attach(&target, &options).map_err(Into::into),
        Action::Graft(target, options) => graft::graft(&target, &options).map_err(Into::into),
        Action::Configure(name, wishes) => configure::configure(&name, &wishes).map_err(Into::into),
        Action::Connect(target, options) => connect::connect(&target, &options),
        Action::Disconnect(name) => disconnect::disconnect(&name),
        Action::Reconnect(name) => reconnect::reconnect(&name),
        Action::Answer(name, id) => answer::answer(&name, id),
        Action::Browse(url) => browser::hand_over(&url)
            .map(|()| exit::SUCCESS)
            .map_err(Error::Browse),
        Action::List { name, json } => list::list(name, json),
        Action::Status { name, json } => list::status(name, json),
        Action::Monitor(options) => monitor::monitor(&options),
        Action::Log { name, json } => log::log(&name, json),
        Action::Close { name, pid, force } => close::close(&name, pid, force),
        Action::Stop(name) => stop::stop(&name),
        Action::Doctor { json } => doctor::doctor(json),
        Action::Check(name, options) => check::check(&name, options),
        Action::SelfTest { json } => self_test::self_test(json),
        Action::Probe(what) if what.first().is_some_and(|it| it == crate::check::PROBE) => {
            crate::check::inside::run()
        }
        Action::Probe(arguments) => self_test::probe::run(&arguments),
        Action::Profiles { json } => profiles::list(json),
        Action::Import(options) => profiles::import(&options),
        Action::Export(name) => profiles::export(&name),
        Action::Remove(name) => profiles::remove(&name),
        Action::Completions(shell) => completions::print(shell),
    };
    done.unwrap_or_else(|error| complain(&error))
}

/// Prints text that is the answer itself; returns the exit code.
pub fn answer(text: &str) -> u8 {
    match print_all(text) {
        Ok(()) => exit::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn complain(error: &Error) -> u8 {
    if !error.is_said() {
        report::print(error, error.hint().as_deref());
    }
    error.exit_code()
}

/// Asks the keeper of a running instance for something that it just does, or refuses.
fn tell(name: &InstanceName, request: Request) -> Result<(), Error> {
    let keeper =
        discovery::connect_by_name(name)?.ok_or_else(|| Error::NotRunning(name.clone()))?;
    keeper.ask(request)?.0.accepted()?;
    Ok(())
}

/// Writes text to stdout; a reader that has gone away has read all it wanted.
pub fn print_all(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}
