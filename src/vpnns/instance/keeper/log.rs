//! The last things that have happened to the instance, in memory and bounded.
//!
//! Nothing is written to a disk: the log ends with its keeper. Whoever sends lines has taken out
//! what the user has typed; here they are only cut and made harmless.

use std::collections::VecDeque;

use vpnns_protocol::instance::State;
use vpnns_protocol::log::Line;

use super::{Keeper, unix_time};

/// How many lines are kept, and how many bytes of text.
const LINES: usize = 500;
const BYTES: usize = 64 * 1024;
/// How long a line may be, in bytes.
const LONGEST: usize = 1000;

/// The lines; empty, and without memory of its own, until something happens.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Log {
    /// Something has happened just now.
    pub(super) fn add(&mut self, text: &str) {
        let text = fitting(text);
        if text.is_empty() {
            return;
        }
        self.bytes += text.len();
        let time = unix_time();
        self.lines.push_back(Line { time, text });
        while self.lines.len() > LINES || self.bytes > BYTES {
            let forgotten = self.lines.pop_front();
            self.bytes -= forgotten.map_or(0, |line| line.text.len());
        }
    }

    /// All of it, oldest first.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.lines.iter().cloned().collect()
    }
}

/// A line that fits, without what a terminal would obey.
fn fitting(text: &str) -> String {
    let plain = text.trim_end().replace(char::is_control, "\u{fffd}");
    if plain.len() <= LONGEST {
        return plain;
    }
    let mut end = LONGEST;
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &plain[..end])
}

impl Keeper {
    /// The connector has something to tell.
    pub(super) fn hear_line(&mut self, index: usize, text: &str) {
        if self.is_connector(index) {
            self.log.add(text);
        }
    }
}

/// A state in a line.
pub(super) fn line_of(state: &State) -> String {
    match state {
        State::Connecting { stage } => format!("connecting: {stage}"),
        State::Failed { reason } => format!("failed: {reason}"),
        state => state.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_are_forgotten_by_number_and_by_size() {
        let mut log = Log::default();
        for number in 0..=LINES {
            log.add(&number.to_string());
        }
        let lines = log.lines();
        assert_eq!((lines.len(), &*lines[0].text), (LINES, "1"));
        for _ in 0..LINES {
            log.add(&"ä".repeat(LONGEST));
        }
        let bytes: usize = log.lines().iter().map(|line| line.text.len()).sum();
        assert!(bytes <= BYTES && bytes > BYTES - 2 * LONGEST, "{bytes}");
        assert_eq!(bytes, log.bytes);
    }

    #[test]
    fn a_line_is_cut_at_a_character_and_moves_no_cursor() {
        assert_eq!(fitting("a\u{1b}[2Jb \r\n"), "a\u{fffd}[2Jb");
        let cut = fitting(&format!("a{}", "ä".repeat(LONGEST)));
        assert!(cut.len() <= LONGEST + 3 && cut.ends_with("ä..."), "{cut}");
        let mut log = Log::default();
        log.add(" \n");
        assert!(log.lines().is_empty());
    }
}
