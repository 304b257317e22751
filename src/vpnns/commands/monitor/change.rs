//! What is different between two looks at an instance, in lines for people.

use vpnns_protocol::instance::{App, Instance, State};

use crate::commands::list::{in_short, next_try};

/// How an instance is met.
pub fn first(instance: &Instance) -> String {
    let mut text = in_short(instance);
    for (index, app) in instance.apps.iter().enumerate() {
        text.push_str(if index == 0 { "; " } else { ", " });
        text.push_str(&named(app));
    }
    text
}

/// A line for each thing that a person would call a change; none where nothing is.
pub fn between(before: &Instance, after: &Instance) -> Vec<String> {
    let mut lines = Vec::new();
    let tunnels = (before.tunnel.as_ref(), after.tunnel.as_ref());
    let clients = (
        tunnels.0.map(|tunnel| &tunnel.client),
        tunnels.1.map(|tunnel| &tunnel.client),
    );
    if before.state != after.state || clients.0 != clients.1 {
        lines.push(standing(after));
    }
    if let (Some(before), Some(after)) = tunnels
        && before.network != after.network
    {
        lines.push("the tunnel has other addresses, routes or resolvers".to_owned());
    }
    if let Some(retry) = after.retry.as_ref().filter(|_| before.retry != after.retry) {
        lines.push(next_try(retry));
    }
    match (before.frozen, after.frozen) {
        (false, true) => lines.push("apps are stopped until it is back".to_owned()),
        (true, false) => lines.push("apps go on".to_owned()),
        _ => {}
    }
    if after.question.is_some() && before.question != after.question {
        lines.push("the VPN asks something".to_owned());
    }
    // By number: a program that becomes another one is still the same app.
    let missing = |app: &App, apps: &[App]| apps.iter().all(|other| other.pid != app.pid);
    for app in before.apps.iter().filter(|app| missing(app, &after.apps)) {
        lines.push(format!("{} ended", named(app)));
    }
    for app in after.apps.iter().filter(|app| missing(app, &before.apps)) {
        lines.push(format!("{} started", named(app)));
    }
    lines
}

fn named(app: &App) -> String {
    format!("{} ({})", app.command, app.pid)
}

/// Where an instance stands from now on.
fn standing(instance: &Instance) -> String {
    let text = match &instance.state {
        State::Isolated => "isolated: no VPN, apps are offline".to_owned(),
        State::Connecting { stage } => format!("connecting: {stage}"),
        State::Connected => "connected".to_owned(),
        State::Reconnecting => "reconnecting: nothing passes".to_owned(),
        State::Failed { reason } => format!("failed: {reason}; apps are offline"),
    };
    match &instance.tunnel {
        Some(tunnel) => format!("{text} through {}", tunnel.client.name),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(json: &str) -> Instance {
        let text = format!(r#"{{"name":"work","since":0,"keeper":1,"tunnel":null,{json}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_what_is_different_is_told() {
        let alone = instance(r#""state":"isolated","apps":[{"pid":7,"command":"sh"}]"#);
        let later =
            instance(r#""state":"failed","reason":"no answer","apps":[{"pid":8,"command":"vi"}]"#);
        assert!(between(&alone, &alone).is_empty());
        let lines = between(&alone, &later);
        assert_eq!(
            lines,
            [
                "failed: no answer; apps are offline",
                "sh (7) ended",
                "vi (8) started"
            ]
        );
    }

    #[test]
    fn a_wait_and_what_it_means_for_the_programs_are_told() {
        let lost = instance(
            r#""state":"reconnecting","apps":[],"frozen":true,"retry":{"at":1,"reason":"no answer"}"#,
        );
        let back = instance(r#""state":"reconnecting","apps":[]"#);
        assert_eq!(
            between(&back, &lost),
            [
                "no answer; the next try is in 0 s",
                "apps are stopped until it is back"
            ]
        );
        assert_eq!(between(&lost, &back), ["apps go on"]);
    }

    #[test]
    fn a_program_that_becomes_another_is_no_change_for_people() {
        let before = instance(r#""state":"isolated","apps":[{"pid":7,"command":"sh"}]"#);
        let after = instance(r#""state":"isolated","apps":[{"pid":7,"command":"sleep"}]"#);
        assert_ne!(before, after);
        assert!(between(&before, &after).is_empty());
    }
}
