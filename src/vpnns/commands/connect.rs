//! `vpnns --connect`: the front of a connector: shows stages, asks questions, stays until the end.

pub mod dialogue;
mod front;
pub mod terminal;

use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use self::front::Front;
use crate::client::connector::{self, Failure, Job};
use crate::instance::client;
use crate::instance::control::{Connect, Refusal, Reply, Request};
use crate::instance::enter::{self, Target};
use crate::ports::{self, Opening};
use crate::profiles;

/// What the user asked for on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// The profile.
    pub profile: InstanceName,
    /// Whether to leave as soon as it is connected.
    pub background: bool,
    /// Whether a program reads what we print, and answers.
    pub json: bool,
}

/// Why a profile is not up, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such profile, or it is none.
    #[error(transparent)]
    Profile(#[from] profiles::Error),
    /// The instance cannot be reached or started.
    #[error(transparent)]
    Enter(#[from] enter::Error),
    /// The keeper cannot be talked to.
    #[error("failed to ask the keeper for the tunnel")]
    Keeper(#[source] client::Error),
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The keeper answered something else.
    #[error("the keeper gave an answer that this version does not know")]
    Answer,
    /// The connector could not be started.
    #[error("failed to start the connector")]
    Start(#[source] Errno),
    /// The profile's ports cannot be opened.
    #[error(transparent)]
    Ports(#[from] ports::Error),
    /// We cannot find ourselves.
    #[error("failed to find the path of vpnns itself")]
    Program(#[source] std::io::Error),
    /// The connector has given up.
    #[error("{}", .0.reason)]
    GaveUp(Failure),
    /// The server asks, and there is nobody to answer.
    #[error("the server asks for {0}, and there is no terminal to ask in")]
    Nobody(String),
    /// It does not end.
    #[error("the connector did not end in {} s", front::PATIENCE.as_secs())]
    Stuck,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Profile(error) => error.hint(),
            Self::Enter(error) => error.hint(),
            Self::Ports(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::GaveUp(failure) => failure.hint.clone(),
            Self::Nobody(_) => Some(
                "run it in a terminal, or with --json and answer on its standard input".to_owned(),
            ),
            Self::Keeper(_) | Self::Answer | Self::Start(_) | Self::Program(_) | Self::Stuck => {
                None
            }
        }
    }

    /// The exit code: a VPN that does not come up is no failure of ours.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::GaveUp(_) | Self::Nobody(_) | Self::Refused(_) => exit::NOT_CONNECTED,
            _ => exit::FAILED,
        }
    }
}

/// Brings the profile up and stays until it is down again, or with `background`, until it is up.
pub fn connect(target: &Target, options: &Options) -> Result<u8, super::Error> {
    let profile = profiles::load(&options.profile).map_err(Error::from)?;
    let program = crate::executable::own().map_err(Error::Program)?;
    let job = Job {
        instance: target.name.clone(),
        profile_name: options.profile.clone(),
        profile,
        program,
        token: token(),
        background: options.background,
    };
    let leash = start(target, &job)?;
    Front::new(target, options, leash)?.stay()
}

/// No other connector of this user has the same, which is all that is asked of it.
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = now.map_or(0, |elapsed| elapsed.as_nanos());
    format!("{}-{nanoseconds}", std::process::id())
}

/// Registers a connector and starts it; returns our end of the leash.
fn start(target: &Target, job: &Job) -> Result<OwnedFd, Error> {
    let opening = Opening::outside(&job.profile.ports)?;
    let request = Connect {
        profile: job.profile_name.to_string(),
        server: job.profile.settings.server(),
        token: job.token.clone(),
        on_drop: job.profile.on_drop,
    };
    let request = Request::Connect(Box::new(request));
    let (keeper, answer) = enter::ask_as_client(target, &request)?;
    let Reply::Done { .. } = answer.map_err(Error::Keeper)?.accepted()? else {
        return Err(Error::Answer);
    };
    // After the connector is known: they end with it.
    let opened = enter::as_client(target)
        .map_err(Error::from)
        .and_then(|other| Ok(opening.inside(&target.name, other, true)?));
    if let Err(error) = opened {
        let reason = Some(error.to_string());
        keeper
            .send(Request::Finish { reason, hint: None })
            .map_err(Error::Keeper)?;
        return Err(error);
    }
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(Error::Start)?;
    connector::spawn(job, keeper, theirs).map_err(Error::Start)?;
    Ok(ours)
}
