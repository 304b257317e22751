//! The one thing that the app does as another user: give the helper its AppArmor profile.

use std::ffi::OsStr;

use gtk::{gio, glib};

use super::{Helper, Trouble};
use crate::i18n::gettext;
use crate::sandbox;

/// What root is asked to do; the profile comes on its standard input.
const SCRIPT: &str = "umask 022 && cat > /etc/apparmor.d/vpnns && \
                      exec apparmor_parser --replace /etc/apparmor.d/vpnns";
/// pkexec(1): the user has closed the question.
const DISMISSED: i32 = 126;
/// pkexec(1): the user may not, or nobody could be asked.
const REFUSED: i32 = 127;

impl Helper {
    /// Installs the profile after the system has asked for a password; false if the user
    /// did not want to give it.
    pub async fn install_apparmor_profile(&self, profile: &str) -> Result<bool, Trouble> {
        let failed = || Trouble::new(gettext("The AppArmor profile could not be installed"));
        let by_hand = || gettext("Run the commands in a terminal instead.");
        let launcher = gio::SubprocessLauncher::new(
            gio::SubprocessFlags::STDIN_PIPE
                | gio::SubprocessFlags::STDOUT_SILENCE
                | gio::SubprocessFlags::STDERR_PIPE,
        );
        let argv = sandbox::on_host(&["pkexec", "/bin/sh", "-c", SCRIPT]);
        let argv: Vec<&OsStr> = argv.into_iter().map(OsStr::new).collect();
        let process = launcher.spawn(&argv).map_err(|error| {
            failed()
                .caused_by(error.message().to_owned())
                .hint(by_hand())
        })?;
        let input = glib::Bytes::from(profile.as_bytes());
        let (_, errors) = process
            .communicate_future(Some(&input))
            .await
            .map_err(|error| failed().caused_by(error.message().to_owned()))?;
        let status = if process.has_exited() {
            process.exit_status()
        } else {
            -1
        };
        match status {
            0 => Ok(true),
            DISMISSED => Ok(false),
            REFUSED => Err(failed()
                .caused_by(gettext("The system did not allow it."))
                .hint(by_hand())),
            _ => {
                let errors = errors.map(|bytes| bytes.to_vec()).unwrap_or_default();
                let errors = String::from_utf8_lossy(&errors).trim().to_owned();
                Err(failed().caused_by(errors).hint(by_hand()))
            }
        }
    }
}
