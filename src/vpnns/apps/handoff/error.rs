//! Why an application is not started, and what to do about it.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::apps::bus;
use crate::instance::directory;

/// How to have the application of a snap all the same.
pub const SNAP_HINT: &str =
    "install it in another form: from the distribution, as a Flatpak or from its maker";

/// Why an application is not started: it would run outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home directory to keep a profile in.
    #[error(transparent)]
    Home(#[from] directory::Error),
    /// No recipe has this name.
    #[error("there is no recipe named {name:?}")]
    NoRecipe {
        /// The name.
        name: String,
        /// A name like it.
        similar: Option<String>,
    },
    /// Snaps need what an instance does not have.
    #[error("{0} is a snap, and snaps cannot run in an instance")]
    Snap(String),
    /// A recipe says so.
    #[error("{label} {reason}")]
    Refused {
        /// The application.
        label: String,
        /// The recipe's words.
        reason: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// A copy outside would take the launch over.
    #[error(
        "{label} runs outside of the instance (process {process}) and would take this launch over"
    )]
    Taken {
        /// The application.
        label: String,
        /// The copy.
        process: Pid,
        /// Whether a bus of its own keeps it inside.
        by_bus: bool,
    },
    /// Nobody can say whether there is a copy outside.
    #[error("failed to find out whether {label} runs outside of the instance")]
    Bus {
        /// The application.
        label: String,
        /// Why.
        source: bus::Error,
    },
    /// The application cannot have what was asked for.
    #[error("no recipe says how {0} gets a profile of its own")]
    NoProfile(String),
    /// The profile's directory cannot be made.
    #[error("failed to make the profile {}", path.display())]
    Profile {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Home(error) => return error.hint(),
            Self::NoRecipe { similar, .. } => match similar {
                Some(name) => format!("did you mean {name}?"),
                None => "vpnns(1) lists them; yours are in ~/.config/vpnns/recipes.toml".to_owned(),
            },
            Self::Snap(_) => SNAP_HINT.to_owned(),
            Self::Refused { hint, .. } => hint.clone()?,
            Self::Taken { by_bus: true, .. } => {
                "close it there, or give this one a bus of its own: --session-bus private"
                    .to_owned()
            }
            Self::Taken { .. } => "close it there first".to_owned(),
            Self::Bus { .. } => {
                "give it a bus of its own: --session-bus private; or do not ask: --recipe none"
                    .to_owned()
            }
            Self::NoProfile(_) => "name the recipe of an application of its kind, as in \
                --recipe electron, or write one: vpnns(1) explains recipes.toml"
                .to_owned(),
            Self::Profile { .. } => return None,
        })
    }
}
