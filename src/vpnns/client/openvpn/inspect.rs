//! A look at the configurations on an openvpn command line that is to be grafted.
//!
//! What such a client is told about us comes by its scripts, so it is started with
//! `--script-security 2`. That must not let a configuration from a stranger run commands which
//! openvpn would have refused without; and some options cannot work, which is better said before.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::config::{self, Directive};
use super::review::is_command;
use crate::client::fault::{Fault, shown};

/// Refuses what cannot work or must not run; else returns a sentence for each option that means
/// something else here than it says.
pub fn inspect(command: &[OsString]) -> Result<Vec<String>, Fault> {
    let may_run = may_run_commands(command);
    let mut notes = Vec::new();
    for path in configurations(command) {
        for directive in &config::read(Path::new(path))?.directives {
            judge(directive, may_run, &mut notes)?;
        }
    }
    Ok(notes)
}

/// The files behind --config, or the only argument.
fn configurations(command: &[OsString]) -> Vec<&OsStr> {
    let arguments = command.get(1..).unwrap_or_default();
    if let [path] = arguments
        && !path.as_encoded_bytes().starts_with(b"--")
    {
        return vec![path];
    }
    let named = arguments.windows(2).filter(|pair| pair[0] == "--config");
    named.map(|pair| pair[1].as_os_str()).collect()
}

/// Whether the user has allowed commands with so many words.
fn may_run_commands(command: &[OsString]) -> bool {
    let mut given = command.windows(2).rev();
    let last = given.find(|pair| pair[0] == "--script-security");
    let level = last.and_then(|pair| pair[1].to_str()?.parse::<u32>().ok());
    level.is_some_and(|level| level >= 2)
}

fn judge(directive: &Directive, may_run: bool, notes: &mut Vec<String>) -> Result<(), Fault> {
    for inner in &directive.block {
        judge(inner, may_run, notes)?;
    }
    let place = &directive.place;
    let words = shown(
        &[
            std::slice::from_ref(&directive.name),
            &directive.arguments[..],
        ]
        .concat()
        .join(" "),
    );
    let first = directive.arguments.first().map_or("", String::as_str);
    match directive.name.as_str() {
        "dev" | "dev-type" if first.starts_with("tap") => {
            let message = "a tap device carries Ethernet, and an instance speaks only IP";
            Err(Fault::new(
                place,
                message,
                "ask the server's administrator for 'dev tun'",
            ))
        }
        "daemon" | "inetd" => {
            let message = format!("`{words}` would take openvpn out of sight");
            let hint = "remove the line; vpnns --connect PROFILE --background does it";
            Err(Fault::new(place, message, hint))
        }
        "chroot" => {
            let message = format!("`{words}` needs root");
            Err(Fault::new(place, message, "remove the line"))
        }
        // Read by the loader of the program that the script is.
        "setenv" if first.starts_with("LD_") || first.starts_with("GLIBC_") => {
            let message = format!("`{words}` would change what scripts are made of");
            Err(Fault::new(place, message, "remove the line"))
        }
        "user" | "group" => {
            notes.push(format!(
                "{place}: `{words}` changes nothing: openvpn is an ordinary program of yours here"
            ));
            Ok(())
        }
        "plugin" => {
            notes.push(format!(
                "{place}: `{words}` runs with your rights; one that needs root does not work"
            ));
            Ok(())
        }
        "up" | "down" if may_run => {
            notes.push(format!(
                "{place}: `{words}` is not run: vpnns sets the device up itself"
            ));
            Ok(())
        }
        name if is_command(name) && !may_run => {
            let message = format!("`{words}` would run a command");
            let hint = "remove the line, or import the file (vpnns --import), which leaves it \
                        out; or allow it: add --script-security 2 after openvpn";
            Err(Fault::new(place, message, hint))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    fn inspected(text: &str, more: &str) -> Result<Vec<String>, Fault> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.ovpn");
        std::fs::write(&path, text).unwrap();
        let mut command = words("openvpn --config");
        command.push(path.into());
        command.extend(words(more));
        inspect(&command)
    }

    #[test]
    fn commands_of_a_configuration_run_only_where_the_user_says_so() {
        for line in [
            "up /x",
            "route-up '/bin/sh -c evil'",
            "tls-verify x",
            "ipchange x",
        ] {
            let text = format!("client\n{line}\n");
            let fault = inspected(&text, "--verb 3").unwrap_err();
            assert_eq!(fault.place.line, 2, "{fault}");
            assert!(inspected(&text, "--script-security 1").is_err());
            assert!(inspected(&text, "--script-security 2").is_ok());
        }
        let inner = "<connection>\nremote a\nipchange x\n</connection>\n";
        assert!(inspected(inner, "--verb 3").is_err());
    }

    #[test]
    fn what_cannot_work_is_refused_and_what_changes_nothing_is_told() {
        for line in ["dev tap0", "daemon", "chroot /x", "setenv LD_PRELOAD /x"] {
            assert!(
                inspected(&format!("{line}\n"), "--verb 3").is_err(),
                "{line}"
            );
        }
        let notes = inspected("user nobody\nplugin x.so\nsetenv UV_ID 1\n", "--verb 3").unwrap();
        assert_eq!(notes.len(), 2, "{notes:?}");
    }

    #[test]
    fn the_only_argument_may_be_a_configuration() {
        assert_eq!(configurations(&words("openvpn a.ovpn")), ["a.ovpn"]);
        assert!(configurations(&words("openvpn --version")).is_empty());
        let both = words("openvpn --config a --verb 3 --config b");
        assert_eq!(configurations(&both), ["a", "b"]);
    }
}
