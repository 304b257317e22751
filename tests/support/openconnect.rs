//! openconnect, run the way the manual says, with the helper under test as its script.

use std::time::Duration;

use super::command::Invocation;
use super::lab::{Lab, address};
use super::ocserv::{PASSWORD, pin};
use super::process::{LIMIT, Running, wait_until};

/// A client about to be started for one instance of one lab.
pub struct OpenConnect<'lab> {
    lab: &'lab Lab,
    name: String,
    attach: String,
    options: Vec<String>,
}

impl<'lab> OpenConnect<'lab> {
    pub(super) fn new(lab: &'lab Lab, name: &str) -> Self {
        let attach = format!("vpnns --attach --name {name}");
        Self {
            lab,
            name: name.to_owned(),
            attach,
            options: Vec::new(),
        }
    }

    /// Adds options for the helper, as they are written in a shell.
    pub fn attach_options(mut self, options: &str) -> Self {
        self.attach = format!("{} {options}", self.attach);
        self
    }

    /// Adds an option for openconnect.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// Everything over TLS.
    pub fn tls_only(self) -> Self {
        self.option("--no-dtls")
    }

    /// The whole command, word by word.
    pub fn words(&self) -> Vec<String> {
        let servercert = format!("--servercert={}", pin());
        let server = format!("{}:443", address::GATEWAY);
        let mut words = vec![
            "openconnect",
            "--user=test",
            "--passwd-on-stdin",
            &servercert,
        ];
        words.extend(self.options.iter().map(String::as_str));
        words.extend(["--script-tun", "--script", &self.attach, &server]);
        words.into_iter().map(str::to_owned).collect()
    }

    /// The whole command, with the password to read.
    pub fn invocation(&self) -> Invocation {
        let words = self.words();
        self.lab.run_by_user(&words).input(&format!("{PASSWORD}\n"))
    }

    /// Starts it and returns at once.
    pub fn start(&self) -> Running {
        self.invocation().spawn()
    }

    /// Starts it and waits until a page of the far side comes through, of whichever family there is.
    pub fn connect(&self) -> Running {
        let mut client = self.start();
        let reached = wait_until(LIMIT, || {
            client.ended().is_some() || {
                let pages = [address::FAR, address::FAR_6];
                pages.iter().any(|page| self.lab.reaches(&self.name, page))
            }
        });
        let up = reached && client.ended().is_none();
        assert!(
            up,
            "{} was not connected; openconnect said:\n{}",
            self.name,
            client.log()
        );
        client
    }
}

/// Whether openconnect says that it is using DTLS, and not TLS alone.
pub fn uses_dtls(client: &Running) -> bool {
    client.log().contains("Established DTLS connection")
}
