//! What the tests that failed have said, kept for the end: above it stand thousands of lines.

use std::io::{self, BufRead, Write};

/// How much of what one test has said is repeated, in lines.
const MOST_LINES: usize = 40;

/// The tests that failed, in the order in which they are told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    told: Vec<Failed>,
    is_within: bool,
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
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.is_within = false;
        } else if let Some(test) = self.told.last_mut().filter(|_| self.is_within)
            && !is_of_a_backtrace(line)
            && test.said.len() < MOST_LINES
        {
            test.said.push(line.to_owned());
        }
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

test result: FAILED. 1 passed; 1 failed
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
    fn where_all_is_well_nothing_is_repeated() {
        let mut failures = Failures::default();
        let printed: &[u8] = b"test one ... ok\n\xff\ntest result: ok. 1 passed";
        failures.pass_on(printed, io::sink()).unwrap();
        assert_eq!(failures.summary(), "");
    }
}
