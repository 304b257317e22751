//! Bytes as they come, cut into lines.

use std::collections::VecDeque;

/// The longest line in bytes: the helper's own messages are far shorter.
const LONGEST: usize = 4 * 1024 * 1024;

/// What came so far and was not taken yet.
#[derive(Debug, Default)]
pub struct Lines {
    whole: VecDeque<String>,
    rest: Vec<u8>,
}

impl Lines {
    /// Adds what came; an error where a line does not end.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), ()> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.rest).into_owned();
                self.whole.push_back(line);
                self.rest.clear();
            } else {
                self.rest.push(byte);
            }
        }
        if self.rest.len() > LONGEST {
            Err(())
        } else {
            Ok(())
        }
    }

    /// The oldest whole line.
    pub fn take(&mut self) -> Option<String> {
        self.whole.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_came() {
        let mut lines = Lines::default();
        lines.add(b"on").unwrap();
        assert_eq!(lines.take(), None);
        lines.add(b"e\ntwo\n\xffthr").unwrap();
        assert_eq!(lines.take().as_deref(), Some("one"));
        assert_eq!(lines.take().as_deref(), Some("two"));
        assert_eq!(lines.take(), None);
        lines.add(b"ee\n").unwrap();
        assert_eq!(lines.take().as_deref(), Some("\u{fffd}three"));
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(&vec![b'x'; LONGEST + 1]), Err(()));
    }
}
