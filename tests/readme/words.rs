//! What the README quotes is said: messages by the source, options by `--help`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::document::{blocks, prose};
use crate::support::User;
use crate::{readme, top};

/// All the source of the helper and of what it says, with `…` for whatever is filled in.
fn source() -> String {
    let mut text = String::new();
    let mut waiting: Vec<PathBuf> = ["src/vpnns", "src/vpnns-protocol"]
        .map(|directory| top().join(directory))
        .into();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension() == Some("rs".as_ref()) {
                text += &said(&path);
            }
        }
    }
    text
}

/// One file, as its messages come out.
fn said(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    // A backslash at the end of a line takes the next line's blanks away.
    let mut parts = text.split("\\\n");
    let mut joined = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        joined += part.trim_start();
    }
    let mut plain = String::new();
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        plain += before;
        rest = match after.split_once('}') {
            Some((inside, after)) if !inside.contains(['\n', '{']) => {
                plain.push('…');
                after
            }
            _ => after,
        };
    }
    plain + rest
}

/// The messages in the first column of the table of symptoms.
pub fn messages() -> Vec<String> {
    let text = prose(&readme());
    let section = text.split_once("\n## When something is wrong\n").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let spans = rows.flat_map(|row| {
        row.split(" | ")
            .next()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
    });
    spans.map(str::to_owned).collect()
}

#[test]
fn every_message_among_the_symptoms_is_one_that_is_said() {
    let source = source();
    let messages = messages();
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        let program = message.split_once(" is not installed").map(|it| it.0);
        if let Some(program) = program {
            // The name of a client is filled in.
            assert!(source.contains("\"… is not installed\""));
            assert!(
                source.contains(&format!("program::find(\"{program}\")")),
                "{program}"
            );
            continue;
        }
        assert!(source.contains(&message), "nobody says {message:?}");
    }
}

/// The long options that a text names.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words
        .filter(|word| word.len() > 3 && word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_list_of_options_is_complete() {
    let user = User::new();
    let help = user.command(&["vpnns", "--help"]).run();
    let help = help.text().split("Examples:").next().unwrap().to_owned();
    let lines = help.lines().map(str::trim_start);
    let heads = lines.filter(|line| line.starts_with('-'));
    let known = heads.flat_map(|line| options(line.split("  ").next().unwrap()));
    let known: BTreeSet<String> = known.collect();
    assert!(known.contains("--self-test"), "{known:?}");
    let blocks = blocks(&readme());
    let list = blocks
        .iter()
        .find(|block| block.language.is_empty())
        .unwrap();
    let section = prose(&readme());
    let section = section.split_once("\n## The command line\n").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let listed = options(&(list.lines.join("\n") + section));
    let unknown: Vec<_> = listed.difference(&known).collect();
    assert!(unknown.is_empty(), "the README speaks of {unknown:?}");
    let missing: Vec<_> = known.difference(&listed).collect();
    // Of no use to a reader: every program has the two, and the third is for scripts of grafted clients.
    assert_eq!(missing, ["--configure", "--help", "--version"]);
}
