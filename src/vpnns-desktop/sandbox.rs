//! Our own Flatpak: whether this is its sandbox, and where there the host's things are.

use std::env;
use std::path::{Path, PathBuf};

use gtk::{gdk, glib};

use crate::config::APP_ID;

/// Where a sandbox sees what has a place of its own in it.
const HOST: &str = "/run/host";
/// What of the host is seen there.
const ELSEWHERE: [&str; 2] = ["/usr", "/etc"];
/// Icons of the host where a sandbox may not look by itself; those below the home directory begin with a tilde.
const ICONS: [&str; 7] = [
    "~/.icons",
    "~/.local/share/icons",
    "/run/host/share/icons",
    "~/.local/share/flatpak/exports/share/icons",
    "/var/lib/flatpak/exports/share/icons",
    "/var/lib/snapd/desktop/icons",
    "/run/host/usr/share/pixmaps",
];

/// Whether the app runs as a Flatpak.
pub fn is_here() -> bool {
    Path::new("/.flatpak-info").exists()
}

/// The file of the host, as it is seen from here.
pub fn seen(path: &str) -> PathBuf {
    if is_here() { inside(path) } else { path.into() }
}

fn inside(path: &str) -> PathBuf {
    let path = Path::new(path);
    let elsewhere = ELSEWHERE.iter().any(|place| path.starts_with(place));
    match path.strip_prefix("/") {
        Ok(rest) if elsewhere => Path::new(HOST).join(rest),
        _ => path.to_owned(),
    }
}

/// The user's data directory on the host: there desktops look for entries.
pub fn data_directory() -> PathBuf {
    if !is_here() {
        return glib::user_data_dir();
    }
    // Told by Flatpak 1.16 and later.
    let told = env::var_os("HOST_XDG_DATA_HOME").map(PathBuf::from);
    told.filter(|path| path.is_absolute())
        .unwrap_or_else(|| glib::home_dir().join(".local/share"))
}

/// How the host starts the app that is a Flatpak.
pub fn start_words() -> Option<Vec<String>> {
    is_here().then(|| ["flatpak", "run", APP_ID].map(str::to_owned).to_vec())
}

/// The words of a command that is to run on the host.
pub fn on_host<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let way: &[&str] = if is_here() {
        // Or it would stay where we are killed.
        &["flatpak-spawn", "--host", "--watch-bus", "--directory=/"]
    } else {
        &[]
    };
    way.iter().chain(words).copied().collect()
}

/// Lets icons of the host's applications be found by their names.
pub fn find_icons() {
    let Some(display) = gdk::Display::default().filter(|_| is_here()) else {
        return;
    };
    let theme = gtk::IconTheme::for_display(&display);
    for place in ICONS {
        let path = match place.strip_prefix("~/") {
            Some(rest) => glib::home_dir().join(rest),
            None => place.into(),
        };
        // Read twice, they would cost twice.
        if path.is_dir() && !theme.search_path().contains(&path) {
            theme.add_search_path(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sandbox_has_of_its_own_is_the_hosts_elsewhere() {
        for (path, expected) in [
            (
                "/usr/share/pixmaps/a.png",
                "/run/host/usr/share/pixmaps/a.png",
            ),
            ("/etc/a", "/run/host/etc/a"),
            ("/home/ann/a.desktop", "/home/ann/a.desktop"),
            ("/opt/usr/a", "/opt/usr/a"),
        ] {
            assert_eq!(inside(path), Path::new(expected));
        }
    }

    #[test]
    fn outside_of_a_sandbox_nothing_is_different() {
        assert_eq!(seen("/usr/a"), Path::new("/usr/a"));
        assert_eq!(on_host(&["pkexec"]), ["pkexec"]);
        assert_eq!(start_words(), None);
        assert_eq!(data_directory(), glib::user_data_dir());
    }
}
