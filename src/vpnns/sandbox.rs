//! Out of our Flatpak's sandbox: `vpnns` in there becomes `vpnns` on the host.
//!
//! # Theory of operation
//!
//! A sandbox may not make user namespaces, and what is opened in a VPN are the host's applications. So
//! the bundled helper has itself started on the host, by `flatpak-spawn`, which passes on arguments,
//! standard streams, signals and exit status; all entry points of the Flatpak work in this way.
//!
//! What runs there is a copy below the app's own data directory, which has the same path on both sides.
//! The bundled file would do as well until the next update: then its directory is moved and deleted, while
//! keepers hand its path to VPN clients and AppArmor knows programs by it. The copy is replaced
//! as a package manager replaces a program: those that run keep the old file.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::statvfs::{FsFlags, statvfs};
use vpnns_protocol::exit;

use crate::args::{ATTACH_PROGRAM, NAME_VARIABLE};
use crate::commands::Action;
use crate::report;

/// What Flatpak tells a sandbox about itself.
const INFO: &str = "/.flatpak-info";
/// Where a sandbox has its application.
const BUNDLE: &str = "/app";
/// Flatpak's way to the host.
const SPAWN: &str = "flatpak-spawn";
/// Whom it asks.
const SERVICE: &str = "org.freedesktop.Flatpak";
/// What the host's side has to know of the caller's environment. The rest is the session's there: a
/// sandbox has a home directory for data, a path and a display of its own.
const VARIABLES: [&str; 12] = [
    NAME_VARIABLE,
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_DESKTOP",
    "XDG_SESSION_TYPE",
    "DESKTOP_SESSION",
    "XDG_ACTIVATION_TOKEN",
    "DESKTOP_STARTUP_ID",
];
/// What the variables of a locale begin with.
const LOCALE: &str = "LC_";

/// Why the host cannot be reached.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read {INFO}")]
    Info(#[source] io::Error),
    #[error("this Flatpak may not start programs on the host, and a sandbox has no VPN")]
    Forbidden(String),
    #[error("failed to start {SPAWN}")]
    Spawn(#[source] io::Error),
}

impl Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Forbidden(app) => Some(format!(
                "allow it: flatpak override --user --talk-name={SERVICE} {app}"
            )),
            _ => None,
        }
    }
}

/// Whether this is the helper of a Flatpak, in its sandbox. One that is the host's, and was merely called
/// from a sandbox, is left alone.
pub fn is_here() -> bool {
    Path::new(INFO).exists() && env::current_exe().is_ok_and(|path| path.starts_with(BUNDLE))
}

/// Does it on the host; returns, with an exit code, only if that fails.
pub fn leave(action: &Action, arguments: &[OsString]) -> u8 {
    let Err(error) = become_the_hosts(action, arguments);
    report::print(&error, error.hint().as_deref());
    exit::FAILED
}

fn become_the_hosts(
    action: &Action,
    arguments: &[OsString],
) -> Result<std::convert::Infallible, Error> {
    let info = Info::parse(&fs::read_to_string(INFO).map_err(Error::Info)?);
    if !info.may_leave {
        return Err(Error::Forbidden(info.app));
    }
    let own = env::current_exe().map_err(Error::Spawn)?;
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let copy = home.join(".var/app").join(&info.app).join("data/bin/vpnns");
    let program = match install(&own, &copy) {
        Ok(()) => copy,
        // It works from its own place, if not for as long.
        Err(error) => match (&info.path, own.strip_prefix(BUNDLE)) {
            (Some(path), Ok(rest)) => path.join(rest),
            _ => return Err(Error::Spawn(error)),
        },
    };
    let mut command = Command::new(SPAWN);
    command.arg("--host");
    if ends_with_its_caller(action) {
        command.arg("--watch-bus");
    }
    let mut directory = OsString::from("--directory=");
    directory.push(directory_for(env::current_dir().ok(), &home));
    command.arg(directory);
    command.args(env::vars_os().filter_map(|(name, value)| passed_on(&name, &value)));
    command.arg(program);
    if is_attach(arguments) {
        command.arg("--attach");
    }
    Err(Error::Spawn(command.args(&arguments[1..]).exec()))
}

/// Whether nobody wants its end if the caller is killed: else a second try would find the first one.
/// What is to stay (a program apart, a VPN that comes up in the background) stays, and what ends
/// by itself may finish.
fn ends_with_its_caller(action: &Action) -> bool {
    match action {
        Action::Connect(_, options) => !options.background,
        Action::Run(..)
        | Action::Open(..)
        | Action::Attach(..)
        | Action::Graft(..)
        | Action::Monitor(_)
        | Action::Check(..)
        | Action::SelfTest { .. } => true,
        _ => false,
    }
}

/// The variable as an option, if it is to be passed on.
fn passed_on(name: &OsStr, value: &OsStr) -> Option<OsString> {
    let text = name.to_str()?;
    if !VARIABLES.contains(&text) && !text.starts_with(LOCALE) {
        return None;
    }
    let mut option = OsString::from(format!("--env={text}="));
    option.push(value);
    Some(option)
}

/// Where relative paths mean the same on both sides: the caller's directory if that is one of the user's,
/// else the home directory.
fn directory_for(current: Option<PathBuf>, home: &Path) -> PathBuf {
    let places = [
        home,
        Path::new("/media"),
        Path::new("/mnt"),
        Path::new("/run/media"),
    ];
    current
        .filter(|path| places.iter().any(|place| path.starts_with(place)))
        .unwrap_or_else(|| home.to_owned())
}

/// openvpn starts us by this name, without arguments.
fn is_attach(arguments: &[OsString]) -> bool {
    let name = arguments.first().map(Path::new).and_then(Path::file_name);
    name == Some(OsStr::new(ATTACH_PROGRAM))
}

/// Makes the copy what the original is, if it is not, and sees that it can be run.
fn install(original: &Path, copy: &Path) -> io::Result<()> {
    let content = fs::read(original)?;
    let directory = copy.parent().unwrap_or(copy);
    if fs::read(copy).is_ok_and(|there| there == content) {
        return can_run(directory);
    }
    fs::create_dir_all(directory)?;
    can_run(directory)?;
    // By its own name: another call may be about to do the same.
    let new = directory.join(format!(".vpnns-{}", std::process::id()));
    let made = fs::write(&new, &content)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&new, copy));
    if made.is_err() {
        let _ = fs::remove_file(&new);
    }
    made
}

/// Some have no programs on the disk of their home directories.
fn can_run(directory: &Path) -> io::Result<()> {
    let flags = statvfs(directory)?.flags();
    if flags.contains(FsFlags::ST_NOEXEC) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

/// What we have to know of the sandbox.
#[derive(Debug, Default, PartialEq, Eq)]
struct Info {
    /// The application's id.
    app: String,
    /// Where the host has what is [`BUNDLE`] here.
    path: Option<PathBuf>,
    /// Whether programs may be started on the host.
    may_leave: bool,
}

impl Info {
    /// Reads flatpak-metadata(5), of which only three lines matter here.
    fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut group = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                group = name;
                continue;
            }
            match (group, line.split_once('=')) {
                ("Application", Some(("name", value))) => value.clone_into(&mut info.app),
                ("Instance", Some(("app-path", value))) => info.path = Some(value.into()),
                ("Context", Some(("sockets", value))) => {
                    info.may_leave |= value.split(';').any(|socket| socket == "session-bus");
                }
                ("Session Bus Policy", Some((SERVICE, value))) => {
                    info.may_leave |= ["talk", "own"].contains(&value);
                }
                _ => {}
            }
        }
        info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flatpak_tells_is_read() {
        let text = "[Application]\nname=org.example.App\nruntime=runtime/name/x86_64/1\n\n\
            [Instance]\nname=no\napp-path=/home/ann/.local/share/flatpak/app/x/files\n\n\
            [Session Bus Policy]\norg.freedesktop.Flatpak=talk\n";
        let info = Info::parse(text);
        assert_eq!(info.app, "org.example.App");
        let path = "/home/ann/.local/share/flatpak/app/x/files";
        assert_eq!(info.path.as_deref(), Some(Path::new(path)));
        assert!(info.may_leave);
        let without = text.replace("=talk", "=none");
        assert!(!Info::parse(&without).may_leave);
        let whole = without + "[Context]\nsockets=x11;session-bus;\n";
        assert!(Info::parse(&whole).may_leave);
    }

    #[test]
    fn secrets_and_what_is_the_sandboxes_own_stay_inside() {
        let passed = |name: &str| passed_on(OsStr::new(name), OsStr::new("x"));
        assert_eq!(passed("LC_TIME").unwrap(), "--env=LC_TIME=x");
        assert_eq!(passed(NAME_VARIABLE).unwrap(), "--env=VPNNS_NAME=x");
        for name in ["PATH", "DISPLAY", "XDG_DATA_HOME", "PASSWORD", "HOME"] {
            assert_eq!(passed(name), None, "{name}");
        }
    }

    #[test]
    fn a_directory_of_the_sandboxes_own_is_not_the_hosts() {
        let home = Path::new("/home/ann");
        let of = |path: &str| directory_for(Some(path.into()), home);
        assert_eq!(of("/home/ann/a"), Path::new("/home/ann/a"));
        assert_eq!(of("/mnt/disk"), Path::new("/mnt/disk"));
        assert_eq!(of("/app"), home);
        assert_eq!(of("/home/annabel"), home);
        assert_eq!(directory_for(None, home), home);
    }

    #[test]
    fn the_copy_is_made_once_and_again_for_another_version() {
        let directory = tempfile::tempdir().unwrap();
        let (original, copy) = (
            directory.path().join("a"),
            directory.path().join("b/c/vpnns"),
        );
        let file = |path: &Path| {
            use std::os::unix::fs::MetadataExt;
            let facts = fs::metadata(path).unwrap();
            (facts.ino(), facts.mode() & 0o777)
        };
        fs::write(&original, "one").unwrap();
        install(&original, &copy).unwrap();
        let first = file(&copy);
        assert_eq!(first.1, 0o755);
        install(&original, &copy).unwrap();
        assert_eq!(file(&copy), first);
        fs::write(&original, "two").unwrap();
        // Whoever runs the old one keeps it.
        let running = fs::File::open(&copy).unwrap();
        install(&original, &copy).unwrap();
        assert_ne!(file(&copy).0, first.0);
        drop(running);
        assert_eq!(fs::read(&copy).unwrap(), b"two");
        assert_eq!(
            fs::read_dir(directory.path().join("b/c")).unwrap().count(),
            1
        );
    }
}
