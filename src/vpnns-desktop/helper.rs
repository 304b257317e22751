//! The helper `vpnns`: the only place that starts it.

mod host;
mod lines;
mod privileged;
mod trouble;

pub use self::lines::Lines;
pub use self::trouble::Trouble;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use adw::prelude::*;
use gtk::{gio, glib};
use serde::de::DeserializeOwned;
use vpnns_protocol::argv::Call;

use crate::i18n::{gettext, gettext_f, ngettext_f};

/// How long an ordinary call may take: all of them answer in a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a call may take that brings a client down in order.
const LONG_PATIENCE: Duration = Duration::from_secs(90);

/// How to start the helper.
#[derive(Clone, Debug)]
pub struct Helper {
    /// The program, with what has to stand before it.
    words: Vec<OsString>,
}

impl Helper {
    /// The helper that came with this app, else the one in PATH.
    pub fn find() -> Self {
        let named = std::env::var_os("VPNNS_HELPER").filter(|path| !path.is_empty());
        let program = named
            .or_else(bundled)
            .unwrap_or_else(|| OsString::from("vpnns"));
        Self {
            words: vec![program],
        }
    }

    /// A helper by its words, for tests.
    #[cfg(test)]
    pub fn from_words(words: Vec<OsString>) -> Self {
        Self { words }
    }

    /// Makes the call, and returns what it printed.
    pub async fn run(&self, call: &Call) -> Result<Vec<u8>, Trouble> {
        self.run_with(call, None).await
    }

    /// Makes the call with something on its standard input.
    pub async fn run_with(&self, call: &Call, input: Option<Vec<u8>>) -> Result<Vec<u8>, Trouble> {
        let (output, trouble) = self.outcome(call, input).await?;
        match trouble {
            None => Ok(output),
            Some(trouble) => Err(trouble),
        }
    }

    /// Makes a call that prints a JSON document, also where it reports with its exit status that
    /// something is wrong.
    pub async fn document<T: DeserializeOwned>(
        &self,
        call: &Call,
        input: Option<Vec<u8>>,
    ) -> Result<T, Trouble> {
        let (output, trouble) = self.outcome(call, input).await?;
        serde_json::from_slice(&output).map_err(|error| {
            trouble.unwrap_or_else(|| {
                Trouble::new(gettext("The answer of the VPN helper cannot be read"))
                    .caused_by(error.to_string())
                    .hint(gettext("Check that app and helper have the same version."))
            })
        })
    }

    async fn outcome(
        &self,
        call: &Call,
        input: Option<Vec<u8>>,
    ) -> Result<(Vec<u8>, Option<Trouble>), Trouble> {
        let flags = gio::SubprocessFlags::STDOUT_PIPE | gio::SubprocessFlags::STDERR_PIPE;
        let flags = match input {
            Some(_) => flags | gio::SubprocessFlags::STDIN_PIPE,
            None => flags,
        };
        let process = Ended(self.spawn(call, flags)?);
        let input = input.map(glib::Bytes::from_owned);
        let talk = process.0.communicate_future(input.as_ref());
        let limit = match call {
            // It stays while the user thinks about the server's question.
            Call::Connect { .. } => None,
            Call::Stop(_) | Call::Disconnect(_) | Call::Check(_) => Some(LONG_PATIENCE),
            _ => Some(PATIENCE),
        };
        let result = match limit {
            None => talk.await,
            Some(limit) => match glib::future_with_timeout(limit, talk).await {
                Ok(result) => result,
                Err(_) => return Err(silent(limit)),
            },
        };
        let (output, errors) = result.map_err(|error| {
            Trouble::new(gettext("The VPN helper cannot be talked to")).caused_by(error.to_string())
        })?;
        let bytes = |bytes: Option<glib::Bytes>| bytes.map(|it| it.to_vec()).unwrap_or_default();
        let (output, errors) = (bytes(output), bytes(errors));
        if process.0.has_exited() && process.0.exit_status() == 0 {
            return Ok((output, None));
        }
        let trouble = Trouble::parse(&String::from_utf8_lossy(&errors)).unwrap_or_else(|| {
            let how = if process.0.has_exited() {
                gettext_f(
                    "It ended with status {status}.",
                    &[("status", &process.0.exit_status().to_string())],
                )
            } else {
                gettext("It was killed.")
            };
            Trouble::new(gettext("The VPN helper failed")).caused_by(how)
        });
        Ok((output, Some(trouble)))
    }

    /// Starts a call that goes on telling, and returns its output.
    pub fn stream(&self, call: &Call) -> Result<Stream, Trouble> {
        let mut flags = gio::SubprocessFlags::STDOUT_PIPE;
        // A monitor runs for days: nobody would read what it complains about.
        if !matches!(call, Call::Monitor { .. }) {
            flags |= gio::SubprocessFlags::STDERR_PIPE;
        }
        let process = self.spawn(call, flags)?;
        let output = process
            .stdout_pipe()
            .ok_or_else(|| Trouble::new(gettext("The VPN helper cannot be talked to")))?;
        Ok(Stream {
            errors: process.stderr_pipe(),
            process: Ended(process),
            output,
            lines: Lines::default(),
        })
    }

    fn spawn(&self, call: &Call, flags: gio::SubprocessFlags) -> Result<gio::Subprocess, Trouble> {
        // Told to close nothing, GLib uses posix_spawn. Its fork copies the page tables of all that GTK has
        // mapped, thrice before the first frame. What GLib, Rust and X open is closed by exec anyway.
        let flags = flags | gio::SubprocessFlags::INHERIT_FDS;
        let launcher = gio::SubprocessLauncher::new(flags);
        let argv: Vec<OsString> = self.words.iter().cloned().chain(call.argv()).collect();
        let argv: Vec<&OsStr> = argv.iter().map(OsString::as_os_str).collect();
        launcher.spawn(&argv).map_err(|error| {
            Trouble::new(gettext("The VPN helper cannot be started"))
                .caused_by(error.message().to_owned())
                .hint(gettext("Install the program “vpnns” and try again."))
        })
    }
}

fn silent(limit: Duration) -> Trouble {
    let seconds = usize::try_from(limit.as_secs()).unwrap_or(usize::MAX);
    Trouble::new(gettext("The VPN helper does not answer")).caused_by(ngettext_f(
        "It was ended after {n} second.",
        "It was ended after {n} seconds.",
        seconds,
        &[],
    ))
}

/// The helper beside our own program, or where packages keep it.
fn bundled() -> Option<OsString> {
    let program = std::env::current_exe().ok()?;
    let directory = program.parent()?;
    let places: [PathBuf; 2] = [
        directory.join("vpnns"),
        directory.parent()?.join("libexec/vpnns/vpnns"),
    ];
    places
        .iter()
        .find(|path| Path::is_file(path))
        .map(|path| path.clone().into_os_string())
}

/// A process that does not outlive our interest in it.
struct Ended(gio::Subprocess);

impl Drop for Ended {
    fn drop(&mut self) {
        // Does nothing to one that has ended by itself.
        self.0.send_signal(15);
    }
}

/// The lines of a call that goes on.
pub struct Stream {
    process: Ended,
    output: gio::InputStream,
    errors: Option<gio::InputStream>,
    lines: Lines,
}

impl Stream {
    /// After the end: what it has complained about.
    pub async fn trouble(&mut self) -> Option<Trouble> {
        const ENOUGH: usize = 64 * 1024;
        let read = self
            .errors
            .as_ref()?
            .read_bytes_future(ENOUGH, glib::Priority::DEFAULT);
        Trouble::parse(&String::from_utf8_lossy(&read.await.ok()?))
    }

    /// The next line; none at the end.
    pub async fn next(&mut self) -> Result<Option<String>, Trouble> {
        const AT_ONCE: usize = 64 * 1024;
        loop {
            if let Some(line) = self.lines.take() {
                return Ok(Some(line));
            }
            let read = self
                .output
                .read_bytes_future(AT_ONCE, glib::Priority::DEFAULT);
            let bytes = read.await.map_err(|error| {
                Trouble::new(gettext("The VPN helper cannot be talked to"))
                    .caused_by(error.to_string())
            })?;
            if bytes.is_empty() {
                // Reaped, so that it does not stay as a zombie while we run.
                let _ = self.process.0.wait_future().await;
                return Ok(None);
            }
            self.lines.add(&bytes).map_err(|()| {
                Trouble::new(gettext("The answer of the VPN helper cannot be read"))
                    .caused_by(gettext("A line of it has no end."))
            })?;
        }
    }
}
