//! A terminal for programs that need one.
//!
//! Many terminals are one process for all their windows, and hand a new one over to it: that
//! process is outside of the instance, and so would be the program. So the terminal is told to run
//! this helper, which enters the instance from wherever it was started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use vpnns_protocol::name::InstanceName;

use super::programs;

/// What chooses the user's terminal by the settings of the desktop; the command follows at once.
const CHOOSER: &str = "xdg-terminal-exec";
/// The variable in which users name their terminal.
const VARIABLE: &str = "TERMINAL";
/// Debian's name for the terminal that the administrator chose.
const ALTERNATIVE: &str = "x-terminal-emulator";

/// Terminals in the order in which they are looked for, with what goes before the command. They
/// are asked for a process of their own where they can be.
const KNOWN: [(&str, &[&str]); 16] = [
    ("ptyxis", &["--"]),
    ("kgx", &["--"]),
    ("gnome-terminal", &["--"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["--disable-server", "-x"]),
    ("mate-terminal", &["--disable-factory", "-x"]),
    ("qterminal", &["-e"]),
    ("foot", &[]),
    ("kitty", &[]),
    ("alacritty", &["-e"]),
    ("ghostty", &["--gtk-single-instance=false", "-e"]),
    ("wezterm", &["start", "--always-new-process", "--"]),
    ("terminator", &["-x"]),
    ("urxvt", &["-e"]),
    ("st", &["-e"]),
    ("xterm", &["-e"]),
];

/// The command that runs another one in a terminal, in the instance; `None` without a terminal.
pub fn around(command: Vec<OsString>, name: &InstanceName) -> Option<Vec<OsString>> {
    let mut words = terminal()?;
    // A terminal that is outside has a PATH of its own.
    words.push(
        crate::executable::own()
            .unwrap_or_else(|_| "vpnns".into())
            .into(),
    );
    words.push(format!("--name={name}").into());
    words.push("--".into());
    words.extend(command);
    Some(words)
}

/// A terminal that is there, and the words that go before its command.
fn terminal() -> Option<Vec<OsString>> {
    if programs::find(CHOOSER).is_some() {
        return Some(vec![CHOOSER.into()]);
    }
    if let Some(words) = env::var_os(VARIABLE).and_then(|value| chosen(&value)) {
        return Some(words);
    }
    let known = KNOWN.iter().map(|(program, before)| (*program, *before));
    let mut all = std::iter::once((ALTERNATIVE, &["-e"][..])).chain(known);
    let (program, before) = all.find(|(program, _)| programs::find(program).is_some())?;
    let words = std::iter::once(program).chain(before.iter().copied());
    Some(words.map(OsString::from).collect())
}

/// The user's own choice: a program, perhaps with options.
fn chosen(value: &OsStr) -> Option<Vec<OsString>> {
    let text = value.to_str()?;
    let (program, options) = match programs::find(text) {
        Some(_) => (text, ""),
        None => text.trim().split_once(' ').unwrap_or((text.trim(), "")),
    };
    programs::find(program)?;
    let name = Path::new(program).file_name()?;
    let known = KNOWN.iter().find(|(known, _)| name == *known);
    let before = known.map_or(&["-e"][..], |(_, before)| *before);
    let words = std::iter::once(program).chain(options.split_whitespace());
    let words = words.chain(before.iter().copied());
    Some(words.map(OsString::from).collect())
}
