//! Closing one app: gently, then with the user's word by force.

use std::time::Duration;

use adw::prelude::*;
use gtk::glib;

use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::Vpn;
use crate::model::running::{self, Running};

/// How long an app may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closes an app; asks before where it has several processes.
pub fn begin(vpn: &Vpn, running: &Running, name: &str) {
    let (vpn, running, name) = (vpn.clone(), running.clone(), name.to_owned());
    glib::spawn_future_local(async move {
        if running.processes > 1 && !confirm(&running, &name).await {
            return;
        }
        close(&vpn, &running, &name).await;
    });
}

async fn confirm(running: &Running, name: &str) -> bool {
    let heading = gettext_f("Close {app}?", &[("app", name)]);
    let body = ngettext_f(
        "{n} process is told to end. What it has not saved may be lost.",
        "{n} processes are told to end. What they have not saved may be lost.",
        running.processes,
        &[],
    );
    let window = Application::current().existing_window();
    let dialog = adw::MessageDialog::new(window.as_ref(), Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("Cancel"));
    dialog.add_response("close", &gettext("Close App"));
    dialog.set_default_response(Some("close"));
    dialog.set_close_response("cancel");
    let (sender, receiver) = async_channel::bounded(1);
    dialog.connect_response(None, move |_, response| {
        let _ = sender.try_send(response == "close");
    });
    dialog.present();
    receiver.recv().await.unwrap_or(false)
}

async fn close(vpn: &Vpn, running: &Running, name: &str) {
    // What has come or gone while the user was thinking.
    let Some(now) = find(vpn, running) else {
        return;
    };
    if let Err(trouble) = end(vpn, &now, false).await {
        return complain(vpn, &now, &trouble);
    }
    let Some(window) = Application::current().existing_window() else {
        return;
    };
    let closing = gettext_f("Closing {app}…", &[("app", name)]);
    window.add_toast(adw::Toast::new(&closing));
    glib::timeout_future(PATIENCE).await;
    if find(vpn, running).is_none() {
        return;
    }
    let toast = adw::Toast::new(&gettext_f("{app} does not respond", &[("app", name)]));
    toast.set_button_label(Some(&gettext("Force Quit")));
    // It stays until it is answered: ten seconds later nobody looks any more.
    toast.set_timeout(0);
    let (vpn, running) = (vpn.clone(), running.clone());
    toast.connect_button_clicked(move |_| {
        let (vpn, running) = (vpn.clone(), running.clone());
        glib::spawn_future_local(async move {
            if let Some(now) = find(&vpn, &running)
                && let Err(trouble) = end(&vpn, &now, true).await
            {
                complain(&vpn, &now, &trouble);
            }
        });
    });
    window.add_toast(toast);
}

/// The same app as it is now, if it still runs.
fn find(vpn: &Vpn, running: &Running) -> Option<Running> {
    let facts = vpn.facts();
    let groups = running::group(&facts.instance.as_ref()?.apps);
    groups.into_iter().find(|group| group.is_same(running))
}

async fn end(vpn: &Vpn, running: &Running, force: bool) -> Result<(), Trouble> {
    let session = Application::current().session();
    let mut result = Ok(());
    for &pid in &running.roots {
        let ended = session.close(vpn, pid, force).await;
        // One that has ended meanwhile is what was wanted.
        let runs = || find(vpn, running).is_some_and(|it| it.roots.contains(&pid));
        if ended.is_err() && runs() {
            result = ended;
        }
    }
    result
}

fn complain(vpn: &Vpn, running: &Running, trouble: &Trouble) {
    if find(vpn, running).is_some()
        && let Some(window) = Application::current().existing_window()
    {
        window.show_trouble(trouble);
    }
}
