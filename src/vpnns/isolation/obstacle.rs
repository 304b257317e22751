//! Why user namespaces may be refused on this system, and the exact remedy.

/// What is said where nothing on this system explains the refusal.
pub const UNKNOWN: &str = "the kernel gave no reason; a container, a chroot or a security module \
    may forbid user namespaces (vpnns --doctor looks closer)";

/// The kinds of namespace that an instance is made of, as the limits' names spell them.
pub const KINDS: [&str; 4] = ["user", "net", "mnt", "uts"];
/// What a limit is raised to where it forbids everything: what a small machine has by default.
pub const ENOUGH: u32 = 15_000;

/// The remedy where there may be no more namespaces of one of [`KINDS`] (ENOSPC).
pub fn limit(kind: &str) -> String {
    format!(
        "the limit of {kind} namespaces is zero or reached; raise it: \
         sudo sysctl -w user.max_{kind}_namespaces={ENOUGH}"
    )
}

/// The remedy that fits this system where namespaces are refused for another reason.
pub fn remedy() -> String {
    if switch("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        return "unprivileged user namespaces are switched off; switch them on: \
                sudo sysctl -w kernel.unprivileged_userns_clone=1"
            .to_owned();
    }
    if switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return format!(
            "this system lets only programs with an AppArmor profile use user namespaces; give \
             vpnns one:\n{}",
            apparmor_profile()
        );
    }
    if limits()[0] == Some(0) {
        return limit("user");
    }
    UNKNOWN.to_owned()
}

/// The limit of each of [`KINDS`]; `None` where this kernel does not tell.
pub fn limits() -> [Option<i64>; 4] {
    KINDS.map(|kind| switch(&format!("/proc/sys/user/max_{kind}_namespaces")))
}

/// The commands that write and load an AppArmor profile with which this program may use user
/// namespaces.
///
/// Made of single lines, so that they can be pasted however they are indented.
pub fn apparmor_profile() -> String {
    const FILE: &str = "/etc/apparmor.d/vpnns";
    const PROFILE: &str = include_str!("../../../data/vpnns.apparmor.in");
    let path = crate::executable::own().unwrap_or_else(|_| "/usr/bin/vpnns".into());
    let lines: Vec<String> = PROFILE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.replace("@bindir@/vpnns", &path.to_string_lossy()))
        .map(|line| format!("'{line}'"))
        .collect();
    format!(
        "printf '%s\\n' {} | sudo tee {FILE}\nsudo apparmor_parser -r {FILE}",
        lines.join(" ")
    )
}

/// The number in a file below /proc/sys; `None` where this kernel has no such switch.
pub fn switch(path: &str) -> Option<i64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apparmor_remedy_is_commands_for_this_very_program() {
        let commands = apparmor_profile();
        let own = std::env::current_exe().unwrap();
        assert!(commands.contains(&format!("'profile vpnns {} flags=", own.display())));
        assert_eq!(commands.lines().count(), 2);
    }
}
