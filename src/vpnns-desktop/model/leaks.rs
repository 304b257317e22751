//! The leak check as it is shown: verdict first, proof below.

use vpnns_protocol::finding::{Check, Finding, Findings, Outcome, Progress};

use super::time;
use super::vpn::{Checked, Facts};
use super::words::{self, full_sentence, joined, sentence};
use crate::helper::Trouble;
use crate::i18n::{gettext, ngettext_f};

/// A check that is being made: what was planned, and what was found so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checking {
    planned: Vec<Check>,
    found: Vec<Finding>,
}

impl Checking {
    /// Takes what the helper tells; what was found once all of it is told.
    pub fn hear(&mut self, progress: Progress) -> Option<Findings> {
        match progress {
            Progress::Plan { checks } => self.planned = checks,
            Progress::Finding { finding } => self.found.push(finding),
            Progress::End { ok } => {
                return Some(Findings {
                    version: vpnns_protocol::VERSION,
                    ok,
                    findings: std::mem::take(&mut self.found),
                });
            }
            Progress::Unknown => {}
        }
        None
    }
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not made yet.
    Waiting,
    /// As it should be.
    Passed,
    /// No leak, and good to know.
    Note,
    /// A leak.
    Leak,
}

/// Where a check stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Leaks, before everything else.
    Attention,
    /// Notes.
    GoodToKnow,
    /// Where packets go.
    Traffic,
    /// Who is asked for names.
    Names,
    /// The programs themselves, and whom they can talk to.
    Apps,
}

impl Place {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Attention,
        Self::GoodToKnow,
        Self::Traffic,
        Self::Names,
        Self::Apps,
    ];

    /// The group's title.
    pub fn title(self) -> String {
        match self {
            Self::Attention => gettext("Needs Attention"),
            Self::GoodToKnow => gettext("Good to Know"),
            Self::Traffic => gettext("Traffic"),
            // Translators: whether apps look up the names of servers only in the VPN
            Self::Names => gettext("Names"),
            Self::Apps => gettext("Apps"),
        }
    }

    fn of(id: &str, mark: Mark) -> Self {
        match (mark, id) {
            (Mark::Leak, _) => Self::Attention,
            (Mark::Note, _) => Self::GoodToKnow,
            (_, "devices" | "routes" | "ipv4" | "ipv6" | "bound-sockets" | "ports") => {
                Self::Traffic
            }
            (
                _,
                "resolvers" | "name-services" | "name-cache" | "system-resolver"
                | "local-discovery" | "system-bus" | "flatpak-names",
            ) => Self::Names,
            _ => Self::Apps,
        }
    }
}

/// A check as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The check's name.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What was seen.
    pub text: String,
    /// How it stands.
    pub mark: Mark,
    /// What to do.
    pub remedy: Option<String>,
}

impl Row {
    fn planned(check: &Check) -> Self {
        Self {
            id: check.id.clone(),
            title: words::title(&check.title),
            text: String::new(),
            mark: Mark::Waiting,
            remedy: None,
        }
    }

    fn found(finding: &Finding) -> Self {
        let mark = match finding.outcome {
            Outcome::Ok => Mark::Passed,
            Outcome::Note => Mark::Note,
            Outcome::Problem => Mark::Leak,
        };
        Self {
            id: finding.id.clone(),
            title: finding
                .title
                .as_deref()
                .map_or_else(|| finding.id.clone(), words::title),
            text: sentence(&finding.summary),
            mark,
            remedy: finding.remedy.clone().filter(|_| mark != Mark::Passed),
        }
    }

    /// The group that it belongs to.
    pub fn place(&self) -> Place {
        Place::of(&self.id, self.mark)
    }
}

/// What the whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was checked.
    None,
    /// It is being checked.
    Running,
    /// No leak in this connection.
    Good,
    /// No leak, in a connection that is over.
    Past,
    /// Something leaks, or did.
    Bad,
    /// It could not be checked.
    Unknown,
}

impl Verdict {
    /// The style class of its colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::None | Self::Past => "off",
            Self::Running => "accent",
            Self::Good => "success",
            Self::Bad => "error",
            Self::Unknown => "warning",
        }
    }

    /// The name of the large icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good | Self::Past | Self::Running => "security-high-symbolic",
            Self::None => "security-medium-symbolic",
            Self::Bad => "security-low-symbolic",
            Self::Unknown => "dialog-warning-symbolic",
        }
    }
}

/// The check of a VPN as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaks {
    /// What it says.
    pub verdict: Verdict,
    /// The same in words, as a title.
    pub title: String,
    /// One line below.
    pub line: String,
    /// The checks.
    pub rows: Vec<Row>,
    /// One line for a row of the VPN's own page.
    pub summary: String,
}

impl Leaks {
    /// What is known, at a time in seconds since 1970.
    pub fn of(
        facts: &Facts,
        checking: Option<&Checking>,
        checked: Option<&Result<Checked, Trouble>>,
        now: u64,
    ) -> Self {
        match (checking, checked) {
            (Some(checking), _) => Self::running(checking),
            (None, None) => Self {
                verdict: Verdict::None,
                title: gettext("Not Checked Yet"),
                line: gettext("Tries whatever would let something out"),
                rows: Vec::new(),
                summary: gettext("Not checked yet"),
            },
            (None, Some(Err(trouble))) => Self {
                verdict: Verdict::Unknown,
                title: gettext("Could Not Check"),
                line: {
                    let hint = trouble.hint.as_deref().map(full_sentence);
                    joined([full_sentence(&trouble.message)].into_iter().chain(hint))
                },
                rows: Vec::new(),
                summary: gettext("Could not check"),
            },
            (None, Some(Ok(checked))) => Self::checked(checked, facts, now),
        }
    }

    fn running(checking: &Checking) -> Self {
        let row = |check: &Check| {
            let found = checking.found.iter().find(|found| found.id == check.id);
            found.map_or_else(|| Row::planned(check), Row::found)
        };
        let (made, all) = (checking.found.len(), checking.planned.len());
        Self {
            verdict: Verdict::Running,
            title: gettext("Checking…"),
            line: if all == 0 {
                gettext("Getting ready")
            } else {
                ngettext_f(
                    "{made} of {n} check made",
                    "{made} of {n} checks made",
                    all,
                    &[("made", &made.to_string())],
                )
            },
            rows: checking.planned.iter().map(row).collect(),
            summary: gettext("Checking…"),
        }
    }

    fn checked(checked: &Checked, facts: &Facts, now: u64) -> Self {
        let findings = &checked.findings.findings;
        let all = findings.len();
        let leaks = findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Problem)
            .count();
        let ago = time::ago(now.saturating_sub(checked.at));
        let (verdict, title, line) = if leaks > 0 {
            (
                Verdict::Bad,
                if leaks == 1 {
                    gettext("One Leak Found")
                } else {
                    ngettext_f("{n} Leak Found", "{n} Leaks Found", leaks, &[])
                },
                // Translators: as in "11 of 12 checks passed, 3 min ago"
                ngettext_f(
                    "{passed} of {n} check passed, {ago}",
                    "{passed} of {n} checks passed, {ago}",
                    all,
                    &[("passed", &(all - leaks).to_string()), ("ago", &ago)],
                ),
            )
        } else {
            (
                if checked.is_of(facts) {
                    Verdict::Good
                } else {
                    Verdict::Past
                },
                gettext("No Leaks Found"),
                // Translators: as in "12 checks passed, 3 min ago"
                ngettext_f(
                    "{n} check passed, {ago}",
                    "{n} checks passed, {ago}",
                    all,
                    &[("ago", &ago)],
                ),
            )
        };
        let summary = if leaks > 0 {
            ngettext_f(
                "{n} leak found, {ago}",
                "{n} leaks found, {ago}",
                leaks,
                &[("ago", &ago)],
            )
        } else {
            line.clone()
        };
        Self {
            verdict,
            title,
            line,
            rows: findings.iter().map(Row::found).collect(),
            summary,
        }
    }
}

#[cfg(test)]
mod tests {
    use vpnns_protocol::instance::Instance;

    use super::*;

    fn finding(id: &str, outcome: Outcome) -> Finding {
        Finding {
            id: id.into(),
            title: Some(format!("T {id}")),
            outcome,
            summary: "what was seen".into(),
            remedy: Some("do it".into()),
        }
    }

    fn checked(outcome: Outcome, tunnel: Option<u64>) -> Checked {
        Checked {
            findings: Findings {
                version: 1,
                ok: outcome != Outcome::Problem,
                findings: vec![finding("routes", Outcome::Ok), finding("ports", outcome)],
            },
            at: 1000,
            tunnel,
        }
    }

    fn facts(json: &str) -> Facts {
        let instance: Instance = serde_json::from_str(json).unwrap();
        Facts {
            instance: Some(instance),
            ..Facts::default()
        }
    }

    fn connected(since: u64) -> Facts {
        facts(&format!(
            r#"{{"name":"a","state":"connected","since":{since},"keeper":1,"apps":[],"tunnel":
               {{"client":{{"name":"c","pid":1}},"device":"t","gateway":null,"since":{since},
                 "script":false,"network":{{}}}}}}"#
        ))
    }

    #[test]
    fn only_a_check_of_this_connection_is_green() {
        let good = Ok(checked(Outcome::Ok, Some(500)));
        let verdict = |facts: &Facts| Leaks::of(facts, None, Some(&good), 1180).verdict;
        assert_eq!(verdict(&connected(500)), Verdict::Good);
        assert_eq!(verdict(&connected(700)), Verdict::Past);
        let off =
            r#"{"name":"a","state":"isolated","since":1100,"keeper":1,"apps":[],"tunnel":null}"#;
        assert_eq!(verdict(&facts(off)), Verdict::Past);
        let shown = Leaks::of(&connected(500), None, Some(&good), 1180);
        assert_eq!(shown.summary, "2 checks passed, 3 min ago");
    }

    #[test]
    fn leaks_come_first_and_notes_are_no_leaks() {
        let bad = Ok(checked(Outcome::Problem, Some(500)));
        let shown = Leaks::of(&connected(500), None, Some(&bad), 1000);
        assert_eq!(
            (shown.verdict, shown.title.as_str()),
            (Verdict::Bad, "One Leak Found")
        );
        assert_eq!(shown.line, "1 of 2 checks passed, just now");
        assert_eq!(shown.rows[1].place(), Place::Attention);
        assert_eq!(shown.rows[1].remedy.as_deref(), Some("do it"));
        assert_eq!(
            (shown.rows[0].place(), shown.rows[0].remedy.as_ref()),
            (Place::Traffic, None)
        );
        let note = Ok(checked(Outcome::Note, Some(500)));
        let shown = Leaks::of(&connected(500), None, Some(&note), 1000);
        assert_eq!(
            (shown.verdict, shown.rows[1].place()),
            (Verdict::Good, Place::GoodToKnow)
        );
    }

    #[test]
    fn a_check_shows_its_plan_and_fills_it() {
        let mut checking = Checking::default();
        let check = |id: &str| Check {
            id: id.into(),
            title: id.to_uppercase(),
        };
        let checks = vec![check("a"), check("b")];
        assert_eq!(checking.hear(Progress::Plan { checks }), None);
        checking.hear(Progress::Finding {
            finding: finding("b", Outcome::Ok),
        });
        let shown = Leaks::of(&Facts::default(), Some(&checking), None, 0);
        let marks: Vec<Mark> = shown.rows.iter().map(|row| row.mark).collect();
        assert_eq!(marks, [Mark::Waiting, Mark::Passed]);
        assert_eq!(shown.line, "1 of 2 checks made");
        assert_eq!(checking.hear(Progress::Unknown), None);
        let all = checking.hear(Progress::End { ok: true }).unwrap();
        assert_eq!(all.findings.len(), 1);
    }

    #[test]
    fn a_check_that_fails_says_why() {
        let failed = Err(Trouble::new("the keeper is gone").hint("try again"));
        let shown = Leaks::of(&Facts::default(), None, Some(&failed), 0);
        assert_eq!(shown.verdict, Verdict::Unknown);
        assert_eq!(shown.line, "The keeper is gone. Try again.");
    }
}
