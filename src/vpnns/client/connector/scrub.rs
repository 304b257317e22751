//! Taking out of a client's words what the user has typed, before anybody keeps them.

/// What stands in its place.
const HIDDEN: &str = "***";
/// Shorter than this, an answer is taken out only where it stands alone: every other line has an
/// "a" in it.
const SHORT: usize = 4;
/// How a line that holds a session's key begins, or goes on.
const KEYS: [&str; 8] = [
    "ookie:",
    "ookie=",
    "COOKIE=",
    "webvpn",
    "strapkey",
    "DSID=",
    "MRHSession=",
    "ANsession",
];

/// What must not be seen.
#[derive(Default)]
pub struct Scrubber {
    secrets: Vec<String>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({})", self.secrets.len())
    }
}

impl Scrubber {
    /// Remembers something that must not be seen.
    pub fn hide(&mut self, secret: &str) {
        let secret = secret.trim();
        if !secret.is_empty() && !self.secrets.iter().any(|known| known == secret) {
            self.secrets.push(secret.to_owned());
            // One may be a part of another, which must go first.
            self.secrets.sort_by_key(|it| std::cmp::Reverse(it.len()));
        }
    }

    /// A line as it may be kept; nothing where that is none of it.
    pub fn clean(&self, line: &str) -> Option<String> {
        // openvpn repeats what it is told on its management socket.
        if line.contains("MANAGEMENT: ") || KEYS.iter().any(|key| line.contains(key)) {
            return None;
        }
        let mut line = line.to_owned();
        for secret in &self.secrets {
            line = if secret.len() < SHORT {
                without_word(&line, secret)
            } else {
                line.replace(secret.as_str(), HIDDEN)
            };
        }
        Some(line)
    }
}

/// The line without a short word where that stands alone.
fn without_word(line: &str, word: &str) -> String {
    let mut clean = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let last = before.chars().next_back().or(clean.chars().next_back());
        let is_part = joins(last) || joins(after.chars().next());
        clean.push_str(before);
        clean.push_str(if is_part { word } else { HIDDEN });
        rest = after;
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_out_and_short_ones_only_where_they_stand_alone() {
        let mut scrubber = Scrubber::default();
        for secret in ["hunter2", "me", "hunter2 and more", " ", ""] {
            scrubber.hide(secret);
        }
        for (line, clean) in [
            ("Username:me", "Username:***"),
            ("some meme me", "some meme ***"),
            ("x hunter2y", "x ***y"),
            ("hunter2 and more", "***"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(scrubber.clean(line).as_deref(), Some(clean));
        }
        assert!(!format!("{scrubber:?}").contains("hunter"));
    }

    #[test]
    fn what_holds_a_key_or_repeats_a_command_is_no_line_to_keep() {
        let scrubber = Scrubber::default();
        for line in [
            "COOKIE='x'",
            "Set-Cookie: a=b",
            "< webvpn=abc",
            "MANAGEMENT: CMD 'username Auth me'",
        ] {
            assert_eq!(scrubber.clean(line), None, "{line}");
        }
    }
}
