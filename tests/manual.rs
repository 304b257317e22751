//! The manual page and the completions say what the program understands, and nothing else.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use vpnns_protocol::VERSION;
use vpnns_protocol::app::{Action, Broken, Entries, Entry};
use vpnns_protocol::event::{Event, Line};
use vpnns_protocol::finding::{Check, Finding, Findings, Line as CheckLine, Outcome, Progress};
use vpnns_protocol::instance::{
    App, Client, Counters, Facts, Instance, Peer, Report, Retry, State, Tunnel,
};
use vpnns_protocol::log::{self, Log};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::network::NetworkConfig;
use vpnns_protocol::network::RoutePolicy;
use vpnns_protocol::port::Port;
use vpnns_protocol::profile::listing::{
    Broken as BrokenProfile, Imported, Listed, NotImported, Profiles,
};
use vpnns_protocol::profile::wireguard::PublicKey;
use vpnns_protocol::profile::{OnDrop, Profile};
use vpnns_protocol::question::{Ask, Field, FieldKind, Question};

fn path_of(page: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    data.join(page)
}

fn page_path() -> PathBuf {
    path_of("vpnns.1")
}

fn page() -> String {
    fs::read_to_string(page_path()).unwrap()
}

/// A section of the page, from its heading to the next one.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let heading = format!(".Sh {title}\n");
    let start = page.find(&heading).unwrap() + heading.len();
    let rest = &page[start..];
    &rest[..rest.find("\n.Sh ").unwrap_or(rest.len())]
}

fn vpnns(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vpnns"));
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every option that the help lists, in its short and in its long form.
fn options_of_the_help() -> BTreeSet<String> {
    let help = vpnns(&["--help"]);
    let heads = help.lines().map(str::trim_start);
    let heads = heads.skip_while(|line| *line != "Options:").skip(1);
    heads
        .take_while(|line| *line != "Examples:")
        .filter(|line| line.starts_with('-') && !line.starts_with("- "))
        .flat_map(|line| line.split([' ', ',']))
        .filter(|word| word.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

/// What stands after each `Fl` of some lines, as it is typed.
fn flags<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let macros = lines.filter(|line| line.starts_with('.'));
    let words = macros.flat_map(|line| {
        let words: Vec<&str> = line.trim_start_matches('.').split(' ').collect();
        let pairs = words.windows(2).map(|pair| (pair[0], pair[1]));
        pairs.collect::<Vec<_>>()
    });
    words
        .filter(|(name, flag)| *name == "Fl" && *flag != "-")
        .map(|(_, flag)| format!("-{flag}"))
        .collect()
}

#[test]
fn every_option_is_in_the_manual_and_every_one_in_the_manual_exists() {
    let help = options_of_the_help();
    assert!(
        help.contains("--self-test") && help.contains("-s"),
        "{help:?}"
    );
    let page = page();
    let items = section(&page, "OPTIONS")
        .lines()
        .filter(|line| line.starts_with(".It "));
    assert_eq!(flags(items), help);
    let elsewhere = flags(page.lines());
    let unknown: Vec<_> = elsewhere.difference(&help).collect();
    assert!(unknown.is_empty(), "the manual speaks of {unknown:?}");
}

#[test]
fn the_manual_has_no_markup_error() {
    let mut command = Command::new("mandoc");
    command.args(["-Tlint", "-Wwarning"]);
    command.args([page_path(), path_of("vpnns-profile.5")]);
    let output = run(command, "mandoc");
    let complaints = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && complaints.is_empty(),
        "{complaints}"
    );
}

/// The fields that the items of a page's part explain.
fn explained(part: &str) -> BTreeSet<String> {
    let items = part.lines().filter_map(|line| line.strip_prefix(".It Va "));
    let words = items.flat_map(|line| line.split([' ', ',']));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_field_of_a_profile_is_explained_in_its_table_and_no_other() {
    let page = fs::read_to_string(path_of("vpnns-profile.5")).unwrap();
    let tables = section(&page, "TABLES");
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (table, field) in vpnns_protocol::profile::fields() {
        known.entry(table).or_default().insert(field.to_owned());
    }
    known.entry("demo").or_default();
    for (table, fields) in &known {
        let heading = match *table {
            "wireguard.peer" => ".Ss [[wireguard.peer]]\n".to_owned(),
            table => format!(".Ss [{table}]\n"),
        };
        let part = if table.is_empty() {
            section(&page, "FIELDS")
        } else {
            let part = tables.split_once(&heading);
            let part = part
                .unwrap_or_else(|| panic!("[{table}] is not explained"))
                .1;
            part.split("\n.Ss ").next().unwrap()
        };
        assert_eq!(&explained(part), fields, "[{table}]");
    }
    assert_eq!(tables.matches(".Ss [").count(), known.len() - 1);
}

#[test]
fn the_examples_of_profiles_are_profiles() {
    let page = fs::read_to_string(path_of("vpnns-profile.5")).unwrap();
    let examples: Vec<&str> = page
        .split(".Bd -literal -offset indent\n")
        .skip(1)
        .map(|rest| rest.split(".Ed\n").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        Profile::parse(example).unwrap_or_else(|error| panic!("{example}\n{error}"));
    }
}

/// Runs a tool that must be there.
fn run(mut command: Command, package: &str) -> std::process::Output {
    command.output().unwrap_or_else(|error| {
        panic!("this test needs the Debian package {package}, whose program did not run: {error}")
    })
}

/// One of everything, so that no field is left out.
fn instance() -> Instance {
    Instance {
        name: InstanceName::default(),
        state: State::Connected,
        since: 0,
        hint: Some(String::new()),
        retry: Some(Retry {
            at: 0,
            reason: Some(String::new()),
        }),
        frozen: true,
        keeper: 1,
        profile: Some("work".into()),
        question: Some(Question {
            id: 1,
            message: String::new(),
            ask: Ask::Form {
                fields: vec![Field {
                    name: String::new(),
                    label: String::new(),
                    kind: FieldKind::Choice,
                    options: vec!["one".into()],
                    value: Some("one".into()),
                }],
            },
        }),
        apps: vec![App {
            pid: 2,
            command: "app".into(),
            parent: Some(1),
            entry: Some(String::new()),
        }],
        tunnel: Some(Tunnel {
            client: Client {
                name: "client".into(),
                pid: 3,
            },
            device: "tun0".into(),
            gateway: None,
            since: 0,
            script: false,
            network: NetworkConfig::default(),
            counters: Counters::default(),
            reconnects: 0,
            facts: Facts {
                server: Some(String::new()),
                cipher: Some(String::new()),
                expires: Some(0),
                idle_timeout: Some(0),
                peers: vec![Peer {
                    public_key: PublicKey([0; 32]),
                    endpoint: None,
                    handshake: None,
                    received_bytes: 0,
                    sent_bytes: 0,
                }],
            },
        }),
        ports: vec![
            Port::publish("8080:80").unwrap(),
            Port::reach("[::1]:53/udp").unwrap(),
        ],
    }
}

fn states() -> [State; 5] {
    [
        State::Isolated,
        State::Connecting {
            stage: String::new(),
        },
        State::Connected,
        State::Reconnecting,
        State::Failed {
            reason: String::new(),
        },
    ]
}

fn entries() -> Entries {
    Entries {
        version: VERSION,
        apps: vec![Entry {
            id: String::new(),
            name: String::new(),
            generic_name: None,
            comment: None,
            icon: None,
            keywords: vec![],
            executable: String::new(),
            categories: vec![],
            terminal: false,
            actions: vec![Action {
                id: String::new(),
                name: String::new(),
                icon: None,
            }],
            startup_wm_class: None,
            path: String::new(),
        }],
        broken: Some(vec![Broken {
            path: String::new(),
            reason: String::new(),
        }]),
    }
}

fn documents() -> Vec<Value> {
    let event = |event| {
        serde_json::to_value(Line {
            version: VERSION,
            event,
        })
    };
    let report = |state| {
        serde_json::to_value(Report {
            version: VERSION,
            instances: vec![Instance {
                state,
                ..instance()
            }],
        })
    };
    let outcomes = [Outcome::Ok, Outcome::Note, Outcome::Problem];
    let findings = outcomes.map(|outcome| Finding {
        id: String::new(),
        title: None,
        outcome,
        summary: String::new(),
        remedy: None,
    });
    let events = [
        Event::Ready,
        Event::Appeared {
            instance: instance(),
        },
        Event::Changed {
            instance: instance(),
        },
        Event::Gone {
            name: InstanceName::default(),
        },
        Event::Traffic {
            name: InstanceName::default(),
            counters: Counters::default(),
        },
    ];
    let progress = [
        Progress::Plan {
            checks: vec![Check {
                id: String::new(),
                title: String::new(),
            }],
        },
        Progress::Finding {
            finding: findings[0].clone(),
        },
        Progress::End { ok: true },
    ]
    .map(|progress| {
        serde_json::to_value(CheckLine {
            version: VERSION,
            progress,
        })
    });
    let findings = serde_json::to_value(Findings {
        version: VERSION,
        ok: true,
        findings: findings.into(),
    });
    let profiles = ["openconnect", "openvpn", "wireguard", "command", "demo"].map(listed);
    let profiles = serde_json::to_value(Profiles {
        version: VERSION,
        profiles: profiles.into(),
    });
    let imported = serde_json::to_value(Imported {
        version: VERSION,
        name: InstanceName::default(),
        kind: "openvpn".into(),
        path: String::new(),
        notes: Vec::new(),
    });
    let not_imported = serde_json::to_value(NotImported {
        version: VERSION,
        error: broken(),
    });
    let log = serde_json::to_value(Log {
        version: VERSION,
        lines: vec![log::Line {
            time: 0,
            text: String::new(),
        }],
    });
    let all = events.map(event).into_iter().chain(states().map(report));
    let all = all.chain(progress).chain([
        findings,
        profiles,
        imported,
        not_imported,
        log,
        serde_json::to_value(entries()),
    ]);
    all.map(Result::unwrap).collect()
}

fn listed(kind: &str) -> Listed {
    Listed {
        name: String::new(),
        path: String::new(),
        title: None,
        kind: Some(kind.into()),
        server: None,
        routes: RoutePolicy::default(),
        dns: None,
        on_drop: OnDrop::default(),
        connect_on_open: false,
        start_at_login: false,
        apps: Vec::new(),
        error: Some(broken()),
    }
}

fn broken() -> BrokenProfile {
    BrokenProfile {
        message: String::new(),
        hint: None,
        line: None,
        column: None,
    }
}

/// The fields of a document, and the values of those that hold one of a few words.
fn words(value: &Value, fields: &mut BTreeSet<String>, values: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (field, value) in map {
                fields.insert(field.clone());
                if let (true, Value::String(word)) = (
                    [
                        "state",
                        "event",
                        "outcome",
                        "ask",
                        "kind",
                        "direction",
                        "protocol",
                    ]
                    .contains(&field.as_str()),
                    value,
                ) {
                    values.insert(word.clone());
                }
                words(value, fields, values);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| words(value, fields, values)),
        _ => {}
    }
}

#[test]
fn every_field_and_every_word_of_the_json_is_explained() {
    let (mut fields, mut values) = (BTreeSet::new(), BTreeSet::new());
    for document in documents() {
        words(&document, &mut fields, &mut values);
    }
    let page = page();
    let json = section(&page, "JSON");
    let stands = |kind: &str, word: &str| {
        let found = format!("{kind} {word}");
        json.lines().any(|line| {
            let line = line.strip_prefix(".It ").or(line.strip_prefix('.'));
            line.is_some_and(|line| line == found || line.starts_with(&format!("{found} ")))
        })
    };
    for field in fields {
        assert!(stands("Va", &field), "the field {field} is not explained");
    }
    for value in values {
        assert!(stands("Cm", &value), "the word {value} is not explained");
    }
    let instances = section(&page, "INSTANCES");
    for state in states() {
        let item = format!(".It Cm {}\n", state.name());
        assert!(
            instances.contains(&item),
            "the state {} is not explained",
            state.name()
        );
    }
}

#[test]
fn completions_name_every_option_and_are_accepted_by_their_shell() {
    let options = options_of_the_help();
    for shell in ["bash", "zsh", "fish"] {
        let script = vpnns(&["--completions", shell]);
        for option in &options {
            let written = match (shell, option.strip_prefix("--")) {
                ("fish", Some(long)) => format!(" -l {long} "),
                ("fish", None) => format!(" -s {} ", option.trim_start_matches('-')),
                _ => option.clone(),
            };
            assert!(
                script.contains(&written),
                "{shell} does not complete {option}"
            );
        }
        assert!(
            !script.contains("probe"),
            "{shell} completes what is not for users"
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        let mut command = Command::new(shell);
        command.arg("-n").arg(file.path()).stdin(Stdio::null());
        let output = run(command, shell);
        assert!(output.status.success(), "{shell}: {output:?}");
        assert!(output.stderr.is_empty(), "{shell}: {output:?}");
    }
}
