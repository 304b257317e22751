//! Stock VPN clients that we know: what has to be added so that they leave their device's
//! configuration to us. All others are expected to configure it themselves.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::{Command, Stdio};

use super::fault::Fault;
use super::openvpn::inspect;
use crate::sys::memory;
use crate::sys::seccomp::Filter;
use crate::sys::tun::TUNSETIFF;

/// How a client is started.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Its program and all arguments.
    pub command: Vec<OsString>,
    /// What is trapped.
    pub filter: Filter,
    /// Whether it gives its device addresses and routes itself.
    pub configures_itself: bool,
}

/// What the client is told about us.
#[derive(Clone, Debug)]
pub struct Hook {
    /// This very program.
    pub program: std::path::PathBuf,
    /// The arguments that make it a client's script.
    pub arguments: Vec<String>,
    /// Variables for clients that start scripts with an environment of their own.
    pub environment: Vec<(String, OsString)>,
}

/// Looks at a command line before anything is started: refuses what cannot work, or returns what
/// the user should know.
pub fn inspect(command: &[OsString]) -> Result<Vec<String>, Fault> {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    match program.and_then(OsStr::to_str) {
        Some("openvpn") => inspect::inspect(command),
        _ => Ok(Vec::new()),
    }
}

/// What to start for a command line of the user's.
pub fn recipe(command: &[OsString], hook: &Hook) -> Recipe {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    let mut filter = Filter {
        ioctls: vec![TUNSETIFF],
        ..Filter::default()
    };
    let mut command = command.to_vec();
    let configures_itself = match program.and_then(OsStr::to_str) {
        Some("openvpn") => {
            filter.ignore_identity = true;
            // Alone, the first argument may be the path of a configuration.
            let path = |word: &OsString| !word.as_bytes().starts_with(b"--");
            if command.len() == 2 && path(&command[1]) {
                command.insert(1, "--config".into());
            }
            command.extend(openvpn(&command[0].clone(), hook));
            false
        }
        Some("openconnect") => {
            // After the user's own, of which the last one counts, and before what is no option.
            let end = command.iter().position(|word| word == "--");
            let end = end.unwrap_or(command.len());
            command.splice(end..end, openconnect(hook));
            false
        }
        _ => {
            filter.ioctls.extend(memory::PLAIN);
            filter.route_sockets = true;
            true
        }
    };
    Recipe {
        command,
        filter,
        configures_itself,
    }
}

/// The same client handing its packets to `vpnns --attach`, where it cannot be grafted; none
/// where it knows no such way. `attach` is a program by the name of [`ATTACH_PROGRAM`], or where
/// it will be found.
///
/// [`ATTACH_PROGRAM`]: crate::args::ATTACH_PROGRAM
pub fn attached(command: &[OsString], hook: &Hook, attach: &Path) -> Option<Vec<OsString>> {
    let program = Path::new(command.first()?).file_name()?;
    let mut words = command.to_vec();
    match program.to_str()? {
        "openconnect" => {
            let end = words.iter().position(|word| word == "--");
            let end = end.unwrap_or(words.len());
            words.splice(end..end, openconnect(hook));
            words.insert(end, "--script-tun".into());
        }
        "openvpn" if version(&command[0]) >= Some((2, 7)) => {
            let mut node = OsString::from("unix:");
            node.push(attach);
            words.extend(["--dev-node".into(), node]);
            words.extend(["--script-security", "2", "--up", "/bin/true"].map(Into::into));
            for (name, value) in &hook.environment {
                words.extend(["--setenv".into(), name.into(), value.clone()]);
            }
        }
        _ => return None,
    }
    Some(words)
}

/// openvpn(8): the last of several options wins, so that ours come after the user's.
fn openvpn(program: &OsStr, hook: &Hook) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if version(program) >= Some((2, 6)) {
        // Data channel offload is a device of another kind, which only root can make. Earlier
        // ones refuse the option, and have none.
        words.push("--disable-dco".into());
    }
    let script = openvpn_script(hook);
    words.extend(
        [
            "--ifconfig-noexec",
            "--route-noexec",
            "--script-security",
            "2",
        ]
        .map(Into::into),
    );
    // --up-restart: also where the device is kept over a restart (--persist-tun).
    words.extend(["--up".into(), script.clone(), "--up-restart".into()]);
    words.extend(["--down".into(), script]);
    for (name, value) in &hook.environment {
        words.extend(["--setenv".into(), name.into(), value.clone()]);
    }
    words
}

/// Its scripts are started without a shell, after a word splitting of its own.
fn openvpn_script(hook: &Hook) -> OsString {
    let mut text = vec![b'"'];
    for byte in hook.program.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
    for argument in &hook.arguments {
        text.push(b' ');
        text.extend(argument.bytes());
    }
    OsString::from_vec(text)
}

/// Which openvpn it is; none if it does not say.
fn version(program: &OsStr) -> Option<(u32, u32)> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text
        .strip_prefix("OpenVPN ")?
        .split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// openconnect(8): its script is a line for a shell, and inherits the environment.
fn openconnect(hook: &Hook) -> Vec<OsString> {
    let mut line = vec![b'\''];
    for byte in hook.program.as_os_str().as_bytes() {
        match byte {
            b'\'' => line.extend(br"'\''"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\'');
    for argument in &hook.arguments {
        line.push(b' ');
        line.extend(argument.bytes());
    }
    vec!["--script".into(), OsString::from_vec(line)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> Hook {
        Hook {
            program: "/opt/it's \"here\"/vpnns".into(),
            arguments: vec!["--configure".into()],
            environment: vec![("VPNNS_NAME".into(), "work".into())],
        }
    }

    #[test]
    fn the_script_is_quoted_as_each_client_wants_it() {
        let it = recipe(&["openconnect".into(), "vpn.example".into()], &hook());
        assert_eq!(
            it.command[2..],
            ["--script", r#"'/opt/it'\''s "here"/vpnns' --configure"#]
        );
        assert!(!it.configures_itself);
        let words = ["openconnect", "--script=x", "--", "vpn.example"].map(Into::into);
        let it = recipe(&words, &hook());
        assert_eq!(it.command[2], "--script");
        assert_eq!(it.command[4..], ["--", "vpn.example"]);
        let it = attached(&words, &hook(), Path::new("x")).unwrap();
        assert_eq!(it[2..4], ["--script-tun", "--script"]);
        assert_eq!(it[5..], ["--", "vpn.example"]);
        let it = recipe(&["/usr/sbin/openvpn".into()], &hook());
        let up = it.command.iter().position(|word| word == "--up").unwrap();
        assert_eq!(
            it.command[up + 1],
            r#""/opt/it's \"here\"/vpnns" --configure"#
        );
    }

    #[test]
    fn a_stranger_gets_no_option_and_sockets_of_the_instance() {
        let it = recipe(&["wireguard-go".into(), "-f".into(), "wg0".into()], &hook());
        assert_eq!(it.command, ["wireguard-go", "-f", "wg0"]);
        assert!(it.configures_itself && it.filter.route_sockets);
    }
}
