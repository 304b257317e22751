//! What the tests that failed have said, kept for the end: above it stand thousands of lines.

use std::io::{self, BufRead, Write};

/// How much of what one test has said is repeated, in lines.
const MOST_LINES: usize = 40;

/// The tests that failed, in the order in which they are told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    told: Vec<Failed>,
    is_within: bool,
    /// Programs of tests that have begun, and those that have come to their end.
    begun: usize,
    ended: usize,
    passed: usize,
    failed: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Failed {
    name: String,
    said: Vec<String>,
}

impl Failures {
    /// Passes on what the tests print, line by line, and notes what belongs to a failure.
    pub(super) fn pass_on(&mut self, from: impl io::Read, mut to: impl Write) -> io::Result<()> {
        let mut from = io::BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line)? > 0 {
            to.write_all(&line)?;
            self.note(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        Ok(())
    }

    fn note(&mut self, line: &str) {
        let title = line.strip_prefix("---- ");
        if let Some(name) = title.and_then(|it| it.strip_suffix(" stdout ----")) {
            let (name, said) = (name.to_owned(), Vec::new());
            self.told.push(Failed { name, said });
            self.is_within = true;
        } else if line == "failures:" {
            self.is_within = false;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.is_within = false;
            self.ended += 1;
            self.passed += count(result, " passed");
            self.failed += count(result, " failed");
        } else if line.starts_with("running ") && line.trim_end_matches('s').ends_with(" test") {
            self.begun += 1;
        } else if let Some(test) = self.told.last_mut().filter(|_| self.is_within)
            && !is_of_a_backtrace(line)
            && test.said.len() < MOST_LINES
        {
            test.said.push(line.to_owned());
        }
    }

    /// The tests that failed, where nothing but they went wrong.
    pub(super) fn names(&self) -> Option<Vec<&str>> {
        let is_all = self.begun == self.ended && self.failed == self.told.len() && self.failed > 0;
        is_all.then(|| self.told.iter().map(|it| it.name.as_str()).collect())
    }

    /// How many tests passed.
    pub(super) fn passed(&self) -> usize {
        self.passed
    }

    /// What has been noted, to be printed last.
    pub(super) fn summary(&self) -> String {
        let mut lines = Vec::new();
        for Failed { name, said } in &self.told {
            lines.push(format!("\n-- {name}\n"));
            lines.extend(said.iter().map(|line| format!("   {line}\n")));
        }
        lines.concat()
    }
}

/// The number before a word of a result: "FAILED. 46 passed; 1 failed; 0 ignored".
fn count(result: &str, word: &str) -> usize {
    let before = result.split(word).next().unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

fn is_of_a_backtrace(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.split(':').next().unwrap_or_default();
    let is_frame = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    is_frame || line.is_empty() || line.starts_with("at ") || line == "stack backtrace:"
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
running 2 tests
test one ... ok
test group::two ... FAILED

failures:

---- group::two stdout ----

thread 'group::two' panicked at tests/x.rs:3:1:
no icon came
stack backtrace:
   0: core::panicking::panic_fmt
             at /rustc/library/core/src/panicking.rs:80:14
the server's log


failures:
    group::two

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
";

    #[test]
    fn what_a_failed_test_has_said_is_repeated_without_its_backtrace() {
        let (mut failures, mut passed_on) = (Failures::default(), Vec::new());
        failures
            .pass_on(PRINTED.as_bytes(), &mut passed_on)
            .unwrap();
        assert_eq!(passed_on, PRINTED.as_bytes());
        assert_eq!(
            failures.summary(),
            "\n-- group::two\n   thread 'group::two' panicked at tests/x.rs:3:1:\n   \
             no icon came\n   the server's log\n"
        );
    }

    #[test]
    fn the_failed_tests_are_known_by_name_unless_something_else_went_wrong() {
        let read = |printed: &str| {
            let mut failures = Failures::default();
            failures.pass_on(printed.as_bytes(), io::sink()).unwrap();
            failures
        };
        let failures = read(PRINTED);
        assert_eq!(failures.names(), Some(vec!["group::two"]));
        assert_eq!(failures.passed(), 1);
        // One that was killed has no result.
        let killed = format!("{PRINTED}\nrunning 1 test\n");
        assert_eq!(read(&killed).names(), None);
        let untold = PRINTED.replace("1 failed;", "2 failed;");
        assert_eq!(read(&untold).names(), None);
        assert_eq!(read("").names(), None);
    }

    #[test]
    fn where_all_is_well_nothing_is_repeated() {
        let mut failures = Failures::default();
        let printed: &[u8] = b"test one ... ok\n\xff\ntest result: ok. 1 passed";
        failures.pass_on(printed, io::sink()).unwrap();
        assert_eq!(failures.summary(), "");
    }
}
