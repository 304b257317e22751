//! Processes that are not where they should be, or may do what no app may.

use super::support::command::require;
use super::support::{LIMIT, wait_until};
use super::{NAME, Scene, sleeps};
use vpnns_protocol::finding::Outcome;

#[test]
fn a_child_of_an_app_in_the_users_own_network_is_found() {
    let scene = Scene::offline();
    scene.check().assert_clean();
    let script = "sleep 599 & exec vpnns --name work -- sh -c 'echo inside; exec sleep 600'";
    let app = scene.session.script(script).spawn();
    app.wait_for("inside");
    scene
        .check()
        .assert_found("processes", "is in another network");
    let kill = "kill $(pgrep -P $0 -x sleep)";
    scene
        .session
        .command(&["sh", "-c", kill, &app.pid().to_string()])
        .run()
        .text();
    // It was told to end, and ends in its own time.
    wait_until(LIMIT, || scene.check().problems().is_empty());
    scene.check().assert_clean();
}

#[test]
fn a_process_with_the_hosts_files_is_found() {
    let scene = Scene::offline();
    let keeper = scene.session.keeper(NAME).to_string();
    let words = [
        "nsenter",
        "--preserve-credentials",
        "--target",
        &keeper,
        "--user",
        "--net",
    ];
    let command = ["--", "sh", "-c", "echo there; exec sleep 600"];
    let stranger = scene
        .session
        .command(&[&words[..], &command].concat())
        .spawn();
    stranger.wait_for("there");
    sleeps(&stranger);
    let found = scene.check();
    found.assert_found("processes", "sees the host's own files");
    found.assert_found("privileges", &format!("sleep ({})", stranger.pid()));
}

#[test]
fn a_process_with_power_over_the_network_is_found() {
    let scene = Scene::offline();
    let root = scene.as_root_of_it("echo there; exec sleep 600").spawn();
    root.wait_for("there");
    sleeps(&root);
    let found = scene.check();
    found.assert_found("privileges", &format!("sleep ({}) may change", root.pid()));
    found.assert_found("processes", "no ordinary app");
    drop(root);
    scene.check().assert_clean();
}

#[test]
fn sandboxes_that_apps_make_inside_are_no_leak() {
    let scene = Scene::connected(&[]);
    let mut kept = Vec::new();
    for sandbox in [
        "unshare --user --map-root-user --mount",
        "unshare --user --map-root-user --net --mount --uts",
        "bwrap --die-with-parent --ro-bind / / --dev /dev --proc /proc --unshare-all",
        "bwrap --die-with-parent --ro-bind / / --dev /dev --unshare-user --cap-add ALL",
    ] {
        let script = format!("exec {sandbox} sh -c 'echo inside; exec sleep 600'");
        let words = ["--name", NAME, "--", "sh", "-c", &script];
        let app = scene.session.vpnns(&words).spawn();
        app.wait_for("inside");
        kept.push(app);
    }
    let report = scene.check();
    report.assert_clean();
    assert_eq!(report.finding("processes").outcome, Outcome::Ok);
}

#[test]
fn browsers_with_their_own_sandboxes_are_no_leak() {
    require("chromium", "chromium");
    require("firefox-esr", "firefox-esr");
    let scene = Scene::connected(&[]);
    let home = scene.session.home();
    let profile = |name: &str| home.join(name).display().to_string();
    scene.user().make_directory(&home.join("firefox"));
    let data = format!("--user-data-dir={}", profile("chromium"));
    let chromium = [
        "chromium",
        "--headless=new",
        "--password-store=basic",
        &data,
        "about:blank",
    ];
    let firefox = [
        "firefox-esr",
        "--headless",
        "--no-remote",
        "--profile",
        &profile("firefox"),
    ];
    let start = |words: &[&str]| {
        let words = [&["--name", NAME, "--"], words].concat();
        scene.session.vpnns(&words).spawn()
    };
    let browsers = [start(&chromium), start(&firefox)];
    // Each has begun to sandbox its pages: a zygote, a network service, a page, and more.
    let count = || {
        let report = scene.check();
        report.assert_clean();
        let seen = report.finding("processes").summary.clone();
        let number = seen.split(' ').next().unwrap().parse::<u32>();
        number.unwrap_or_else(|_| panic!("{seen}"))
    };
    let many = wait_until(4 * LIMIT, || count() >= 14);
    assert!(many, "{:?}", browsers.map(|browser| browser.log()));
    scene
        .session
        .vpnns(&["--stop", "--name", NAME])
        .run()
        .text();
}
