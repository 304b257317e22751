//! `vpnns-desktop [--open ENTRY [--action ACTION]] [--vpn NAME] [--connect NAME] [--choose-app] [--connect-default] [--background] [URL|FILE...]`

use adw::prelude::*;
use gtk::{gio, glib};

use super::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::widgets;

impl Application {
    /// Declares the options.
    pub(super) fn add_options(&self) {
        let none = glib::OptionFlags::NONE;
        let option =
            |name: &str, argument: glib::OptionArg, text: String, value: Option<String>| {
                self.add_main_option(
                    name,
                    glib::Char::from(0),
                    none,
                    argument,
                    &text,
                    value.as_deref(),
                );
            };
        let text = glib::OptionArg::String;
        let flag = glib::OptionArg::None;
        option(
            "open",
            text,
            gettext("Open an installed app in a VPN"),
            // Translators: what stands for the argument in --help; so do the ones in capitals below
            Some(gettext("ENTRY")),
        );
        option(
            "vpn",
            text,
            gettext("The VPN to open it in, in place of the default one"),
            Some(gettext("NAME")),
        );
        option(
            "action",
            text,
            gettext("With --open: do this with the app in place of opening it"),
            Some(gettext("ACTION")),
        );
        option(
            "connect",
            text,
            gettext("Connect a VPN"),
            Some(gettext("NAME")),
        );
        option(
            "choose-app",
            flag,
            gettext("Choose an app to open in the default VPN"),
            None,
        );
        option(
            "connect-default",
            flag,
            gettext("Connect the default VPN"),
            None,
        );
        option(
            "open-link",
            flag,
            gettext("Open the link that follows with the default browser, in a VPN"),
            None,
        );
        option("background", flag, gettext("Start without a window"), None);
        option("version", flag, gettext("Print the version"), None);
    }

    /// What this or another process of the app was called with.
    pub(super) fn run_command_line(&self, line: &gio::ApplicationCommandLine) -> glib::ExitCode {
        let options = line.options_dict();
        let text = |name: &str| options.lookup::<String>(name).ok().flatten();
        let arguments: Vec<String> = line
            .arguments()
            .into_iter()
            .skip(1)
            .filter(|word| word != "--")
            .map(|word| whole(line, &word.to_string_lossy()))
            .collect();
        if options.contains("background") {
            self.stay(true);
            if !line.is_remote() {
                self.connect_at_login();
            }
        }
        if let Some(name) = text("connect") {
            self.when_known(Some(line), name, Self::connect_vpn);
        }
        let chosen = super::outside::ACTIONS
            .iter()
            .find(|(_, option)| options.contains(option));
        if let Some((action, _)) = chosen {
            self.activate_action(action, None);
        } else if options.contains("open-link") {
            self.open_links(arguments, text("vpn"));
        } else if let Some(entry) = text("open") {
            // An id has no slash, a path has.
            let entry = if entry.contains('/') {
                whole(line, &entry)
            } else {
                entry
            };
            self.open_somewhere(entry, text("action"), text("vpn"), arguments);
        } else if !options.contains("background") && !options.contains("connect") {
            self.activate();
            if let Some(file) = arguments.first() {
                widgets::add::import(&self.window(), &line.create_file_for_arg(file));
            }
        }
        glib::ExitCode::SUCCESS
    }

    /// Opens an app in a VPN that was named, else in the app's own, else in the default one.
    pub(super) fn open_somewhere(
        &self,
        entry: String,
        action: Option<String>,
        vpn: Option<String>,
        arguments: Vec<String>,
    ) {
        let of_app = self.session().settings.get().apps.get(&entry).cloned();
        let open = move |app: &Self, vpn| {
            app.open_action_in_vpn(vpn, entry.clone(), action.clone(), arguments.clone());
        };
        let chosen = vpn
            .or_else(|| of_app.and_then(|app| app.vpn))
            .or_else(|| self.session().settings.get().default_vpn.clone());
        match chosen {
            Some(name) => self.when_known(None, name, open),
            None => self.when_listed(move |app| match app.session().default_vpn() {
                Some(vpn) => open(app, vpn),
                // Nothing to open it in yet: the window says how to add a VPN.
                None => app.activate(),
            }),
        }
    }

    /// Goes on once the VPN of that name is known; says so where there is none.
    fn when_known(
        &self,
        line: Option<&gio::ApplicationCommandLine>,
        name: String,
        call: impl Fn(&Self, crate::model::Vpn) + 'static,
    ) {
        let line = line.cloned();
        self.when_listed(move |app| {
            if let Some(vpn) = app.session().vpns.find(&name) {
                return call(app, vpn);
            }
            // Whoever called may be a launcher: nobody reads its standard error output.
            let text = gettext_f("There is no VPN called “{name}”", &[("name", &name)]);
            if let Some(line) = &line {
                line.set_exit_status(1);
            }
            app.show_window();
            app.window().show_trouble(&Trouble::new(text));
        });
    }

    /// Goes on once the profiles are read.
    fn when_listed(&self, call: impl FnOnce(&Self) + 'static) {
        let app = self.clone();
        // Not to end before that.
        let hold = self.hold();
        glib::spawn_future_local(async move {
            app.session().reload_profiles().await;
            call(&app);
            drop(hold);
        });
    }
}

/// A word as it means the same from anywhere: relative paths are the caller's.
fn whole(line: &gio::ApplicationCommandLine, word: &str) -> String {
    if glib::uri_parse_scheme(word).is_some() || word.starts_with('/') {
        return word.to_owned();
    }
    let path = line.create_file_for_arg(word).path();
    path.map_or_else(
        || word.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}
