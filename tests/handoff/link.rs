//! A link that an app opens inside, in each of the ways in which apps do it, while a browser runs outside.

use crate::desk::{Desk, Side, page, require_entry};

#[test]
fn a_link_that_is_opened_inside_opens_inside() {
    require_entry("firefox-esr", "firefox-esr");
    let desk = Desk::new();
    let user = desk.lab().user();
    user.make_directory(&user.home().join(".config"));
    let defaults = "[Default Applications]\nx-scheme-handler/http=firefox-esr.desktop\n\
        text/html=firefox-esr.desktop\n";
    user.write(".config/mimeapps.list", defaults, 0o644);
    let outside = desk.outside(&["firefox-esr", &page("first")]).spawn();
    assert_eq!(desk.wait_for_page("first", &[&outside]), Side::Outside);
    let ways = [
        ("xdg-open", &["xdg-open"][..]),
        ("gio", &["gio", "open"]),
        ("gtk-launch", &["gtk-launch", "firefox-esr"]),
        (
            "variable",
            &[
                "sh",
                "-c",
                "BROWSER=firefox-esr python3 -m webbrowser \"$1\"",
                "sh",
            ],
        ),
        ("name", &["sh", "-c", "exec firefox-esr \"$1\"", "sh"]),
        ("nested", &["env", "vpnns", "--", "firefox-esr"]),
    ];
    let mut calls = Vec::new();
    for (name, command) in ways {
        // Without what is put before the browsers, the copy outside opens it.
        for (option, side) in [
            (&["--recipe", "none"][..], Side::Outside),
            (&[], Side::Inside),
        ] {
            if name == "nested" && side == Side::Outside {
                continue;
            }
            let wanted = format!("{name}-{}", option.len());
            let address = page(&wanted);
            let words = [option, &["--"], command, &[&address]].concat();
            let call = desk.vpnns(&words).spawn();
            assert_eq!(
                desk.wait_for_page(&wanted, &[&call]),
                side,
                "{name}: {}",
                call.log()
            );
            // The first browser inside stays, for the others to be handed over to.
            calls.push(call);
        }
    }
}
