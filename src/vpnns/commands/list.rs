//! `vpnns --list` and `vpnns --status`: what runs, in a line or in full.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use vpnns_protocol::instance::{Counters, Instance, Report, Retry, State};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::{VERSION, exit};

use super::connect::dialogue::Dialogue;
use super::{Error, print_all};
use crate::instance::discovery;
use crate::report::visible;

/// One line for each instance, or for one.
pub fn list(name: Option<InstanceName>, json: bool) -> Result<u8, Error> {
    let instances = found(name, json)?;
    if json {
        print_json(instances)?;
    } else if instances.is_empty() {
        print_all("No instance is running.\n")?;
    } else {
        let rows = instances.iter().map(|instance| {
            [
                instance.name.to_string(),
                instance.state.name().to_owned(),
                instance
                    .tunnel
                    .as_ref()
                    .map_or("-".into(), |tunnel| tunnel.client.name.clone()),
                apps(instance),
            ]
        });
        let head = ["NAME", "STATE", "CLIENT", "APPS"].map(str::to_owned);
        print_all(&table(
            &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
        ))?;
    }
    Ok(exit::SUCCESS)
}

/// Everything about one instance, or about all.
pub fn status(name: Option<InstanceName>, json: bool) -> Result<u8, Error> {
    let instances = found(name, json)?;
    if json {
        print_json(instances)?;
    } else if instances.is_empty() {
        print_all("No instance is running.\n")?;
    } else {
        let texts: Vec<String> = instances.iter().map(in_full).collect();
        print_all(&texts.join("\n"))?;
    }
    Ok(exit::SUCCESS)
}

/// What runs. One instance that does not run is an error for people, and an empty list in JSON.
fn found(name: Option<InstanceName>, json: bool) -> Result<Vec<Instance>, Error> {
    let Some(name) = name else {
        return Ok(discovery::all()?);
    };
    let client = discovery::connect_by_name(&name)?;
    match client.as_ref().and_then(discovery::status) {
        Some(instance) => Ok(vec![instance]),
        None if json => Ok(Vec::new()),
        None => Err(Error::NotRunning(name)),
    }
}

fn print_json(instances: Vec<Instance>) -> Result<(), Error> {
    let report = Report {
        version: VERSION,
        instances,
    };
    // Strings and numbers only: this cannot fail.
    let text = serde_json::to_string_pretty(&report).unwrap_or_default();
    print_all(&format!("{text}\n"))
}

/// One line that says where an instance stands and since when, for people.
pub fn in_short(instance: &Instance) -> String {
    let since = ago(instance.since);
    standing(instance, &format!(" for {since}"), &format!(" {since} ago"))
}

/// The same for whoever is told as it happens.
pub fn as_news(instance: &Instance) -> String {
    standing(instance, "", "")
}

fn standing(instance: &Instance, lasting: &str, past: &str) -> String {
    let text = match &instance.state {
        State::Isolated => format!("isolated{lasting}: no VPN, apps are offline"),
        State::Connecting { stage } => format!("connecting: {stage}"),
        State::Connected => format!("connected{lasting}"),
        State::Reconnecting => format!("reconnecting{lasting}: nothing passes"),
        State::Failed { reason } => format!("failed{past}: {reason}; apps are offline"),
    };
    let text = match &instance.tunnel {
        Some(tunnel) => format!("{text} through {}", tunnel.client.name),
        None => text,
    };
    if instance.frozen {
        return format!("{text}; apps are stopped meanwhile");
    }
    text
}

/// When the next try comes, and why.
pub fn next_try(retry: &Retry) -> String {
    let reason = retry.reason.as_deref().unwrap_or("nothing passes");
    format!("{reason}; the next try is in {}", ahead(retry.at))
}

fn in_full(instance: &Instance) -> String {
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {label:<10} {}", visible(value));
    };
    line("state", &in_short(instance));
    if let Some(hint) = &instance.hint {
        line("hint", hint);
    }
    if let Some(retry) = &instance.retry {
        line("waits", &next_try(retry));
    }
    if let Some(profile) = &instance.profile {
        line("profile", profile);
    }
    if let Some(question) = &instance.question {
        let what = Dialogue::new(question.clone()).subject();
        let how = format!("vpnns --answer {} --name {}", question.id, instance.name);
        line("asks for", &format!("{what} ({how})"));
    }
    if let Some(tunnel) = &instance.tunnel {
        line(
            "client",
            &format!("{} (process {})", tunnel.client.name, tunnel.client.pid),
        );
        let server = [&tunnel.facts.server, &tunnel.gateway];
        let server: Vec<&str> = server.into_iter().flatten().map(String::as_str).collect();
        match server[..] {
            [] => {}
            [name, address] if name != address => line("server", &format!("{name} ({address})")),
            [name, ..] => line("server", name),
        }
        if let Some(cipher) = &tunnel.facts.cipher {
            line("cipher", cipher);
        }
        line("since", &format!("{} ago", ago(tunnel.since)));
        if tunnel.reconnects > 0 {
            line("reconnects", &tunnel.reconnects.to_string());
        }
        line("traffic", &traffic(&tunnel.counters));
        if let Some(expires) = tunnel.facts.expires {
            line("expires", &format!("in {}", ahead(expires)));
        }
        if let Some(seconds) = tunnel.facts.idle_timeout {
            line("idle limit", &format!("{} min", seconds.div_ceil(60)));
        }
        line(
            "device",
            &format!("{}, MTU {}", tunnel.device, tunnel.network.mtu),
        );
        if tunnel.script {
            line(
                "set up by",
                "a script; the following is what the client announced",
            );
        }
        line("addresses", &listing(&tunnel.network.addresses));
        line("routes", &listing(&tunnel.network.routes));
        if !tunnel.network.excluded.is_empty() {
            line("excluded", &listing(&tunnel.network.excluded));
        }
        line("resolvers", &listing(&tunnel.network.resolvers));
        if !tunnel.network.search.is_empty() {
            line("search", &tunnel.network.search.join(", "));
        }
    }
    for port in &instance.ports {
        line("port", &port.in_words());
    }
    line("apps", &apps(instance));
    line("keeper", &format!("process {}", instance.keeper));
    format!("{}\n{out}", instance.name)
}

/// A list short enough for a line: split tunnels may have hundreds of routes.
fn listing<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    if items.len() > SHOWN {
        words.push(format!("and {} more (--json has all)", items.len() - SHOWN));
    }
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

fn apps(instance: &Instance) -> String {
    let words: Vec<String> = instance
        .apps
        .iter()
        .map(|app| format!("{} ({})", app.command, app.pid))
        .collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

/// What has passed, for people.
pub(super) fn traffic(counters: &Counters) -> String {
    format!(
        "{} received in {} packets, {} sent in {}",
        amount(counters.received_bytes),
        counters.received_packets,
        amount(counters.sent_bytes),
        counters.sent_packets
    )
}

/// A number of bytes that can be read at a glance.
fn amount(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut whole, mut unit) = (bytes, 0);
    while whole >= 1_000_000 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", whole / 1000, whole % 1000 / 100, UNITS[unit])
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

fn ago(since: u64) -> String {
    duration(now().saturating_sub(since))
}

fn ahead(moment: u64) -> String {
    duration(moment.saturating_sub(now()))
}

fn duration(seconds: u64) -> String {
    match seconds {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Columns as wide as their widest cell; the last one as long as it likes.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{:<width$}  ", visible(cell));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let rows = [["a", "long", ""], ["bbb", "x", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    long\nbbb  x     y\n");
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(amount(999), "999 B");
        assert_eq!(amount(1_234), "1.2 kB");
        assert_eq!(amount(45_678_901), "45.6 MB");
    }

    #[test]
    fn long_lists_are_cut_with_a_word_about_the_rest() {
        let many: Vec<u32> = (0..20).collect();
        assert!(listing(&many).ends_with("7, and 12 more (--json has all)"));
        assert_eq!(listing::<u32>(&[]), "none");
    }
}
