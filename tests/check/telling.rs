//! How the check tells what it found: to people, in one document, and as it goes.

use vpnns_protocol::finding::{Findings, Line, Outcome, Progress};

use super::support::{Session, assert_complaint};
use super::{CHECK, NAME, Scene};

#[test]
fn people_get_a_line_for_each_check_and_the_upshot() {
    let scene = Scene::offline();
    let report = scene.check();
    let text = scene.session.vpnns(&["--check", "--name", NAME]).run();
    let lines: Vec<&str> = text.text().lines().collect();
    assert_eq!(lines.len(), report.findings.findings.len() + 1);
    for (line, finding) in lines.iter().zip(&report.findings.findings) {
        let title = finding.title.as_deref().unwrap();
        assert!(line.starts_with(&format!("ok     {title}: ")), "{line}");
    }
    assert!(lines.last().unwrap().starts_with("no leak found in "));
    scene.make_hole("ip tuntap add mode tun name out0; ip link set out0 up");
    let text = scene.session.vpnns(&["--check", "--name", NAME]).run();
    assert_eq!(text.code(), 1);
    assert!(
        text.stdout
            .contains("LEAK   Another Network Device Is There: "),
        "{text:#?}"
    );
    assert!(text.stdout.contains("vpnns --stop"));
}

#[test]
fn each_finding_is_told_as_soon_as_it_is_made() {
    let scene = Scene::offline();
    let follow = [&CHECK[..], &["--follow"]].concat();
    let output = scene.session.command(&follow).run();
    let lines: Vec<Line> = output
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let Progress::Plan { checks } = &lines[0].progress else {
        panic!("{:?}", lines[0])
    };
    let told: Vec<&str> = lines
        .iter()
        .filter_map(|line| match &line.progress {
            Progress::Finding { finding } => Some(finding.id.as_str()),
            _ => None,
        })
        .collect();
    let planned: Vec<&str> = checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(told, planned);
    assert_eq!(lines.last().unwrap().progress, Progress::End { ok: true });
    assert_eq!(lines.len(), checks.len() + 2);
}

#[test]
fn an_instance_that_does_not_run_is_made_for_the_check_and_is_gone_after_it() {
    let session = Session::new();
    let output = session.command(&CHECK).run();
    let findings: Findings = serde_json::from_str(output.text()).unwrap();
    assert!(findings.ok && findings.findings.iter().all(|it| it.outcome == Outcome::Ok));
    session.wait_for_end(NAME);
}

#[test]
fn an_instance_is_not_checked_from_within() {
    let scene = Scene::offline();
    let words = ["--name", NAME, "--", "vpnns", "--check"];
    let output = scene.session.vpnns(&words).run();
    assert_complaint(&output, 125, "can only be checked from outside");
}
