//! A few words for each finding of the doctor's: what is so, for a list in a window.

use vpnns_protocol::finding::Outcome;

/// The finding's id; its title when all is well, and when it is not.
#[rustfmt::skip] // one row a finding reads as the table it is
const TITLES: &[(&str, &str, &str)] = &[
    ("kernel", "The Kernel Is New Enough", "The Kernel May Be Too Old"),
    ("adoption", "Apps Survive a Crash of the Helper", "Apps Do Not Survive a Crash"),
    ("surroundings", "Nothing Around It Is in the Way", "A Container May Be in the Way"),
    ("namespace-limits", "Namespaces Are Not Limited", "This System Limits Namespaces"),
    ("unprivileged-userns-clone", "User Namespaces Are Allowed", "This System Blocks User Namespaces"),
    ("apparmor-userns", "AppArmor Is Not in the Way", "AppArmor Blocks User Namespaces"),
    ("user-namespaces", "User Namespaces Work", "User Namespaces Do Not Work"),
    ("isolation", "Apps Can Be Isolated", "Apps Cannot Be Isolated"),
    ("tun-device", "Tunnel Devices Can Be Created", "Tunnel Devices Cannot Be Created"),
    ("etc", "Apps Get Resolvers of Their Own", "Resolvers Come by a Detour"),
    ("abort", "Lost Connections End at Once", "Lost Connections Linger"),
    ("ping", "Ping Works", "Ping Does Not Work"),
    ("state-directory", "There Is a Place for State", "The Home Directory Cannot Be Used"),
    ("control-socket", "Instances Can Be Reached", "Instances Cannot Be Reached"),
    ("openconnect", "OpenConnect Is Installed", "OpenConnect Cannot Be Used"),
    ("system-bus", "The System Bus Can Be Filtered", "The System Bus Cannot Be Filtered"),
    ("leaks", "Nothing Leaks", "Apps Would Leak"),
    ("openvpn", "OpenVPN Is Installed", "OpenVPN Cannot Be Used"),
];

/// The title of a finding.
pub(super) fn of(id: &str, outcome: Outcome) -> Option<String> {
    let (_, good, bad) = TITLES.iter().find(|(of, ..)| *of == id)?;
    let title = if outcome == Outcome::Ok { good } else { bad };
    Some((*title).to_owned())
}
