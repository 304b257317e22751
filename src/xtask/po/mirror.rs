//! The calls of gettext in a Rust file, and the comments for translators, as C on the same lines.

use std::io;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};
use syn::Lit;

/// The functions that translate, what C calls them, and how many texts each takes first.
const FUNCTIONS: &[(&str, &str, usize)] = &[
    ("gettext", "gettext", 1),
    ("gettext_f", "gettext", 1),
    ("gettext_noop", "gettext", 1),
    ("ngettext", "ngettext", 2),
    ("ngettext_f", "ngettext", 2),
    ("npgettext_f", "npgettext", 3),
];

/// What begins a comment for translators.
const MARK: &str = "// Translators:";

/// A text that is to be translated: its line, and its forms.
#[derive(Debug, PartialEq)]
struct Found {
    line: usize,
    function: &'static str,
    texts: Vec<String>,
}

/// The file for xgettext. A call whose texts are no literals is an error: nobody could translate it.
pub(super) fn of(source: &str) -> io::Result<String> {
    let tokens: TokenStream = source
        .parse()
        .map_err(|error: LexError| io::Error::other(error.to_string()))?;
    let mut found = Vec::new();
    look(tokens, &mut found)?;
    let mut lines: Vec<String> = comments(source);
    for Found {
        line,
        function,
        texts,
    } in found
    {
        let texts: Vec<String> = texts.iter().map(|it| quoted(it)).collect();
        let call = [function, "(", &texts.join(", "), ");"].concat();
        lines[line - 1].push_str(&call);
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn look(tokens: TokenStream, found: &mut Vec<Found>) -> io::Result<()> {
    let mut tokens = tokens.into_iter().peekable();
    let (mut is_definition, mut is_for_tests) = (false, false);
    while let Some(token) = tokens.next() {
        if let TokenTree::Group(group) = &token {
            // What is only there for tests is not shown to anybody.
            if is_for_tests && group.delimiter() == Delimiter::Brace {
                is_for_tests = false;
                continue;
            }
            is_for_tests |= group.delimiter() == Delimiter::Bracket
                && group.stream().to_string().replace(' ', "") == "cfg(test)";
            look(group.stream(), found)?;
        }
        is_for_tests &= !matches!(&token, TokenTree::Punct(it) if it.as_char() == ';');
        let TokenTree::Ident(name) = &token else {
            continue;
        };
        let was_definition = std::mem::replace(&mut is_definition, name == "fn");
        let function = FUNCTIONS.iter().find(|(function, ..)| name == function);
        let (Some((function, in_c, count)), Some(TokenTree::Group(group))) =
            (function, tokens.peek())
        else {
            continue;
        };
        if was_definition || group.delimiter() != Delimiter::Parenthesis {
            continue;
        }
        found.push(call(in_c, &group.stream(), *count).ok_or_else(|| {
            let line = name.span().start().line;
            let text = format!("line {line}: {function}() is not given its text as a literal");
            io::Error::other(text)
        })?);
    }
    Ok(())
}

/// The first arguments, if they are literals.
fn call(function: &'static str, arguments: &TokenStream, count: usize) -> Option<Found> {
    let mut tokens = arguments.clone().into_iter();
    let mut found = Found {
        line: 0,
        function,
        texts: Vec::new(),
    };
    for _ in 0..count {
        let TokenTree::Literal(literal) = tokens.next()? else {
            return None;
        };
        // Where the text is, since a comment may stand between it and the function's name.
        if found.line == 0 {
            found.line = literal.span().start().line;
        }
        let Lit::Str(text) = Lit::new(literal) else {
            return None;
        };
        found.texts.push(text.value());
        tokens.next();
    }
    Some(found)
}

/// A line for each line, with the comments for translators on theirs.
fn comments(source: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in source.lines() {
        let line = line.trim();
        is_inside = line.starts_with("//") && (is_inside || line.starts_with(MARK));
        lines.push(if is_inside {
            format!("{line}\n")
        } else {
            String::new()
        });
    }
    // A comment ends its line: what is on the same line of C comes after it.
    lines
        .into_iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The text as C writes it.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_found_with_its_comment_and_nothing_else() {
        let source = r##"
fn gettext(text: &'static str) {}
fn f<'a>(it: &'a str) -> char {
    // Translators: a word
    let it = gettext("One");
    say(gettext_f("Two \
        words{a}", &[("a", "no")]), '"');
    npgettext_f("ctx", "a", "b", n, &[]);
    n(ngettext_f(
        // Translators: a number
        "{n} \"a\"", "{n}\u{a0}b", n, &[]),
        gettext(r#"raw \n"#))
}
#[cfg(test)]
mod tests { fn t() { gettext("Never"); } }
#[cfg(test)]
use super::no;
fn g() { gettext("Last"); }
"##;
        let mirror = of(source).unwrap();
        let lines: Vec<&str> = mirror.lines().filter(|it| !it.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "// Translators: a word",
                "gettext(\"One\");",
                "gettext(\"Two words{a}\");",
                "npgettext(\"ctx\", \"a\", \"b\");",
                "// Translators: a number",
                "ngettext(\"{n} \\\"a\\\"\", \"{n}\u{a0}b\");",
                "gettext(\"raw \\\\n\");",
                "gettext(\"Last\");",
            ]
        );
    }

    #[test]
    fn a_text_that_nobody_could_translate_is_an_error() {
        let error = of("fn f() {\n gettext(text); }").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
