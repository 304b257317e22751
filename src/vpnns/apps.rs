//! Installed applications: their entries, and the commands that start them.
//!
//! # Theory of operation
//!
//! `directories` finds the files and gives each its id, the first of an id being the only one;
//! `file` reads the text of one, `entry` what the text means, `exec` the command in it. Nothing
//! that is found is trusted to be sane: what is no entry is left out with a reason, and costs no
//! more than its share of time. To open one, everything is decided, and refused, here; what
//! happens then is what happens to any other command. That includes what keeps the launch from
//! being handed over to a copy outside, which `handoff` decides, for any command.

mod argument;
mod bus;
mod directories;
mod entry;
mod exec;
mod file;
pub mod handoff;
pub mod links;
mod locale;
mod meant;
mod programs;
mod recipe;
mod recipes;
mod terminal;
mod whereabouts;

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vpnns_protocol::app;
use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use self::argument::Argument;
use self::directories::{Files, SUFFIX};
use self::entry::Entry;
use self::handoff::{Handling, Launch, Plan};
use self::locale::Locales;
use self::programs::{Obstacle, Programs};
use crate::instance::directory;

/// Why an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home directory.
    #[error(transparent)]
    Home(#[from] directory::Error),
    /// No entry has this id.
    #[error("there is no application {entry:?}")]
    Missing {
        /// What was asked for.
        entry: OsString,
        /// What may have been meant.
        similar: Vec<String>,
    },
    /// The entry's file is none.
    #[error("{} cannot be opened", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Why.
        source: entry::Error,
    },
    /// The entry has no such action.
    #[error("{id} has no action {action:?}")]
    Action {
        /// The entry.
        id: String,
        /// The action.
        action: String,
        /// The actions it has.
        known: Vec<String>,
    },
    /// There is nothing to open in a word of the command line.
    #[error(transparent)]
    Argument(#[from] argument::Error),
    /// The application does not open that.
    #[error("{id} cannot open that")]
    Refused {
        /// The entry.
        id: String,
        /// Its program.
        program: String,
        /// Why.
        source: exec::Refusal,
    },
    /// Snaps need what an instance does not have.
    #[error("{id} is a snap, and snaps cannot run in an instance")]
    Snap {
        /// The entry.
        id: String,
    },
    /// It needs another user's rights.
    #[error("{id} runs {program:?} with another user's rights, which do not exist in an instance")]
    Privilege {
        /// The entry.
        id: String,
        /// Its program.
        program: String,
    },
    /// It would not stay inside.
    #[error(transparent)]
    Handoff(#[from] handoff::Error),
    /// It needs a terminal.
    #[error("{id} runs in a terminal, and no terminal was found")]
    NoTerminal {
        /// The entry.
        id: String,
    },
    /// It is to run in a directory that cannot be entered.
    #[error("failed to enter the directory {} in which {id} is to run", path.display())]
    Directory {
        /// The entry.
        id: String,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: nix::errno::Errno,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Home(error) => return error.hint(),
            Self::Missing { similar, .. } if similar.is_empty() => {
                "vpnns --apps shows which there are".to_owned()
            }
            Self::Missing { similar, .. } => format!("did you mean {}?", similar.join(" or ")),
            Self::Entry { source, .. } => match source {
                entry::Error::Read(source) => source.hint()?.to_owned(),
                _ => return None,
            },
            Self::Action { known, .. } if known.is_empty() => "leave out --action".to_owned(),
            Self::Action { known, .. } => format!("it has {}", known.join(", ")),
            Self::Argument(argument::Error::Option(word)) => format!(
                "options go before the first file; a file of that name is ./{}",
                word.display()
            ),
            Self::Argument(_) => return None,
            Self::Refused {
                program, source, ..
            } => match source {
                exec::Refusal::Nothing => {
                    format!("leave it out, or run the program yourself: vpnns -- {program} FILE")
                }
                exec::Refusal::One => "call vpnns --open once for each".to_owned(),
                exec::Refusal::Address(_) => {
                    "download it first, or open it with a browser".to_owned()
                }
            },
            Self::Snap { .. } => handoff::SNAP_HINT.to_owned(),
            Self::Privilege { .. } => "start it outside, without vpnns".to_owned(),
            Self::Handoff(error) => return error.hint(),
            Self::NoTerminal { .. } => "install a terminal such as xterm or foot, or name yours: \
                TERMINAL=myterminal vpnns --open ..."
                .to_owned(),
            Self::Directory { .. } => "correct Path= in a copy of the entry in \
                ~/.local/share/applications"
                .to_owned(),
        })
    }

    /// The exit code that a shell would give.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Home(_) => exit::FAILED,
            Self::Missing { .. } => exit::NOT_FOUND,
            Self::Entry {
                source: entry::Error::Read(source),
                ..
            } if source.is_missing() => exit::NOT_FOUND,
            _ => exit::NOT_EXECUTABLE,
        }
    }
}

/// The applications that a menu would show, and the files that are none.
pub fn all() -> Result<(Vec<app::Entry>, Vec<app::Broken>), directory::Error> {
    let Files { found, left_out } = directories::files(&directories::of_this_process()?);
    let locales = Locales::of_this_process();
    let mut programs = Programs::of_this_process();
    let desktops = env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let desktops: Vec<String> = desktops.split(':').map(str::to_owned).collect();
    let broken = |path: &Path, reason: String| app::Broken {
        path: path.to_string_lossy().into_owned(),
        reason,
    };
    let left_out = left_out.into_iter();
    let mut left_out: Vec<_> = left_out
        .map(|(path, reason)| broken(&path, reason))
        .collect();
    let mut apps = Vec::new();
    for file in found {
        let entry = match Entry::read(&file.id, &file.path, &locales) {
            Ok(entry) => entry,
            Err(error) if error.is_meant() => continue,
            Err(error) => {
                left_out.push(broken(&file.path, error.to_string()));
                continue;
            }
        };
        let mut needs = entry.needs.iter();
        let is_installed = needs.all(|program| programs.have(program));
        if entry.is_internal || !is_installed || !entry.is_shown_in(&desktops) {
            continue;
        }
        let program = &entry.shown.executable;
        if programs.have(program) {
            apps.push(entry.shown);
        } else {
            let reason = format!("its program {program:?} is not there");
            left_out.push(broken(&file.path, reason));
        }
    }
    apps.sort_by_cached_key(|app| (app.name.to_lowercase(), app.id.clone()));
    left_out.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((apps, left_out))
}

/// What is to be opened.
#[derive(Debug)]
pub struct Wish {
    /// An id, with or without its suffix, or the path of a file.
    pub entry: OsString,
    /// One of its actions.
    pub action: Option<String>,
    /// Files and addresses.
    pub words: Vec<OsString>,
    /// What is done against a copy outside.
    pub handling: Handling,
}

/// An application about to be started.
#[derive(Debug)]
pub struct Start {
    /// The command, and what goes with it.
    pub plan: Plan,
    /// The entry's file.
    pub file: PathBuf,
}

/// Decides how an application is started in an instance, and goes to the directory where it runs.
pub fn start(wish: &Wish, name: &InstanceName) -> Result<Start, Error> {
    // Where the directory has been removed, only absolute paths mean anything.
    let directory = env::current_dir().unwrap_or_else(|_| "/".into());
    let entry = find(&wish.entry, &directory)?;
    let id = || entry.shown.id.clone();
    let exec = match &wish.action {
        None => &entry.exec,
        Some(action) => entry.action(action).ok_or_else(|| Error::Action {
            id: id(),
            action: action.clone(),
            known: entry.shown.actions.iter().map(|it| it.id.clone()).collect(),
        })?,
    };
    let program = exec.program().to_owned();
    match programs::obstacle(&program, programs::find(&program).as_deref()) {
        _ if entry.is_snap => return Err(Error::Snap { id: id() }),
        Some(Obstacle::Snap) => return Err(Error::Snap { id: id() }),
        Some(Obstacle::Privilege) => return Err(Error::Privilege { id: id(), program }),
        None => {}
    }
    let words = wish.words.iter();
    let arguments: Vec<Argument> = words
        .map(|word| Argument::new(word, &directory))
        .collect::<Result<_, _>>()?;
    let command = exec
        .command(&entry.facts(), &arguments)
        .map_err(|source| Error::Refused {
            id: id(),
            program,
            source,
        })?;
    let mut plan = handoff::plan(Launch {
        name,
        command,
        handling: &wish.handling,
        entry: Some(entry.origin()),
    })?;
    if entry.shown.terminal {
        let around = terminal::around(plan.command, name);
        plan.command = around.ok_or_else(|| Error::NoTerminal { id: id() })?;
    }
    if let Some(path) = &entry.directory {
        nix::unistd::chdir(path).map_err(|source| Error::Directory {
            id: id(),
            path: path.clone(),
            source,
        })?;
    }
    Ok(Start {
        plan,
        file: entry.path,
    })
}

/// Finds an entry by its id or its path.
fn find(wanted: &OsStr, directory: &Path) -> Result<Entry, Error> {
    let (id, path) = if wanted.as_bytes().contains(&b'/') {
        let path = argument::absolute(wanted, directory);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name.into_owned(), path)
    } else {
        let files = directories::files(&directories::of_this_process()?);
        let mut with_suffix = wanted.to_owned();
        with_suffix.push(SUFFIX);
        let mut forms = [wanted, &with_suffix].into_iter();
        let found = forms.find_map(|id| files.found.iter().find(|file| id == &*file.id));
        let Some(found) = found else {
            return Err(Error::Missing {
                entry: wanted.to_owned(),
                similar: meant::similar_to(wanted, directory),
            });
        };
        (found.id.clone(), found.path.clone())
    };
    Entry::read(&id, &path, &Locales::of_this_process())
        .map_err(|source| Error::Entry { path, source })
}
