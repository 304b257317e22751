//! OpenVPN's management interface, as text: what it says, and how it is answered.
//!
//! From management-notes.txt of OpenVPN's source. A line that begins with `>` comes by itself;
//! others answer a command. Passwords go this way and no other.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line from OpenVPN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// It waits to be let go.
    Hold,
    /// It needs a password, and perhaps a user name.
    Need(Need),
    /// The server or a key has refused what was given.
    Refused {
        /// What for: `Auth`, `Private Key` or another name.
        kind: String,
        /// The server asks once more, this way.
        challenge: Option<Challenge>,
    },
    /// It has come to a new state.
    State(State),
    /// A page is to be opened in a browser, to sign in.
    WebAuth(String),
    /// It gives up.
    Fatal(String),
    /// A line of its log.
    Log {
        /// Letters: `F` fatal, `N` error, `W` warning, `I` information, `D` debug.
        flags: String,
        /// The line.
        text: String,
    },
    /// A command was refused.
    Error(String),
    /// Anything else.
    Other,
}

/// What has to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What for: `Auth`, `Private Key` or another name.
    pub kind: String,
    /// Whether a user name is needed, too.
    pub user: bool,
    /// A question that is answered along with the password.
    pub challenge: Option<StaticChallenge>,
}

/// A question that the configuration itself has (`static-challenge`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticChallenge {
    /// The question.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
    /// Whether password and answer are simply written one after the other (OpenVPN 2.7).
    pub concatenate: bool,
}

/// A question that the server has sent in place of a refusal (CRV1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The question.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
    /// Whether an answer is wanted at all.
    pub answer: bool,
    /// The user that it is for.
    pub user: String,
    state: String,
}

/// A state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `CONNECTING`, `WAIT`, `AUTH`, `GET_CONFIG`, `ASSIGN_IP`, `CONNECTED`, `RECONNECTING`,
    /// `EXITING` and others.
    pub name: String,
    /// Why, in a few words of OpenVPN's.
    pub detail: String,
    /// The server's address, where there is one.
    pub server: Option<String>,
}

/// Understands a line, without its end.
pub fn parse(line: &str) -> Message {
    if let Some(text) = line.strip_prefix("ERROR:") {
        return Message::Error(text.trim().to_owned());
    }
    let Some((kind, rest)) = line.strip_prefix('>').and_then(|line| line.split_once(':')) else {
        return Message::Other;
    };
    match kind {
        "HOLD" => Message::Hold,
        "PASSWORD" => password(rest).unwrap_or(Message::Other),
        "STATE" => state(rest).unwrap_or(Message::Other),
        "INFOMSG" => web_auth(rest).unwrap_or(Message::Other),
        "FATAL" => Message::Fatal(rest.trim().to_owned()),
        "LOG" => {
            let mut parts = rest.splitn(3, ',').skip(1);
            let flags = parts.next().unwrap_or_default().to_owned();
            let text = parts.next().unwrap_or_default().to_owned();
            Message::Log { flags, text }
        }
        _ => Message::Other,
    }
}

/// `Need 'Auth' username/password SC:1,Question` or `Verification Failed: 'Auth' ['CRV1:...']`.
fn password(text: &str) -> Option<Message> {
    if let Some(rest) = text.strip_prefix("Need ") {
        let (kind, rest) = quoted(rest)?;
        let challenge = rest.split_once(" SC:").and_then(|(_, text)| {
            let (flags, text) = text.split_once(',')?;
            let flags: u32 = flags.trim().parse().ok()?;
            Some(StaticChallenge {
                text: text.to_owned(),
                echo: flags & 1 != 0,
                concatenate: flags & 2 != 0,
            })
        });
        let user = rest.trim_start().starts_with("username");
        return Some(Message::Need(Need {
            kind,
            user,
            challenge,
        }));
    }
    let rest = text.strip_prefix("Verification Failed:")?;
    let (kind, rest) = quoted(rest)?;
    let challenge = rest.find("CRV1:").and_then(|at| {
        let text = rest[at..].trim_end_matches([']', '\'', ' ']);
        Challenge::parse(text)
    });
    Some(Message::Refused { kind, challenge })
}

/// A word in single quotes, and what comes after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (word, rest) = text.trim_start().strip_prefix('\'')?.split_once('\'')?;
    Some((word.to_owned(), rest))
}

impl Challenge {
    /// `CRV1:flags:state:base64 of the user:question`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("CRV1:")?.splitn(4, ':');
        let flags: Vec<&str> = parts.next()?.split(',').collect();
        let state = parts.next()?.to_owned();
        let user = STANDARD.decode(parts.next()?).ok()?;
        Some(Self {
            text: parts.next()?.to_owned(),
            echo: flags.contains(&"E"),
            answer: flags.contains(&"R"),
            user: String::from_utf8(user).ok()?,
            state,
        })
    }

    /// What is sent as the password.
    pub fn password(&self, answer: &str) -> String {
        format!("CRV1::{}::{answer}", self.state)
    }
}

impl StaticChallenge {
    /// What is sent as the password.
    pub fn password(&self, password: &str, answer: &str) -> String {
        if self.concatenate {
            return format!("{password}{answer}");
        }
        let (password, answer) = (STANDARD.encode(password), STANDARD.encode(answer));
        format!("SCRV1:{password}:{answer}")
    }
}

/// `time,name,detail,local,remote,port,...`.
fn state(text: &str) -> Option<Message> {
    let mut parts = text.split(',').skip(1);
    let name = parts.next()?.to_owned();
    let detail = parts.next().unwrap_or_default().to_owned();
    let server = parts.nth(1).filter(|text| !text.is_empty());
    Some(Message::State(State {
        name,
        detail,
        server: server.map(str::to_owned),
    }))
}

/// `WEB_AUTH:flags:url`, or the older `OPEN_URL:url`.
fn web_auth(text: &str) -> Option<Message> {
    let url = match text.split_once(':')? {
        ("OPEN_URL", url) => url,
        ("WEB_AUTH", rest) => rest.split_once(':')?.1,
        _ => return None,
    };
    // Handed to a program that opens pages, and to nothing else.
    let is_page = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = !url.contains(|c: char| c.is_control() || c.is_whitespace());
    (is_page && is_plain).then(|| Message::WebAuth(url.to_owned()))
}

/// The command that gives a user name.
pub fn give_user(kind: &str, user: &str) -> String {
    format!("username {} {}\n", escaped(kind), escaped(user))
}

/// The command that gives a password.
pub fn give_password(kind: &str, password: &str) -> String {
    format!("password {} {}\n", escaped(kind), escaped(password))
}

/// A parameter in double quotes. Line breaks, which would begin another command, are left out.
fn escaped(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\0')) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        // Writing to a String cannot fail.
        let _ = quoted.write_char(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_understood() {
        let need = |kind: &str, user| Need {
            kind: kind.to_owned(),
            user,
            challenge: None,
        };
        assert_eq!(
            parse(">PASSWORD:Need 'Auth' username/password"),
            Message::Need(need("Auth", true))
        );
        assert_eq!(
            parse(">PASSWORD:Need 'Private Key' password"),
            Message::Need(need("Private Key", false))
        );
        let Message::Need(it) = parse(">PASSWORD:Need 'Auth' username/password SC:1,PIN, please")
        else {
            panic!()
        };
        let challenge = it.challenge.unwrap();
        assert_eq!((&*challenge.text, challenge.echo), ("PIN, please", true));
        assert_eq!(
            challenge.password("pass", "1234"),
            "SCRV1:cGFzcw==:MTIzNA=="
        );
    }

    #[test]
    fn a_refusal_may_be_a_question() {
        let refused = |challenge| Message::Refused {
            kind: "Auth".to_owned(),
            challenge,
        };
        assert_eq!(
            parse(">PASSWORD:Verification Failed: 'Auth'"),
            refused(None)
        );
        let line = ">PASSWORD:Verification Failed: 'Auth' \
                    ['CRV1:R,E:Om01u7Fh4LrGBS7uh0SWmzwabUiGiW6l:Y3Ix:Please enter token PIN']";
        let Message::Refused { challenge, .. } = parse(line) else {
            panic!()
        };
        let it = challenge.unwrap();
        assert_eq!((&*it.user, &*it.text), ("cr1", "Please enter token PIN"));
        assert!(it.echo && it.answer);
        let sent = it.password("8675309");
        assert_eq!(sent, "CRV1::Om01u7Fh4LrGBS7uh0SWmzwabUiGiW6l::8675309");
    }

    #[test]
    fn states_and_pages_are_read() {
        let line = ">STATE:1700000000,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1,1194,,,fd00::2";
        let Message::State(state) = parse(line) else {
            panic!()
        };
        assert_eq!(state.name, "CONNECTED");
        assert_eq!(state.server.as_deref(), Some("192.0.2.1"));
        let url = "https://sso.example/start?a=b:c";
        assert_eq!(
            parse(&format!(">INFOMSG:WEB_AUTH:external:{url}")),
            Message::WebAuth(url.to_owned())
        );
        assert_eq!(
            parse(&format!(">INFOMSG:OPEN_URL:{url}")),
            Message::WebAuth(url.to_owned())
        );
        assert_eq!(
            parse(">INFOMSG:OPEN_URL:file:///etc/passwd"),
            Message::Other
        );
    }

    #[test]
    fn an_answer_cannot_become_a_second_command() {
        let sent = give_password("Auth", "a\"b\\c\nsignal SIGTERM");
        assert_eq!(sent, "password \"Auth\" \"a\\\"b\\\\csignal SIGTERM\"\n");
    }

    #[test]
    fn nonsense_is_something_else() {
        for line in [
            "",
            ">",
            ">PASSWORD:",
            ">STATE:",
            ">PASSWORD:Need 'x",
            ">INFOMSG:x",
            "END",
        ] {
            assert_eq!(parse(line), Message::Other, "{line}");
        }
    }
}
