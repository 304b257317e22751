//! What is done so that a launch is not handed over to a copy of the application outside.
//!
//! # Theory of operation
//!
//! An application with one process for all its windows looks for that process when it is started:
//! by its profile's lock, or by a name on the session bus. Both lead out of an instance. The
//! `recipe` of its kind says what keeps the launch inside: a profile of its own, which is kept
//! from one launch to the next; an argument; a bus of its own; or nothing, and then it is not
//! started. Any application of a launcher entry is looked for on the session bus by the entry's
//! id besides, since that is what GTK's and KDE's applications are called there.
//!
//! Everything is decided before the instance is entered, and where that is possible also from
//! inside: a link that is opened there comes this way, too (`links`).

mod error;
mod holder;
mod subject;

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use nix::unistd::Pid;
use vpnns_protocol::name::InstanceName;

pub use self::error::{Error, SNAP_HINT};
use self::subject::Subject;
use super::bus::{self, Bus};
use super::recipe::Recipe;
use super::recipes::{Recipes, Traits};
use super::whereabouts::Whereabouts;
use super::{directories, programs};
use crate::bus::session;
use crate::instance::directory;
use crate::isolation::services::SessionBus;

/// Variables that keep libraries from having services of the session work in the network for them.
const LIBRARIES: [(&str, &str); 2] = [
    // GLib has GVfs, which is outside, read whatever is no file: `gio cat http://...` leaks.
    ("GIO_USE_VFS", "local"),
    // KDE Frameworks 5 can have klauncher start the workers that fetch for a program.
    ("KDE_FORK_SLAVES", "1"),
];
/// What a program that a bus starts needs to find the display and to look like the desktop.
const DISPLAY: [&str; 5] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
];
/// The word in place of a recipe's name for none.
pub const NONE: &str = "none";

/// What the user has said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// The recipe's name, or [`NONE`].
    pub recipe: Option<String>,
    /// Whether the application gets a profile of its own.
    pub own_profile: Option<bool>,
    /// Which session bus it gets.
    pub session_bus: Option<SessionBus>,
}

/// What a launch is before anything is done about it.
#[derive(Debug)]
pub struct Launch<'launch> {
    /// The instance.
    pub name: &'launch InstanceName,
    /// The command, `env` and its variables included.
    pub command: Vec<OsString>,
    /// What the user has said.
    pub handling: &'launch Handling,
    /// The entry that the command is from.
    pub entry: Option<Origin>,
}

/// The entry that a command is from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its id, without the suffix.
    pub id: String,
    /// The class of its windows.
    pub class: Option<String>,
}

/// What is done about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The command as it is run.
    pub command: Vec<OsString>,
    /// Which session bus it gets.
    pub session_bus: SessionBus,
    /// Variables to set.
    pub environment: Vec<(String, OsString)>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Whether links that it opens are to come this way, too.
    pub links: bool,
}

/// What is known of an application by the command in its entry.
pub fn traits(command: &[OsString], entry: &Origin) -> Option<Traits> {
    Subject::of(command, Some(entry)).map(|subject| subject.traits)
}

/// Decides; makes nothing but the directory of a profile.
pub fn plan(launch: Launch) -> Result<Plan, Error> {
    let handling = launch.handling;
    let mut command = launch.command;
    let subject = Subject::of(&command, launch.entry.as_ref());
    let Some(subject) = subject.filter(|it| it.may_be_known(handling)) else {
        return Ok(Plan {
            command,
            session_bus: handling.session_bus.unwrap_or_default(),
            environment: libraries(handling.session_bus),
            notes: Vec::new(),
            links: true,
        });
    };
    let label = subject.label.clone();
    if subject.is_snap && handling.recipe.as_deref() != Some(NONE) {
        return Err(Error::Snap(label));
    }
    let recipe = match &handling.recipe {
        Some(name) if name == NONE => None,
        _ => recipe(handling, &subject)?,
    };
    let recipe = recipe.unwrap_or_default();
    if let Some(reason) = &recipe.refuse {
        return Err(Error::Refused {
            label,
            reason: reason.clone(),
            hint: recipe.hint.clone(),
        });
    }
    let mut notes = Vec::new();
    let after = &command[subject.at + 1..];
    let profile = profile(&recipe, &subject, launch.name, handling, after, &mut notes)?;
    let mut bus = handling.session_bus.or(match recipe.session_bus {
        SessionBus::Private => Some(SessionBus::Private),
        SessionBus::Shared => None,
    });
    let whereabouts = Whereabouts::of(launch.name);
    let asks = handling.recipe.as_deref() != Some(NONE);
    if asks {
        let is_kept_apart = profile.is_some() || recipe.is_chosen(after);
        let looks = bus != Some(SessionBus::Private) && !is_kept_apart;
        if let Some(note) = refuse_taken(&recipe, &subject, &whereabouts, looks, bus)? {
            bus = Some(SessionBus::Private);
            notes.push(note);
        }
    }
    let words = recipe.words(profile.as_deref(), after);
    // Inside, PATH leads to us first (`links`).
    if subject.is_program
        && let Some(path) = command[subject.at].to_str().and_then(programs::find)
    {
        command[subject.at] = path.into();
    }
    let place = subject.at + 1;
    command.splice(place..place, words);
    let mut environment = libraries(bus);
    environment.extend(recipe.variables(profile.as_deref()));
    let held = profile.and_then(|profile| holder::bus(&profile, &whereabouts));
    environment.extend(held.map(|address| (session::VARIABLE.to_owned(), address)));
    Ok(Plan {
        command,
        session_bus: bus.unwrap_or_default(),
        environment,
        notes,
        links: asks,
    })
}

/// Refuses an application that runs outside and would take the launch over; if the instance's own
/// bus keeps it from that, says so instead. `looks` is whether to look on the bus at all.
fn refuse_taken(
    recipe: &Recipe,
    subject: &Subject,
    whereabouts: &Whereabouts,
    looks: bool,
    bus: Option<SessionBus>,
) -> Result<Option<String>, Error> {
    let refused = |process, by_bus| Error::Taken {
        label: subject.label.clone(),
        process,
        by_bus,
    };
    if let Some(process) = running(recipe).filter(|it| whereabouts.lacks(*it)) {
        return Err(refused(process, false));
    }
    if !looks {
        return Ok(None);
    }
    let Some(process) = taken(recipe, subject, whereabouts)? else {
        return Ok(None);
    };
    if bus == Some(SessionBus::Shared) || !session::is_available() {
        return Err(refused(process, true));
    }
    Ok(Some(format!(
        "{} runs outside already (process {process}); this one gets the instance's own session bus, \
         so that it stays inside",
        subject.label
    )))
}

/// Tells the instance's own bus, once this process has it, where the display is: the keeper, whose
/// environment it has, may have been started elsewhere. What fails costs portals, and no launch.
pub fn introduce_display() {
    let value = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    let variables: Vec<_> = DISPLAY.iter().filter_map(value).collect();
    if let (false, Ok(Some(mut bus))) = (variables.is_empty(), Bus::session()) {
        let _ = bus.set_environment(&variables);
    }
}

/// Finds the recipe, by its name or by what is known of the application.
fn recipe(handling: &Handling, subject: &Subject) -> Result<Option<Recipe>, Error> {
    let recipes = Recipes::load();
    let Some(name) = &handling.recipe else {
        return Ok(recipes.find(&subject.traits).cloned());
    };
    let found = recipes.named(name).cloned();
    if found.is_none() {
        let similar = vpnns_protocol::profile::similar::nearest(name, recipes.names());
        return Err(Error::NoRecipe {
            name: name.clone(),
            similar: similar.map(str::to_owned),
        });
    }
    Ok(found)
}

/// The directory of the profile that the application gets, made if it is not there yet.
fn profile(
    recipe: &Recipe,
    subject: &Subject,
    instance: &InstanceName,
    handling: &Handling,
    after: &[OsString],
    notes: &mut Vec<String>,
) -> Result<Option<PathBuf>, Error> {
    let label = &subject.label;
    let wanted = handling.own_profile;
    if !recipe.has_profile() {
        return match wanted {
            Some(true) => Err(Error::NoProfile(label.clone())),
            _ => Ok(None),
        };
    }
    if wanted == Some(false) {
        notes.push(format!(
            "{label} has its usual profile; a copy outside that has it open takes the launch over"
        ));
        return Ok(None);
    }
    if recipe.is_chosen(after) {
        return Ok(None);
    }
    let name = instance.as_str();
    let path = match &subject.traits.flatpak {
        // What a Flatpak sees of the home directory is this.
        Some(id) => directory::home()?
            .join(".var/app")
            .join(id)
            .join("data/vpnns"),
        None => directories::home()?.join("vpnns/apps").join(name),
    };
    let path = match &subject.traits.flatpak {
        Some(_) => path.join(name),
        None => path.join(subject.place(recipe)),
    };
    if !path.is_dir() {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&path);
        made.map_err(|source| Error::Profile {
            path: path.clone(),
            source,
        })?;
        notes.push(format!(
            "{label} gets a profile of its own in the instance {name}, which is kept in {}",
            path.display()
        ));
    }
    Ok(Some(path))
}

/// The process that takes launches over, as its own file says.
fn running(recipe: &Recipe) -> Option<Pid> {
    let path = recipe.running.as_ref()?;
    let path = match path.strip_prefix("~/") {
        Some(below) => directory::home().ok()?.join(below),
        None => path.into(),
    };
    let number = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    let process = Pid::from_raw(number);
    (number > 0).then_some(process)
}

/// The process outside that owns one of the application's names on the session bus.
fn taken(recipe: &Recipe, subject: &Subject, where_: &Whereabouts) -> Result<Option<Pid>, Error> {
    let traits = &subject.traits;
    let of_entry = [&traits.entry, &traits.flatpak].into_iter().flatten();
    let names = recipe.names.iter().chain(of_entry);
    let mut names: Vec<&String> = names.filter(|name| is_bus_name(name)).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(None);
    }
    let failed = |source| Error::Bus {
        label: subject.label.clone(),
        source,
    };
    let Some(mut bus) = Bus::session().map_err(failed)? else {
        return Ok(None);
    };
    for name in names {
        let owner = bus.owner(name).map_err(failed)?;
        if let Some(process) = owner.filter(|process| where_.lacks(*process)) {
            return Ok(Some(process));
        }
    }
    Ok(None)
}

/// What the specification of D-Bus allows as a name: words with dots between them.
fn is_bus_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_word =
        |word: &str| word.chars().all(fits) && word.starts_with(|c: char| !c.is_ascii_digit());
    name.contains('.') && name.len() < 256 && name.split('.').all(is_word)
}

/// The variables for libraries, but for those that the user has set to something else, and for a
/// bus whose services are inside or that is not there.
fn libraries(bus: Option<SessionBus>) -> Vec<(String, OsString)> {
    if bus == Some(SessionBus::Private) || !bus::may_be_there() {
        return Vec::new();
    }
    let unset = LIBRARIES
        .iter()
        .filter(|(name, _)| std::env::var_os(name).is_none());
    unset
        .map(|(name, value)| ((*name).to_owned(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_the_bus_are_told_from_other_ids() {
        for (name, is) in [
            ("org.gnome.TextEditor", true),
            ("org.a-b.c_d", true),
            ("firefox", false),
            ("firefox.desktop.", false),
            ("org..a", false),
            ("org.7zip.x", false),
            ("a b.c", false),
        ] {
            assert_eq!(is_bus_name(name), is, "{name}");
        }
    }
}
