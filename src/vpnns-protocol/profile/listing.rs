//! What `vpnns --profiles --json` and `vpnns --import --json` print.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::OnDrop;
use crate::name::InstanceName;
use crate::network::RoutePolicy;

/// The document of `--profiles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profiles {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The profiles in the order of their names, the broken ones too.
    pub profiles: Vec<Listed>,
}

/// A profile, as far as its file tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Listed {
    /// Its name; of a broken one, the file's, whatever that is.
    pub name: String,
    /// Its file.
    pub path: String,
    /// What people see instead of the name.
    pub title: Option<String>,
    /// What it connects with; nothing if it is broken.
    pub kind: Option<String>,
    /// Where it leads to, where it says so itself.
    pub server: Option<String>,
    /// Which routes lead into its tunnel.
    #[serde(default)]
    pub routes: RoutePolicy,
    /// Resolvers instead of the server's; an empty list means none.
    #[serde(default)]
    pub dns: Option<Vec<IpAddr>>,
    /// What happens to the programs when the tunnel is lost.
    #[serde(default)]
    pub on_drop: OnDrop,
    /// Whether opening one of its apps connects it.
    pub connect_on_open: bool,
    /// Whether the start of the session connects it.
    pub start_at_login: bool,
    /// The desktop entries to open once it is connected.
    pub apps: Vec<String>,
    /// What is wrong with it.
    pub error: Option<Broken>,
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line, counted from 1, if it is about one.
    pub line: Option<usize>,
    /// The character in the line, counted from 1.
    pub column: Option<usize>,
}

/// The document of `--import`, also where it only checks: then nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The profile's name.
    pub name: InstanceName,
    /// What it connects with.
    pub kind: String,
    /// Its file.
    pub path: String,
    /// A sentence for each thing that was left out or is worth a look.
    pub notes: Vec<String>,
}

/// The document of an `--import` that has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotImported {
    /// [`crate::VERSION`].
    pub version: u32,
    /// What is wrong with the source, or with the profile that it would make.
    pub error: Broken,
}
