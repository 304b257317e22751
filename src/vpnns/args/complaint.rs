//! What is wrong with a command line, in a sentence of ours and with what was probably meant.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};
use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;

use super::{Answer, Arguments};
use crate::commands::Action;

/// How the parser calls the command in its errors.
const COMMAND: &str = "[COMMAND]...";
/// The options that go with everything, and are no reason for a complaint about others.
const GENERAL: [&str; 4] = ["--name", "-n", "--hostname", "--json"];

/// Turns the parser's answer into ours: one sentence on stderr, help on stdout.
pub(super) fn explain(error: &Error, arguments: &[OsString]) -> Answer {
    if !error.use_stderr() {
        return Answer {
            text: error.render().to_string(),
            hint: None,
            code: exit::SUCCESS,
        };
    }
    let (text, hint) = complaint(error, arguments).unwrap_or_else(|| (in_its_words(error), None));
    let hint = hint.unwrap_or_else(|| "vpnns --help explains the options".to_owned());
    Answer::usage(text, Some(hint))
}

fn complaint(error: &Error, arguments: &[OsString]) -> Option<(String, Option<String>)> {
    let about = first(error, ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let meant = first(error, ContextKind::SuggestedArg);
            let hint = meant.map(|meant| format!("did you mean {}?", name_of(&meant)));
            Some((format!("there is no option {}", about?), hint))
        }
        ErrorKind::ArgumentConflict => {
            let (one, other) = (about?, first(error, ContextKind::PriorArg)?);
            if one != COMMAND && other != COMMAND {
                let (one, other) = (name_of(&one), name_of(&other));
                let text = format!("{one} and {other} do not go together");
                return Some((text, None));
            }
            let option = if one == COMMAND { other } else { one };
            let option = name_of(&option);
            Some((
                format!("{option} takes no command"),
                named(option, arguments),
            ))
        }
        ErrorKind::MissingRequiredArgument => {
            let given = options(arguments).find(|word| !GENERAL.contains(&name_of(word)))?;
            let needed = about?;
            let needed: Vec<&str> = needed
                .trim_matches(['<', '>'])
                .split('|')
                .map(name_of)
                .collect();
            let text = format!("{} goes only with {}", name_of(&given), any(&needed));
            Some((text, None))
        }
        ErrorKind::InvalidValue => {
            let about = about?;
            let (option, value) = (name_of(&about), first(error, ContextKind::InvalidValue)?);
            if value.is_empty() {
                return Some((format!("{option} needs a value"), None));
            }
            let valid = all(error, ContextKind::ValidValue);
            let hint = (!valid.is_empty()).then(|| format!("it takes {}", any(&valid)));
            Some((format!("{value:?} is no value for {option}"), hint))
        }
        ErrorKind::ValueValidation => {
            // The parsers of values say what to do after a semicolon.
            let source = std::error::Error::source(error)?.to_string();
            let (text, hint) = match source.split_once("; ") {
                Some((text, hint)) => (text.to_owned(), Some(hint.to_owned())),
                None => (source, None),
            };
            let (about, value) = (about?, first(error, ContextKind::InvalidValue)?);
            Some((format!("{} {value:?}: {text}", name_of(&about)), hint))
        }
        ErrorKind::TooManyValues => Some((format!("{} takes no value", name_of(&about?)), None)),
        _ => None,
    }
}

/// The instance that the user may have meant by a word after an action: `--stop work`.
fn named(action: &str, arguments: &[OsString]) -> Option<String> {
    if !["--stop", "--status", "--monitor", "--list", "--check"].contains(&action) {
        return None;
    }
    let [.., last] = arguments else { return None };
    let name: InstanceName = last.to_str()?.parse().ok()?;
    Some(format!("did you mean {action} --name {name}?"))
}

/// The words before the command that look like options.
fn options(arguments: &[OsString]) -> impl Iterator<Item = String> {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    words
        .take_while(|word| *word != "--")
        .filter(|word| word.starts_with('-'))
        .map(str::to_owned)
}

/// An option without its value.
fn name_of(option: &str) -> &str {
    option.split([' ', '=']).next().unwrap_or(option)
}

fn any<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words[..] {
        [] => String::new(),
        [only] => only.to_owned(),
        [ref most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn first(error: &Error, kind: ContextKind) -> Option<String> {
    all(error, kind).into_iter().next()
}

fn all(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The parser adds usage and a pointer to the help in paragraphs of their own.
fn in_its_words(error: &Error) -> String {
    let rendered = error.render().to_string();
    let first = rendered.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first
        .trim_start_matches("error: ")
        .split_whitespace()
        .collect();
    words.join(" ")
}

/// Refuses options that would change nothing: whoever gives them expects that they do.
pub(super) fn refuse_ignored(given: &Arguments) -> Result<(), Answer> {
    let general = [
        ("--apps", given.apps),
        ("--doctor", given.doctor),
        ("--self-test", given.self_test),
        ("--completions", given.completions.is_some()),
    ];
    let of_instances = [
        ("--list", given.list),
        ("--status", given.status),
        ("--monitor", given.monitor),
        ("--stop", given.stop),
        ("--check", given.check),
    ];
    let refuse = |action: &str, option: &str| {
        let text = format!("{action} takes no {option}");
        Err(Answer::usage(
            text,
            Some(format!("leave out {option}: it would change nothing")),
        ))
    };
    // The parser would not mind them beside another action.
    for (option, is_given, action, asked) in [
        (
            "--action",
            given.entry_action.is_some(),
            "--open",
            given.open.is_some(),
        ),
        ("--verbose", given.verbose, "--apps", given.apps),
    ] {
        if is_given && !asked {
            return Err(Answer::usage(
                format!("{option} goes only with {action}"),
                Some("vpnns --help explains the options".into()),
            ));
        }
    }
    for (action, _) in general.iter().filter(|(_, asked)| *asked) {
        if given.name.is_some() {
            return refuse(action, "--name");
        }
    }
    for (action, _) in general
        .iter()
        .chain(&of_instances)
        .filter(|(_, asked)| *asked)
    {
        for (option, is_given) in [
            ("--hostname", given.hostname.is_some()),
            ("--share", !given.share.is_empty()),
            ("--mask", !given.mask.is_empty()),
            ("--system-bus", given.system_bus.is_some()),
            ("--session-bus", given.session_bus.is_some()),
        ] {
            if is_given {
                return refuse(action, option);
            }
        }
    }
    let outside = [
        ("--attach", given.attach),
        ("--graft", given.graft),
        ("--configure", given.configure),
        ("--connect", given.connect.is_some()),
    ];
    for (action, _) in outside.iter().filter(|(_, asked)| *asked) {
        if given.session_bus.is_some() {
            return refuse(action, "--session-bus");
        }
    }
    Ok(())
}

/// Refuses what is about a program in an instance where none is started.
pub(super) fn refuse_unstarted(given: &[(&str, bool)], action: &Action) -> Result<(), Answer> {
    let starts = matches!(action, Action::Run(..) | Action::Open(..));
    match given.iter().find(|(_, is_given)| *is_given && !starts) {
        None => Ok(()),
        Some((option, _)) => Err(Answer::usage(
            format!("{option} goes only with --open or a COMMAND"),
            Some("vpnns --help explains the options".into()),
        )),
    }
}

/// The option that a program's name looks like, for a program that does not exist.
pub fn option_like(program: &OsString) -> Option<String> {
    let word = program.to_str()?;
    let command = Arguments::command();
    let mut actions = command.get_arguments().filter(|it| !it.is_hide_set());
    let known =
        actions.any(|it| it.get_long() == Some(word)) || ["help", "version"].contains(&word);
    known.then(|| format!("--{word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(line: &str) -> (String, String) {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        match crate::args::parse(&words) {
            Err(answer) => (answer.text, answer.hint.unwrap_or_default()),
            Ok(_) => panic!("{line} was taken"),
        }
    }

    #[test]
    #[rustfmt::skip] // one row a case reads as the table it is
    fn a_complaint_is_a_sentence_with_what_was_probably_meant() {
        for (line, text, hint) in [
            ("vpnns --stop work", "--stop takes no command", "did you mean --stop --name work?"),
            ("vpnns --list work", "--list takes no command", "did you mean --list --name work?"),
            ("vpnns --doctor -- work", "--doctor takes no command", "--help"),
            ("vpnns --lsit", "there is no option --lsit", "did you mean --list?"),
            ("vpnns -x", "there is no option -x", "--help"),
            ("vpnns --list --stop", "--list and --stop do not go together", "--help"),
            ("vpnns -n a --script=/bin/x", "--script goes only with --attach", "--help"),
            ("vpnns --name", "--name needs a value", "--help"),
            ("vpnns --attach --routes some", "\"some\" is no value for --routes", "it takes all or server"),
            ("vpnns --attach --dns here", "--dns \"here\": not an IP address", "--help"),
            ("vpnns -n a/b --list", "contains '/'", "use letters"),
            ("vpnns --list=3", "--list takes no value", "--help"),
            ("vpnns --doctor -n a", "--doctor takes no --name", "leave out --name"),
            ("vpnns --hostname a --list", "--list takes no --hostname", "leave out --hostname"),
            ("vpnns --share /run/x --stop", "--stop takes no --share", "leave out --share"),
            ("vpnns --system-bus some -- true", "\"some\" is no value for --system-bus", "it takes full, filtered or none"),
            ("vpnns --attach --session-bus private", "--attach takes no --session-bus", "leave out"),
            ("vpnns --mask / -- true", "no program could live without it", "name what is to be hidden"),
        ] {
            let (said, advice) = complaint(line);
            assert!(said.contains(text), "{line}: {said}");
            assert!(advice.contains(hint), "{line}: {advice}");
        }
        let (said, _) = complaint("vpnns --replace");
        assert!(said.starts_with("--replace goes only with --attach"), "{said}");
    }

    #[test]
    fn a_program_named_like_an_option_is_told_from_others() {
        assert_eq!(option_like(&"list".into()).as_deref(), Some("--list"));
        assert_eq!(option_like(&"help".into()).as_deref(), Some("--help"));
        assert_eq!(option_like(&"probe".into()), None);
        assert_eq!(option_like(&"firefox".into()), None);
    }
}
