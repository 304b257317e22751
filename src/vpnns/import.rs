//! Making a profile of what other programs use: configurations of OpenVPN, wg-quick and
//! NetworkManager, and URLs of servers.
//!
//! A source is recognised by what is in it. What it would run is reported and never run; what
//! cannot be used is refused with its place and a remedy; passwords stay where they are. Only a
//! profile of ours is taken over as it is, whatever its file is called; what it would run is told.

mod keyfile;
mod network_manager;
mod openvpn;
mod own;
mod url;
mod wg_quick;

use std::path::{Path, PathBuf};

use vpnns_protocol::name::{InstanceName, MAX_LEN};
use vpnns_protocol::profile::{Profile, ProfileError, Settings};

use crate::client::fault::{Fault, Note};
use crate::text_file;

/// What is wrong with a source of no known kind.
pub const UNKNOWN: &str = "this is no configuration of OpenVPN, WireGuard or NetworkManager";

/// Why nothing could be made of a source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read {}", named(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: text_file::Error,
    },
    /// The file is of a kind that is known, and cannot be used.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The file is a profile of ours with a fault.
    #[error("{}:{}:{}: {}", path.display(), fault.line, fault.column, fault.message)]
    Profile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ProfileError,
    },
    /// The file is of no known kind.
    #[error("{}:1:1: {UNKNOWN}", .0.display())]
    Unknown(PathBuf),
    /// The URL cannot be used.
    #[error("{url:?} {why}")]
    Url {
        /// The URL without a password.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { path, source } if source.is_missing() => {
                let text = path.to_string_lossy();
                let is_host = text.contains('.') && !text.contains('/');
                Some(
                    if is_host && !text.ends_with(".ovpn") && !text.ends_with(".conf") {
                        format!("check the path; for a server give its URL: https://{text}")
                    } else {
                        "check the path".to_owned()
                    },
                )
            }
            Self::Read { source, .. } => source.hint().map(str::to_owned),
            Self::Fault(fault) => fault.hint.clone(),
            Self::Profile { fault, .. } => fault.hint.clone(),
            Self::Unknown(_) => Some(
                "give an .ovpn file, a .conf of wg-quick, an .nmconnection, or a URL".to_owned(),
            ),
            Self::Url { .. } => Some(
                "write it as in https://vpn.example.com/group; vpnns(1) lists the other \
                      protocols"
                    .to_owned(),
            ),
        }
    }
}

/// What was made of a source.
pub struct Import {
    /// The profile.
    pub profile: Profile,
    /// What the source is called; the profile's name is made of it.
    pub label: String,
    /// A sentence for each thing that was left out or is worth a look, with its place.
    pub notes: Vec<String>,
    /// The source's own text, where that is a profile: it may have comments.
    pub text: Option<String>,
}

/// What stands for the standard input in place of a file's path.
const INPUT: &str = "-";

/// Whether a source is the standard input.
pub fn is_input(source: &Path) -> bool {
    source == Path::new(INPUT)
}

fn named(path: &Path) -> String {
    if is_input(path) {
        return "the standard input".to_owned();
    }
    path.display().to_string()
}

impl Import {
    /// The name for the profile, as near to the source's as a name can be.
    pub fn name(&self) -> InstanceName {
        let name = valid_name(&self.label);
        name.parse().unwrap_or_else(|_| InstanceName::default())
    }
}

/// Reads a file or the standard input, or understands a URL.
pub fn import(source: &Path) -> Result<Import, Error> {
    let words = source.to_string_lossy();
    if is_input(source) {
        let text = text_file::read_input().map_err(|error| Error::Read {
            path: source.to_owned(),
            source: error,
        })?;
        return of_file(&text, source, "");
    }
    if words.contains("://") && !source.exists() {
        return url::import(&words);
    }
    let text = text_file::read(source).map_err(|error| Error::Read {
        path: source.to_owned(),
        source: error,
    })?;
    let label = source.file_stem().unwrap_or_default().to_string_lossy();
    let mut import = of_file(&text.text, source, &label)?;
    if import.profile.title.is_none() && import.label != import.name().as_str() {
        import.profile.title = title(&import.label);
        if import.profile.title.is_some() {
            import.text = None;
        }
    }
    Ok(import)
}

fn of_file(text: &str, source: &Path, label: &str) -> Result<Import, Error> {
    let label = label.to_owned();
    match recognise(text, source) {
        Some(Form::WgQuick) => Ok(wg_quick::import(text, source, label)?),
        Some(Form::NetworkManager) => Ok(network_manager::import(text, source, label)?),
        Some(Form::OpenVpn) => Ok(openvpn::import(text, source, label)?),
        Some(Form::Ours) => match Profile::parse(text) {
            Ok(profile) => Ok(Import {
                notes: own::notes(&profile),
                profile,
                label,
                text: Some(text.to_owned()),
            }),
            Err(fault) => Err(Error::Profile {
                path: source.to_owned(),
                fault,
            }),
        },
        None => Err(Error::Unknown(source.to_owned())),
    }
}

/// The forms that a file may have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    OpenVpn,
    WgQuick,
    NetworkManager,
    /// A profile, from another computer for example.
    Ours,
}

/// Options that hardly any configuration of a client is without.
const OPENVPN_WORDS: &[&str] = &[
    "client",
    "remote",
    "tls-client",
    "proto",
    "dev",
    "pull",
    "<connection>",
    "<ca>",
    "auth-user-pass",
    "secret",
    "config",
];

/// What a file is, by what is in it.
fn recognise(text: &str, source: &Path) -> Option<Form> {
    let lines = text.lines().map(str::trim);
    let told = || {
        lines
            .clone()
            .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
    };
    let heading = |name: &str| told().any(|line| line.eq_ignore_ascii_case(name));
    let mut own = ["openconnect", "openvpn", "wireguard", "command", "demo"].iter();
    if told().any(|line| line.starts_with("version") && line.contains('='))
        && own.any(|kind| heading(&format!("[{kind}]")))
        && !heading("[connection]")
    {
        return Some(Form::Ours);
    }
    if heading("[connection]") {
        return Some(Form::NetworkManager);
    }
    if heading("[Interface]") || heading("[Peer]") {
        return Some(Form::WgQuick);
    }
    let first_word = |line: &str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        OPENVPN_WORDS.contains(&word.trim_start_matches("--"))
    };
    let named = source.extension().is_some_and(|end| end == "ovpn");
    (named || told().any(first_word)).then_some(Form::OpenVpn)
}

/// A text with what no name can have replaced.
fn valid_name(label: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    let mut name = String::new();
    for c in label.trim().chars() {
        let c = if fits(c) { c } else { '-' };
        if name.len() + c.len_utf8() > MAX_LEN {
            break;
        }
        if !(c == '-' && name.ends_with('-')) {
            name.push(c);
        }
    }
    let start = |c: char| !(c.is_alphanumeric() || c == '_');
    let name = name.trim_start_matches(start).trim_end_matches(['-', '.']);
    if name.is_empty() { "vpn" } else { name }.to_owned()
}

/// A title that a profile can have, of a label that is no name.
fn title(label: &str) -> Option<String> {
    let label = label.trim();
    let fits =
        !label.is_empty() && label.chars().count() <= 120 && !label.contains(char::is_control);
    fits.then(|| label.to_owned())
}

/// Notes as sentences.
fn sentences(notes: &[Note]) -> Vec<String> {
    notes.iter().map(ToString::to_string).collect()
}

/// A profile with nothing else in it yet.
fn profile(settings: Settings) -> Profile {
    Profile::new(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_valid_and_stay_recognisable() {
        for (label, name) in [
            ("work", "work"),
            ("My Work VPN (new)", "My-Work-VPN-new"),
            (".hidden", "hidden"),
            ("--", "vpn"),
            ("", "vpn"),
            ("Büro", "Büro"),
            ("a/../b", "a-..-b"),
            ("me@corp.example", "me@corp.example"),
        ] {
            assert_eq!(valid_name(label), name, "{label}");
            assert!(valid_name(label).parse::<InstanceName>().is_ok());
        }
        assert!(
            valid_name(&"ü x".repeat(100))
                .parse::<InstanceName>()
                .is_ok()
        );
    }

    #[test]
    fn files_are_recognised_by_what_is_in_them() {
        for (text, form) in [
            ("# c\n\nclient\n", Some(Form::OpenVpn)),
            ("--remote x", Some(Form::OpenVpn)),
            ("[interface]\nPrivateKey = x", Some(Form::WgQuick)),
            ("[connection]\ntype=vpn", Some(Form::NetworkManager)),
            ("version = 1\n[openvpn]\n", Some(Form::Ours)),
            ("hello world", None),
            ("", None),
        ] {
            assert_eq!(recognise(text, Path::new("x")), form, "{text}");
        }
        assert_eq!(recognise("", Path::new("x.ovpn")), Some(Form::OpenVpn));
    }
}
