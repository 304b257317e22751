//! What the doctor has found, in the words and the order of the window.

use std::collections::BTreeSet;

use vpnns_protocol::finding::{Finding, Findings, Outcome};

use crate::i18n::{gettext, ngettext_f};

/// A finding as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The doctor's name for it.
    pub id: String,
    /// How it came out.
    pub outcome: Outcome,
    /// A few words.
    pub title: String,
    /// What was seen.
    pub subtitle: String,
    /// What to do, unless a row above says the same.
    pub remedy: Option<String>,
}

/// Rows that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its heading.
    pub title: String,
    /// Its rows; at least one.
    pub rows: Vec<Row>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Whether nothing is a problem.
    pub ok: bool,
    /// The verdict.
    pub title: String,
    /// How many checks have passed.
    pub line: String,
    /// What needs attention first, what passed last.
    pub groups: Vec<Group>,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    System,
    Network,
    Programs,
}

impl Examination {
    /// Of the doctor's document.
    pub fn of(document: &Findings) -> Self {
        let mut said: BTreeSet<&str> = BTreeSet::new();
        let mut attention = Vec::new();
        let mut notes = Vec::new();
        let mut passed: [Vec<Row>; 3] = Default::default();
        // Several symptoms of one cause are one thing to fix.
        let mut to_fix = 0;
        for finding in &document.findings {
            let remedy = finding.remedy.as_deref();
            let is_new = remedy.is_none_or(|remedy| said.insert(remedy));
            let (theme, row) = row(finding, remedy.filter(|_| is_new));
            match finding.outcome {
                Outcome::Problem => {
                    to_fix += usize::from(is_new);
                    attention.push(row);
                }
                Outcome::Note => notes.push(row),
                Outcome::Ok => passed[theme as usize].push(row),
            }
        }
        let all = document.findings.len();
        let good = all - attention.len();
        let [system, network, programs] = passed;
        let groups = [
            (gettext("Needs Attention"), attention),
            (gettext("Could Be Better"), notes),
            (gettext("This System"), system),
            (gettext("Network"), network),
            (gettext("VPN Programs"), programs),
        ];
        let groups = groups.into_iter().filter(|(_, rows)| !rows.is_empty());
        Self {
            ok: to_fix == 0,
            title: match to_fix {
                0 => gettext("Everything Works"),
                1 => gettext("One Thing to Fix"),
                n => ngettext_f("{n} Thing to Fix", "{n} Things to Fix", n, &[]),
            },
            line: if good == all {
                ngettext_f("{n} check passed", "All {n} checks passed", all, &[])
            } else {
                ngettext_f(
                    "{good} of {n} check passed",
                    "{good} of {n} checks passed",
                    all,
                    &[("good", &good.to_string())],
                )
            },
            groups: groups.map(|(title, rows)| Group { title, rows }).collect(),
        }
    }
}

fn row(finding: &Finding, remedy: Option<&str>) -> (Theme, Row) {
    let (theme, title) = words(&finding.id, finding.outcome);
    let title = if title.is_empty() {
        finding.title.clone().unwrap_or_default()
    } else {
        title
    };
    let summary = sentence(&finding.summary);
    let row = Row {
        id: finding.id.clone(),
        outcome: finding.outcome,
        subtitle: if title.is_empty() {
            String::new()
        } else {
            summary.clone()
        },
        title: if title.is_empty() { summary } else { title },
        remedy: remedy.map(str::to_owned),
    };
    (theme, row)
}

/// Theme and title. A check that a newer helper makes has none: its own sentence has to do.
fn words(id: &str, outcome: Outcome) -> (Theme, String) {
    use Theme::{Network, Programs, System};
    let is_good = outcome == Outcome::Ok;
    let pick = |good: String, bad: String| if is_good { good } else { bad };
    match id {
        "kernel" => (
            System,
            pick(gettext("Kernel Is New Enough"), gettext("Kernel Is Old")),
        ),
        "adoption" => (
            System,
            pick(
                gettext("Apps Outlive a Crash of the Helper"),
                gettext("A Crash of the Helper Ends Apps"),
            ),
        ),
        // Translators: what vpnns runs in, as in a container
        "surroundings" => (System, gettext("Surroundings")),
        "namespace-limits" => (
            System,
            pick(
                gettext("Namespaces Are Allowed"),
                gettext("This System Allows No Namespaces"),
            ),
        ),
        "unprivileged-userns-clone" => (
            System,
            pick(
                gettext("User Namespaces Are Switched On"),
                gettext("This System Blocks User Namespaces"),
            ),
        ),
        "apparmor-userns" => (
            System,
            pick(
                gettext("AppArmor Is Not in the Way"),
                gettext("AppArmor Blocks User Namespaces"),
            ),
        ),
        "user-namespaces" => (
            System,
            pick(
                gettext("User Namespaces Work"),
                gettext("User Namespaces Do Not Work"),
            ),
        ),
        "isolation" => (
            System,
            pick(
                gettext("Apps Can Be Isolated"),
                gettext("Apps Cannot Be Isolated"),
            ),
        ),
        "state-directory" => (
            System,
            pick(
                gettext("Home Folder Can Be Used"),
                gettext("Home Folder Cannot Be Used"),
            ),
        ),
        "control-socket" => (
            System,
            pick(
                gettext("Apps Reach Their VPN"),
                gettext("Apps Cannot Reach Their VPN"),
            ),
        ),
        "etc" => (Network, gettext("Name Servers")),
        "tun-device" => (
            Network,
            pick(
                gettext("Tunnel Devices Can Be Created"),
                gettext("Tunnel Devices Cannot Be Created"),
            ),
        ),
        "abort" => (
            Network,
            pick(
                gettext("Connections End with the VPN"),
                gettext("Connections Outlast the VPN"),
            ),
        ),
        "ping" => (
            Network,
            pick(gettext("Ping Works"), gettext("Ping Does Not Work")),
        ),
        "openconnect" => (Programs, "OpenConnect".to_owned()),
        "openvpn" => (Programs, "OpenVPN".to_owned()),
        "wireguard" => (Programs, "WireGuard".to_owned()),
        _ => (System, String::new()),
    }
}

/// The helper's sentences begin in lower case, as those of a command do.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    // Names of settings keep their spelling.
    let first_word = text.split(' ').next().unwrap_or_default();
    if first_word.contains(['.', '/', '_']) {
        return text.to_owned();
    }
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: &str, outcome: Outcome, remedy: Option<&str>) -> Finding {
        Finding {
            title: None,
            id: id.into(),
            outcome,
            summary: format!("about {id}"),
            remedy: remedy.map(str::to_owned),
        }
    }

    fn document(findings: Vec<Finding>) -> Findings {
        let ok = findings.iter().all(|it| it.outcome != Outcome::Problem);
        Findings {
            version: 1,
            ok,
            findings,
        }
    }

    #[test]
    fn symptoms_of_one_cause_are_one_thing_to_fix() {
        let shown = Examination::of(&document(vec![
            finding("kernel", Outcome::Ok, None),
            finding("apparmor-userns", Outcome::Problem, Some("sudo x")),
            finding("user-namespaces", Outcome::Problem, Some("sudo x")),
        ]));
        assert_eq!(shown.title, "One Thing to Fix");
        assert_eq!(shown.line, "1 of 3 checks passed");
        let attention = &shown.groups[0];
        assert_eq!(attention.title, "Needs Attention");
        assert_eq!(attention.rows[0].title, "AppArmor Blocks User Namespaces");
        assert_eq!(attention.rows[0].remedy.as_deref(), Some("sudo x"));
        assert_eq!(attention.rows[1].remedy, None);
    }

    #[test]
    fn what_is_only_good_to_have_is_no_problem() {
        let shown = Examination::of(&document(vec![
            finding("ping", Outcome::Note, None),
            finding("tun-device", Outcome::Ok, None),
        ]));
        assert!(shown.ok);
        assert_eq!(shown.title, "Everything Works");
        assert_eq!(shown.line, "All 2 checks passed");
        let titles: Vec<_> = shown.groups.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Could Be Better", "Network"]);
    }

    #[test]
    fn a_check_that_is_not_known_yet_speaks_for_itself() {
        let shown = Examination::of(&document(vec![finding("new", Outcome::Ok, None)]));
        let row = &shown.groups[0].rows[0];
        assert_eq!(
            (row.title.as_str(), row.subtitle.as_str()),
            ("About new", "")
        );
        assert_eq!(sentence("kernel.x is 0"), "kernel.x is 0");
    }
}
