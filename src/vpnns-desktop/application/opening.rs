//! Opening apps in a VPN, and what is said about that.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use adw::prelude::*;
use gtk::{gio, glib};
use vpnns_protocol::argv::LaunchRequest;
use vpnns_protocol::profile::listing::Listed;

use super::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::launcher::files::Launchers;
use crate::model::Vpn;
use crate::model::presentation::Look;
use crate::session::Session;
use crate::widgets;

/// How long an app's name stands in a toast, in seconds: its window is there by then.
const PASSING: u32 = 3;
/// How long VPNs have to be gone before their launchers are: deleting one can be undone.
const GRACE: Duration = Duration::from_secs(20);

impl Application {
    /// Opens an application in a VPN, and connects that if its profile wants it so.
    pub fn open_in_vpn(&self, vpn: Vpn, entry: String, arguments: Vec<String>) {
        self.open_action_in_vpn(vpn, entry, None, arguments);
    }

    /// The same with one of the application's actions.
    pub fn open_action_in_vpn(
        &self,
        vpn: Vpn,
        entry: String,
        action: Option<String>,
        arguments: Vec<String>,
    ) {
        let app = self.clone();
        self.start_in_vpn(vpn.clone(), async move {
            let session = app.session();
            let entry = app.as_installed(entry).await;
            let request = LaunchRequest {
                options: widgets::picker::options_for(&session, &entry),
                entry: entry.clone(),
                action,
                name: vpn.name(),
                arguments,
            };
            session.open(request).await?;
            let known = app.with_apps().await.catalogue.find(&entry);
            Ok(known.map_or_else(|| stem(Path::new(&entry)), |app| app.entry().name.clone()))
        });
    }

    /// Runs a program that no menu has.
    pub fn run_in_vpn(&self, vpn: Vpn, program: PathBuf) {
        let (session, name) = (self.session(), vpn.name());
        self.start_in_vpn(vpn, async move {
            let shown = stem(&program);
            session.run_program(name, vec![program.into()]).await?;
            Ok(shown)
        });
    }

    /// Starts something in a VPN, which returns the name to show for it.
    fn start_in_vpn(
        &self,
        vpn: Vpn,
        start: impl Future<Output = Result<String, Trouble>> + 'static,
    ) {
        let app = self.clone();
        // Called by a launcher, there may be no window that keeps us running. Not only once the future
        // runs: whoever calls us gives its own hold back before.
        let hold = self.hold();
        glib::spawn_future_local(async move {
            let wants = |listed: &Listed| listed.connect_on_open;
            if vpn.presentation().look == Look::Off
                && vpn.facts().listed.as_ref().is_some_and(wants)
            {
                app.connect_vpn(vpn.clone());
            }
            match start.await {
                Ok(name) => app.tell_opened(&vpn, &name),
                Err(trouble) => {
                    app.show_window();
                    app.window().show_trouble(&trouble);
                }
            }
            drop(hold);
        });
    }

    /// The id of an installed app, where its file was given: settings and recent apps go by that.
    async fn as_installed(&self, entry: String) -> String {
        if !entry.contains('/') {
            return entry;
        }
        let session = self.with_apps().await;
        let known = session
            .catalogue
            .iter()
            .find(|app| app.entry().path == entry);
        known.map_or(entry, |app| app.entry().id.clone())
    }

    /// The session, with the installed apps read if they were not yet.
    async fn with_apps(&self) -> Rc<Session> {
        let session = self.session();
        if session.catalogue.store.n_items() == 0 {
            // Without them names are plainer.
            let _ = session.reload_apps().await;
        }
        session
    }

    /// Says where the app is, and above all that it is offline where it is.
    fn tell_opened(&self, vpn: &Vpn, app: &str) {
        let shown = vpn.presentation();
        let values = [("app", app), ("vpn", shown.name.as_str())];
        let can_connect = vpn.facts().listed.is_some();
        let (text, is_off) = match shown.look {
            Look::Connected => (gettext_f("{app} is opening in {vpn}", &values), false),
            Look::Off | Look::Failed => {
                let text = gettext_f("{app} is offline: {vpn} is not connected", &values);
                (text, true)
            }
            _ => {
                let text = "{app} is offline until {vpn} is connected";
                (gettext_f(text, &values), false)
            }
        };
        let visible = self.existing_window().filter(WidgetExt::is_mapped);
        if let Some(window) = visible {
            let toast = adw::Toast::new(&glib::markup_escape_text(&text));
            if is_off && can_connect {
                toast.set_button_label(Some(&gettext("Connect")));
                toast.set_action_name(Some("app.connect-vpn"));
                toast.set_action_target_value(Some(&vpn.name().as_str().to_variant()));
                dismiss_when_untrue(&toast, vpn);
            } else {
                toast.set_timeout(PASSING);
            }
            window.add_toast(toast);
        } else if is_off && self.session().settings.get().notifications {
            // A page that does not load would be a riddle.
            let notification = gio::Notification::new(&text);
            if can_connect {
                notification.add_button_with_target_value(
                    &gettext("Connect"),
                    "app.connect-vpn",
                    Some(&vpn.name().as_str().to_variant()),
                );
            }
            self.send_notification(Some("opened-offline"), &notification);
        }
    }

    /// Keeps the launchers as their originals and VPNs are.
    pub(super) fn watch_launchers(&self) {
        let session = self.session();
        let update = {
            let app = self.downgrade();
            move || {
                let Some(app) = app.upgrade() else { return };
                glib::spawn_future_local(async move { app.update_launchers().await });
            }
        };
        session.catalogue.store.connect_items_changed({
            let update = update.clone();
            move |_, _, _, _| update()
        });
        session
            .vpns
            .model()
            .connect_items_changed(move |_, _, removed, _| {
                if removed > 0 {
                    glib::timeout_add_local_once(GRACE, update.clone());
                }
            });
    }

    async fn update_launchers(&self) {
        let launchers = Launchers::of_the_user();
        if launchers.is_empty() {
            return;
        }
        let session = self.session();
        // Asked anew: a list that could not be read must not look like one without VPNs.
        let Ok(profiles) = session.read_profiles().await else {
            return;
        };
        session.vpns.set_profiles(profiles);
        let vpns = session.vpns.iter();
        let vpns: Vec<_> = vpns
            .map(|vpn| (vpn.name(), vpn.presentation().name))
            .collect();
        launchers.update(&vpns, &session.catalogue);
    }
}

/// What a file is called, without its directory and ending.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

/// What a toast says of a VPN that is off is not true any more once that is on its way.
fn dismiss_when_untrue(toast: &adw::Toast, vpn: &Vpn) {
    let weak = toast.downgrade();
    let handler = vpn.connect_changed(move |vpn| {
        if let Some(toast) = weak.upgrade()
            && vpn.presentation().look != Look::Off
        {
            toast.dismiss();
        }
    });
    let (vpn, handler) = (vpn.downgrade(), RefCell::new(Some(handler)));
    toast.connect_dismissed(move |_| {
        if let (Some(vpn), Some(handler)) = (vpn.upgrade(), handler.take()) {
            vpn.disconnect(handler);
        }
    });
}
