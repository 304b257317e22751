//! What a successful `openconnect --authenticate` hands over: shell assignments.

use std::fmt;

/// A session that the server has opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Whoever has it is the user.
    pub cookie: String,
    /// Where to connect to.
    pub url: String,
    /// The server's certificate, which openconnect has seen.
    pub fingerprint: String,
    /// `HOST:ADDRESS` of the very machine that has opened the session.
    pub resolve: Option<String>,
}

/// Never the cookie.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Reads the assignments; nothing if one is missing.
pub fn read(lines: &[String]) -> Option<Login> {
    let value = |name: &str| {
        let mut values = lines.iter().filter_map(|line| line.strip_prefix(name));
        values.next().and_then(unquote)
    };
    Some(Login {
        cookie: value("COOKIE=")?,
        // Before 9.0 there is only the host.
        url: value("CONNECT_URL=").or_else(|| value("HOST="))?,
        fingerprint: value("FINGERPRINT=")?,
        resolve: value("RESOLVE=").filter(|value| !value.is_empty()),
    })
}

/// `'it'\''s'` as the shell reads it.
fn unquote(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text.trim_end();
    loop {
        let (inner, after) = rest.strip_prefix('\'')?.split_once('\'')?;
        out.push_str(inner);
        if after.is_empty() {
            return Some(out);
        }
        out.push('\'');
        rest = after.strip_prefix("\\'")?;
    }
}

/// A word as the shell would read it back.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_and_never_shown() {
        let lines = [
            "COOKIE='webvpn=abc'",
            "HOST='192.0.2.1'",
            "CONNECT_URL='https://vpn.corp.test/'",
            "FINGERPRINT='pin-sha256:x='",
            "RESOLVE='vpn.corp.test:192.0.2.1'",
        ];
        let login = read(&lines.map(str::to_owned)).unwrap();
        assert_eq!(login.cookie, "webvpn=abc");
        assert_eq!(login.url, "https://vpn.corp.test/");
        assert_eq!(login.resolve.as_deref(), Some("vpn.corp.test:192.0.2.1"));
        assert!(!format!("{login:?}").contains("abc"));
        assert_eq!(
            read(&lines[1..].iter().map(|&s| s.to_owned()).collect::<Vec<_>>()),
            None
        );
    }

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        for word in ["", "plain", "it's", "'", "a b"] {
            assert_eq!(unquote(&quote(word)).as_deref(), Some(word));
        }
        assert_eq!(unquote("bare"), None);
    }
}
