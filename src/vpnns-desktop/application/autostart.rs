//! Starting with the user's session: a file in the autostart directory, or inside of Flatpak the
//! portal, which asks the user.

use std::fs;
use std::path::{Path, PathBuf};

use gtk::{gio, glib, prelude::*};

use super::Application;
use crate::config::APP_ID;
use crate::helper::Trouble;
use crate::i18n::gettext;

/// The portal's bus name, path and interface.
const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
const PORTAL_BACKGROUND: &str = "org.freedesktop.portal.Background";

impl Application {
    /// Starts with the session from now on, or no longer.
    pub async fn set_start_at_login(&self, on: bool) -> Result<(), Trouble> {
        if crate::sandbox::is_here() {
            ask_portal(on).await?;
        } else {
            write(&file(), on).map_err(|error| {
                Trouble::new(gettext("The start at login could not be changed"))
                    .caused_by(format!("{}: {error}", file().display()))
            })?;
        }
        self.session()
            .settings
            .change(|values| values.start_at_login = on);
        Ok(())
    }
}

fn file() -> PathBuf {
    glib::user_config_dir()
        .join("autostart")
        .join(format!("{APP_ID}.desktop"))
}

fn write(path: &Path, on: bool) -> std::io::Result<()> {
    if !on {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let program = crate::executable::own()?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, entry(&program.to_string_lossy()))?;
    fs::rename(&new, path)
}

/// An entry of the Desktop Application Autostart Specification.
fn entry(program: &str) -> String {
    format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=Per-App VPN\n\
         Exec={} --background\n\
         Icon={APP_ID}\n\
         Terminal=false\n\
         X-GNOME-Autostart-enabled=true\n\
         X-GNOME-UsesNotifications=true\n",
        quoted(program)
    )
}

/// A word of an Exec line, as the Desktop Entry Specification quotes it: first for the shell's
/// like, then for the file.
pub(super) fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', letter]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Has the portal ask the user, and waits for the answer.
async fn ask_portal(on: bool) -> Result<(), Trouble> {
    let failed = |cause: String| {
        Trouble::new(gettext("The start at login could not be changed")).caused_by(cause)
    };
    let bus = gio::bus_get_future(gio::BusType::Session)
        .await
        .map_err(|error| failed(error.message().to_owned()))?;
    let token = format!("vpnns{}", glib::random_int());
    let sender = bus.unique_name().unwrap_or_default();
    let sender = sender.trim_start_matches(':').replace('.', "_");
    let request = format!("{PORTAL_PATH}/request/{sender}/{token}");
    let (told, answer) = async_channel::bounded::<u32>(1);
    // Before the call: the answer may come at once.
    let subscription = bus.subscribe_to_signal(
        Some(PORTAL),
        Some("org.freedesktop.portal.Request"),
        Some("Response"),
        Some(&request),
        None,
        gio::DBusSignalFlags::NONE,
        move |signal| {
            let code = signal.parameters.child_value(0).get::<u32>();
            let _ = told.try_send(code.unwrap_or(2));
        },
    );
    let options = glib::VariantDict::new(None);
    options.insert("handle_token", token.as_str());
    options.insert("reason", gettext("VPNs that connect at login").as_str());
    options.insert("autostart", on);
    options.insert("commandline", ["vpnns-desktop", "--background"].as_slice());
    let parameters = glib::Variant::tuple_from_iter(["".to_variant(), options.end()]);
    let called = bus
        .call_future(
            Some(PORTAL),
            PORTAL_PATH,
            PORTAL_BACKGROUND,
            "RequestBackground",
            Some(&parameters),
            None,
            gio::DBusCallFlags::NONE,
            -1,
        )
        .await;
    let result = match called {
        Ok(_) => answer.recv().await.unwrap_or(2),
        Err(error) => {
            return Err(failed(error.message().to_owned()));
        }
    };
    drop(subscription);
    match result {
        0 => Ok(()),
        _ => Err(failed(gettext("The system did not allow it."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_comes_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("autostart/x.desktop");
        write(&path, false).unwrap();
        write(&path, true).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("[Desktop Entry]\n"), "{text}");
        assert!(text.contains("\" --background\n"), "{text}");
        write(&path, false).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_program_is_quoted_as_the_specification_wants_it() {
        assert_eq!(quoted("/a b/c"), "\"/a b/c\"");
        assert_eq!(quoted("/a$b%c"), "\"/a\\\\$b%%c\"");
    }
}
