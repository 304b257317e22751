//! `vpnns --configure`: the script of a grafted client tells the keeper what the server assigns.

use std::time::Duration;

use vpnns_protocol::exit;
use vpnns_protocol::instance::Facts;
use vpnns_protocol::name::InstanceName;

use crate::args::SESSION_VARIABLE;
use crate::client::announcement;
use crate::client::decision::{self, Wishes};
use crate::client::{openconnect, openvpn};
use crate::instance::client::{self, Client};
use crate::instance::control::{Assigned, Refusal, Reply, Request};
use crate::instance::{directory, discovery};
use crate::report;

/// How long the keeper may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the device is not configured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client has called us.
    #[error(
        "--configure is for the scripts of grafted VPN clients, which say in their environment what happened"
    )]
    NotCalledByClient,
    /// The instance is not there any more.
    #[error("no instance named {0} is running")]
    NotRunning(InstanceName),
    /// The state directory is unusable.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The keeper cannot be talked to.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The client's variables do not make a tunnel.
    #[error(transparent)]
    Announcement(#[from] announcement::Error),
    /// The keeper said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The keeper says nothing.
    #[error("the keeper of the instance did not answer in {} s", PATIENCE.as_secs())]
    Silent,
    /// The keeper answered something else.
    #[error("the keeper gave an answer that this version does not know")]
    Answer,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotCalledByClient => {
                Some("vpnns --graft -- CLIENT passes it to the clients that need it".to_owned())
            }
            Self::Directory(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Silent => Some("is it suspended? otherwise: vpnns --stop".to_owned()),
            _ => None,
        }
    }
}

/// What has happened to the client.
enum Occasion {
    /// It is connected; these variables say to what.
    Connected(Dialect),
    /// It has lost its server, or restarts.
    Lost,
    /// It is back, with everything as before.
    Back,
    /// Nothing that concerns the device.
    Other,
}

enum Dialect {
    OpenConnect,
    OpenVpn,
}

/// Reads what the client has set and tells the keeper.
pub fn configure(name: &InstanceName, wishes: &Wishes) -> Result<u8, Error> {
    let variables =
        |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let session = session();
    let reached = |alive| Request::Reached {
        session: session.clone(),
        alive,
    };
    let dialect = match occasion(&variables).ok_or(Error::NotCalledByClient)? {
        Occasion::Connected(dialect) => dialect,
        Occasion::Lost => return tell(name, reached(false)),
        Occasion::Back => return tell(name, reached(true)),
        Occasion::Other => return Ok(exit::SUCCESS),
    };
    let announced = match dialect {
        Dialect::OpenConnect => openconnect::announcement(&variables),
        Dialect::OpenVpn => openvpn::announcement(&variables),
    };
    let mut announced = match announced {
        Ok(announced) => announced,
        Err(error) => {
            // The client may go on all the same, and nobody would know what is missing.
            let reason = error.to_string();
            tell(name, Request::Unusable { session, reason })?;
            return Err(error.into());
        }
    };
    let network = decision::decide(&mut announced, wishes);
    for warning in &announced.warnings {
        report::note(warning);
    }
    let idle_timeout = variables("IDLE_TIMEOUT").and_then(|text| text.trim().parse().ok());
    let assigned = Assigned {
        session,
        gateway: announced.gateway,
        network,
        facts: Facts {
            idle_timeout: idle_timeout.filter(|seconds| *seconds > 0),
            ..Facts::default()
        },
    };
    let keeper = keeper(name)?;
    keeper.send(Request::Configure(Box::new(assigned)))?;
    let (reply, _) = keeper.receive_within(PATIENCE)?.ok_or(Error::Silent)?;
    match reply.accepted()? {
        Reply::Done { warnings } => {
            for warning in &warnings {
                report::note(warning);
            }
            Ok(exit::SUCCESS)
        }
        _ => Err(Error::Answer),
    }
}

/// Which client has started us; empty if none has.
fn session() -> String {
    std::env::var(SESSION_VARIABLE).unwrap_or_default()
}

/// vpnc-script's `reason`, or openvpn's `script_type`.
fn occasion(variables: &dyn Fn(&str) -> Option<String>) -> Option<Occasion> {
    if let Some(reason) = variables("reason") {
        return Some(match &*reason {
            "connect" => Occasion::Connected(Dialect::OpenConnect),
            "attempt-reconnect" => Occasion::Lost,
            "reconnect" => Occasion::Back,
            _ => Occasion::Other,
        });
    }
    Some(match &*variables("script_type")? {
        // With --persist-tun, and only where the server has assigned the same as before; the
        // variables of the routes are then missing.
        "up" if variables("script_context").as_deref() == Some("restart") => Occasion::Back,
        "up" => Occasion::Connected(Dialect::OpenVpn),
        "down" => Occasion::Lost,
        _ => Occasion::Other,
    })
}

/// News that nobody waits for: a keeper that is gone has no use for it.
fn tell(name: &InstanceName, news: Request) -> Result<u8, Error> {
    match keeper(name) {
        Ok(keeper) => {
            let _ = keeper.send(news);
            // Before Linux 6.16 there is no pidfd of a peer that has ended and was waited for, and
            // the keeper sends such a one away unheard. Once it answers, it has heard us.
            let _ = keeper.send(Request::Status);
            let _ = keeper.receive_within(PATIENCE);
            Ok(exit::SUCCESS)
        }
        Err(Error::NotRunning(_)) => Ok(exit::SUCCESS),
        Err(error) => Err(error),
    }
}

fn keeper(name: &InstanceName) -> Result<Client, Error> {
    discovery::connect_by_name(name)?.ok_or_else(|| Error::NotRunning(name.clone()))
}
