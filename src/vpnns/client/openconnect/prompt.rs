//! What openconnect asks on its terminal, as a question for the user.
//!
//! # Theory of operation
//!
//! openconnect prints what the server says, line by line, and then a label without an end of
//! line; then it reads a line. Whether it has switched the echo off says whether what is typed is
//! a secret. Labels and messages are the server's: nothing that follows from them is more than a
//! text to show, and the certificate is in the end taken from where no server can write.

use vpnns_protocol::question::{Ask, Field, FieldKind};

/// The name of the one field of a form: openconnect asks one after the other.
pub const FIELD: &str = "answer";

/// Something that openconnect waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What stands above.
    pub message: String,
    /// What is asked.
    pub ask: Ask,
}

/// Whether an unfinished line looks like a label, so that it is one if nothing more comes soon.
pub fn looks_complete(line: &str) -> bool {
    line.trim_end().ends_with([':', '?', ']', '>'])
}

/// Reads the lines since the last answer, and the label below them.
pub fn read(lines: &[String], label: &str, echo: bool, server: &str) -> Prompt {
    if let Some(ask) = certificate(lines, label, server) {
        return Prompt {
            message: String::new(),
            ask,
        };
    }
    let message = message(lines);
    let mut field = Field {
        name: FIELD.to_owned(),
        label: label.trim().trim_end_matches(':').trim_end().to_owned(),
        kind: FieldKind::Text,
        options: Vec::new(),
        value: None,
    };
    if let Some((name, options)) = choice(label) {
        field.label = name;
        field.options = options;
        field.kind = FieldKind::Choice;
    } else if is_code(&field.label) || (!echo && is_code(last_line(&message))) {
        field.kind = FieldKind::Code;
    } else if !echo {
        field.kind = FieldKind::Password;
    }
    Prompt {
        message,
        ask: Ask::Form {
            fields: vec![field],
        },
    }
}

fn certificate(lines: &[String], label: &str, server: &str) -> Option<Ask> {
    if !label.contains("to accept") {
        return None;
    }
    let after = |start: &str| {
        let line = lines
            .iter()
            .rev()
            .find_map(|line| line.trim().strip_prefix(start));
        line.map(|rest| rest.trim().to_owned())
    };
    let fingerprint = after("--servercert ")?;
    let shown = lines.iter().rev().find_map(|line| {
        let name = line.strip_prefix("Certificate from VPN server \"")?;
        Some(name.split_once('"')?.0.to_owned())
    });
    Some(Ask::Certificate {
        server: shown.unwrap_or_else(|| server.to_owned()),
        reason: after("Reason:").unwrap_or_else(|| "no authority vouches for it".to_owned()),
        fingerprint,
    })
}

/// `GROUP: [staff|guests]:`
fn choice(label: &str) -> Option<(String, Vec<String>)> {
    let inner = label
        .trim_end()
        .strip_suffix(':')
        .unwrap_or(label.trim_end());
    let (name, options) = inner.strip_suffix(']')?.split_once('[')?;
    let options: Vec<String> = options.split('|').map(str::to_owned).collect();
    let name = name.trim().trim_end_matches(':').to_owned();
    (!name.is_empty() && options.iter().all(|option| !option.is_empty())).then_some((name, options))
}

/// What the server says, without openconnect's own reports.
fn message(lines: &[String]) -> String {
    let said: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty() && !is_report(line))
        .collect();
    said.join("\n")
}

fn is_report(line: &str) -> bool {
    const STARTS: [&str; 14] = [
        "POST http",
        "GET http",
        "Attempting to connect to server",
        "Connected to ",
        "SSL negotiation with ",
        "Server certificate verify failed",
        "Got HTTP response",
        "Got CONNECT response",
        "XML POST enabled",
        "Using client certificate",
        "Using certificate file",
        "Spawning external browser",
        "Please enter your username.",
        "Refreshing ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// Whether a text speaks of something that is good once.
fn is_code(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "otp",
        "code",
        "passcode",
        "token",
        "tokencode",
        "one-time",
        "challenge",
        "response",
        "verification",
        "pin+token",
    ];
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '+'));
    words.any(|word| WORDS.contains(&word)) || text.contains("one time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn field(before: &str, label: &str, echo: bool) -> (String, Field) {
        let prompt = read(&lines(before), label, echo, "vpn");
        match prompt.ask {
            Ask::Form { mut fields } => (prompt.message, fields.remove(0)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_user_name_is_text_and_a_password_is_hidden() {
        let (message, name) = field("POST https://vpn/\nAuthorised only", "Username:", true);
        assert_eq!(
            (message.as_str(), name.label.as_str()),
            ("Authorised only", "Username")
        );
        assert_eq!(name.kind, FieldKind::Text);
        let (message, password) = field(
            "POST https://vpn/auth\nLogin failed.\nPlease enter your password.",
            "Password:",
            false,
        );
        assert_eq!(message, "Login failed.\nPlease enter your password.");
        assert_eq!(password.kind, FieldKind::Password);
    }

    #[test]
    fn a_second_factor_is_a_code_by_its_label_or_by_the_message() {
        for label in ["Verification code:", "OTP: ", "PASSCODE:", "Response:"] {
            assert_eq!(field("", label, false).1.kind, FieldKind::Code, "{label}");
        }
        let asked = field("Please enter your one time password.", "Password:", false);
        assert_eq!(asked.1.kind, FieldKind::Code);
        assert_eq!(field("", "Decoder name:", true).1.kind, FieldKind::Text);
    }

    #[test]
    fn groups_are_a_choice() {
        let (_, group) = field(
            "Please enter your username.",
            "Group: [staff|Guest access]:",
            true,
        );
        assert_eq!(group.kind, FieldKind::Choice);
        assert_eq!(group.label, "Group");
        assert_eq!(group.options, ["staff", "Guest access"]);
    }

    #[test]
    fn a_certificate_comes_with_reason_and_fingerprint() {
        let before = "Server certificate verify failed: signer not found\n\n\
            Certificate from VPN server \"vpn.corp.test\" failed verification.\n\
            Reason: signer not found\n\
            To trust this server in future, perhaps add this to your command line:\n    \
            --servercert pin-sha256:6ejZ=";
        let label = "Enter 'yes' to accept, 'no' to abort; anything else to view: ";
        assert!(looks_complete(label));
        let prompt = read(&lines(before), label, true, "vpn");
        let expected = Ask::Certificate {
            server: "vpn.corp.test".into(),
            reason: "signer not found".into(),
            fingerprint: "pin-sha256:6ejZ=".into(),
        };
        assert_eq!(prompt.ask, expected);
    }
}
