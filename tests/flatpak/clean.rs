//! The Flatpak on a clean Debian 12, with Debian's Flatpak and browser and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::browser::Site;
use crate::desk::Desk;
use crate::installed::{Files, HELPER};
use crate::support::{LIMIT, Root, wait_until};

#[test]
fn a_browser_has_the_vpn_of_a_flatpak_on_a_clean_debian() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    root.root_shell(
        "export DEBIAN_FRONTEND=noninteractive
        apt-get install --yes --no-install-recommends --no-download flatpak dbus-daemon >/dev/null
        ! command -v vpnns",
    );
    let files = Files::copy();
    // Where the clean Debian sees it.
    let there = desk.lab().directory().join("published");
    let there = there.to_str().unwrap();
    let copy = ["cp", "-r", files.directory().to_str().unwrap(), there];
    desk.lab().run_by_root(&copy).run().text();
    let install = files.install();
    let install = install.replace(files.directory().to_str().unwrap(), there);
    root.user_shell(&format!("dbus-run-session -- sh -c '{install}'"));

    // The session: programs of the host have its display.
    let run = desk.lab().user().runtime_directory();
    let address = format!("unix:path={}/clean-bus", run.display());
    let display = desk.outside(&["sh", "-c", "echo $DISPLAY"]).run();
    let display = format!("DISPLAY={}", display.text());
    let listen = format!("--address={address}");
    let words = [
        "env",
        &display,
        "dbus-daemon",
        "--session",
        "--nofork",
        &listen,
    ];
    let bus = root.run_by_user(&words).spawn();
    let listens = wait_until(LIMIT, || run.join("clean-bus").exists());
    assert!(listens, "{}", bus.log());

    // `vpnns` as somebody has it who put an alias into the shell's profile.
    let bin = desk.lab().directory().join("bin");
    fs::create_dir(&bin).unwrap();
    let alias = bin.join("vpnns");
    let command = HELPER.join(" ");
    let script = format!("#!/bin/sh\nDBUS_SESSION_BUS_ADDRESS={address} exec {command} \"$@\"\n");
    fs::write(&alias, script).unwrap();
    for path in [&bin, &alias] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let site = Site::new(&desk, &root, bin.to_str().unwrap());
    site.a_browser_has_the_vpn_or_nothing();
}
