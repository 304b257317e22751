//! The command line, defined once: parser, help and completions all come from here.

mod complaint;
mod completion;
mod definition;
mod quick;

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use vpnns_protocol::exit;
use vpnns_protocol::name::{InstanceName, NameError};
use vpnns_protocol::network::RoutePolicy;

use crate::apps::handoff::Handling;
use crate::apps::{Wish, links};
use crate::client::decision::Wishes;
use crate::client::openconnect::browser;
use crate::commands::Action;
use crate::commands::attach::Options as AttachOptions;
use crate::commands::check::Options as CheckOptions;
use crate::commands::connect::Options as ConnectOptions;
use crate::commands::graft::Options as GraftOptions;
use crate::commands::monitor::Options as MonitorOptions;
use crate::commands::profiles::ImportOptions;
use crate::import::is_input;
use crate::instance::enter::Target;
use crate::isolation::services::{self, Exposure};
use crate::report;

use definition::{Arguments, CARRYING, Dns, REPLACING, Routes, YesNo};

pub use complaint::option_like;
pub use completion::completions;

/// The name under which users start us.
const PROGRAM: &str = "vpnns";
/// The name under which openvpn 2.7's --dev-node starts us: it passes no arguments.
pub const ATTACH_PROGRAM: &str = "vpnns-attach";
/// The instance for calls without --name; set for every app.
pub const NAME_VARIABLE: &str = "VPNNS_NAME";
/// Which of an instance's grafted clients a script belongs to; set for the client.
pub const SESSION_VARIABLE: &str = "VPNNS_SESSION";
/// The token of the connector that has started us, if one has.
pub const CONNECTOR_VARIABLE: &str = "VPNNS_CONNECTOR";

/// What to print instead of doing anything.
pub struct Answer {
    text: String,
    hint: Option<String>,
    code: u8,
}

impl Answer {
    /// Prints it where it belongs; returns the exit code.
    pub fn print(self) -> u8 {
        if self.code == exit::SUCCESS {
            return crate::commands::answer(&self.text);
        }
        report::print_parts(&self.text, &[], self.hint.as_deref());
        self.code
    }

    fn usage(text: String, hint: Option<String>) -> Self {
        Self {
            text,
            hint,
            code: exit::USAGE,
        }
    }
}

/// Understands the arguments, the program's own name first.
pub fn parse(arguments: &[OsString]) -> Result<Action, Answer> {
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    let mut arguments = arguments.to_vec();
    if program == Some(OsStr::new(ATTACH_PROGRAM)) {
        arguments.insert(1, "--attach".into());
    }
    let arguments = &arguments;
    if let Some(meant) = program.filter(|it| *it != PROGRAM).and_then(links::meant) {
        let mut command = arguments.clone();
        command[0] = meant.into();
        let target = Target::named(instance(None)?);
        return Ok(Action::Run(
            target,
            Vec::new(),
            command,
            Handling::default(),
        ));
    }
    if program == Some(OsStr::new(browser::PROGRAM)) {
        let url = arguments
            .last()
            .map(|url| url.to_string_lossy().into_owned());
        return Ok(Action::Browse(url.unwrap_or_default()));
    }
    if let Some((name, command)) = quick::parse(arguments) {
        let target = Target::named(instance(name)?);
        return Ok(Action::Run(
            target,
            Vec::new(),
            command,
            Handling::default(),
        ));
    }
    let given = Arguments::try_parse_from(arguments)
        .map_err(|error| complaint::explain(&error, arguments))?;
    complaint::refuse_ignored(&given)?;
    let detach = given.detach;
    let about_a_program = [
        ("--own-profile", given.own_profile.is_some()),
        ("--recipe", given.recipe.is_some()),
    ];
    let action = action(given)?;
    complaint::refuse_unstarted(&about_a_program, &action)?;
    if detach { detached(action) } else { Ok(action) }
}

#[allow(clippy::too_many_lines)] // A list: one paragraph for each thing to do.
/// Refuses options that another action than the one given needs: the parser takes any action for
/// the one that is required.
fn misplaced(arguments: &Arguments) -> Result<(), Answer> {
    if arguments.json
        && !(arguments.connect.is_some()
            || arguments.apps
            || arguments.list
            || arguments.status
            || arguments.monitor
            || arguments.log
            || arguments.import.is_some()
            || arguments.profiles
            || arguments.doctor
            || arguments.check
            || arguments.self_test)
    {
        let hint = "it goes with --connect, --apps, --list, --status, --monitor, --log, --import, --profiles, \
            --doctor, --check and --self-test";
        return Err(Answer::usage(
            "--json has nothing to print here".into(),
            Some(hint.into()),
        ));
    }
    let alone = [
        (arguments.profile.is_some(), "--profile", "--import"),
        (arguments.dry_run, "--dry-run", "--import"),
        (
            arguments.replace && !arguments.attach && !arguments.graft,
            "--replace",
            "--attach, --graft or --import",
        ),
        (
            arguments.background && arguments.connect.is_none(),
            "--background",
            "--connect",
        ),
        (
            arguments.force && arguments.close.is_none(),
            "--force",
            "--close",
        ),
        (
            arguments.traffic && !arguments.monitor,
            "--traffic",
            "--monitor",
        ),
    ];
    for (given, option, needed) in alone {
        if given && arguments.import.is_none() {
            let text = format!("{option} has no meaning here");
            return Err(Answer::usage(text, Some(format!("it goes with {needed}"))));
        }
    }
    Ok(())
}

fn action(arguments: Arguments) -> Result<Action, Answer> {
    let json = arguments.json;
    let named = arguments.name.clone();
    misplaced(&arguments)?;
    if arguments.apps {
        let verbose = arguments.verbose;
        return Ok(Action::Apps { json, verbose });
    }
    if arguments.list {
        return Ok(Action::List { name: named, json });
    }
    if arguments.status {
        return Ok(Action::Status { name: named, json });
    }
    if arguments.monitor {
        return Ok(Action::Monitor(MonitorOptions {
            name: named,
            json,
            traffic: arguments.traffic,
        }));
    }
    if let Some(source) = arguments.import {
        if is_input(&source) && arguments.profile.is_none() && !arguments.dry_run {
            let text = "the standard input has no name that the profile could have".to_owned();
            let hint = "name it: vpnns --import - --profile NAME".to_owned();
            return Err(Answer::usage(text, Some(hint)));
        }
        return Ok(Action::Import(ImportOptions {
            source,
            name: arguments.profile,
            replace: arguments.replace,
            dry_run: arguments.dry_run,
            json,
        }));
    }
    if arguments.profiles {
        return Ok(Action::Profiles { json });
    }
    if let Some(name) = arguments.export {
        return Ok(Action::Export(name));
    }
    if let Some(name) = arguments.remove {
        return Ok(Action::Remove(name));
    }
    if arguments.doctor {
        return Ok(Action::Doctor { json });
    }
    if arguments.self_test {
        return Ok(Action::SelfTest { json });
    }
    if arguments.probe {
        return Ok(Action::Probe(arguments.command));
    }
    if let Some(shell) = arguments.completions {
        return Ok(Action::Completions(shell));
    }
    if let Some(profile) = arguments.connect.clone() {
        let name = arguments.name.clone().unwrap_or_else(|| profile.clone());
        return Ok(Action::Connect(
            target(Some(name), &arguments)?,
            ConnectOptions {
                profile,
                background: arguments.background,
                json,
            },
        ));
    }
    of_an_instance(arguments)
}

/// What is done to, or in, one instance.
fn of_an_instance(arguments: Arguments) -> Result<Action, Answer> {
    let target = target(arguments.name.clone(), &arguments)?;
    let ports = [arguments.publish, arguments.reach].concat();
    if arguments.disconnect {
        return Ok(Action::Disconnect(target.name));
    }
    if arguments.reconnect {
        return Ok(Action::Reconnect(target.name));
    }
    if let Some(id) = arguments.answer {
        return Ok(Action::Answer(target.name, id));
    }
    if arguments.log {
        let (name, json) = (target.name, arguments.json);
        return Ok(Action::Log { name, json });
    }
    if let Some(pid) = arguments.close {
        let (name, force) = (target.name, arguments.force);
        return Ok(Action::Close { name, pid, force });
    }
    if arguments.stop {
        return Ok(Action::Stop(target.name));
    }
    if arguments.check {
        let (json, follow) = (arguments.json, arguments.follow);
        return Ok(Action::Check(target.name, CheckOptions { json, follow }));
    }
    let handling = Handling {
        recipe: arguments.recipe,
        own_profile: arguments.own_profile.map(|it| matches!(it, YesNo::Yes)),
        session_bus: arguments.session_bus,
    };
    if let Some(entry) = arguments.open {
        let wish = Wish {
            entry,
            action: arguments.entry_action,
            words: arguments.command,
            handling,
        };
        return Ok(Action::Open(target, ports, wish));
    }
    let wishes = Wishes {
        routes: match arguments.routes {
            Some(Routes::All) => RoutePolicy::All,
            Some(Routes::Server) | None => RoutePolicy::Server,
        },
        resolvers: resolvers(&arguments.dns)?,
    };
    if arguments.attach {
        let options = AttachOptions {
            script: arguments.script,
            replace: arguments.replace,
            wishes,
        };
        return Ok(Action::Attach(target, options));
    }
    if arguments.graft && arguments.command.is_empty() {
        let hint = "as in: vpnns --graft -- openvpn --config work.ovpn".to_owned();
        let text = "--graft needs a VPN client to run".to_owned();
        return Err(Answer::usage(text, Some(hint)));
    }
    if arguments.graft {
        let options = GraftOptions {
            command: arguments.command,
            replace: arguments.replace,
            wish_words: words(&wishes),
            wishes,
            addresses: arguments.address,
        };
        return Ok(Action::Graft(target, options));
    }
    // What the client adds (openvpn: the device's name and more) is in its variables, too.
    if arguments.configure {
        return Ok(Action::Configure(target.name, wishes));
    }
    Ok(Action::Run(target, ports, arguments.command, handling))
}

/// The same, apart from the caller.
fn detached(action: Action) -> Result<Action, Answer> {
    let has_program = match &action {
        Action::Run(_, _, command, _) => !command.is_empty(),
        Action::Open(..) => true,
        _ => false,
    };
    if has_program {
        return Ok(Action::Detached(Box::new(action)));
    }
    let hint = "as in: vpnns --detach --open firefox, or vpnns --detach -- firefox".to_owned();
    let text = "--detach goes only with --open or a command".to_owned();
    Err(Answer::usage(text, Some(hint)))
}

/// The options that express the same wishes.
fn words(wishes: &Wishes) -> Vec<String> {
    let mut words = Vec::new();
    if wishes.routes == RoutePolicy::All {
        words.push("--routes=all".to_owned());
    }
    if let Some(resolvers) = &wishes.resolvers {
        let list: Vec<String> = resolvers.iter().map(ToString::to_string).collect();
        let list = if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(",")
        };
        words.push(format!("--dns={list}"));
    }
    words
}

fn resolvers(given: &[Dns]) -> Result<Option<Vec<IpAddr>>, Answer> {
    let addresses: Vec<IpAddr> = given
        .iter()
        .filter_map(|dns| match dns {
            Dns::None => None,
            Dns::Address(address) => Some(*address),
        })
        .collect();
    match given.len() {
        0 => Ok(None),
        n if n == addresses.len() => Ok(Some(addresses)),
        1 => Ok(Some(Vec::new())),
        _ => Err(Answer::usage(
            "--dns takes addresses or \"none\", not both".into(),
            None,
        )),
    }
}

fn target(name: Option<InstanceName>, arguments: &Arguments) -> Result<Target, Answer> {
    let paths = |paths: &[PathBuf]| -> Result<Vec<PathBuf>, Answer> {
        let absolute = paths.iter().map(|path| services::absolute(path));
        absolute.collect::<Result<_, _>>().map_err(|error| {
            let text = format!("failed to find the working directory: {error}");
            Answer::usage(text, None)
        })
    };
    let masked = paths(&arguments.mask)?;
    // What a program needs to be started at all, or we to start it.
    if let Some(path) = masked.iter().find(|path| {
        ["/", "/proc", "/dev"]
            .iter()
            .any(|needed| *path == Path::new(needed))
    }) {
        let text = format!(
            "--mask {}: no program could live without it",
            path.display()
        );
        let hint = "name what is to be hidden: a socket, a file, a directory";
        return Err(Answer::usage(text, Some(hint.into())));
    }
    Ok(Target {
        name: instance(name)?,
        hostname: arguments.hostname.clone(),
        exposure: Exposure {
            shared: paths(&arguments.share)?,
            masked,
            system_bus: arguments.system_bus,
        },
        session_bus: arguments.session_bus.unwrap_or_default(),
    })
}

/// The instance that is meant, also where none is named.
fn instance(name: Option<InstanceName>) -> Result<InstanceName, Answer> {
    let from_environment = || match std::env::var(NAME_VARIABLE) {
        Ok(text) if !text.is_empty() => text.parse().map_err(|error: NameError| {
            Answer::usage(
                format!("{NAME_VARIABLE}: {error}"),
                Some(error.hint().to_owned()),
            )
        }),
        _ => Ok(InstanceName::default()),
    };
    name.map_or_else(from_environment, Ok)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<Action, Answer> {
        super::parse(&words.iter().map(Into::into).collect::<Vec<OsString>>())
    }

    #[test]
    fn the_parser_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn everything_after_the_program_is_the_programs() {
        for words in [
            &["vpnns", "--", "firefox", "-P", "--name"][..],
            &["vpnns", "firefox", "-P", "--name"],
            &["vpnns", "--", "firefox", "-P", "--name"],
        ] {
            let Ok(Action::Run(_, _, command, _)) = parse(words) else {
                panic!("{words:?}")
            };
            assert_eq!(command, ["firefox", "-P", "--name"]);
        }
    }

    #[test]
    fn the_manuals_forms_are_understood() {
        for words in [
            &["vpnns", "--name=work", "--", "true"][..],
            &["vpnns", "-n", "work", "true"],
            &["vpnns", "-nwork", "--", "true"],
        ] {
            let Ok(Action::Run(target, ..)) = parse(words) else {
                panic!("{words:?}")
            };
            assert_eq!(target.name.as_str(), "work");
        }
        let Ok(Action::Attach(_, options)) = parse(&["vpnns", "--attach", "-s", "/bin/x"]) else {
            panic!()
        };
        assert_eq!(options.script.as_deref(), Some(Path::new("/bin/x")));
    }

    #[test]
    fn the_quick_way_agrees_with_the_parser() {
        for line in [
            "vpnns -- true",
            "vpnns true -n x",
            "vpnns -n a -- true -- x",
            "vpnns --name a true",
            "vpnns --name=a -- --name b",
            "vpnns -n a -n b -- true",
            "vpnns --name=a/b -- true",
            "vpnns --name -- true",
            "vpnns -n a",
            "vpnns --",
            "vpnns - x",
            "vpnns --list -- true",
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let quick = quick::parse(&words);
            let slow = Arguments::try_parse_from(&words);
            if let Some((name, command)) = quick {
                let slow = slow.unwrap();
                assert_eq!((name, command), (slow.name, slow.command), "{line}");
            }
        }
    }

    #[test]
    fn only_a_program_can_be_let_go() {
        for words in [
            &["vpnns", "--detach", "--", "true"][..],
            &["vpnns", "-n", "a", "--detach", "true"],
            &["vpnns", "--detach", "-n", "a", "--open", "b", "--", "--c"],
        ] {
            let Ok(Action::Detached(inner)) = parse(words) else {
                panic!("{words:?}")
            };
            assert!(matches!(*inner, Action::Run(..) | Action::Open(..)));
        }
        for words in [
            &["vpnns", "--detach"][..],
            &["vpnns", "--detach", "-n", "a"],
            &["vpnns", "--detach", "--list"],
            &["vpnns", "--detach", "--connect", "a"],
            &["vpnns", "--detach", "--graft", "--", "openvpn"],
        ] {
            let Err(answer) = parse(words) else {
                panic!("{words:?} was taken")
            };
            assert_eq!(answer.code, exit::USAGE, "{words:?}");
        }
    }

    #[test]
    fn openvpn_calls_a_name_of_its_own_without_arguments() {
        assert!(matches!(
            parse(&["/usr/lib/vpnns-attach"]),
            Ok(Action::Attach(..))
        ));
        // A person who tries it may give some.
        let Err(help) = parse(&["/usr/lib/vpnns-attach", "--help"]) else {
            panic!()
        };
        assert_eq!(help.code, exit::SUCCESS);
    }

    #[test]
    fn two_actions_at_once_and_stray_options_are_refused() {
        for words in [
            &["vpnns", "--list", "--status"][..],
            &["vpnns", "--attach", "--", "firefox"],
            &["vpnns", "--replace"],
            &["vpnns", "--dns", "1.2.3.4"],
            &["vpnns", "--attach", "--dns", "none,1.2.3.4"],
            &["vpnns", "--attach", "--dns", "example.com"],
            &["vpnns", "--attach", "--routes", "some"],
            &["vpnns", "--json", "--", "true"],
            &["vpnns", "--no-such-option"],
            &["vpnns", "--name", "../x"],
            &["vpnns", "--name"],
        ] {
            match parse(words) {
                Err(answer) => {
                    assert_eq!(answer.code, exit::USAGE, "{words:?}");
                    assert!(!answer.text.contains('\n'), "{words:?}: {}", answer.text);
                }
                Ok(_) => panic!("{words:?} was taken"),
            }
        }
    }
}
