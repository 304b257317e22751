//! What a sandbox can only ask the host.

use std::ffi::OsStr;

use gtk::{gio, glib};

use super::{Helper, PATIENCE};
use crate::sandbox;

impl Helper {
    /// The launcher entry of the host's default browser: the desktop's settings are not in a sandbox.
    pub async fn default_browser(&self) -> Option<String> {
        let words = sandbox::on_host(&["xdg-settings", "get", "default-web-browser"]);
        let words: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        let flags = gio::SubprocessFlags::STDOUT_PIPE | gio::SubprocessFlags::STDERR_SILENCE;
        let process = gio::SubprocessLauncher::new(flags).spawn(&words).ok()?;
        let said = process.communicate_utf8_future(None);
        let (said, _) = glib::future_with_timeout(PATIENCE, said).await.ok()?.ok()?;
        let id = said?.trim().to_owned();
        id.ends_with(".desktop").then_some(id)
    }
}
