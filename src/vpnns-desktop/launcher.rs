//! Entries of the application menu that open an app in a VPN: their text.
//!
//! # Theory of operation
//!
//! A launcher is the original entry with another name and another command. Whatever describes the
//! app stays, in every language; what would make it a handler of files, or start it past us, goes.
//! Keys of our own say what it was made of, so that it can be made anew when the original or the
//! VPN's title changes, and be removed with the VPN.

mod badge;
pub mod files;

use std::fmt::Write;

use vpnns_protocol::name::InstanceName;

use crate::config::APP_ID;

/// The VPN's name, in a launcher.
const VPN_KEY: &str = "X-Vpnns-Vpn";
/// The original entry's id, in a launcher.
const ENTRY_KEY: &str = "X-Vpnns-Entry";

/// What stays of the original's main group, apart from names and keywords.
const KEPT: [&str; 11] = [
    "Type",
    "Version",
    "GenericName",
    "Comment",
    "Icon",
    "Categories",
    "StartupNotify",
    "StartupWMClass",
    "OnlyShowIn",
    "NotShowIn",
    "TryExec",
];

/// What a launcher is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The VPN's name.
    pub vpn: InstanceName,
    /// The VPN's name, as people see it.
    pub title: String,
    /// The original entry's id.
    pub entry: String,
    /// The program that is to be called, ours, with what stands before its own words.
    pub program: Vec<String>,
    /// Another icon than the original's: the path of one with a badge.
    pub icon: Option<String>,
}

/// The name of a launcher's file.
pub fn file_name(vpn: &InstanceName, entry: &str) -> String {
    let entry = entry.trim_end_matches(".desktop");
    format!("{APP_ID}.{vpn}.{entry}.desktop")
}

/// Which VPN and which original a launcher is for; nothing if the text is none of ours.
pub fn made_for(text: &str) -> Option<(String, String)> {
    let file = File::parse(text);
    let main = file.main()?;
    Some((
        main.get(VPN_KEY)?.to_owned(),
        main.get(ENTRY_KEY)?.to_owned(),
    ))
}

/// The launcher's text, made of the original's; nothing if that is no application.
pub fn text(original: &str, wish: &Wish) -> Option<String> {
    let file = File::parse(original);
    let main = file
        .main()
        .filter(|main| main.get("Type") == Some("Application"))?;
    let (title, exec) = (escape(&wish.title), main.get("Exec")?);
    let mut text = String::from("[Desktop Entry]\n");
    // Writing to a String cannot fail.
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key}={value}");
    };
    let mut has_keywords = false;
    for (key, value) in &main.lines {
        let base = key.split('[').next().unwrap_or(key);
        if base == "Name" {
            line(key, &format!("{value} ({title})"));
        } else if base == "Keywords" {
            has_keywords |= *key == base;
            line(key, &format!("{}{}", listed(value), own_keywords(&title)));
        } else if base == "Icon"
            && let Some(icon) = &wish.icon
        {
            if *key == base {
                line(key, &escape(icon));
            }
        } else if KEPT.contains(&base) && main.get(base).is_some() {
            // A translation of nothing is an error of the original's.
            line(key, value);
        }
    }
    if !has_keywords {
        line("Keywords", &own_keywords(&title));
    }
    line("Exec", &command(wish, None, field_code(exec)));
    let actions: Vec<(&str, &Group)> = main
        .get("Actions")
        .unwrap_or_default()
        .split(';')
        .filter_map(|id| {
            let group = file.group(&format!("Desktop Action {id}"))?;
            (!id.is_empty() && group.get("Name").is_some() && group.get("Exec").is_some())
                .then_some((id, group))
        })
        .collect();
    if !actions.is_empty() {
        let ids: Vec<&str> = actions.iter().map(|(id, _)| *id).collect();
        line("Actions", &listed(&ids.join(";")));
    }
    line(VPN_KEY, wish.vpn.as_str());
    line(ENTRY_KEY, &escape(&wish.entry));
    for (id, group) in actions {
        let _ = writeln!(text, "\n[Desktop Action {id}]");
        for (key, value) in &group.lines {
            let base = key.split('[').next().unwrap_or(key);
            if ["Name", "Icon"].contains(&base) && group.get(base).is_some() {
                let _ = writeln!(text, "{key}={value}");
            }
        }
        let exec = group.get("Exec").unwrap_or_default();
        let exec = command(wish, Some(id), field_code(exec));
        let _ = writeln!(text, "Exec={exec}");
    }
    Some(text)
}

/// The command line that opens the app, or one of its actions, in the VPN.
fn command(wish: &Wish, action: Option<&str>, code: Option<&str>) -> String {
    let mut words: Vec<String> = wish.program.iter().map(|word| quote(word)).collect();
    words.extend(["--open".into(), quote(&wish.entry)]);
    if let Some(action) = action {
        words.extend(["--action".into(), quote(action)]);
    }
    words.extend(["--vpn".into(), quote(wish.vpn.as_str())]);
    // What is opened may begin with a dash.
    words.extend(code.map(|code| format!("-- {code}")));
    words.join(" ")
}

/// What the original takes: a file, files, an address or addresses.
fn field_code(exec: &str) -> Option<&'static str> {
    let mut characters = exec.chars();
    while let Some(character) = characters.next() {
        if character == '%' {
            let code = match characters.next()? {
                'u' => "%u",
                'U' => "%U",
                'f' => "%f",
                'F' => "%F",
                _ => continue,
            };
            return Some(code);
        }
    }
    None
}

/// A word of a command line: quoted where it has to be, then escaped as every string.
fn quote(word: &str) -> String {
    let word = word.replace('%', "%%");
    let is_plain = |character: char| character.is_alphanumeric() || "%+-./:@_,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    let mut quoted = String::from("\"");
    for character in word.chars() {
        if "\"`$\\".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    escape(&quoted)
}

/// A string as a value.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn own_keywords(title: &str) -> String {
    format!("VPN;{};", title.replace(';', "\\;"))
}

/// A list with the end that it should have.
fn listed(value: &str) -> String {
    if value.is_empty() || value.ends_with(';') {
        value.to_owned()
    } else {
        format!("{value};")
    }
}

/// An entry's groups with their lines, in their order.
struct File<'a>(Vec<(&'a str, Group<'a>)>);

#[derive(Default)]
struct Group<'a> {
    lines: Vec<(&'a str, &'a str)>,
}

impl<'a> File<'a> {
    fn parse(text: &'a str) -> Self {
        let mut groups: Vec<(&str, Group)> = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                groups.push((name, Group::default()));
            } else if let (Some((key, value)), Some((_, group))) =
                (line.split_once('='), groups.last_mut())
            {
                let (key, value) = (key.trim_end(), value.trim_start());
                // The first counts, and a key that stands twice is no entry.
                if !key.is_empty() && group.get(key).is_none() {
                    group.lines.push((key, value));
                }
            }
        }
        Self(groups)
    }

    fn group(&self, name: &str) -> Option<&Group<'a>> {
        let (_, group) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(group)
    }

    fn main(&self) -> Option<&Group<'a>> {
        self.group("Desktop Entry")
    }
}

impl<'a> Group<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.lines.iter().find(|(known, _)| *known == key)?;
        Some(value)
    }
}

#[cfg(test)]
mod tests;
