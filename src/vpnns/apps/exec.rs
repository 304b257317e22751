//! An entry's Exec line: words and field codes, and the command that they make.
//!
//! No shell ever sees it. Quotes group words as in a shell, which is what the desktops' libraries
//! do with what the specification leaves open; nothing is substituted but the field codes.
//! Inside of quotes a code for files is only one if it is the whole word: the others are mostly
//! in scripts for `sh -c`, where the name of a file would be read as a piece of the script.

use std::ffi::{OsStr, OsString};

use super::argument::Argument;

/// Why a line is no command. The caller's sentence says whose line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no word in it.
    #[error("its Exec line is empty")]
    Empty,
    /// A quote has no end.
    #[error("its Exec line has a quote without an end")]
    Quote,
    /// The specification forbids to run what it does not know.
    #[error("its Exec line has the unknown field code %{0}")]
    Code(char),
}

/// Why files or URLs cannot be handed to a command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no place for them.
    #[error("it opens no files")]
    Nothing,
    /// It has a place for one.
    #[error("it opens one file at a time")]
    One,
    /// It takes files only.
    #[error("it opens files and no addresses such as {0:?}")]
    Address(OsString),
}

/// What a field code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    File,
    Files,
    Url,
    Urls,
    Icon,
    Name,
    Location,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Code(Code),
}

/// A line, understood.
#[derive(Debug)]
pub struct Exec(Vec<Vec<Piece>>);

/// What field codes that are no files stand for.
#[derive(Debug)]
pub struct Facts<'entry> {
    /// The entry's icon.
    pub icon: Option<&'entry str>,
    /// The entry's name, in the user's language.
    pub name: &'entry str,
    /// The entry's file.
    pub location: &'entry OsStr,
}

/// A character, and whether it stood in quotes or after a backslash.
type Letter = (char, bool);

impl Exec {
    /// Understands a line.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let mut words = Vec::new();
        for letters in split(line)? {
            let word = pieces(&letters)?;
            // A removed code leaves no word, where empty quotes do.
            if !word.is_empty() || letters.is_empty() {
                words.push(word);
            }
        }
        match words.first().map(Vec::as_slice) {
            Some([Piece::Text(_), ..]) => Ok(Self(words)),
            _ => Err(Error::Empty),
        }
    }

    /// The program that does the work, as the line names it: what `env` starts, where that only
    /// sets variables.
    pub fn program(&self) -> &str {
        let mut words = self.0.iter().map(|word| match word.as_slice() {
            [Piece::Text(text), ..] => text.as_str(),
            _ => "",
        });
        let first = words.next().unwrap_or_default();
        if first != "env" && first != "/usr/bin/env" {
            return first;
        }
        let inner = words.find(|word| !word.contains('=') || word.starts_with('-'));
        let named = inner.filter(|word| !word.is_empty() && !word.starts_with('-'));
        named.unwrap_or(first)
    }

    /// The command, with these files and URLs in it.
    pub fn command(&self, facts: &Facts, arguments: &[Argument]) -> Result<Vec<OsString>, Refusal> {
        self.refuse(arguments)?;
        let mut command = Vec::new();
        for word in &self.0 {
            if let [Piece::Code(code)] = word.as_slice() {
                match code {
                    Code::Files => command.extend(arguments.iter().map(Argument::path)),
                    Code::Urls => command.extend(arguments.iter().map(Argument::url)),
                    Code::Icon => {
                        let icon = facts.icon.into_iter();
                        command.extend(icon.flat_map(|icon| ["--icon".into(), icon.into()]));
                    }
                    code => command.extend(value(*code, facts, arguments)),
                }
                continue;
            }
            let mut text = OsString::new();
            for piece in word {
                match piece {
                    Piece::Text(piece) => text.push(piece),
                    Piece::Code(code) => {
                        text.push(value(*code, facts, arguments).unwrap_or_default());
                    }
                }
            }
            command.push(text);
        }
        Ok(command)
    }

    fn refuse(&self, arguments: &[Argument]) -> Result<(), Refusal> {
        let words = self.0.iter();
        let places = words.flat_map(|word| {
            word.iter().filter_map(|piece| match piece {
                Piece::Code(code @ (Code::Files | Code::Urls)) => Some((*code, word.len() == 1)),
                Piece::Code(code @ (Code::File | Code::Url)) => Some((*code, false)),
                _ => None,
            })
        });
        let places: Vec<(Code, bool)> = places.collect();
        if arguments.is_empty() {
            return Ok(());
        }
        if places.is_empty() {
            return Err(Refusal::Nothing);
        }
        if arguments.len() > 1 && !places.iter().all(|(_, many)| *many) {
            return Err(Refusal::One);
        }
        let files = |(code, _): &(Code, bool)| matches!(code, Code::File | Code::Files);
        match arguments.iter().find(|argument| !argument.is_file()) {
            Some(address) if places.iter().any(files) => Err(Refusal::Address(address.url())),
            _ => Ok(()),
        }
    }
}

/// What a code stands for where it stands for one thing.
fn value(code: Code, facts: &Facts, arguments: &[Argument]) -> Option<OsString> {
    match code {
        Code::File | Code::Files => arguments.first().map(Argument::path),
        Code::Url | Code::Urls => arguments.first().map(Argument::url),
        Code::Icon => None,
        Code::Name => Some(facts.name.into()),
        Code::Location => Some(facts.location.to_owned()),
    }
}

/// The words of a line.
fn split(line: &str) -> Result<Vec<Vec<Letter>>, Error> {
    let mut words = Vec::new();
    let mut word: Option<Vec<Letter>> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => loop {
                match chars.next().ok_or(Error::Quote)? {
                    '\'' => break,
                    c => word.push((c, true)),
                }
            },
            '"' => loop {
                match chars.next().ok_or(Error::Quote)? {
                    '"' => break,
                    '\\' => match chars.next().ok_or(Error::Quote)? {
                        c @ ('"' | '`' | '$' | '\\') => word.push((c, true)),
                        c => word.extend([('\\', true), (c, true)]),
                    },
                    c => word.push((c, true)),
                }
            },
            '\\' => word.push((chars.next().ok_or(Error::Quote)?, true)),
            c => word.push((c, false)),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The codes of a word, and the text between them.
fn pieces(letters: &[Letter]) -> Result<Vec<Piece>, Error> {
    let whole = letters.len() == 2;
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut letters = letters.iter();
    while let Some((c, quoted)) = letters.next() {
        if *c != '%' {
            text.push(*c);
            continue;
        }
        let Some((name, _)) = letters.next() else {
            text.push('%');
            break;
        };
        let code = match name {
            'f' => Code::File,
            'F' => Code::Files,
            'u' => Code::Url,
            'U' => Code::Urls,
            'i' => Code::Icon,
            'c' => Code::Name,
            'k' => Code::Location,
            '%' => {
                text.push('%');
                continue;
            }
            // Deprecated: to be removed, says the specification.
            'd' | 'D' | 'n' | 'N' | 'v' | 'm' => continue,
            _ if *quoted => {
                text.extend(['%', *name]);
                continue;
            }
            _ => return Err(Error::Code(*name)),
        };
        let is_fact = matches!(code, Code::Name | Code::Location);
        if *quoted && !whole && !is_fact {
            continue;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Code(code));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<Argument> = arguments
            .iter()
            .map(|it| Argument::new(it.as_ref(), "/work dir".as_ref()).unwrap())
            .collect();
        let facts = Facts {
            icon: Some("pencil"),
            name: "Der Editor",
            location: "/x/a.desktop".as_ref(),
        };
        let command = Exec::parse(line).unwrap().command(&facts, &arguments);
        let words = command.unwrap().into_iter();
        words.map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    #[rustfmt::skip] // one row a case reads as the table it is
    fn every_code_becomes_what_it_stands_for() {
        for (line, arguments, expected) in [
            ("a %f", &["x y"][..], &["a", "/work dir/x y"][..]),
            ("a %f", &[], &["a"]),
            ("a %F", &["x", "/y"], &["a", "/work dir/x", "/y"]),
            ("a %u", &["x y"], &["a", "file:///work%20dir/x%20y"]),
            ("a %u", &["https://h/?q='x' \"y\""], &["a", "https://h/?q='x' \"y\""]),
            ("a %U b", &["mailto:x@y", "z"], &["a", "mailto:x@y", "file:///work%20dir/z", "b"]),
            ("a --file=%f -x", &["b"], &["a", "--file=/work dir/b", "-x"]),
            ("a --file=%f -x", &[], &["a", "--file=", "-x"]),
            ("a %i %c %k", &[], &["a", "--icon", "pencil", "Der Editor", "/x/a.desktop"]),
            ("a --title=%c %%f 100%", &[], &["a", "--title=Der Editor", "%f", "100%"]),
            ("a %d %D %n %N %v %m -%m-", &[], &["a", "--"]),
            ("a \"%f\" '%u'", &["b"], &["a", "/work dir/b", "file:///work%20dir/b"]),
            ("a %f", &["file:///a%20b"], &["a", "/a b"]),
        ] {
            assert_eq!(command(line, arguments), expected, "{line}");
        }
    }

    #[test]
    #[rustfmt::skip] // one row a case reads as the table it is
    fn quotes_and_backslashes_group_and_nothing_is_substituted() {
        for (line, expected) in [
            (r#"a "b c" d"#, &["a", "b c", "d"][..]),
            (r#""a b" "" ''"#, &["a b", "", ""]),
            (r#"a "\"\`\$\\\n" x\ y"#, &["a", "\"`$\\\\n", "x y"]),
            (r#"a b"c d"e 'f "g"'"#, &["a", "bc de", "f \"g\""]),
            ("a $HOME `id` $(id) ; rm * > x & | ~", &["a", "$HOME", "`id`", "$(id)", ";", "rm", "*", ">", "x", "&", "|", "~"]),
            (r#"sh -c "date +%%H; x %u '%k' %Z""#, &["sh", "-c", "date +%H; x  '/x/a.desktop' %Z"]),
            ("  a \t b ", &["a", "b"]),
        ] {
            assert_eq!(command(line, &[]), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_command_is_refused() {
        for (line, error) in [
            ("", Error::Empty),
            ("   ", Error::Empty),
            ("\"\"", Error::Empty),
            ("%f a", Error::Empty),
            ("a \"b", Error::Quote),
            ("a don't", Error::Quote),
            ("a \\", Error::Quote),
            ("a %x", Error::Code('x')),
            ("a https://h/%20", Error::Code('2')),
        ] {
            assert_eq!(Exec::parse(line).err(), Some(error), "{line}");
        }
    }

    #[test]
    fn what_a_program_does_not_open_is_not_handed_to_it() {
        let refusal = |line: &str, arguments: &[&str]| {
            let arguments: Vec<Argument> = arguments
                .iter()
                .map(|it| Argument::new(it.as_ref(), "/".as_ref()).unwrap())
                .collect();
            let facts = Facts {
                icon: None,
                name: "",
                location: "".as_ref(),
            };
            let exec = Exec::parse(line).unwrap();
            exec.command(&facts, &arguments).unwrap_err()
        };
        assert_eq!(refusal("a", &["x"]), Refusal::Nothing);
        assert_eq!(refusal("sh -c 'a %f'", &["x"]), Refusal::Nothing);
        assert_eq!(refusal("a %f", &["x", "y"]), Refusal::One);
        assert_eq!(refusal("a %u", &["x", "y"]), Refusal::One);
        let address = Refusal::Address("https://h".into());
        assert_eq!(refusal("a %F", &["x", "https://h"]), address);
    }

    #[test]
    fn the_program_is_the_one_that_does_the_work() {
        for (line, program) in [
            ("a b", "a"),
            ("\"/opt/a b\" c", "/opt/a b"),
            ("env A=1 B=2 /snap/bin/x %u", "/snap/bin/x"),
            ("env -i x", "env"),
            ("env A=1", "env"),
        ] {
            assert_eq!(Exec::parse(line).unwrap().program(), program);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[a-z%\"'\\\\ $fFuUick]{0,30}") {
            if let Ok(exec) = Exec::parse(&line) {
                exec.program();
            }
        }
    }
}
