//! The user's profiles: one file each in `~/.config/vpnns/profiles`, written whole.

mod write;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::{Profile, ProfileError, similar};

use crate::instance::directory;
use crate::report;
use crate::text_file;

/// The end of a profile's file name.
const SUFFIX: &str = "toml";

/// Why a profile cannot be had, or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home directory.
    #[error(transparent)]
    Home(#[from] directory::Error),
    /// There is no profile of this name.
    #[error("there is no profile named {name}")]
    Missing {
        /// The name.
        name: InstanceName,
        /// A profile that has nearly this name.
        similar: Option<String>,
    },
    /// Its file cannot be read.
    #[error("failed to read the profile {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: text_file::Error,
    },
    /// Its file is no profile.
    #[error("{}:{}:{}: {}", path.display(), fault.line, fault.column, fault.message)]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ProfileError,
    },
    /// A profile of this name is there already.
    #[error("there is a profile named {0} already")]
    Exists(InstanceName),
    /// A file's name is not one for a profile.
    #[error("{} is named in a way that no profile can be", .0.display())]
    Name(PathBuf),
    /// What was to be kept is no profile.
    #[error("the profile would not be valid: {}", .0.message)]
    Unwritable(ProfileError),
    /// The directory cannot be made.
    #[error("failed to make the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory cannot be looked through.
    #[error("failed to list the directory {}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be removed.
    #[error("failed to remove {}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Home(error) => error.hint(),
            Self::Missing {
                similar: Some(name),
                ..
            } => Some(format!(
                "did you mean {name}? vpnns --profiles lists them all"
            )),
            Self::Missing { .. } => Some(
                "vpnns --import FILE makes one from a VPN client's configuration or from a \
                 server's URL; vpnns --profiles lists what is there"
                    .to_owned(),
            ),
            Self::Read { source, .. } => source.hint().map(str::to_owned),
            Self::Invalid { fault, .. } | Self::Unwritable(fault) => {
                let general = "vpnns-profile(5) explains every field";
                Some(fault.hint.clone().unwrap_or(general.to_owned()))
            }
            Self::Exists(_) => Some(
                "choose another name with --profile, or overwrite it with --replace".to_owned(),
            ),
            Self::Name(_) => Some(
                "rename it: letters, digits, '.', '_', '@', '+' and '-', starting with a letter \
                 or a digit, then \".toml\""
                    .to_owned(),
            ),
            Self::Directory { source, .. } | Self::Write { source, .. } => (source.kind()
                == io::ErrorKind::PermissionDenied)
                .then(|| "set XDG_CONFIG_HOME to a directory of yours".to_owned()),
            _ => None,
        }
    }
}

/// A profile in the directory, whole or broken.
pub struct Entry {
    /// Its name; of a file that is named in an impossible way, as much as there is of it.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is in it.
    pub profile: Result<Profile, Error>,
    /// A sentence if others can get at the file.
    pub exposure: Option<String>,
}

/// Where profiles are.
pub fn directory() -> Result<PathBuf, Error> {
    let configured = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    // Relative paths are to be ignored, says the XDG Base Directory Specification.
    let configuration = match configured.filter(|path| path.is_absolute()) {
        Some(path) => path,
        None => directory::home()?.join(".config"),
    };
    Ok(configuration.join("vpnns/profiles"))
}

/// The file of a profile, whether it is there or not.
pub fn path(name: &InstanceName) -> Result<PathBuf, Error> {
    Ok(directory()?.join(format!("{name}.{SUFFIX}")))
}

/// Reads a profile. If others can get at its file, a note on stderr says so.
pub fn load(name: &InstanceName) -> Result<Profile, Error> {
    let path = path(name)?;
    let text = read(name, &path)?;
    if let Some(note) = text.exposure {
        report::note(&note);
    }
    parse(&path, &text.text)
}

/// Every profile, in the order of their names.
pub fn list() -> Result<Vec<Entry>, Error> {
    let directory = directory()?;
    let failed = |source| Error::List {
        path: directory.clone(),
        source,
    };
    let files = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(failed)?,
    };
    let mut entries = Vec::new();
    for file in files {
        let path = file.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension() == Some(OsStr::new(SUFFIX)) {
            entries.push(entry(path));
        }
    }
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(entries)
}

/// The text of a profile's file, whether it is valid or not. If others can get at the file, a note on
/// stderr says so.
pub fn text(name: &InstanceName) -> Result<String, Error> {
    let text = read(name, &path(name)?)?;
    if let Some(note) = text.exposure {
        report::note(&note);
    }
    Ok(text.text)
}

/// Whether a profile could be written under this name; returns its file.
pub fn check(name: &InstanceName, text: &str, overwrite: bool) -> Result<PathBuf, Error> {
    // What cannot be read back must not be written: a path that is no UTF-8, for one.
    Profile::parse(text).map_err(Error::Unwritable)?;
    let path = path(name)?;
    if !overwrite && fs::symlink_metadata(&path).is_ok() {
        return Err(Error::Exists(name.clone()));
    }
    Ok(path)
}

/// Writes a profile; returns its file.
pub fn save(name: &InstanceName, text: &str, overwrite: bool) -> Result<PathBuf, Error> {
    let path = check(name, text, overwrite)?;
    // It may come to be there at this very moment.
    write::whole(&path, text, overwrite).map_err(|error| match error {
        Error::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            Error::Exists(name.clone())
        }
        error => error,
    })?;
    Ok(path)
}

/// Deletes a profile.
pub fn remove(name: &InstanceName) -> Result<(), Error> {
    let path = path(name)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(name)),
        removed => removed.map_err(|source| Error::Remove { path, source }),
    }
}

/// Remembers in an openconnect profile that the user trusts a server's certificate.
///
/// Comments and the order of the file stay.
pub fn set_fingerprint(name: &InstanceName, fingerprint: &str) -> Result<(), Error> {
    remember(name, path(name)?, fingerprint)
}

fn remember(name: &InstanceName, path: PathBuf, fingerprint: &str) -> Result<(), Error> {
    let text = read(name, &path)?.text;
    match Profile::text_with_fingerprint(&text, fingerprint) {
        Ok(edited) => write::whole(&path, &edited, true),
        Err(fault) => Err(Error::Invalid { path, fault }),
    }
}

fn entry(path: PathBuf) -> Entry {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.into_owned();
    let text = match name.parse::<InstanceName>() {
        Ok(name) => read(&name, &path),
        Err(_) => Err(Error::Name(path.clone())),
    };
    let (profile, exposure) = match text {
        Ok(text) => (parse(&path, &text.text), text.exposure),
        Err(error) => (Err(error), None),
    };
    Entry {
        name,
        path,
        profile,
        exposure,
    }
}

fn read(name: &InstanceName, path: &Path) -> Result<text_file::Text, Error> {
    text_file::read(path).map_err(|source| {
        // A link that leads nowhere is a fault of its own.
        if source.is_missing() && fs::symlink_metadata(path).is_err() {
            return missing(name);
        }
        Error::Read {
            path: path.to_owned(),
            source,
        }
    })
}

fn parse(path: &Path, text: &str) -> Result<Profile, Error> {
    Profile::parse(text).map_err(|fault| Error::Invalid {
        path: path.to_owned(),
        fault,
    })
}

fn missing(name: &InstanceName) -> Error {
    let entries = list().unwrap_or_default();
    let names = entries.iter().map(|entry| entry.name.as_str());
    Error::Missing {
        name: name.clone(),
        similar: similar::nearest(name.as_str(), names).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_fingerprint_is_remembered_and_the_users_comments_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("work.toml");
        let text = "version = 1 # mine\n[openconnect]\nserver = \"a.example\"\n";
        fs::write(&path, text).unwrap();
        let name: InstanceName = "work".parse().unwrap();
        remember(&name, path.clone(), "pin-sha256:x").unwrap();
        let edited = fs::read_to_string(&path).unwrap();
        assert_eq!(edited, format!("{text}fingerprint = \"pin-sha256:x\"\n"));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_profile_without_a_certificate_to_trust_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo.toml");
        fs::write(&path, "version = 1\n[demo]\n").unwrap();
        let name: InstanceName = "demo".parse().unwrap();
        let error = remember(&name, path.clone(), "pin-sha256:x").unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "version = 1\n[demo]\n");
    }
}
