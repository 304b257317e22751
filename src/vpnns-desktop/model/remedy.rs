//! A remedy of the doctor, taken apart: what is to be read, and what is to be run.

/// A part of a remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// For people.
    Text(String),
    /// For a terminal; may have several lines.
    Command(String),
}

/// What a command begins with. The doctor prints these and no other.
const PROGRAMS: &[&str] = &[
    "sudo",
    "echo",
    "printf",
    "flatpak-spawn",
    "podman",
    "docker",
    "systemctl",
    "vpnns",
];

/// Tells commands from sentences; a sentence may end in a command, after a colon.
pub fn parts(remedy: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in remedy.lines().filter(|line| !line.trim().is_empty()) {
        if is_command(line) {
            add_command(&mut parts, line);
        } else if let Some((text, command)) = line
            .match_indices(": ")
            .map(|(at, _)| (&line[..=at], &line[at + 2..]))
            .find(|(_, rest)| is_command(rest))
        {
            parts.push(Part::Text(text.to_owned()));
            add_command(&mut parts, command);
        } else {
            parts.push(Part::Text(line.to_owned()));
        }
    }
    parts
}

fn add_command(parts: &mut Vec<Part>, line: &str) {
    if let Some(Part::Command(lines)) = parts.last_mut() {
        lines.push('\n');
        lines.push_str(line);
    } else {
        parts.push(Part::Command(line.to_owned()));
    }
}

fn is_command(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    PROGRAMS.contains(&first) || (first.starts_with('/') && !first.ends_with([',', ';', '.']))
}

/// The AppArmor profile that the doctor's commands would write; nothing if they are not those.
///
/// What comes out goes to a file that root reads. So it is taken apart into its words here, and
/// never given to a shell.
pub fn apparmor_profile(remedy: &str) -> Option<String> {
    let words = remedy.lines().next()?.strip_prefix("printf '%s\\n' ")?;
    let words = words.strip_suffix(" | sudo tee /etc/apparmor.d/vpnns")?;
    let words = words.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let lines: Vec<&str> = words.split("' '").collect();
    let [abi, include, profile, rule, end] = lines[..] else {
        return None;
    };
    let path = profile
        .strip_prefix("profile vpnns ")?
        .strip_suffix(" flags=(unconfined) {")?;
    // In a path these would say something to AppArmor, or have said something to the shell.
    let is_plain =
        path.starts_with('/') && !path.contains(['\'', '"', '\\', '{', '*', '?', '[', ' ']);
    let is_ours = abi == "abi <abi/4.0>,"
        && include == "include <tunables/global>"
        && rule == "  userns,"
        && end == "}";
    (is_plain && is_ours).then(|| format!("{}\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sentences() {
        let text = |text: &str| Part::Text(text.into());
        let command = |text: &str| Part::Command(text.into());
        assert_eq!(
            parts("sudo sysctl -w a=1\necho a=1 | sudo tee -a /etc/b"),
            [command("sudo sysctl -w a=1\necho a=1 | sudo tee -a /etc/b")]
        );
        assert_eq!(
            parts("install a kernel of version 5.11 or later, and restart"),
            [text(
                "install a kernel of version 5.11 or later, and restart"
            )]
        );
        assert_eq!(
            parts("a filter may forbid it; its log says so: sudo journalctl --dmesg"),
            [
                text("a filter may forbid it; its log says so:"),
                command("sudo journalctl --dmesg")
            ]
        );
        assert_eq!(
            parts("/usr/bin/openvpn --version"),
            [command("/usr/bin/openvpn --version")]
        );
        assert_eq!(
            parts("give vpnns one:\nsudo one\nsudo two"),
            [text("give vpnns one:"), command("sudo one\nsudo two")]
        );
        assert_eq!(parts(""), []);
    }

    fn remedy(path: &str) -> String {
        format!(
            "printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>' \
             'profile vpnns {path} flags=(unconfined) {{' '  userns,' '}}' \
             | sudo tee /etc/apparmor.d/vpnns\nsudo apparmor_parser -r /etc/apparmor.d/vpnns"
        )
    }

    #[test]
    fn the_profile_is_the_one_that_the_commands_would_write() {
        assert_eq!(
            apparmor_profile(&remedy("/usr/bin/vpnns")).as_deref(),
            Some(
                "abi <abi/4.0>,\ninclude <tunables/global>\n\
                 profile vpnns /usr/bin/vpnns flags=(unconfined) {\n  userns,\n}\n"
            )
        );
    }

    #[test]
    fn what_is_not_exactly_that_is_no_profile() {
        assert_eq!(apparmor_profile("sudo sysctl -w a=1"), None);
        for path in [
            "/a b",
            "/a'b",
            "/**",
            "a",
            "/x' 'profile y /** flags=(unconfined) {' '",
        ] {
            assert_eq!(apparmor_profile(&remedy(path)), None, "{path}");
        }
        let other = remedy("/usr/bin/vpnns").replace("userns,", "file,");
        assert_eq!(apparmor_profile(&other), None);
    }
}
