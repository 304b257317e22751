//! A browser of the host's, in the VPN of the installed Flatpak.

use crate::PATIENCE;
use crate::copy::a_copy_inside_is_a_copy_of_its_own;
use crate::desk::{Desk, require_entry};
use crate::installed::{HELPER, lab, server};

#[test]
fn firefox_is_opened_by_the_flatpak_and_stays_inside() {
    require_entry("firefox-esr", "firefox-esr");
    let (lab, _files) = lab();
    let mut desk = Desk::in_lab(lab);
    desk.name_bus();
    desk.use_helper(&HELPER);
    let _server = server(desk.lab());
    // As every desktop does when it has started: programs of the host have its display, not the sandbox's.
    let words = ["dbus-update-activation-environment", "DISPLAY"];
    assert!(desk.outside(&words).run().succeeded());
    let connect = [&HELPER[..], &["--connect", "work", "--background"]].concat();
    let output = desk.outside(&connect).limit(PATIENCE).run();
    assert!(output.succeeded(), "{output:#?}");
    a_copy_inside_is_a_copy_of_its_own(&desk, "firefox-esr", &["firefox-esr"]);
    assert!(desk.vpnns(&["--stop"]).limit(PATIENCE).run().succeeded());
}
