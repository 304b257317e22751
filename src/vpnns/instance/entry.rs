//! Which launcher entry a program was opened by: two variables of GLib's tell it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use nix::unistd::Pid;

/// How applications learn from which entry they were started; of GLib's making, read by others.
pub const FILE_VARIABLE: &str = "GIO_LAUNCHED_DESKTOP_FILE";
/// The process that the variable before is meant for: its children inherit both.
pub const PROCESS_VARIABLE: &str = "GIO_LAUNCHED_DESKTOP_FILE_PID";

/// How much of a program's environment is looked through, in bytes; most are a hundredth of it.
const LIMIT: u64 = 1 << 20;
/// How many opened programs are remembered after their end.
const REMEMBERED: usize = 64;

/// An entry, and the process that it has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The process.
    pub pid: u32,
    /// The entry's id, as `--apps` has it.
    pub entry: String,
}

/// The entry that this very process was opened by.
///
/// Whoever has only inherited the variables, a shell in a terminal say, was not.
pub fn of_this_process() -> Option<String> {
    let of = std::env::var(PROCESS_VARIABLE).ok()?;
    if of != std::process::id().to_string() {
        return None;
    }
    id(std::env::var_os(FILE_VARIABLE)?.to_str()?)
}

/// The same for another process, or for the one that it is a child of. Nothing else in its
/// environment is looked at.
pub fn of_process(pid: Pid) -> Option<Launch> {
    let file = File::open(format!("/proc/{pid}/environ")).ok()?;
    read(BufReader::new(file.take(LIMIT)))
}

fn read(environment: impl BufRead) -> Option<Launch> {
    let (mut entry, mut pid) = (None, None);
    for variable in environment.split(0) {
        let variable = variable.ok()?;
        let value = |name: &str| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
        if let Some(path) = value(FILE_VARIABLE) {
            entry = std::str::from_utf8(path).ok().and_then(id);
        } else if let Some(number) = value(PROCESS_VARIABLE) {
            pid = std::str::from_utf8(number)
                .ok()
                .and_then(|it| it.parse().ok());
        }
    }
    Some(Launch {
        pid: pid?,
        entry: entry?,
    })
}

/// A file's id: its path below `applications`, with dashes (Desktop Entry Specification). A file
/// elsewhere has none.
fn id(path: &str) -> Option<String> {
    let (_, below) = path.rsplit_once("/applications/")?;
    let fits = below.len() > ".desktop".len()
        && below.ends_with(".desktop")
        && !below.contains(char::is_control);
    fits.then(|| below.replace('/', "-"))
}

/// The programs that were opened in an instance: their children name them, also later.
#[derive(Debug, Default)]
pub struct Opened(Vec<Launch>);

impl Opened {
    /// A program has been opened.
    pub fn add(&mut self, launch: Launch) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(launch);
    }

    /// Whether a program has been, by this entry.
    pub fn has(&self, launch: &Launch) -> bool {
        self.0.contains(launch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_path_below_the_directory_of_applications() {
        for (path, expected) in [
            (
                "/usr/share/applications/firefox.desktop",
                Some("firefox.desktop"),
            ),
            (
                "/x/applications/kde/konsole.desktop",
                Some("kde-konsole.desktop"),
            ),
            ("/home/me/firefox.desktop", None),
            ("/usr/share/applications/.desktop", None),
            ("/usr/share/applications/x\u{7}.desktop", None),
            ("", None),
        ] {
            assert_eq!(id(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn both_variables_are_needed_and_the_others_are_passed_over() {
        let both = b"A=1\0GIO_LAUNCHED_DESKTOP_FILE=/applications/a.desktop\0\
            GIO_LAUNCHED_DESKTOP_FILE_PID=7\0B=\xff";
        let launch = read(&both[..]).unwrap();
        assert_eq!((launch.pid, &*launch.entry), (7, "a.desktop"));
        assert_eq!(read(&both[..60]), None);
        assert_eq!(read(&b"GIO_LAUNCHED_DESKTOP_FILE_PID=x"[..]), None);
    }
}
