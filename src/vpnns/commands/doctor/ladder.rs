//! What the probe saw, as findings.

use vpnns_protocol::finding::{Finding, Outcome};

use super::probe::{Etc, Failure, Seen, Stage, Tun};
use super::surroundings::Surroundings;
use super::{note, ok, problem};
use crate::isolation::obstacle;

const USER_NAMESPACES: &str = "user-namespaces";
const ISOLATION: &str = "isolation";
const TUN: &str = "tun-device";

/// What is left to say where no switch and no surroundings explain a refusal.
const REFUSED: &str = "a security module or a system call filter may forbid it; its log says so: \
    sudo journalctl --dmesg --grep 'apparmor|avc|audit|seccomp'";

/// The findings; what was not tried is left out.
pub(super) fn findings(
    seen: &Seen,
    switches: &[Finding],
    surroundings: &Surroundings,
) -> Vec<Finding> {
    let stage = seen.failure.as_ref().map(|(stage, _)| *stage);
    let mut findings = Vec::new();
    if stage != Some(Stage::Keeper) && stage != Some(Stage::App) {
        findings.push(ok(USER_NAMESPACES, "user namespaces work"));
    }
    if stage.is_none() {
        let summary = "an isolated network with mounts of its own can be made";
        findings.push(ok(ISOLATION, summary));
    }
    if let Some((stage, failure)) = &seen.failure {
        let id = match stage {
            Stage::Isolation => ISOLATION,
            Stage::Keeper | Stage::App => USER_NAMESPACES,
        };
        let remedy = remedy(failure, switches, surroundings);
        findings.push(problem(id, &failure.text, remedy));
    }
    findings.extend(seen.etc.map(etc));
    findings.extend(seen.tun.as_ref().map(|tried| tun(tried, surroundings)));
    findings.extend(seen.aborts.map(aborts));
    findings.extend(seen.ping.map(ping));
    findings
}

/// A switch that is known to be off says it better than an error number.
fn remedy(failure: &Failure, switches: &[Finding], surroundings: &Surroundings) -> Option<String> {
    let off = switches
        .iter()
        .find(|switch| switch.outcome == Outcome::Problem)
        .and_then(|switch| switch.remedy.clone());
    let hint = failure.hint.clone().map(|hint| {
        if hint == obstacle::UNKNOWN {
            REFUSED.to_owned()
        } else {
            hint
        }
    });
    off.or_else(|| surroundings.remedy()).or(hint)
}

fn etc(way: Etc) -> Finding {
    const ID: &str = "etc";
    match way {
        Etc::Overlay => ok(
            ID,
            "instances have an /etc/resolv.conf of their own (overlay)",
        ),
        Etc::Substitute => note(
            ID,
            "instances have an /etc/resolv.conf of their own, but no overlay: files that are \
             added to /etc later do not appear in a running instance",
            None,
        ),
    }
}

fn tun(tried: &Result<Tun, Failure>, surroundings: &Surroundings) -> Finding {
    match tried {
        Ok(Tun::Made) => ok(TUN, "a tun device can be made in an instance"),
        Ok(Tun::Opened) => ok(TUN, "/dev/net/tun can be opened"),
        Err(failure) => problem(
            TUN,
            &failure.text,
            // A driver cannot be loaded from within a container.
            surroundings.remedy().or_else(|| failure.hint.clone()),
        ),
    }
}

fn aborts(possible: bool) -> Finding {
    const ID: &str = "abort";
    if possible {
        ok(ID, "open connections end at once when a tunnel goes")
    } else {
        note(
            ID,
            "when a tunnel goes, apps wait for their own time limits: this kernel is built \
             without CONFIG_INET_DIAG_DESTROY",
            None,
        )
    }
}

fn ping(possible: bool) -> Finding {
    const ID: &str = "ping";
    if possible {
        ok(ID, "ping works in an instance")
    } else {
        note(
            ID,
            "ping does not work in an instance: this kernel refuses the sockets that it uses",
            None,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::switch;

    fn failure(text: &str, hint: Option<&str>) -> Failure {
        Failure {
            text: text.to_owned(),
            hint: hint.map(str::to_owned),
        }
    }

    fn ids(findings: &[Finding]) -> Vec<(&str, Outcome)> {
        let pairs = findings.iter().map(|f| (f.id.as_str(), f.outcome));
        pairs.collect()
    }

    #[test]
    fn a_system_that_can_do_it_has_no_problem() {
        let seen = Seen {
            failure: None,
            etc: Some(Etc::Overlay),
            tun: Some(Ok(Tun::Made)),
            aborts: Some(true),
            ping: Some(true),
        };
        let findings = findings(&seen, &[], &Surroundings::Plain);
        let expected = [USER_NAMESPACES, ISOLATION, "etc", TUN, "abort", "ping"];
        assert_eq!(ids(&findings), expected.map(|id| (id, Outcome::Ok)));
    }

    #[test]
    fn the_stage_that_failed_is_named_and_later_ones_are_not() {
        let seen = Seen {
            failure: Some((Stage::Keeper, failure("no", Some("hint")))),
            ..Seen::default()
        };
        let found = findings(&seen, &[], &Surroundings::Plain);
        assert_eq!(ids(&found), [(USER_NAMESPACES, Outcome::Problem)]);
        assert_eq!(found[0].remedy.as_deref(), Some("hint"));

        let seen = Seen {
            failure: Some((Stage::Isolation, failure("no", None))),
            ..Seen::default()
        };
        let found = findings(&seen, &[], &Surroundings::Plain);
        let expected = [
            (USER_NAMESPACES, Outcome::Ok),
            (ISOLATION, Outcome::Problem),
        ];
        assert_eq!(ids(&found), expected);
    }

    #[test]
    fn a_switch_that_is_off_gives_the_remedy() {
        let seen = Seen {
            failure: Some((Stage::Keeper, failure("no", Some("hint")))),
            ..Seen::default()
        };
        let switches = switch::findings(
            &switch::Switches {
                clone: Some(0),
                ..switch::Switches::default()
            },
            true,
        );
        let found = findings(&seen, &switches, &Surroundings::Chroot);
        assert_eq!(found[0].remedy, switches[0].remedy);
        assert!(found[0].remedy.is_some());
    }

    #[test]
    fn what_is_only_good_to_have_is_a_note() {
        let seen = Seen {
            etc: Some(Etc::Substitute),
            tun: Some(Err(failure("no tun", Some("sudo modprobe tun")))),
            aborts: Some(false),
            ping: Some(false),
            ..Seen::default()
        };
        let found = findings(&seen, &[], &Surroundings::Plain);
        let outcome = |id: &str| found.iter().find(|f| f.id == id).map(|f| f.outcome);
        for id in ["etc", "abort", "ping"] {
            assert_eq!(outcome(id), Some(Outcome::Note), "{id}");
        }
        assert_eq!(outcome(TUN), Some(Outcome::Problem));
    }
}
