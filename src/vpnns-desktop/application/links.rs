//! Links in the VPN: one of the programs that a link can be opened with, if somebody wants that.
//!
//! A browser keeps being the desktop's default one. Ours is listed beside it ("Open With…"), and
//! hands the link to that browser, inside of the default VPN.

use std::fs;
use std::path::PathBuf;

use gtk::{gio, glib, prelude::*};

use super::Application;
use super::autostart::quoted;
use crate::config::APP_ID;
use crate::helper::Trouble;
use crate::i18n::gettext;
use crate::sandbox;

/// The kinds of links.
const KINDS: [&str; 2] = ["x-scheme-handler/https", "x-scheme-handler/http"];

impl Application {
    /// Lists the app among those that open links from now on, or no longer.
    pub fn set_opens_links(&self, on: bool) -> Result<(), Trouble> {
        change(on).map_err(|error| {
            Trouble::new(gettext(
                "The list of apps that open links could not be changed",
            ))
            .caused_by(format!("{}: {error}", file().display()))
        })?;
        self.session()
            .settings
            .change(|values| values.opens_links = on);
        Ok(())
    }

    /// Opens links with the desktop's browser, in the VPN that it belongs into.
    pub(super) fn open_links(&self, links: Vec<String>, vpn: Option<String>) {
        let app = self.clone();
        let hold = self.hold();
        glib::spawn_future_local(async move {
            let browser = if sandbox::is_here() {
                app.session().helper.default_browser().await
            } else {
                browser()
            };
            app.open_links_with(browser, links, vpn);
            drop(hold);
        });
    }

    fn open_links_with(&self, browser: Option<String>, links: Vec<String>, vpn: Option<String>) {
        let Some(browser) = browser.filter(|id| *id != name()) else {
            self.show_window();
            let trouble = Trouble::new(gettext("There is no browser to open the link with")).hint(
                gettext("Install one, or choose a default browser in the system's settings."),
            );
            return self.window().show_trouble(&trouble);
        };
        self.open_somewhere(browser, None, vpn, links);
    }
}

/// The launcher entry of the desktop's browser, which is not ours.
fn browser() -> Option<String> {
    let default = gio::AppInfo::default_for_uri_scheme("https");
    let others = gio::AppInfo::all_for_type(KINDS[0]);
    let ids = default.into_iter().chain(others).filter_map(|it| it.id());
    ids.map(|id| id.to_string()).find(|id| *id != name())
}

fn name() -> String {
    format!("{APP_ID}.Links.desktop")
}

fn file() -> PathBuf {
    sandbox::data_directory().join("applications").join(name())
}

fn change(on: bool) -> std::io::Result<()> {
    let path = file();
    if !on {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let program = match sandbox::start_words() {
        Some(words) => words.join(" "),
        None => quoted(&crate::executable::own()?.to_string_lossy()),
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, entry(&program))?;
    fs::rename(&new, &path)
}

/// The entry for a program as a command line has it; no menu shows it.
fn entry(program: &str) -> String {
    let kinds = KINDS.join(";");
    format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name={}\n\
         Exec={} --open-link %u\n\
         Icon={APP_ID}\n\
         MimeType={kinds};\n\
         Terminal=false\n\
         NoDisplay=true\n",
        // Translators: stands among the programs that a link can be opened with
        gettext("Open Link in VPN"),
        program
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_takes_links_and_stands_in_no_menu() {
        let text = entry(&quoted("/opt/a b/vpnns-desktop"));
        assert!(
            text.contains("\nExec=\"/opt/a b/vpnns-desktop\" --open-link %u\n"),
            "{text}"
        );
        assert!(
            text.contains("x-scheme-handler/https;x-scheme-handler/http;"),
            "{text}"
        );
        assert!(text.contains("\nNoDisplay=true\n"), "{text}");
    }
}
