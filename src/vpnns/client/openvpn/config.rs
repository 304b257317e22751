//! OpenVPN's configuration syntax, read as OpenVPN reads it.
//!
//! # Theory of operation
//!
//! A line is an option and its parameters, separated by blanks. A parameter may stand in double
//! quotes, where a backslash takes the next quote, backslash or blank literally, as it does
//! outside of quotes; or in single quotes, where nothing does. `#` and `;` begin a comment where
//! a parameter could begin, not within one. An option may have its two dashes. `<option>` on a
//! line of its own begins what would else be a file, up to a line that begins with `</option>`.
//! `config FILE` reads another file in its place; relative paths are relative to where OpenVPN
//! is started, by custom the directory of the configuration, and `cd` changes that.
//!
//! What the options are worth here is decided in [`super::review`].

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::client::fault::{Fault, Place, shown};
use crate::text_file;

/// More parameters than this OpenVPN does not look at.
const MAX_PARAMETERS: usize = 16;
/// OpenVPN follows this many `config` options into one another.
const MAX_DEPTH: usize = 10;
/// More files than any configuration has: each level could name many.
const MAX_FILES: usize = 64;

/// One option of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name, without dashes.
    pub name: String,
    /// Its parameters.
    pub arguments: Vec<String>,
    /// What stands between `<name>` and `</name>`, if it is written so.
    pub inline: Option<String>,
    /// The options in a `<connection>`.
    pub block: Vec<Directive>,
    /// Where it begins.
    pub place: Place,
}

/// A configuration with everything that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The options in their order.
    pub directives: Vec<Directive>,
    /// What relative paths in it are relative to.
    pub directory: PathBuf,
    /// The file itself, as it was named.
    pub file: Rc<Path>,
}

/// Reads a configuration.
pub fn read(path: &Path) -> Result<Configuration, Fault> {
    let text = text_file::read(path).map_err(|error| {
        let hint = error.hint().unwrap_or("check the path");
        Fault::new(
            &start(path),
            format!("the configuration cannot be read: {error}"),
            hint,
        )
    })?;
    read_text(&text.text, path)
}

/// Reads a configuration's text; `origin` is the file that it comes from.
pub fn read_text(text: &str, origin: &Path) -> Result<Configuration, Fault> {
    let directory = match origin.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("."),
    };
    let mut reader = Reader {
        directory,
        files: 0,
        bytes: 0,
    };
    let directives = reader.file(text, origin, 1)?;
    Ok(Configuration {
        directives,
        directory: reader.directory,
        file: origin.into(),
    })
}

impl Directive {
    /// An option that is in no file.
    pub fn new(name: &str, arguments: &[&str], place: &Place) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            inline: None,
            block: Vec::new(),
            place: place.clone(),
        }
    }
}

/// Options as the text of a configuration.
pub fn render(directives: &[Directive]) -> String {
    let mut text = String::new();
    for directive in directives {
        let name = &directive.name;
        // Writing to a String cannot fail.
        let _ = match (&directive.inline, directive.block.is_empty()) {
            (_, false) => write!(text, "<{name}>\n{}</{name}>\n", render(&directive.block)),
            (Some(inline), true) => {
                let end = if inline.ends_with('\n') || inline.is_empty() {
                    ""
                } else {
                    "\n"
                };
                write!(text, "<{name}>\n{inline}{end}</{name}>\n")
            }
            (None, true) => {
                let arguments = directive.arguments.iter().map(|text| quoted(text));
                let words: Vec<String> = std::iter::once(name.clone()).chain(arguments).collect();
                writeln!(text, "{}", words.join(" "))
            }
        };
    }
    text
}

fn quoted(text: &str) -> String {
    let plain = |c: char| {
        !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\'' | '\\' | '#' | ';')
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn start(path: &Path) -> Place {
    Place {
        file: path.into(),
        line: 1,
        column: 1,
    }
}

struct Reader {
    directory: PathBuf,
    files: usize,
    bytes: u64,
}

impl Reader {
    fn file(&mut self, text: &str, path: &Path, depth: usize) -> Result<Vec<Directive>, Fault> {
        let mut directives = Vec::new();
        for directive in lines(text, &start(path))? {
            match (directive.name.as_str(), directive.arguments.as_slice()) {
                ("config", [path]) => {
                    let included = self.include(Path::new(path), &directive.place, depth)?;
                    directives.extend(included);
                }
                ("cd", [path]) => {
                    self.directory.push(path);
                    directives.push(directive);
                }
                _ => directives.push(directive),
            }
        }
        Ok(directives)
    }

    fn include(
        &mut self,
        path: &Path,
        place: &Place,
        depth: usize,
    ) -> Result<Vec<Directive>, Fault> {
        let endless = || {
            let message = "the configuration includes too many others, or itself";
            let hint = "remove this line, or put what it includes in its place";
            Fault::new(place, message, hint)
        };
        self.files += 1;
        if depth >= MAX_DEPTH || self.files > MAX_FILES {
            return Err(endless());
        }
        let path = self.directory.join(path);
        let text = text_file::read(&path).map_err(|error| {
            let message = format!(
                "the included {} cannot be read: {error}",
                shown(&path.to_string_lossy())
            );
            let hint = error.hint().unwrap_or("put the file there");
            Fault::new(place, message, hint)
        })?;
        self.bytes += text.text.len() as u64;
        if self.bytes > text_file::LIMIT {
            return Err(endless());
        }
        self.file(&text.text, &path, depth + 1)
    }
}

/// The options of one text, whose first line is at a place.
fn lines(text: &str, first: &Place) -> Result<Vec<Directive>, Fault> {
    let mut directives = Vec::new();
    let mut numbered = text.split('\n').zip(first.line..);
    while let Some((line, number)) = numbered.next() {
        let at = |column| Place {
            file: Rc::clone(&first.file),
            line: number,
            column,
        };
        let (column, mut words) = parameters(line, &at)?;
        if words.is_empty() {
            continue;
        }
        let place = at(column);
        let mut name = words.remove(0);
        if name.len() > 2 && name.starts_with("--") {
            name.drain(..2);
        }
        let tag = name
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .filter(|tag| words.is_empty() && !tag.is_empty());
        let meant = tag.unwrap_or(&name);
        if !is_name(meant) {
            // Also what would become an option only when it is written out again.
            let message = format!("{:?} is no option of OpenVPN", shown(meant));
            let hint = "remove the line, or comment it out with #";
            return Err(Fault::new(&place, message, hint));
        }
        let Some(tag) = tag else {
            directives.push(Directive {
                name,
                arguments: words,
                inline: None,
                block: Vec::new(),
                place,
            });
            continue;
        };
        let end = format!("</{tag}>");
        let mut inline = String::new();
        loop {
            let Some((line, _)) = numbered.next() else {
                let message = format!("<{}> is never closed", shown(tag));
                let hint = format!("add the line {} where it ends", shown(&end));
                return Err(Fault::new(&place, message, hint));
            };
            if line.trim_ascii_start().starts_with(&end) {
                break;
            }
            if line.contains(&end) {
                // OpenVPN reads long lines in pieces, and one may begin right here.
                let message = format!("{} stands within a line", shown(&end));
                let hint = "put it on a line of its own";
                return Err(Fault::new(&place, message, hint));
            }
            inline.push_str(line.trim_end_matches('\r'));
            inline.push('\n');
        }
        let block = if tag == "connection" {
            let first = Place {
                line: number + 1,
                ..place.clone()
            };
            // Blocks in a block are no OpenVPN; refused here, so that nothing nests for ever.
            let inner = lines_without_blocks(&inline, &first)?;
            inline.clear();
            inner
        } else {
            Vec::new()
        };
        directives.push(Directive {
            name: tag.to_owned(),
            arguments: Vec::new(),
            inline: Some(inline),
            block,
            place,
        });
    }
    Ok(directives)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.starts_with('-') && name.chars().all(fits)
}

fn lines_without_blocks(text: &str, first: &Place) -> Result<Vec<Directive>, Fault> {
    // A <connection> in a <connection> would end the outer one, so this goes one level deep.
    if let Some(at) = text.lines().position(|line| line.trim() == "<connection>") {
        let place = Place {
            line: first.line + at,
            ..first.clone()
        };
        let message = "there is a <connection> in a <connection>";
        return Err(Fault::new(&place, message, "close the first one before it"));
    }
    lines(text, first)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Between,
    Plain,
    Double(usize),
    Single(usize),
}

/// The words of a line, and the column of the first.
fn parameters(line: &str, at: &dyn Fn(usize) -> Place) -> Result<(usize, Vec<String>), Fault> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    let mut backslash = false;
    let mut first = 1;
    // The end of the line is a blank, as in OpenVPN, where it is the NUL.
    for (c, column) in line.chars().chain(['\n']).zip(1..) {
        if c == '\\' && !backslash && !matches!(state, State::Single(_)) {
            backslash = true;
            continue;
        }
        let blank = c.is_ascii_whitespace() || c == '\u{b}';
        let mut done = false;
        let mut taken = false;
        match state {
            State::Between if blank => {}
            State::Between => {
                if c == '#' || c == ';' {
                    break;
                }
                if words.is_empty() {
                    first = column;
                }
                state = match c {
                    '"' if !backslash => State::Double(column),
                    '\'' if !backslash => State::Single(column),
                    _ => {
                        taken = true;
                        State::Plain
                    }
                };
            }
            State::Plain if blank && !backslash => done = true,
            State::Double(_) if c == '"' && !backslash => done = true,
            State::Single(_) if c == '\'' => done = true,
            // The line's end is in no quotes, and no backslash carries it on.
            _ if c == '\n' => break,
            State::Plain | State::Double(_) | State::Single(_) => taken = true,
        }
        if taken {
            if backslash && !(c == '\\' || c == '"' || blank) {
                let message = format!("a backslash stands before {c:?}");
                let hint = "write \\\\ for a backslash, as in \"c:\\\\keys\\\\me.key\"";
                return Err(Fault::new(&at(column), message, hint));
            }
            word.push(c);
        }
        backslash = false;
        if done {
            state = State::Between;
            words.push(std::mem::take(&mut word));
            if words.len() == MAX_PARAMETERS {
                break;
            }
        }
    }
    match state {
        State::Between => Ok((first, words)),
        State::Double(column) | State::Single(column) => {
            let hint = "close it on the same line, or write \\\" if it belongs to the text";
            Err(Fault::new(
                &at(column),
                "a quotation mark is never closed",
                hint,
            ))
        }
        State::Plain => {
            let hint = "write \\\\ if it belongs to the text";
            let column = line.chars().count();
            Err(Fault::new(
                &at(column),
                "the line ends in a backslash",
                hint,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let configuration = read_text(text, Path::new("x.ovpn")).unwrap();
        let directives = configuration.directives.into_iter();
        directives
            .map(|it| std::iter::once(it.name).chain(it.arguments).collect())
            .collect()
    }

    #[test]
    fn quotes_escapes_and_comments_are_openvpns() {
        for (line, expected) in [
            (
                "remote vpn.example 1194 # here",
                &["remote", "vpn.example", "1194"][..],
            ),
            ("\t--remote a;b c#d ; x", &["remote", "a;b", "c#d"]),
            (
                "setenv NAME \"two words\"",
                &["setenv", "NAME", "two words"],
            ),
            (
                "setenv NAME 'a \"b\" \\c'",
                &["setenv", "NAME", "a \"b\" \\c"],
            ),
            ("x \"a\\\"b\\\\c\" d\\ e", &["x", "a\"b\\c", "d e"]),
            ("x a\"b\" \"c\"d", &["x", "a\"b\"", "c", "d"]),
            ("x \"\" ''", &["x", "", ""]),
            ("x\r", &["x"]),
        ] {
            assert_eq!(words(line), [expected], "{line}");
        }
        assert_eq!(
            words("# a\n\n ; b\n \\\n".trim_end_matches(" \\\n")),
            [[""; 0]; 0]
        );
        assert_eq!(words(&"x ".repeat(30))[0].len(), MAX_PARAMETERS);
    }

    #[test]
    fn what_openvpn_does_not_take_has_its_place() {
        for (text, line, column, sentence) in [
            ("client\n x \"a", 2, 4, "never closed"),
            ("x 'a", 1, 3, "never closed"),
            ("x c:\\keys", 1, 6, "backslash stands before 'k'"),
            ("x a\\", 1, 4, "ends in a backslash"),
            ("client\n<ca>\nA\n</cert>\n", 2, 1, "<ca> is never closed"),
            ("<ca>\nA</ca>\n</ca>\n", 1, 1, "stands within a line"),
            ("----up /x", 1, 1, "is no option"),
            ("\"up /x\"", 1, 1, "is no option"),
            ("\"<a b>\"\nup /x\n</a b>", 1, 1, "is no option"),
            ("<ca> x", 1, 1, "is no option"),
        ] {
            let fault = read_text(text, Path::new("x.ovpn")).unwrap_err();
            assert_eq!(
                (fault.place.line, fault.place.column),
                (line, column),
                "{fault}"
            );
            assert!(
                fault.message.contains(sentence) && fault.hint.is_some(),
                "{fault}"
            );
        }
    }

    #[test]
    fn blocks_are_one_option_and_connections_have_their_own() {
        let text = "<ca>\r\nAAA\r\n # kept\r\n  </ca> rest\r\n<connection>\nremote a\nproto tcp\n</connection>\nverb 3";
        let it = read_text(text, Path::new("x.ovpn")).unwrap().directives;
        assert_eq!(it[0].inline.as_deref(), Some("AAA\n # kept\n"));
        assert_eq!((it[1].block.len(), it[1].block[1].place.line), (2, 7));
        assert_eq!((it[2].name.as_str(), it[2].place.line), ("verb", 9));
    }

    #[test]
    fn what_is_rendered_is_read_back() {
        let text = "remote a 1194\nsetenv X \"two 'w' \\\\ \\\"\"\nx '' '#'\n<ca>\nA\n</ca>\n<connection>\nremote b\n</connection>\n";
        let once = read_text(text, Path::new("x")).unwrap().directives;
        let rendered = render(&once);
        let twice = read_text(&rendered, Path::new("x")).unwrap().directives;
        assert_eq!(once, twice, "{rendered}");
    }

    /// Without the places, which change when the comments go.
    fn shape(directives: &[Directive]) -> Vec<(String, Vec<String>, Option<String>)> {
        let of = |it: &Directive| (it.name.clone(), it.arguments.clone(), it.inline.clone());
        directives
            .iter()
            .flat_map(|it| std::iter::once(of(it)).chain(shape(&it.block)))
            .collect()
    }

    proptest::proptest! {
        /// The way past the review would be an option that appears only when it is written out.
        #[test]
        fn whatever_is_read_is_the_same_when_it_was_written_and_read_again(
            text in "((up|--|<ca>|</ca>|<connection>|</connection>|[ \"'\\\\#;a<>/\t\r-])*\n){0,6}",
        ) {
            if let Ok(once) = read_text(&text, Path::new("x")) {
                let rendered = render(&once.directives);
                let twice = read_text(&rendered, Path::new("x")).unwrap().directives;
                proptest::prop_assert_eq!(shape(&once.directives), shape(&twice), "{}", rendered);
            }
        }
    }

    #[test]
    fn hostile_texts_end_in_time() {
        for text in [
            "x".repeat(10 << 20),
            "x ".repeat(5 << 20),
            "\\".repeat(1 << 20),
            "<a>\n".repeat(1 << 18),
            "<connection>\n".repeat(1 << 18),
            "\"".repeat(1 << 20),
        ] {
            let _ = read_text(&text, Path::new("x"));
        }
    }
}
