//! Reading the README: its sections, their fenced blocks, and the commands in those.

/// One command, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is typed.
    pub text: String,
    /// What is shown to come of it.
    pub shown: Vec<String>,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The nearest heading before it.
    pub section: String,
    /// What stands behind the fence.
    pub language: String,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Block {
    /// What is to be run of it; nothing of a block that is no commands.
    pub fn commands(&self) -> Vec<Command> {
        match self.language.as_str() {
            "console" => self.transcript(),
            "sh" => self.script(),
            _ => Vec::new(),
        }
    }

    /// Lines after a `$` are typed, the others are what comes.
    fn transcript(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for line in &self.lines {
            if let Some(text) = line.strip_prefix("$ ") {
                commands.push(Command {
                    text: text.to_owned(),
                    shown: Vec::new(),
                });
            } else if !line.trim().is_empty() {
                let last = commands
                    .last_mut()
                    .unwrap_or_else(|| panic!("{}: {line:?} comes of no command", self.section));
                assert!(!last.text.ends_with('\\'), "one line each: {}", last.text);
                last.shown.push(line.trim().to_owned());
            }
        }
        commands
    }

    /// Every line is typed, but for what is said beside it.
    fn script(&self) -> Vec<Command> {
        let texts = self.lines.iter().map(|line| match line.split_once(" #") {
            Some((text, _)) => text.trim(),
            None => line.trim(),
        });
        let texts = texts.filter(|text| !text.is_empty() && !text.starts_with('#'));
        texts
            .map(|text| Command {
                text: text.to_owned(),
                shown: Vec::new(),
            })
            .collect()
    }
}

/// Every fenced block of a text.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = String::new();
    let mut open = false;
    for line in text.lines() {
        // A list may have one, further in.
        if let Some(language) = line.trim_start().strip_prefix("```") {
            open = !open;
            if open {
                blocks.push(Block {
                    section: section.clone(),
                    language: language.trim().to_owned(),
                    lines: Vec::new(),
                });
            }
        } else if open {
            blocks.last_mut().unwrap().lines.push(line.to_owned());
        } else if line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut section);
        }
    }
    assert!(!open, "a block has no end");
    blocks
}

/// The text without its fenced blocks.
pub fn prose(text: &str) -> String {
    let mut open = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a line is like the one that is shown, in which `…` stands for anything, a number for any
/// number, and one blank for several.
pub fn resembles(line: &str, shown: &str) -> bool {
    let line = plain(line);
    let shown = plain(shown);
    let mut parts = shown.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = "";
    for part in parts {
        last = part;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (shown.contains('…') && (last.is_empty() || line.ends_with(last)))
}

fn plain(line: &str) -> String {
    let mut plain = String::new();
    for word in line.split_whitespace() {
        let mut digits = false;
        for c in word.chars() {
            if !(c.is_ascii_digit() && digits) {
                plain.push(if c.is_ascii_digit() { '0' } else { c });
            }
            digits = c.is_ascii_digit();
        }
        plain.push(' ');
    }
    plain.trim_end().to_owned()
}

#[test]
fn a_transcript_is_commands_with_what_comes_of_them() {
    let text =
        "# A\n```console\n$ one\n  a\n\n$ two\nb\nc\n```\n## B\n```sh\nthree  # why\n# no\n```\n";
    let blocks = blocks(text);
    let all: Vec<Command> = blocks.iter().flat_map(Block::commands).collect();
    let command = |text: &str, shown: &[&str]| Command {
        text: text.into(),
        shown: shown.iter().map(|&line| line.to_owned()).collect(),
    };
    let expected = [
        command("one", &["a"]),
        command("two", &["b", "c"]),
        command("three", &[]),
    ];
    assert_eq!(all, expected);
    assert_eq!(blocks[1].section, "B");
    assert_eq!(prose(text), "# A\n## B");
}

#[test]
fn a_line_resembles_what_is_shown_but_for_numbers_and_dots() {
    for (line, shown) in [
        ("up for 12 s", "up for 0 s"),
        ("a   b", "a b"),
        ("kept in /home/x/y", "kept in …"),
        ("at /home/x and on", "at … and on"),
    ] {
        assert!(resembles(line, shown), "{line}");
    }
    for (line, shown) in [
        ("up for s", "up for 0 s"),
        ("a b c", "a b"),
        ("lost in /home", "kept in …"),
        ("at /home/x and on, and off", "at … and on"),
    ] {
        assert!(!resembles(line, shown), "{line}");
    }
}
