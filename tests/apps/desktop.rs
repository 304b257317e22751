//! A user's data directories, filled by the test.

use std::fs;
use std::path::{Path, PathBuf};

use vpnns_protocol::app::{Entries, Entry};

use crate::support::{Invocation, Session};

/// What the entries of these tests start: a program that tells each of its arguments.
const SHOW: &str = "#!/bin/sh\n[ $# = 0 ] || printf '<%s>\\n' \"$@\"\n";

/// A session whose data directories are `data` (the user's own), `one` and `two`, in its home.
pub struct Desktop {
    session: Session,
    show: PathBuf,
}

impl Desktop {
    /// Empty data directories.
    pub fn new() -> Self {
        let session = Session::new();
        let bin = session.home().join("bin");
        session.user().make_directory(&bin);
        let show = session.user().write("bin/show", SHOW, 0o755);
        let desktop = Self { session, show };
        for place in ["data", "one", "two"] {
            fs::create_dir_all(desktop.applications(place)).unwrap();
        }
        desktop
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The program that tells its arguments.
    pub fn show(&self) -> &str {
        self.show.to_str().unwrap()
    }

    /// Where the entries of a data directory are.
    pub fn applications(&self, place: &str) -> PathBuf {
        self.session.home().join(place).join("applications")
    }

    /// Writes a file with these bytes into a data directory; the name may lead through others.
    pub fn file(&self, place: &str, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.applications(place).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes an entry that is complete but for these lines, which may also be other groups.
    pub fn entry(&self, place: &str, name: &str, lines: &str) -> PathBuf {
        let mut text = "[Desktop Entry]\nType=Application\n".to_owned();
        for (key, value) in [("Name=", name), ("Exec=", self.show())] {
            let mut own = lines.lines().take_while(|line| !line.starts_with('['));
            if !own.any(|line| line.starts_with(key)) {
                text = format!("{text}{key}{value}\n");
            }
        }
        self.file(place, name, format!("{text}{lines}\n"))
    }

    /// A command that sees these data directories.
    pub fn command(&self, words: &[&str]) -> Invocation {
        let at = |name: &str| self.session.home().join(name).display().to_string();
        self.session
            .command(words)
            .env("XDG_DATA_HOME", at("data"))
            .env("XDG_DATA_DIRS", format!("{}:{}", at("one"), at("two")))
    }

    /// `vpnns --open` with these words.
    pub fn open(&self, words: &[&str]) -> Invocation {
        self.command(&[&["vpnns", "--open"], words].concat())
    }

    /// What the application that is opened so tells of its arguments.
    pub fn shown(&self, words: &[&str]) -> Vec<String> {
        let output = self.open(words).run();
        output.text().lines().map(str::to_owned).collect()
    }

    /// `vpnns --apps` in JSON, with what was left out.
    pub fn list(&self) -> Invocation {
        self.command(&["vpnns", "--apps", "--json", "--verbose"])
    }

    /// The applications of this home that are listed.
    pub fn apps(&self) -> Vec<Entry> {
        self.entries(self.list()).apps
    }

    /// The ids of the applications that are listed, in their order.
    pub fn ids(&self) -> Vec<String> {
        self.apps().into_iter().map(|app| app.id).collect()
    }

    /// What a listing says, without what is elsewhere on this machine.
    pub fn entries(&self, list: Invocation) -> Entries {
        let output = list.run();
        let mut entries: Entries = serde_json::from_str(output.text()).unwrap();
        let home = self.session.home();
        let is_ours = |path: &str| Path::new(path).starts_with(&home);
        entries.apps.retain(|app| is_ours(&app.path));
        let broken = entries.broken.as_mut().unwrap();
        broken.retain(|one| is_ours(&one.path));
        entries
    }
}
