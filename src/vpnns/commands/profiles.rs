//! `vpnns --profiles`, `--import`, `--export` and `--remove`: what there is to connect with.

use std::path::{Path, PathBuf};

use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::{Broken, Imported, Listed, NotImported, Profiles};
use vpnns_protocol::{VERSION, exit};

use super::list::table;
use super::{Error, print_all};
use crate::import;
use crate::profiles::{self, Entry};
use crate::report;

/// What to import, and as what.
pub struct ImportOptions {
    /// A file, a URL, or `-` for the standard input.
    pub source: PathBuf,
    /// The profile's name, if not the source's.
    pub name: Option<InstanceName>,
    /// Whether a profile of this name may be overwritten.
    pub replace: bool,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// As JSON.
    pub json: bool,
}

/// Makes a profile of another program's configuration, or of a URL.
pub fn import(options: &ImportOptions) -> Result<u8, Error> {
    let made = make(options);
    if let (Err(error), true) = (&made, options.json) {
        print_json(&NotImported {
            version: VERSION,
            error: fault(error, &options.source),
        })?;
    }
    made
}

fn make(options: &ImportOptions) -> Result<u8, Error> {
    let import = import::import(&options.source)?;
    let name = options.name.clone().unwrap_or_else(|| import.name());
    let text = import.text.unwrap_or_else(|| import.profile.to_toml());
    let path = if options.dry_run {
        profiles::check(&name, &text, options.replace)?
    } else {
        profiles::save(&name, &text, options.replace)?
    };
    let kind = import.profile.settings.kind();
    let notes = import.notes;
    if options.json {
        print_json(&Imported {
            version: VERSION,
            name,
            kind: kind.to_owned(),
            path: shown(&path),
            notes,
        })?;
        return Ok(exit::SUCCESS);
    }
    for note in &notes {
        report::note(note);
    }
    if options.dry_run {
        print_all(&format!("{name} ({kind}) can be imported\n"))?;
        return Ok(exit::SUCCESS);
    }
    let connect = format!("connect: vpnns --connect {name}");
    print_all(&format!("imported {name} ({kind}); {connect}\n"))?;
    Ok(exit::SUCCESS)
}

/// What is wrong with a source: its place apart from the sentence, for a form that shows both.
fn fault(error: &Error, source: &Path) -> Broken {
    let at = |message: &str, hint: &Option<String>, line, column| Broken {
        message: message.to_owned(),
        hint: hint.clone(),
        line: Some(line),
        column: Some(column),
    };
    match error {
        Error::Import(import::Error::Profile { fault, .. }) => {
            at(&fault.message, &fault.hint, fault.line, fault.column)
        }
        // Of another file, which this one refers to, the sentence tells the place itself.
        Error::Import(import::Error::Fault(fault)) if &*fault.place.file == source => {
            let place = &fault.place;
            at(&fault.message, &fault.hint, place.line, place.column)
        }
        Error::Import(unknown @ import::Error::Unknown(_)) => {
            at(import::UNKNOWN, &unknown.hint(), 1, 1)
        }
        _ => {
            let sentences = std::iter::once(error.to_string()).chain(report::causes(error));
            Broken {
                message: sentences.collect::<Vec<_>>().join(": "),
                hint: error.hint(),
                line: None,
                column: None,
            }
        }
    }
}

/// Prints a profile as it stands in its file, the broken ones too.
pub fn export(name: &InstanceName) -> Result<u8, Error> {
    print_all(&profiles::text(name)?)?;
    Ok(exit::SUCCESS)
}

/// Lists the profiles, the broken ones with what is wrong with them.
pub fn list(json: bool) -> Result<u8, Error> {
    let entries = profiles::list()?;
    if json {
        print_json(&Profiles {
            version: VERSION,
            profiles: entries.iter().map(listed).collect(),
        })?;
        return Ok(exit::SUCCESS);
    }
    if entries.is_empty() {
        print_all("There is no profile. vpnns --import FILE makes one.\n")?;
        return Ok(exit::SUCCESS);
    }
    let rows = entries.iter().map(|entry| {
        let (kind, server) = match &entry.profile {
            Ok(profile) => (profile.settings.kind(), profile.settings.server()),
            Err(_) => ("broken", None),
        };
        let name: String = entry.name.chars().map(visible).collect();
        [
            name,
            kind.to_owned(),
            server.unwrap_or("-".to_owned()),
            shown(&entry.path),
        ]
    });
    let head = ["NAME", "KIND", "SERVER", "FILE"].map(str::to_owned);
    print_all(&table(
        &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
    ))?;
    for entry in &entries {
        if let Some(note) = &entry.exposure {
            report::note(note);
        }
        if let Err(error) = &entry.profile {
            report::print(error, error.hint().as_deref());
        }
    }
    Ok(exit::SUCCESS)
}

/// Deletes a profile.
pub fn remove(name: &InstanceName) -> Result<u8, Error> {
    profiles::remove(name)?;
    print_all(&format!("removed {name}\n"))?;
    Ok(exit::SUCCESS)
}

fn listed(entry: &Entry) -> Listed {
    let profile = entry.profile.as_ref().ok();
    Listed {
        name: entry.name.clone(),
        path: shown(&entry.path),
        title: profile.and_then(|it| it.title.clone()),
        kind: profile.map(|it| it.settings.kind().to_owned()),
        server: profile.and_then(|it| it.settings.server()),
        routes: profile.map(|it| it.routes).unwrap_or_default(),
        dns: profile.and_then(|it| it.dns.clone()),
        on_drop: profile.map(|it| it.on_drop).unwrap_or_default(),
        connect_on_open: profile.is_some_and(|it| it.connect_on_open),
        start_at_login: profile.is_some_and(|it| it.start_at_login),
        apps: profile.map(|it| it.apps.clone()).unwrap_or_default(),
        error: entry.profile.as_ref().err().map(broken),
    }
}

fn broken(error: &profiles::Error) -> Broken {
    let place = match error {
        profiles::Error::Invalid { fault, .. } => Some((fault.line, fault.column)),
        _ => None,
    };
    let sentences = std::iter::once(error.to_string()).chain(report::causes(error));
    Broken {
        message: sentences.collect::<Vec<_>>().join(": "),
        hint: error.hint(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
    }
}

fn print_json(document: &impl serde::Serialize) -> Result<(), Error> {
    // Strings, numbers and booleans only: this cannot fail.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    print_all(&format!("{text}\n"))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().map(visible).collect()
}

/// A file's name may hold what would move the cursor.
fn visible(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}
