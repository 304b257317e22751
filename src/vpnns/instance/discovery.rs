//! Finding the running instances of this user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vpnns_protocol::instance::Instance;
use vpnns_protocol::name::InstanceName;

use super::client::Client;
use super::control::{Reply, Request};
use super::directory::{self, StateDirectory, instance_of};

/// The state directories below the given directory, whether somebody is in or not.
pub fn directories(root: &Path) -> Vec<(InstanceName, PathBuf)> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((instance_of(&entry.path())?, entry.path())))
        .collect()
}

/// Connects to the keeper of a state directory that listens now; `None` for whatever else.
pub fn connect(path: PathBuf) -> Option<Client> {
    Client::connect(&StateDirectory::open_existing(path).ok()?).ok()?
}

/// The same, but does not miss an app's instance because its keeper does not listen yet.
fn connect_to_settled(path: PathBuf) -> Option<Client> {
    let directory = StateDirectory::open_existing(path).ok()?;
    if let Some(client) = Client::connect(&directory).ok()? {
        return Some(client);
    }
    directory.settle();
    Client::connect(&directory).ok()?
}

/// Waits while the instance of a state directory is being started or ended.
pub fn settle(path: &Path) {
    if let Ok(directory) = StateDirectory::open_existing(path.to_owned()) {
        directory.settle();
    }
}

/// Connects to the keeper of an instance, wherever its directory is.
pub fn connect_by_name(name: &InstanceName) -> Result<Option<Client>, directory::Error> {
    let roots = directory::roots()?;
    Ok(roots
        .iter()
        .find_map(|root| connect_to_settled(root.join(format!("{}{name}", directory::PREFIX)))))
}

/// The snapshot that a keeper gives; `None` if it ends before it answers.
pub fn status(client: &Client) -> Option<Instance> {
    match client.ask(Request::Status) {
        Ok((Reply::Status(instance), _)) => Some(*instance),
        _ => None,
    }
}

/// The snapshots of all running instances, sorted by name.
pub fn all() -> Result<Vec<Instance>, directory::Error> {
    let mut found = BTreeMap::new();
    for root in directory::roots()? {
        for (name, path) in directories(&root) {
            if let Some(instance) = connect_to_settled(path).as_ref().and_then(status) {
                found.entry(name).or_insert(instance);
            }
        }
    }
    Ok(found.into_values().collect())
}
