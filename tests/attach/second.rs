//! A second client for an instance that has one.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{LIMIT, Lab, address, wait_until};

#[test]
fn a_second_attach_is_refused_with_a_sentence_naming_the_first() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let first = lab.connect("work");
    let before = lab.page("work", address::FAR).text().to_owned();
    let second = lab.openconnect("work").start();
    second.wait_for("vpnns: ");
    let number = first.number_inside();
    let said = wait_until(LIMIT, || {
        let log = second.log();
        let sentence = log.lines().find(|line| line.starts_with("vpnns: "));
        sentence.is_some_and(|sentence| sentence.contains("work") && sentence.contains(&number))
    });
    assert!(said, "process {number}: {}", second.log());
    assert!(
        second.log().contains("--replace"),
        "no word of what to do: {}",
        second.log()
    );
    drop(second);
    assert_eq!(
        lab.page("work", address::FAR).text(),
        before,
        "the first lost its place"
    );
}

#[test]
fn replace_takes_over_from_the_first() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let first = lab.connect("work");
    let before = lab.page("work", address::FAR).text().to_owned();
    let _second = lab
        .openconnect("work")
        .attach_options("--replace")
        .connect();
    let taken = wait_until(LIMIT, || {
        let page = lab.page("work", address::FAR);
        page.stdout.starts_with("hello") && page.text() != before
    });
    assert!(taken, "the page still comes by way of the first");
    drop(first);
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        lab.reaches("work", address::FAR),
        "the end of the first was the end of the second"
    );
}

#[test]
fn after_the_first_has_ended_the_second_needs_no_force() {
    let lab = Lab::start();
    let _app = lab.keep("work");
    let first = lab.connect("work");
    first.signal(Signal::SIGKILL);
    first.wait(LIMIT);
    // Its relay sees a moment later that it is alone.
    assert!(wait_until(LIMIT, || !lab.reaches("work", address::FAR)));
    let _second = lab.connect("work");
    assert!(lab.reaches("work", address::FAR_6));
}
