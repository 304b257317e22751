//! Closing the window and quitting: what was connected stays so only if somebody wants it.

use adw::prelude::*;
use gtk::glib;

use super::Application;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::Vpn;
use crate::model::presentation::Look;
use crate::widgets::Window;

impl Application {
    /// What the window's close button does: hides it where a tray icon leads back to it.
    pub fn close_window(&self, window: &Window) -> glib::Propagation {
        let stays = self.session().settings.get().run_in_background && self.has_tray();
        if stays {
            window.set_visible(false);
        } else {
            self.leave();
        }
        glib::Propagation::Stop
    }

    /// Quits; asks before, if something is connected.
    pub fn leave(&self) {
        let up = self.vpns_up();
        if up.is_empty() {
            self.quit();
            return;
        }
        let app = self.clone();
        // Without a window nothing else would keep the app until it is answered.
        let hold = self.hold();
        glib::spawn_future_local(async move {
            match app.ask(&up).await.as_str() {
                "keep" => app.quit(),
                "disconnect" => app.disconnect_and_quit(),
                _ => {}
            }
            drop(hold);
        });
    }

    async fn ask(&self, up: &[Vpn]) -> String {
        let body = match up {
            [vpn] => {
                let shown = vpn.presentation();
                let name = [("vpn", shown.name.as_str())];
                match shown.look {
                    Look::Connecting | Look::Question => gettext_f("{vpn} is connecting.", &name),
                    _ => gettext_f(
                        "{vpn} is connected. Apps in it go offline when it is disconnected.",
                        &name,
                    ),
                }
            }
            _ => ngettext_f(
                "{n} VPN is in use. Apps in it go offline when it is disconnected.",
                "{n} VPNs are in use. Apps in them go offline when they are disconnected.",
                up.len(),
                &[],
            ),
        };
        let parent = self.existing_window().filter(WidgetExt::is_visible);
        let heading = gettext("Quit Per-App VPN?");
        let dialog = adw::MessageDialog::new(parent.as_ref(), Some(&heading), Some(&body));
        dialog.set_application(Some(self));
        dialog.add_response("cancel", &gettext("Cancel"));
        dialog.add_response("keep", &gettext("Keep Connected"));
        dialog.add_response("disconnect", &gettext("Disconnect"));
        dialog.set_default_response(Some("keep"));
        dialog.set_close_response("cancel");
        let (sender, receiver) = async_channel::bounded(1);
        dialog.connect_response(None, move |_, response| {
            let _ = sender.try_send(response.to_owned());
        });
        dialog.present();
        receiver.recv().await.unwrap_or_default()
    }

    /// Takes everything down in order, and quits; stays if that fails, and says why.
    pub fn disconnect_and_quit(&self) {
        let app = self.clone();
        let hold = self.hold();
        glib::spawn_future_local(async move {
            let session = app.session();
            let calls = app.vpns_up().into_iter().map(|vpn| {
                let session = session.clone();
                glib::spawn_future_local(async move { session.disconnect(&vpn).await })
            });
            // All at the same time: a server that is silent holds up nobody else.
            let calls: Vec<_> = calls.collect();
            let mut failed = None;
            for call in calls {
                if let Ok(Err(trouble)) = call.await {
                    failed = Some(trouble);
                }
            }
            match failed {
                None => app.quit(),
                Some(trouble) => {
                    app.show_window();
                    app.window().show_trouble(&trouble);
                }
            }
            drop(hold);
        });
    }
}
