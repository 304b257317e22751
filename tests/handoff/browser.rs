//! Browsers that run outside already: one that is opened inside stays there, with its own sandbox on.

use crate::copy::a_copy_inside_is_a_copy_of_its_own;
use crate::desk::{Desk, require_entry};

/// What keeps a browser from asking anything of its maker; none of it is about sandboxes or hand-over.
pub const QUIET: [&str; 6] = [
    "--password-store=basic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
];

#[test]
fn firefox_stays_inside_although_a_copy_runs_outside() {
    require_entry("firefox-esr", "firefox-esr");
    let desk = Desk::new();
    a_copy_inside_is_a_copy_of_its_own(&desk, "firefox-esr", &["firefox-esr"]);
}

#[test]
fn chromium_stays_inside_although_a_copy_runs_outside() {
    require_entry("chromium", "chromium");
    let desk = Desk::new();
    let words = [&["chromium"], &QUIET[..]].concat();
    // The user's own entry, which is the distribution's but for these options.
    let exec = format!("Exec=/usr/bin/{} %U\n", words.join(" "));
    desk.write_entry("chromium", &format!("Name=Chromium\n{exec}"));
    a_copy_inside_is_a_copy_of_its_own(&desk, "chromium", &words);
}
