//! A VPN as it is shown: one plain value that feeds hero, sidebar, tray and notifications.

use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::question::{Ask, FieldKind, Question};

use super::running;
use super::time;
use super::vpn::{Facts, Pending};
use super::words::{self, full_sentence, joined, sentence};
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// What a state looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// No tunnel: apps are offline.
    Off,
    /// All is well.
    Connected,
    /// On its way up.
    Connecting,
    /// Lost, and tried again.
    Reconnecting,
    /// The user is asked something.
    Question,
    /// It did not work. The most urgent look: they are in the order of their urgency.
    Failed,
}

impl Look {
    /// The name of its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Off => "org.vpnns.PerAppVpn-isolated-symbolic",
            Self::Connected => "org.vpnns.PerAppVpn-connected-symbolic",
            Self::Connecting => "org.vpnns.PerAppVpn-connecting-symbolic",
            Self::Reconnecting => "org.vpnns.PerAppVpn-reconnecting-symbolic",
            Self::Question => "org.vpnns.PerAppVpn-question-symbolic",
            Self::Failed => "org.vpnns.PerAppVpn-failed-symbolic",
        }
    }

    /// The style class of its colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connected => "success",
            Self::Connecting | Self::Question => "accent",
            Self::Reconnecting => "warning",
            Self::Failed => "error",
        }
    }
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Bring it up.
    Connect,
    /// Take it down.
    Disconnect,
    /// Show the question.
    Answer,
    /// Try again at once.
    TryNow,
    /// Edit the profile.
    Edit,
}

impl Act {
    /// The application's action; its parameter is the VPN's name.
    pub fn action(self) -> &'static str {
        match self {
            Self::Connect => "app.connect-vpn",
            Self::Disconnect => "app.disconnect-vpn",
            Self::Answer => "app.answer-vpn",
            Self::TryNow => "app.reconnect-vpn",
            Self::Edit => "app.edit-vpn",
        }
    }
}

/// A button of the hero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What it does.
    pub act: Act,
    /// Whether it is the one to press.
    pub suggested: bool,
}

/// What went wrong, below the hero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub heading: String,
    /// Why, and what to do.
    pub text: String,
}

/// What stands at the end of an application's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppsSay {
    /// Nothing passes.
    Offline,
    /// Nothing passes for the moment.
    Waiting,
    /// They are stopped until the VPN is back.
    Paused,
    /// What passes, where that is known.
    Rates,
}

/// How many steps there are to a connection, of whatever kind.
pub const STEPS: u32 = 4;

/// A VPN as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Icon and colour.
    pub look: Look,
    /// What people call it.
    pub name: String,
    /// The hero's title.
    pub title: String,
    /// The hero's second line.
    pub subtitle: String,
    /// The sidebar's second line.
    pub line: String,
    /// The hero's buttons, in order.
    pub buttons: Vec<Button>,
    /// While connecting: what is being done.
    pub stage: Option<String>,
    /// With it: how many of the [`STEPS`] have been begun, where that is known.
    pub step: Option<u32>,
    /// While reconnecting: why, and when it is tried again.
    pub strip: Option<String>,
    /// Once failed: what and why.
    pub failure: Option<Failure>,
    /// What the rows of applications say.
    pub apps_say: AppsSay,
    /// Whether applications can be opened in it.
    pub usable: bool,
    /// How many applications run in it.
    pub apps: usize,
    /// Whether what is shown changes with the clock, without any event: every so many seconds.
    pub ticks: Option<u32>,
}

impl Presentation {
    /// What is known, at a time in seconds since 1970, as it is shown.
    pub fn of(facts: &Facts, now: u64) -> Self {
        let listed = facts.listed.as_ref();
        let name = listed.and_then(|listed| listed.title.clone());
        let server = listed.and_then(|listed| listed.server.clone());
        let apps = facts
            .instance
            .as_ref()
            .map_or(0, |it| running::group(&it.apps).len());
        let base = Self {
            look: Look::Off,
            name: name.unwrap_or_else(|| facts.name.to_string()),
            title: String::new(),
            subtitle: String::new(),
            line: String::new(),
            buttons: Vec::new(),
            stage: None,
            step: None,
            strip: None,
            failure: None,
            apps_say: AppsSay::Offline,
            usable: true,
            apps,
            ticks: None,
        };
        if let Some(error) = listed.and_then(|listed| listed.error.as_ref())
            && !is_up(facts.instance.as_ref())
        {
            return base.broken(&error.message, error.hint.as_deref());
        }
        let Some(instance) = &facts.instance else {
            return base.without_instance(facts, server);
        };
        let server = told_server(instance).or(server);
        if facts.pending == Some(Pending::Disconnecting) {
            return base.disconnecting(&instance.state, server);
        }
        match (&instance.question, &instance.state) {
            (Some(question), _) => base.asked(question, server),
            (None, State::Connecting { stage }) => base.connecting(stage, server, instance, now),
            (None, State::Connected) => base.connected(instance, server, now),
            (None, State::Reconnecting) => base.reconnecting(instance, now),
            (None, State::Failed { reason }) if facts.pending.is_none() => {
                base.failed(reason, instance.hint.as_deref(), facts)
            }
            (None, State::Failed { .. } | State::Isolated) => base.without_instance(facts, server),
        }
    }

    fn broken(mut self, message: &str, hint: Option<&str>) -> Self {
        self.look = Look::Failed;
        self.title = gettext("Cannot Be Used");
        self.subtitle = self.offline();
        self.line = gettext("Settings cannot be read");
        self.failure = Some(Failure {
            heading: sentence(message),
            text: hint.map(sentence).unwrap_or_default(),
        });
        self.buttons = vec![button(gettext("Edit…"), Act::Edit, true)];
        self
    }

    fn without_instance(mut self, facts: &Facts, server: Option<String>) -> Self {
        if facts.pending == Some(Pending::Connecting) {
            self.look = Look::Connecting;
            self.title = gettext("Connecting…");
            self.subtitle = server.unwrap_or_default();
            self.line = gettext("Connecting…");
            self.stage = Some(gettext("Starting"));
            self.step = Some(1);
            self.buttons = vec![button(gettext("Cancel"), Act::Disconnect, false)];
            return self;
        }
        if let Some(trouble) = &facts.trouble {
            let more: Vec<&str> = trouble.causes.iter().map(String::as_str).collect();
            let text = trouble.hint.clone().or_else(|| Some(more.join(": ")));
            return self.failed(&trouble.message, text.as_deref(), facts);
        }
        // Translators: the state of a VPN that is not connected
        self.title = gettext("Off");
        self.line = gettext("Off");
        self.subtitle = if self.apps == 0 {
            server.unwrap_or_else(|| gettext("Nothing uses it"))
        } else {
            ngettext_f(
                "{n} app is waiting offline",
                "{n} apps are waiting offline",
                self.apps,
                &[],
            )
        };
        if facts.listed.is_some() {
            self.buttons = vec![button(gettext("Connect"), Act::Connect, true)];
        }
        self
    }

    /// It looks like what it still is: nobody is to think that it is down before it is.
    fn disconnecting(mut self, state: &State, server: Option<String>) -> Self {
        self.look = match state {
            State::Connected => Look::Connected,
            State::Connecting { .. } => Look::Connecting,
            State::Reconnecting => Look::Reconnecting,
            State::Isolated | State::Failed { .. } => Look::Off,
        };
        self.title = gettext("Disconnecting…");
        self.line = gettext("Disconnecting…");
        self.subtitle = server.unwrap_or_default();
        self
    }

    fn asked(mut self, question: &Question, server: Option<String>) -> Self {
        let (title, line, open) = match &question.ask {
            Ask::Certificate { .. } => (
                gettext("Unknown Server"),
                gettext("Waiting for your decision"),
                gettext("Compare…"),
            ),
            Ask::Browser { .. } => (
                gettext("Sign-In Needed"),
                gettext("Waiting for the browser"),
                gettext("Open Browser…"),
            ),
            Ask::Form { fields } => match fields
                .iter()
                .map(|field| field.kind)
                .max_by_key(|kind| rank(*kind))
            {
                Some(FieldKind::Code) => (
                    gettext("Code Needed"),
                    gettext("Waiting for a code"),
                    gettext("Enter Code…"),
                ),
                Some(FieldKind::Password) => (
                    gettext("Password Needed"),
                    gettext("Waiting for a password"),
                    gettext("Sign In…"),
                ),
                _ => (
                    gettext("Sign-In Needed"),
                    gettext("Waiting for an answer"),
                    gettext("Sign In…"),
                ),
            },
        };
        self.look = Look::Question;
        self.title = title;
        self.line = line;
        self.subtitle = server.unwrap_or_default();
        self.buttons = vec![
            button(gettext("Cancel"), Act::Disconnect, false),
            button(open, Act::Answer, true),
        ];
        self
    }

    fn connecting(
        mut self,
        stage: &str,
        server: Option<String>,
        instance: &Instance,
        now: u64,
    ) -> Self {
        self.look = Look::Connecting;
        self.title = gettext("Connecting…");
        self.subtitle = server.unwrap_or_default();
        self.step = step_of(stage);
        let stage = if self.step == Some(2) {
            gettext("Signing in")
        } else {
            words::stage(stage)
        };
        // Translators: {stage} is as in "Signing in"
        self.line = gettext_f("{stage}…", &[("stage", &stage)]);
        self.stage = Some(stage);
        self.buttons = vec![button(gettext("Cancel"), Act::Disconnect, false)];
        if instance.retry.is_some() {
            self.wait(instance, now);
        }
        self
    }

    fn connected(mut self, instance: &Instance, server: Option<String>, now: u64) -> Self {
        let since = instance
            .tunnel
            .as_ref()
            .map_or(instance.since, |tunnel| tunnel.since);
        // "0 min" tells nothing.
        let elapsed = now.saturating_sub(since);
        let length = (elapsed >= 60).then(|| time::length(elapsed));
        self.look = Look::Connected;
        self.title = gettext("Connected");
        let parts: Vec<String> = server.into_iter().chain(length.clone()).collect();
        self.subtitle = parts.join(" · ");
        self.line = match length {
            // Translators: {length} is as in "12 min"
            Some(length) => gettext_f("Connected · {length}", &[("length", &length)]),
            None => gettext("Connected"),
        };
        self.buttons = vec![button(gettext("Disconnect"), Act::Disconnect, false)];
        self.apps_say = AppsSay::Rates;
        self.ticks = Some(60);
        self
    }

    fn reconnecting(mut self, instance: &Instance, now: u64) -> Self {
        self.look = Look::Reconnecting;
        self.title = gettext("Reconnecting…");
        self.line = gettext("Reconnecting…");
        self.subtitle = match self.apps {
            0 => gettext("Nothing leaks"),
            apps => ngettext_f(
                "{n} app is waiting; nothing leaks",
                "{n} apps are waiting; nothing leaks",
                apps,
                &[],
            ),
        };
        self.strip = Some(gettext("The server does not answer."));
        self.apps_say = if instance.frozen {
            AppsSay::Paused
        } else {
            AppsSay::Waiting
        };
        self.buttons = vec![button(gettext("Disconnect"), Act::Disconnect, false)];
        self.wait(instance, now);
        self
    }

    /// Adds why and when it is tried again.
    fn wait(&mut self, instance: &Instance, now: u64) {
        let Some(retry) = &instance.retry else { return };
        let seconds = retry.at.saturating_sub(now);
        let reason = retry.reason.as_deref().map(full_sentence);
        let reason = reason.unwrap_or_else(|| gettext("The server does not answer."));
        let next = if seconds == 0 {
            gettext("Trying again…")
        } else {
            gettext_f(
                "Next try in {seconds}\u{a0}s.",
                &[("seconds", &seconds.to_string())],
            )
        };
        if seconds > 0 {
            self.line = gettext_f(
                "Reconnecting · next try in {seconds}\u{a0}s",
                &[("seconds", &seconds.to_string())],
            );
        }
        self.strip = Some(joined([reason, next]));
        self.ticks = Some(1);
    }

    fn failed(mut self, reason: &str, hint: Option<&str>, facts: &Facts) -> Self {
        self.look = Look::Failed;
        self.title = gettext("Could Not Connect");
        self.subtitle = self.offline();
        self.line = sentence(reason);
        self.failure = Some(Failure {
            heading: sentence(reason),
            text: hint.map(full_sentence).unwrap_or_default(),
        });
        if facts.listed.is_some() {
            self.buttons = vec![button(gettext("Try Again"), Act::Connect, true)];
        }
        self
    }

    fn offline(&self) -> String {
        match self.apps {
            0 => gettext("Nothing leaks"),
            apps => ngettext_f(
                "{n} app is offline; nothing leaks",
                "{n} apps are offline; nothing leaks",
                apps,
                &[],
            ),
        }
    }
}

fn button(label: String, act: Act, suggested: bool) -> Button {
    Button {
        label,
        act,
        suggested,
    }
}

fn is_up(instance: Option<&Instance>) -> bool {
    instance.is_some_and(|it| !matches!(it.state, State::Isolated | State::Failed { .. }))
}

fn told_server(instance: &Instance) -> Option<String> {
    let tunnel = instance.tunnel.as_ref()?;
    tunnel
        .facts
        .server
        .clone()
        .or_else(|| tunnel.gateway.clone())
}

/// The step that a stage belongs to: found, signed in, settings received, set up. Clients of other
/// people tell stages of their own, which belong to none.
fn step_of(stage: &str) -> Option<u32> {
    let begins = |words: &[&str]| words.iter().any(|word| stage.starts_with(word));
    if begins(&["starting", "looking up", "calling"]) {
        Some(1)
    } else if begins(&["logging in", "signing in", "waiting for the sign-in"]) {
        Some(2)
    } else if begins(&["connecting", "waiting for the server"]) {
        Some(3)
    } else if begins(&[
        "setting up",
        "running the script",
        "waiting for the handshake",
    ]) {
        Some(4)
    } else {
        None
    }
}

/// A code is the more particular thing to ask for.
fn rank(kind: FieldKind) -> u8 {
    match kind {
        FieldKind::Text | FieldKind::Choice => 0,
        FieldKind::Password => 1,
        FieldKind::Code => 2,
    }
}

#[cfg(test)]
mod tests;
