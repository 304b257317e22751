//! The completions: of clap's making, with what only we know put in.
//!
//! clap's scripts know the options and nothing else. Running instances come from `--list`,
//! installed applications from `--apps`, and what follows the options is a command with arguments of its own, which the shell completes as
//! it would elsewhere. bash gets a script of ours, since hardly a line of clap's would be left.

use std::fmt::Write;

use clap::builder::PossibleValue;
use clap::{Arg, CommandFactory, ValueHint};
use clap_complete::Shell;

use super::{Arguments, CARRYING, REPLACING};

/// Prints the names of the running instances. The first line is the table's head, or says that
/// there are none.
const INSTANCES: &str = "vpnns --list 2>/dev/null | sed '1d;s/ .*//'";
/// The same for the installed applications.
const APPLICATIONS: &str = "vpnns --apps 2>/dev/null | sed '1d;s/ .*//'";
/// How the parser calls the values that are one of a list, with what prints it.
const LISTS: [(&str, &str); 2] = [("ID", INSTANCES), ("ENTRY", APPLICATIONS)];

/// How long a description may be, in bytes: a terminal of 80 columns has an option before it.
const WIDTH: usize = 60;

const BASH: &str = r#"_vpnns() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} begin='' opens='' i
    COMPREPLY=()
    # bash makes three words of --name=ID.
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $prev == '=' ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --open ]] && opens=1
        case ${COMP_WORDS[i]} in
            --) begin=$((i + 1)); break ;;
            @VALUED@) ((i++)); [[ ${COMP_WORDS[i]} == '=' ]] && ((i++)) ;;
            -*) ;;
            *) begin=$i; break ;;
        esac
    done
    if [[ ! $begin && $i -eq $COMP_CWORD && $cur && $cur != -* ]]; then
        begin=$i
    fi
    if [[ $begin ]]; then
        # What an application opens are files, which bash offers itself.
        [[ $opens ]] && return
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$begin"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$begin"
        elif ((COMP_CWORD == begin)); then
            COMPREPLY=($(compgen -c -- "$cur"))
        fi
        return
    fi
    if ((i == COMP_CWORD)); then
        COMPREPLY=($(compgen -W "@OPTIONS@" -- "$cur"))
        return
    fi
    case $prev in
@VALUES@
    esac
}

complete -F _vpnns -o bashdefault -o default vpnns
"#;

/// The completions for a shell, as text.
pub fn completions(shell: Shell) -> Vec<u8> {
    // The generators also offer what the help hides.
    let all = Arguments::command();
    let shown = all
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .map(prepared);
    let mut command = clap::Command::new("vpnns")
        .version(env!("CARGO_PKG_VERSION"))
        .args(shown)
        .groups(
            all.get_groups()
                .filter(|group| [CARRYING, REPLACING].iter().any(|id| group.get_id() == *id)),
        );
    command.build();
    if shell == Shell::Bash {
        return bash(&command).into_bytes();
    }
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "vpnns", &mut text);
    let text = String::from_utf8_lossy(&text);
    match shell {
        Shell::Zsh => zsh(&text),
        Shell::Fish => fish(&text, &command),
        _ => text.into_owned(),
    }
    .into_bytes()
}

/// The argument as the shells show it: in few words, and with files only where they are meant.
fn prepared(argument: &Arg) -> Arg {
    let help = argument.get_help().map(ToString::to_string);
    let hint = match argument.get_value_hint() {
        _ if argument.is_positional() => ValueHint::CommandWithArguments,
        ValueHint::Unknown if argument.get_action().takes_values() => ValueHint::Other,
        hint => hint,
    };
    argument
        .clone()
        .help(in_short(&help.unwrap_or_default()))
        .value_hint(hint)
}

/// The gist of an option's description. It stands beside the option on one line of a terminal,
/// and zsh cuts off what does not fit.
fn in_short(help: &str) -> String {
    let conditional = help
        .strip_prefix("With --")
        .and_then(|help| help.split_once(": "));
    let (when, what) = match conditional {
        Some((option, what)) => (format!("{option}: "), what),
        None => (String::new(), help),
    };
    let mut what = what.to_owned();
    for (open, close) in [(" (", ')'), (" [", ']')] {
        while let Some(from) = what.find(open) {
            let aside = what[from..]
                .find(close)
                .map_or(what.len(), |to| from + to + 1);
            what.replace_range(from..aside, "");
        }
    }
    let ends = ["; ", ": ", ", and ", ", or "].map(|end| what.find(end));
    what.truncate(ends.into_iter().flatten().min().unwrap_or(what.len()));
    if when.len() + what.len() <= WIDTH {
        return when + &what;
    }
    for separator in [", ", " "] {
        while what.len() > WIDTH
            && let Some(end) = what.rfind(separator)
        {
            what.truncate(end);
        }
    }
    what
}

/// What prints the words that an option's value is one of.
fn list(argument: &Arg) -> Option<&'static str> {
    let [name] = argument.get_value_names()? else {
        return None;
    };
    let (_, list) = LISTS.into_iter().find(|(value, _)| name == value)?;
    Some(list)
}

/// An option in each of its forms.
fn forms(argument: &Arg) -> Vec<String> {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    short.into_iter().chain(long).collect()
}

fn bash(command: &clap::Command) -> String {
    let (mut options, mut patterns, mut offers) = (Vec::new(), Vec::new(), Vec::new());
    for option in command.get_arguments().filter(|it| !it.is_positional()) {
        options.extend(forms(option));
        if !option.get_action().takes_values() {
            continue;
        }
        let pattern = forms(option).join("|");
        let possible = option.get_possible_values();
        let offer = if let Some(list) = list(option) {
            format!("COMPREPLY=($(compgen -W \"$({list})\" -- \"$cur\"))")
        } else if !possible.is_empty() {
            let words: Vec<_> = possible.iter().map(PossibleValue::get_name).collect();
            format!(
                "COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))",
                words.join(" ")
            )
        } else if option.get_value_hint() == ValueHint::Other {
            // Nor the files that bash would offer instead.
            "compopt +o bashdefault +o default 2>/dev/null".to_owned()
        } else {
            ":".to_owned()
        };
        offers.push(format!("        {pattern}) {offer} ;;"));
        patterns.push(pattern);
    }
    BASH.replace("@VALUED@", &patterns.join("|"))
        .replace("@OPTIONS@", &options.join(" "))
        .replace("@VALUES@", &offers.join("\n"))
}

fn zsh(text: &str) -> String {
    let mut text = text.to_owned();
    for (value, list) in LISTS {
        let function = format!("_vpnns_{}", value.to_lowercase());
        let definition = format!(
            "\n{function}() {{\n    local words\n    words=(${{(f)\"$({list})\"}})\n    \
             _wanted {value} expl {value} compadd -a words\n}}\n"
        );
        text = text
            .replacen("\nautoload", &format!("{definition}\nautoload"), 1)
            .replace(&format!(":{value}:'"), &format!(":{value}:{function}'"));
    }
    // The command's own words, and no option of ours once it has begun.
    text.replace("'*::command", "'(-)*::command")
        .replace(":_cmdambivalent'", ":_normal'")
}

fn fish(text: &str, command: &clap::Command) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let option = command.get_arguments().find(|option| {
            let long = option.get_long().unwrap_or_default();
            line.contains(&format!(" -l {long} "))
        });
        let offer = option
            .and_then(list)
            .map_or_else(String::new, |list| format!(" -a \"({list})\""));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{line}{offer}");
    }
    // The short forms first: what looks like an option of the function's own is none of ours.
    let valued = command
        .get_arguments()
        .filter(|it| !it.is_positional() && it.get_action().takes_values());
    let mut forms: Vec<String> = valued.flat_map(forms).collect();
    forms.sort_by_key(String::len);
    let _ = writeln!(
        out,
        "complete -c vpnns -x -a \"(__fish_complete_subcommand {})\"",
        forms.join(" ")
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_fits_beside_its_option_on_a_line_of_a_terminal() {
        for argument in Arguments::command().get_arguments().map(prepared) {
            let help = argument.get_help().map(ToString::to_string).unwrap();
            assert!(help.len() <= WIDTH, "{help}");
            assert!(help.len() > 5, "{help}");
        }
    }
}
