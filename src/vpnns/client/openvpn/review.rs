//! Which of a configuration's options have a meaning here, and what becomes of the others.
//!
//! Nothing is read and nothing is run: options in, decisions out. A profile's OpenVPN is an
//! ordinary program of the user's, its device is made and configured in the instance, and what
//! needs asking is asked through its management socket; what speaks against that is refused, left
//! out with a note, or, where it is a command, reported and never run.

use std::path::PathBuf;

use super::config::{Configuration, Directive, render};
use crate::client::fault::{Fault, Note, Place, Subject, shown};

/// What is left of a configuration.
#[derive(Clone, Debug)]
pub struct Review {
    /// The options that stay, in their order. Those that name files still do:
    /// [`super::embed`] puts the files in their place.
    pub kept: Vec<Directive>,
    /// A sentence for each option that was left out or deserves a look.
    pub notes: Vec<Note>,
    /// The user name that stood in an inline `auth-user-pass`.
    pub user: Option<String>,
    /// What relative paths are relative to.
    pub directory: PathBuf,
}

/// What becomes of an option.
enum Fate {
    Keep,
    /// Kept, with a word.
    KeepWith(String),
    /// Left out without a word: its meaning is elsewhere, or none.
    Silent,
    /// Left out, since: a sentence.
    LeaveOut(&'static str),
    /// Runs something.
    Command,
    /// Names a file with a secret, or holds it; in its place stays this.
    Secret(Option<Directive>),
    Refuse(&'static str, &'static str),
}

/// Longest line that OpenVPN reads, in bytes, with its end.
const LONGEST: usize = 255;

const NOT_NEEDED: &str = "it needs root, and a profile's OpenVPN is an ordinary program";
const IN_THE_WAY: &str = "vpnns decides that itself";
const WINDOWS: &str = "it is about Windows";
const NOT_SEEN: &str = "it sets a variable that only scripts see, and none is run";
const SERVER: &str = "this is the configuration of a server";
const SERVER_HINT: &str = "import the one that its administrator gives to users";
const TAP: &str = "bridged tunnels (tap) carry Ethernet, and an instance speaks only IP";
const TAP_HINT: &str = "ask the server's administrator for a routed one (dev tun)";

/// Decides about each option. `Err` is the first that makes the configuration unusable.
pub fn review(configuration: &Configuration) -> Result<Review, Fault> {
    let mut review = Review {
        kept: Vec::new(),
        notes: Vec::new(),
        user: None,
        directory: configuration.directory.clone(),
    };
    let kept = review.sort(&configuration.directives)?;
    let connects = |directive: &Directive| {
        directive.name == "remote" || directive.block.iter().any(|inner| inner.name == "remote")
    };
    if !kept.iter().any(connects) {
        let place = Place {
            file: configuration.file.clone(),
            line: 1,
            column: 1,
        };
        let hint = "add the line \"remote HOST PORT\"";
        return Err(Fault::new(
            &place,
            "no `remote` says which server it is",
            hint,
        ));
    }
    review.kept = kept;
    Ok(review)
}

impl Review {
    fn sort(&mut self, directives: &[Directive]) -> Result<Vec<Directive>, Fault> {
        let mut kept = Vec::new();
        for directive in directives {
            if !directive.block.is_empty() {
                let mut outer = directive.clone();
                outer.block = self.sort(&directive.block)?;
                kept.push(outer);
                continue;
            }
            let name = shown(&directive.name);
            // A configuration's text has none; what NetworkManager keeps may have, and would
            // become a line of its own when it is written out.
            if directive
                .arguments
                .iter()
                .any(|it| it.contains(['\n', '\r', '\0']))
            {
                let message = format!("`{name}` contains a line break");
                return Err(Fault::new(&directive.place, message, "take it out"));
            }
            if directive.inline.is_none() && is_too_long(directive) {
                let message = format!(
                    "`{name}` is longer than the {LONGEST} bytes of a line that OpenVPN reads"
                );
                return Err(Fault::new(&directive.place, message, "shorten it"));
            }
            match fate(directive) {
                Fate::Keep => kept.push(directive.clone()),
                Fate::KeepWith(sentence) => {
                    self.note(directive, Subject::Kept, sentence);
                    kept.push(directive.clone());
                }
                Fate::Silent => {}
                Fate::LeaveOut(why) => {
                    self.note(
                        directive,
                        Subject::LeftOut,
                        format!("`{name}` is left out: {why}"),
                    );
                }
                Fate::Command => {
                    let command = shown(&directive.arguments.join(" "));
                    let sentence = format!("`{name} {command}` is a command; it is not run");
                    self.note(directive, Subject::Command, sentence);
                }
                Fate::Secret(instead) => {
                    if directive.name == "auth-user-pass" {
                        let first = directive.inline.as_deref().and_then(|it| it.lines().next());
                        self.user = first
                            .map(|it| it.trim().to_owned())
                            .filter(|it| !it.is_empty());
                    }
                    let sentence =
                        format!("the secret of `{name}` is not taken over; it is asked for");
                    self.note(directive, Subject::Secret, sentence);
                    kept.extend(instead);
                }
                Fate::Refuse(why, hint) => return Err(Fault::new(&directive.place, why, hint)),
            }
        }
        Ok(kept)
    }

    fn note(&mut self, directive: &Directive, subject: Subject, message: String) {
        self.notes.push(Note {
            place: directive.place.clone(),
            subject,
            message,
        });
    }
}

#[rustfmt::skip] // one row a meaning reads as the table it is
fn fate(directive: &Directive) -> Fate {
    let argument = |index: usize| directive.arguments.get(index).map(String::as_str);
    let first = argument(0).unwrap_or_default();
    let given = directive.inline.is_some() || !directive.arguments.is_empty();
    let plain = |name, arguments: &[&str]| Some(Directive::new(name, arguments, &directive.place));
    match directive.name.as_str() {
        "dev" | "dev-type" if first.starts_with("tap") => Fate::Refuse(TAP, TAP_HINT),
        "mode" if first == "server" => Fate::Refuse(SERVER, SERVER_HINT),
        "server" | "server-bridge" | "server-ipv6" | "tls-server" => Fate::Refuse(SERVER, SERVER_HINT),

        "plugin" => Fate::Command,
        name if is_command(name) => Fate::Command,

        "auth-user-pass" if given && first != "username-only" => Fate::Secret(plain("auth-user-pass", &[])),
        "askpass" if given => Fate::Secret(None),
        "askpass" => Fate::Silent,
        "http-proxy-user-pass" => Fate::Secret(None),
        "http-proxy" if argument(2).is_some_and(|it| !is_proxy_method(it)) => {
            let mut arguments: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            // OpenVPN then asks through its management socket.
            arguments[2] = "auto";
            Fate::Secret(plain("http-proxy", &arguments))
        }
        "socks-proxy" if argument(2).is_some() => {
            Fate::Secret(plain("socks-proxy", &[first, argument(1).unwrap_or("1080")]))
        }

        "user" | "group" | "chroot" | "setcon" | "mlock" | "mark" => Fate::LeaveOut(NOT_NEEDED),
        "nice" if first.starts_with('-') => Fate::LeaveOut(NOT_NEEDED),
        "daemon" | "inetd" | "log" | "log-append" | "syslog" | "errors-to-stderr" | "writepid"
        | "status" | "status-version" | "cd" | "dev-node" | "ifconfig-noexec" | "route-noexec"
        | "script-security" | "up-delay" | "up-restart" | "down-pre" | "tmp-dir"
        | "machine-readable-output" | "replay-persist" | "tls-export-cert" => Fate::LeaveOut(IN_THE_WAY),
        name if name.starts_with("management") => Fate::LeaveOut(IN_THE_WAY),

        "block-outside-dns" | "register-dns" | "route-method" | "ip-win32" | "dhcp-renew"
        | "dhcp-release" | "dhcp-pre-release" | "show-net-up" | "tap-sleep" | "win-sys"
        | "windows-driver" | "service" | "allow-nonadmin" | "pause-exit" | "cryptoapicert" => Fate::LeaveOut(WINDOWS),

        "setenv-safe" => Fate::LeaveOut(NOT_SEEN),
        "setenv" if !is_for_openvpn(first) => Fate::LeaveOut(NOT_SEEN),

        "pkcs11-providers" | "engine" | "providers" if directive.arguments.iter().any(|it| it.contains('/')) => {
            let path = shown(&directive.arguments.join(" "));
            Fate::KeepWith(format!("OpenVPN will load the library {path}"))
        }
        // Says no more than that a block with this name follows.
        _ if matches!(first, "[inline]" | "[[INLINE]]") && directive.arguments.len() == 1 => Fate::Silent,
        _ => Fate::Keep,
    }
}

/// Options whose parameter is a program to be run.
pub fn is_command(name: &str) -> bool {
    matches!(
        name,
        "up" | "down"
            | "route-up"
            | "route-pre-down"
            | "ipchange"
            | "tls-verify"
            | "auth-user-pass-verify"
            | "client-connect"
            | "client-disconnect"
            | "client-crresponse"
            | "learn-address"
            | "iproute"
            | "dns-updown"
            | "tls-crypt-v2-verify"
    )
}

/// Whether the line would be too long once it is written out.
fn is_too_long(directive: &Directive) -> bool {
    render(std::slice::from_ref(directive)).len() > LONGEST
}

/// A third parameter of `http-proxy` that is no file.
fn is_proxy_method(word: &str) -> bool {
    matches!(
        word,
        "auto" | "auto-nct" | "none" | "basic" | "ntlm" | "ntlm2"
    )
}

/// Variables that OpenVPN itself reads or tells the server.
fn is_for_openvpn(name: &str) -> bool {
    let known = [
        "opt",
        "FORWARD_COMPATIBLE",
        "GENERIC_CONFIG",
        "CLIENT_CERT",
        "PUSH_PEER_INFO",
        "SERVER_POLL_TIMEOUT",
    ];
    known.contains(&name) || name.starts_with("UV_") || name.starts_with("IV_")
}

#[cfg(test)]
mod tests {
    use super::super::config::read_text;
    use super::*;
    use std::path::Path;

    fn reviewed(text: &str) -> Result<Review, Fault> {
        review(&read_text(text, Path::new("x.ovpn")).unwrap())
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_remedy() {
        for text in [
            "dev tap",
            "dev tap0",
            "dev tun\ndev-type tap",
            "mode server",
            "server 10.8.0.0 255.255.255.0",
            "client\ndev tun",
        ] {
            let text = format!("{text}\n");
            let fault = reviewed(&text).unwrap_err();
            assert!(fault.hint.is_some(), "{text}: {fault}");
            assert_eq!(fault.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn commands_are_reported_and_kept_nowhere() {
        let text = "remote a\nscript-security 2\nup /etc/x.sh\ndown '/bin/sh -c evil'\nplugin x.so\n\
                    <connection>\nremote b\nipchange /x\n</connection>\n";
        let it = reviewed(text).unwrap();
        let commands = it
            .notes
            .iter()
            .filter(|note| note.subject == Subject::Command);
        assert_eq!(commands.count(), 4, "{:#?}", it.notes);
        let rendered = render(&it.kept);
        assert_eq!(
            rendered,
            "remote a\n<connection>\nremote b\n</connection>\n"
        );
        assert!(it.notes.iter().any(
            |note| note.to_string() == "x.ovpn:3:1: `up /etc/x.sh` is a command; it is not run"
        ));
    }

    #[test]
    fn secrets_stay_behind_and_the_user_name_comes_along() {
        let text = "remote a\n<auth-user-pass>\nme\nhunter2\n</auth-user-pass>\naskpass /p\n\
                    http-proxy p 8080 /auth basic\nsocks-proxy s 1080 /auth\n";
        let it = reviewed(text).unwrap();
        assert_eq!(it.user.as_deref(), Some("me"));
        assert_eq!(
            render(&it.kept),
            "remote a\nauth-user-pass\nhttp-proxy p 8080 auto basic\nsocks-proxy s 1080\n"
        );
        assert!(!format!("{it:?}").contains("hunter2"));
        assert_eq!(it.notes.len(), 4);
    }

    #[test]
    fn what_has_no_meaning_here_is_left_out_and_the_rest_stays() {
        let text = "client\nremote a\nuser nobody\ndaemon\nlog /var/log/x\nmanagement 127.0.0.1 7505\n\
                    block-outside-dns\nsetenv PATH /evil\nsetenv UV_ID 1\nsetenv opt x\n\
                    persist-tun\nca [inline]\n<ca>\nA\n</ca>\npkcs11-id x\n";
        let it = reviewed(text).unwrap();
        assert_eq!(
            render(&it.kept),
            "client\nremote a\nsetenv UV_ID 1\nsetenv opt x\npersist-tun\n<ca>\nA\n</ca>\npkcs11-id x\n"
        );
        assert_eq!(it.notes.len(), 6, "{:#?}", it.notes);
    }
}
