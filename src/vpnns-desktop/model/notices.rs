//! Which notifications a change asks for: only what matters to somebody who looks elsewhere.

use super::Presentation;
use super::presentation::{Act, Look};
use super::running;
use super::vpn::{Facts, Pending};
use super::words::listed;
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// How long before its end a session is worth a word, in seconds.
pub const EXPIRES_SOON: u64 = 15 * 60;
/// How long a connection may be lost before it is worth a word, in seconds: most come back.
const PATIENCE: u32 = 5;
/// How long a question may be open, in seconds: the keyring may have the answer.
const QUESTION_PATIENCE: u32 = 2;
/// How many apps are named.
const NAMED: usize = 3;

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// By which it is replaced and withdrawn.
    pub id: String,
    /// A few words.
    pub title: String,
    /// A sentence.
    pub body: String,
    /// What stands on its button, and the action with its parameter.
    pub button: (String, String),
    /// What a click on the rest does.
    pub action: String,
    /// Whether somebody is waited for.
    pub urgent: bool,
    /// After how many seconds it is shown, unless withdrawn before.
    pub delay: u32,
}

/// What is to be done with notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Show one.
    Show(Notice),
    /// Show it no longer, by its id.
    Withdraw(String),
}

/// Fills the name of a VPN into a sentence.
type Say<'a> = &'a dyn Fn(&[(&str, &str)]) -> String;

/// How to speak of things.
pub struct Names<'a> {
    /// The name of an entry's app.
    pub app: &'a dyn Fn(&str) -> Option<String>,
    /// Whether others may read along: then without names.
    pub hide: bool,
}

/// The three ids of a VPN's notifications.
pub fn ids(name: &str) -> [String; 3] {
    [
        format!("lost-{name}"),
        format!("question-{name}"),
        format!("expires-{name}"),
    ]
}

/// What a change of one VPN asks for. While somebody looks at the window, it asks there.
pub fn changes(
    before: &Facts,
    after: &Facts,
    now: u64,
    focused: bool,
    names: &Names<'_>,
) -> Vec<Change> {
    let lost = lost(before, after, now, names);
    let mut changes = Vec::from_iter(lost);
    changes.extend(question(before, after, now, focused, names));
    let expires = |facts: &Facts| expires(facts);
    if expires(before).is_some() && expires(before) != expires(after) {
        let [_, _, id] = ids(after.name.as_str());
        changes.push(Change::Withdraw(id));
    }
    changes
}

/// A drop that nobody has asked for.
fn lost(before: &Facts, after: &Facts, now: u64, names: &Names<'_>) -> Option<Change> {
    let (was, is) = (
        Presentation::of(before, now).look,
        Presentation::of(after, now).look,
    );
    let [id, ..] = ids(after.name.as_str());
    let wished = [before, after]
        .iter()
        .any(|facts| facts.pending == Some(Pending::Disconnecting));
    let was_up = matches!(was, Look::Connected | Look::Reconnecting);
    match is {
        Look::Reconnecting if was == Look::Connected && !wished => Some(Change::Show(Notice {
            title: titled(after, now, names, &|vpn| {
                gettext_f("{vpn} Lost Its Connection", vpn)
            }),
            delay: PATIENCE,
            ..drop_notice(id, after, names, Act::TryNow)
        })),
        Look::Failed if was_up && !wished => Some(Change::Show(Notice {
            title: titled(after, now, names, &|vpn| {
                gettext_f("{vpn} Is Disconnected", vpn)
            }),
            ..drop_notice(id, after, names, Act::Connect)
        })),
        Look::Reconnecting | Look::Failed => None,
        // Whatever it is now, it is not that any more.
        _ if was == Look::Failed || was == Look::Reconnecting || wished => {
            Some(Change::Withdraw(id))
        }
        _ => None,
    }
}

fn drop_notice(id: String, facts: &Facts, names: &Names<'_>, act: Act) -> Notice {
    Notice {
        id,
        title: String::new(),
        body: offline(facts, names),
        button: (gettext("Reconnect"), action(act.action(), facts)),
        action: action("app.show-vpn", facts),
        urgent: false,
        delay: 0,
    }
}

/// A question that nobody sees.
fn question(
    before: &Facts,
    after: &Facts,
    now: u64,
    focused: bool,
    names: &Names<'_>,
) -> Option<Change> {
    let asked = |facts: &Facts| Some(facts.instance.as_ref()?.question.as_ref()?.id);
    let [_, id, _] = ids(after.name.as_str());
    if asked(before) == asked(after) {
        return None;
    }
    let shown = Presentation::of(after, now);
    let answer = shown.buttons.iter().find(|it| it.act == Act::Answer);
    let Some(answer) = answer.filter(|_| !focused) else {
        return asked(before).map(|_| Change::Withdraw(id));
    };
    Some(Change::Show(Notice {
        id,
        title: shown.title.clone(),
        body: titled(after, now, names, &|vpn| {
            gettext_f("{vpn} cannot connect before it is answered.", vpn)
        }),
        button: (answer.label.clone(), action(answer.act.action(), after)),
        action: action("app.show-vpn", after),
        urgent: true,
        delay: QUESTION_PATIENCE,
    }))
}

/// When the session of a connected VPN ends.
pub fn expires(facts: &Facts) -> Option<u64> {
    let instance = facts.instance.as_ref()?;
    let tunnel = instance.tunnel.as_ref()?;
    let is_connected = instance.state == vpnns_protocol::instance::State::Connected;
    tunnel.facts.expires.filter(|_| is_connected)
}

/// The word about a session that ends soon; nothing before it is time, or too late.
pub fn expiring(facts: &Facts, now: u64, names: &Names<'_>) -> Option<Notice> {
    let left = expires(facts)?.checked_sub(now)?;
    if left > EXPIRES_SOON {
        return None;
    }
    let [_, _, id] = ids(facts.name.as_str());
    let length = super::time::span(left);
    Some(Notice {
        id,
        title: titled(facts, now, names, &|vpn| {
            gettext_f("Session of {vpn} Ends Soon", vpn)
        }),
        // Translators: {length} is as in "12 min"
        body: gettext_f("Apps in it go offline in {length}.", &[("length", &length)]),
        // Translators: sign in again, so that the session lasts longer
        button: (gettext("Renew"), action("app.reconnect-vpn", facts)),
        action: action("app.show-vpn", facts),
        urgent: false,
        delay: 0,
    })
}

fn action(action: &str, facts: &Facts) -> String {
    format!("{action}::{}", facts.name)
}

fn titled(facts: &Facts, now: u64, names: &Names<'_>, say: Say<'_>) -> String {
    let name = if names.hide {
        // Translators: stands in for the name of a VPN in a notification
        gettext("A VPN")
    } else {
        Presentation::of(facts, now).name
    };
    say(&[("vpn", &name)])
}

/// Which apps are offline now.
fn offline(facts: &Facts, names: &Names<'_>) -> String {
    let running = facts.instance.as_ref();
    let running = running.map_or_else(Vec::new, |it| running::group(&it.apps));
    let mut apps: Vec<String> = Vec::new();
    for app in &running {
        let name = app.entry.as_deref().and_then(|entry| (names.app)(entry));
        let name = name.unwrap_or_else(|| app.command.clone());
        if !apps.contains(&name) {
            apps.push(name);
        }
    }
    if names.hide || apps.len() > NAMED {
        return ngettext_f(
            "{n} app is offline; nothing leaks.",
            "{n} apps are offline; nothing leaks.",
            apps.len(),
            &[],
        );
    }
    match &apps[..] {
        [] => gettext("No app uses it; nothing leaks."),
        [one] => gettext_f("{app} is offline; nothing leaks.", &[("app", one)]),
        [first @ .., last] => gettext_f(
            // Translators: {apps} is one app or several, {app} the last of them
            "{apps} and {app} are offline; nothing leaks.",
            &[("apps", &listed(first)), ("app", last)],
        ),
    }
}

#[cfg(test)]
mod tests;
