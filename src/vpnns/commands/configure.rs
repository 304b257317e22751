//! `vpnns --configure`: the script of a grafted client tells the keeper what the server assigns.

use vpnns_protocol::exit;
use vpnns_protocol::instance::Facts;
use vpnns_protocol::name::InstanceName;

use crate::client::announcement;
use crate::client::decision::{self, Wishes};
use crate::client::{openconnect, openvpn};
use crate::instance::client::{self, Client};
use crate::instance::control::{Assigned, Reply, Request};
use crate::instance::{directory, discovery};
use crate::report;

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
    #[error("{message}")]
    Refused {
        /// What failed.
        message: String,
        /// The innermost causes.
        #[source]
        source: Option<report::Cause>,
        /// What to do.
        hint: Option<String>,
    },
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
            Self::Refused { hint, .. } => hint.clone(),
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
    let dialect = match occasion(&variables).ok_or(Error::NotCalledByClient)? {
        Occasion::Connected(dialect) => dialect,
        Occasion::Lost => return tell(name, Request::Alive { alive: false }),
        Occasion::Back => return tell(name, Request::Alive { alive: true }),
        Occasion::Other => return Ok(exit::SUCCESS),
    };
    let mut announced = match dialect {
        Dialect::OpenConnect => openconnect::announcement(&variables),
        Dialect::OpenVpn => openvpn::announcement(&variables),
    }?;
    let network = decision::decide(&mut announced, wishes);
    for warning in &announced.warnings {
        report::note(warning);
    }
    let idle_timeout = variables("IDLE_TIMEOUT").and_then(|text| text.trim().parse().ok());
    let assigned = Assigned {
        gateway: announced.gateway,
        network,
        facts: Facts {
            idle_timeout: idle_timeout.filter(|seconds| *seconds > 0),
            ..Facts::default()
        },
    };
    let keeper = keeper(name)?;
    match keeper.ask(Request::Configure(Box::new(assigned)))? {
        (Reply::Done { warnings }, _) => {
            for warning in &warnings {
                report::note(warning);
            }
            Ok(exit::SUCCESS)
        }
        (
            Reply::Refused {
                message,
                causes,
                hint,
            },
            _,
        ) => Err(Error::Refused {
            message,
            source: report::Cause::of(&causes),
            hint,
        }),
        _ => Err(Error::Answer),
    }
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
            Ok(exit::SUCCESS)
        }
        Err(Error::NotRunning(_)) => Ok(exit::SUCCESS),
        Err(error) => Err(error),
    }
}

fn keeper(name: &InstanceName) -> Result<Client, Error> {
    discovery::connect_by_name(name)?.ok_or_else(|| Error::NotRunning(name.clone()))
}
