//! The helper's command lines, as a front end calls it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::name::InstanceName;

/// Start an installed application in an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchRequest {
    /// The entry's id, or the path of an entry's file.
    pub entry: String,
    /// One of the entry's actions instead of the application as such.
    pub action: Option<String>,
    /// The instance.
    pub name: InstanceName,
    /// Files and addresses to open.
    pub arguments: Vec<String>,
    /// Further options of the launch, such as `--own-profile`, each one word.
    pub options: Vec<String>,
}

/// What a front end asks the helper to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// List the installed applications.
    Apps,
    /// List the profiles.
    Profiles,
    /// Tell every change, until ended.
    Monitor {
        /// Once a second also what has passed through each tunnel.
        traffic: bool,
    },
    /// Start an installed application, detached.
    Open(LaunchRequest),
    /// Start a program by its path, detached.
    Run {
        /// The instance.
        name: InstanceName,
        /// The program and its arguments.
        command: Vec<OsString>,
    },
    /// Bring a profile up, and leave as soon as it is connected.
    Connect {
        /// The profile; the instance has its name.
        profile: InstanceName,
    },
    /// Take the tunnel down in order.
    Disconnect(InstanceName),
    /// Try again now, or renew the connection.
    Reconnect(InstanceName),
    /// End the tunnel and every program.
    Stop(InstanceName),
    /// Answer a question; the answer, as JSON, goes to the standard input.
    Answer {
        /// The instance.
        name: InstanceName,
        /// The question's number.
        number: u64,
    },
    /// End one program.
    Close {
        /// The instance.
        name: InstanceName,
        /// Its process.
        pid: u32,
        /// Without leaving it a choice.
        force: bool,
    },
    /// Prove that nothing leaks.
    Check(InstanceName),
    /// What has happened in the instance.
    Log(InstanceName),
    /// Can this system do it.
    Doctor,
    /// A profile's text.
    Export(InstanceName),
    /// Make a profile.
    Import {
        /// A file or a URL; without one the text comes on the standard input.
        source: Option<PathBuf>,
        /// The profile's name, if not the source's.
        name: Option<InstanceName>,
        /// Whether one of this name may be overwritten.
        replace: bool,
        /// Whether to look only, and to make nothing.
        dry_run: bool,
    },
    /// Delete a profile.
    Remove(InstanceName),
}

impl Call {
    /// The words after the program's name.
    pub fn argv(&self) -> Vec<OsString> {
        match self {
            Self::Apps => words(&["--apps", "--json"]),
            Self::Profiles => words(&["--profiles", "--json"]),
            Self::Monitor { traffic: false } => words(&["--monitor", "--json"]),
            Self::Monitor { traffic: true } => words(&["--monitor", "--json", "--traffic"]),
            Self::Open(request) => open(request),
            Self::Run { name, command } => {
                let mut argv = words(&["--detach", "--name", name.as_str(), "--"]);
                argv.extend(command.iter().cloned());
                argv
            }
            Self::Connect { profile } => {
                words(&["--connect", profile.as_str(), "--background", "--json"])
            }
            Self::Disconnect(name) => words(&["--disconnect", "--name", name.as_str()]),
            Self::Reconnect(name) => words(&["--reconnect", "--name", name.as_str()]),
            Self::Stop(name) => words(&["--stop", "--name", name.as_str()]),
            Self::Answer { name, number } => {
                words(&["--answer", &number.to_string(), "--name", name.as_str()])
            }
            Self::Close { name, pid, force } => {
                let mut argv = words(&["--close", &pid.to_string(), "--name", name.as_str()]);
                argv.extend(force.then(|| "--force".into()));
                argv
            }
            Self::Check(name) => words(&["--check", "--name", name.as_str(), "--json", "--follow"]),
            Self::Log(name) => words(&["--log", "--name", name.as_str(), "--json"]),
            Self::Doctor => words(&["--doctor", "--json"]),
            Self::Export(name) => words(&["--export", name.as_str()]),
            Self::Import {
                source,
                name,
                replace,
                dry_run,
            } => {
                let mut argv = words(&["--import"]);
                argv.push(source.clone().map_or("-".into(), PathBuf::into_os_string));
                argv.extend(
                    name.iter()
                        .flat_map(|name| words(&["--profile", name.as_str()])),
                );
                argv.extend(replace.then(|| "--replace".into()));
                argv.extend(dry_run.then(|| "--dry-run".into()));
                argv.push("--json".into());
                argv
            }
            Self::Remove(name) => words(&["--remove", name.as_str()]),
        }
    }
}

fn open(request: &LaunchRequest) -> Vec<OsString> {
    let mut argv = words(&["--detach", "--name", request.name.as_str()]);
    argv.extend(request.options.iter().map(OsString::from));
    if let Some(action) = &request.action {
        argv.extend(words(&["--action", action]));
    }
    argv.extend(words(&["--open", &request.entry]));
    if !request.arguments.is_empty() {
        argv.push("--".into());
        argv.extend(request.arguments.iter().map(OsString::from));
    }
    argv
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_never_taken_for_an_option() {
        let request = LaunchRequest {
            entry: "a.desktop".into(),
            action: Some("new-window".into()),
            name: InstanceName::default(),
            arguments: vec!["--stop".into()],
            options: vec!["--own-profile".into()],
        };
        let argv = Call::Open(request).argv();
        let expected = [
            "--detach",
            "--name",
            "default",
            "--own-profile",
            "--action",
            "new-window",
            "--open",
            "a.desktop",
            "--",
            "--stop",
        ];
        assert_eq!(argv, expected.map(OsString::from));
    }

    #[test]
    fn an_import_without_a_source_reads_the_standard_input() {
        let call = Call::Import {
            source: None,
            name: Some(InstanceName::default()),
            replace: true,
            dry_run: false,
        };
        let expected = [
            "--import",
            "-",
            "--profile",
            "default",
            "--replace",
            "--json",
        ];
        assert_eq!(call.argv(), expected.map(OsString::from));
    }
}
