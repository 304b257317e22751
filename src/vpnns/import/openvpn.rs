//! An .ovpn file as a profile: everything it refers to in one, and nothing that runs.

use std::path::Path;

use vpnns_protocol::profile::{OpenVpn, Settings};

use super::{Import, profile, sentences};
use crate::client::fault::Fault;
use crate::client::openvpn::config::{self, Configuration};
use crate::client::openvpn::{embed, review};

/// Makes a profile of a configuration.
pub(super) fn import(text: &str, source: &Path, label: String) -> Result<Import, Fault> {
    of_configuration(&config::read_text(text, source)?, label, None)
}

/// The same for options from elsewhere, with a user name that is known already.
pub(super) fn of_configuration(
    configuration: &Configuration,
    label: String,
    user: Option<String>,
) -> Result<Import, Fault> {
    let mut review = review::review(configuration)?;
    embed::embed(&mut review)?;
    let settings = Settings::OpenVpn(OpenVpn {
        config: Some(config::render(&review.kept)),
        config_file: None,
        user: user.or(review.user),
        arguments: Vec::new(),
    });
    Ok(Import {
        text: None,
        profile: profile(settings),
        label,
        notes: sentences(&review.notes),
    })
}
