//! What goes to stderr: what failed, what caused it, and what to do.

use std::error::Error;
use std::io::Write;

use nix::errno::Errno;

/// Prints an error with its causes, and a hint if there is one.
pub fn print(error: &dyn Error, hint: Option<&str>) {
    print_parts(&error.to_string(), &causes(error), hint);
}

/// The causes of an error as text, outermost first.
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(plain(cause));
        next = cause.source();
    }
    texts
}

/// An error and its causes in one sentence.
pub fn chain(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    for cause in causes(error) {
        sentence.push_str(": ");
        sentence.push_str(&cause);
    }
    sentence
}

/// A cause that happened in another process, as text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// All causes that the other process told, if it told any.
    pub fn of(causes: &[String]) -> Option<Self> {
        (!causes.is_empty()).then(|| Self(causes.join(": ")))
    }
}

/// An error in words: those of the system come with a name or number that only programmers know.
fn plain(error: &(dyn Error + 'static)) -> String {
    let number = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::raw_os_error);
    match error
        .downcast_ref()
        .copied()
        .or(number.map(Errno::from_raw))
    {
        Some(Errno::UnknownErrno) | None => error.to_string(),
        Some(errno) => errno.desc().to_owned(),
    }
}

/// Text as it can be shown: programs, servers and other processes have a say in it, and a terminal
/// obeys some of what they may say. One line, whatever they say.
pub fn visible(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}")
}

/// The same for a text of several lines.
pub fn visible_lines(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !"\t\n".contains(c), "\u{fffd}")
}

/// The same for an error that came from another process.
pub fn print_parts(message: &str, causes: &[String], hint: Option<&str>) {
    let mut text = format!("vpnns: {message}\n");
    for cause in causes {
        text.push_str("caused by: ");
        text.push_str(cause);
        text.push('\n');
    }
    if let Some(hint) = hint {
        text.push_str("hint: ");
        text.push_str(hint);
        text.push('\n');
    }
    let text = visible_lines(&text);
    // One write: several processes of ours may share the terminal. Where it fails there is
    // nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints one sentence that is not an error.
pub fn note(sentence: &str) {
    print_parts(sentence, &[], None);
}
