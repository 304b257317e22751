//! Options and variables that would put a secret where every process of the user can read it.

/// Words in a name that say that its value is a secret.
const WORDS: &[&str] = &["password", "passwd", "passphrase", "secret", "cookie"];
/// Words in such a name that say that the value is only a place to find it.
const ELSEWHERE: &[&str] = &[
    "file", "path", "fsid", "stdin", "ask", "prompt", "cmd", "command", "mode",
];

/// What speaks against an option.
pub(super) enum Objection {
    /// It carries a secret.
    Secret,
    /// vpnns gives it itself.
    Ours,
}

/// Options of openconnect that carry a secret, or a part of the dialogue that vpnns leads.
const OPENCONNECT_SECRETS: &[&str] = &[
    "cookie",
    "cookie-on-stdin",
    "passwd-on-stdin",
    "form-entry",
    "key-password",
    "token-secret",
];
/// Options of openconnect that vpnns gives itself, or has a field for.
const OPENCONNECT_OURS: &[&str] = &[
    "script",
    "script-tun",
    "interface",
    "background",
    "pid-file",
    "setuid",
    "authenticate",
    "config",
    "protocol",
    "syslog",
];
/// Its short options, each with the long one's meaning.
const OPENCONNECT_SHORT: &[(char, &str)] = &[
    ('C', "cookie"),
    ('F', "form-entry"),
    ('p', "key-password"),
    ('s', "script"),
    ('S', "script-tun"),
    ('i', "interface"),
    ('b', "background"),
    ('U', "setuid"),
    ('l', "syslog"),
];
/// Options of openvpn that vpnns gives itself, or has a field for.
const OPENVPN_OURS: &[&str] = &[
    "config", "daemon", "dev-node", "inetd", "mode", "server", "cd",
];

/// What speaks against an argument of openconnect.
pub(super) fn openconnect(argument: &str) -> Option<Objection> {
    if let Some(long) = argument.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or_default();
        // getopt_long takes the beginning of a name for the whole.
        let means = |full: &str| full == name || (name.len() > 3 && full.starts_with(name));
        if OPENCONNECT_SECRETS.iter().any(|full| means(full)) {
            return Some(Objection::Secret);
        }
        if OPENCONNECT_OURS.iter().any(|full| means(full)) {
            return Some(Objection::Ours);
        }
        return carries_secret(argument).then_some(Objection::Secret);
    }
    let short = argument.strip_prefix('-')?.chars().next()?;
    let (_, long) = OPENCONNECT_SHORT.iter().find(|(c, _)| *c == short)?;
    openconnect(&format!("--{long}"))
}

/// What speaks against an argument of openvpn.
pub(super) fn openvpn(argument: &str) -> Option<Objection> {
    let name = argument.strip_prefix("--")?;
    if name.starts_with("management") || OPENVPN_OURS.contains(&name) {
        return Some(Objection::Ours);
    }
    carries_secret(argument).then_some(Objection::Secret)
}

/// Whether an argument of any program is a secret with its name, as in `--password=hunter2`.
pub(super) fn carries_secret(argument: &str) -> bool {
    match argument.split_once('=') {
        Some((name, value)) if name.starts_with('-') => !value.is_empty() && is_secret(name),
        _ => false,
    }
}

/// Whether a variable or option of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(WORDS) && !has(ELSEWHERE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_refused_however_their_option_is_written() {
        for argument in [
            "--passwd-on-stdin",
            "--passwd",
            "--cookie=x",
            "-C",
            "-Cx",
            "--cookie-on-stdin",
            "--form-entry=main:password=x",
            "-Fmain:password=x",
            "--key-password=x",
            "--token-secret=x",
        ] {
            assert!(
                matches!(openconnect(argument), Some(Objection::Secret)),
                "{argument}"
            );
        }
        for argument in ["--script=x", "-S", "--script-tun", "--authenticate", "-b"] {
            assert!(
                matches!(openconnect(argument), Some(Objection::Ours)),
                "{argument}"
            );
        }
        assert!(openvpn("--management").is_some());
    }

    #[test]
    fn what_only_sounds_like_a_secret_is_taken() {
        for argument in [
            "--no-dtls",
            "--key-password-from-fsid",
            "--token-mode=totp",
            "-v",
            "--useragent=AnyConnect",
            "-4",
            "main:password",
        ] {
            assert!(openconnect(argument).is_none(), "{argument}");
        }
        assert!(openvpn("--auth-nocache").is_none());
        assert!(!is_secret("VPN_PASSWORD_FILE"));
        assert!(is_secret("VPN_PASSWORD"));
    }
}
