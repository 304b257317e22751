//! The kernel's settings that allow or forbid namespaces to ordinary users.

use vpnns_protocol::finding::Finding;

use super::{note, ok, problem};
use crate::isolation::obstacle::{self, ENOUGH, KINDS};

/// The settings as they stand; `None` where this kernel has no such switch.
#[derive(Debug, Default)]
pub(super) struct Switches {
    /// kernel.unprivileged_userns_clone: Debian's and Arch's patch.
    pub(super) clone: Option<i64>,
    /// kernel.apparmor_restrict_unprivileged_userns: Ubuntu's.
    pub(super) apparmor: Option<i64>,
    /// user.max_*_namespaces in the order of [`KINDS`].
    pub(super) limits: [Option<i64>; 4],
}

impl Switches {
    /// Reads them.
    pub(super) fn read() -> Self {
        Self {
            clone: obstacle::switch("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: obstacle::switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            limits: obstacle::limits(),
        }
    }
}

/// A finding for each switch that this kernel has. One that is off is a problem only where the
/// probe has failed: root may do what others may not, and so may a program with a profile.
pub(super) fn findings(switches: &Switches, failed: bool) -> Vec<Finding> {
    let verdict = if failed { problem } else { note };
    let mut findings = vec![limits(&switches.limits)];
    if let Some(value) = switches.clone {
        const ID: &str = "unprivileged-userns-clone";
        let setting = format!("kernel.unprivileged_userns_clone is {value}");
        findings.push(if value == 0 {
            let remedy = set("kernel.unprivileged_userns_clone", 1);
            verdict(
                ID,
                format!("{setting}: only root may use user namespaces"),
                Some(remedy),
            )
        } else {
            ok(ID, setting)
        });
    }
    if let Some(value) = switches.apparmor {
        const ID: &str = "apparmor-userns";
        let setting = format!("kernel.apparmor_restrict_unprivileged_userns is {value}");
        findings.push(match (value, failed) {
            (0, _) => ok(ID, setting),
            // Then a profile lets us through, and everything is as it was meant to be.
            (_, false) => ok(ID, format!("{setting}, and vpnns is allowed to")),
            (_, true) => problem(
                ID,
                format!("{setting}: only programs with a profile may use user namespaces"),
                Some(obstacle::apparmor_profile()),
            ),
        });
    }
    // The switch that forbids comes first: its remedy is the one to try.
    findings.sort_by_key(|finding| finding.outcome != vpnns_protocol::finding::Outcome::Problem);
    findings
}

fn limits(limits: &[Option<i64>; 4]) -> Finding {
    const ID: &str = "namespace-limits";
    let zero: Vec<String> = KINDS
        .iter()
        .zip(limits)
        .filter(|(_, limit)| **limit == Some(0))
        .map(|(kind, _)| format!("user.max_{kind}_namespaces"))
        .collect();
    if zero.is_empty() {
        return ok(ID, "no limit of the kernel forbids namespaces");
    }
    let remedies: Vec<String> = zero.iter().map(|name| set(name, ENOUGH)).collect();
    problem(
        ID,
        format!(
            "{} is 0: nobody may make such namespaces",
            zero.join(" and ")
        ),
        Some(remedies.join("\n")),
    )
}

/// The commands that change a setting, now and for the next start.
fn set(name: &str, value: u32) -> String {
    format!(
        "sudo sysctl -w {name}={value}\n\
         echo {name}={value} | sudo tee -a /etc/sysctl.d/50-vpnns.conf"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::finding::Outcome;

    const PLENTY: [Option<i64>; 4] = [Some(96_365); 4];

    fn of(switches: &Switches, failed: bool) -> Vec<(String, Outcome)> {
        let findings = findings(switches, failed);
        findings.into_iter().map(|f| (f.id, f.outcome)).collect()
    }

    #[test]
    fn a_limit_of_zero_is_a_problem_with_the_exact_command() {
        let mut switches = Switches {
            limits: PLENTY,
            ..Switches::default()
        };
        assert_eq!(findings(&switches, false)[0].outcome, Outcome::Ok);
        switches.limits[0] = Some(0);
        let found = findings(&switches, true);
        assert_eq!(found[0].outcome, Outcome::Problem);
        let remedy = found[0].remedy.as_deref().unwrap();
        assert_eq!(
            remedy.lines().next(),
            Some("sudo sysctl -w user.max_user_namespaces=15000")
        );
        switches.limits[1] = Some(0);
        let remedy = findings(&switches, true)[0].remedy.clone().unwrap();
        assert!(
            remedy.contains("sysctl -w user.max_net_namespaces=15000"),
            "{remedy}"
        );
    }

    #[test]
    fn a_kernel_without_the_switches_has_nothing_to_say_about_them() {
        let switches = Switches {
            limits: [None; 4],
            ..Switches::default()
        };
        assert_eq!(
            of(&switches, true),
            [("namespace-limits".into(), Outcome::Ok)]
        );
    }

    #[test]
    fn a_switch_that_is_off_counts_only_where_the_probe_failed() {
        let switches = Switches {
            clone: Some(0),
            apparmor: Some(1),
            limits: PLENTY,
        };
        let passed = of(&switches, false);
        assert!(
            passed
                .iter()
                .all(|(_, outcome)| *outcome != Outcome::Problem)
        );
        let failed = of(&switches, true);
        assert_eq!(
            failed[0],
            ("unprivileged-userns-clone".into(), Outcome::Problem)
        );
        assert_eq!(failed[1], ("apparmor-userns".into(), Outcome::Problem));
        let on = Switches {
            clone: Some(1),
            apparmor: Some(0),
            limits: PLENTY,
        };
        assert!(
            of(&on, true)
                .iter()
                .all(|(_, outcome)| *outcome == Outcome::Ok)
        );
    }
}
