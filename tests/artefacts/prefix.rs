//! `cargo xtask install --prefix` and `uninstall`, for root as for anybody.

use std::fs;
use std::process::Command;

use crate::browser::Site;
use crate::desk::Desk;
use crate::made::xtask;
use crate::support::wireguard::NAME;
use crate::support::{LIMIT, Root};

fn run(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn a_browser_has_the_vpn_of_a_prefix_and_uninstall_leaves_nothing_there() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    // Where both the machine, which builds it, and the clean Debian see it.
    let prefix = desk.lab().directory().join("prefix");
    let words = ["install", "--prefix", prefix.to_str().unwrap()];
    run(xtask(&words));
    for path in [
        "bin/vpnns-desktop",
        "share/applications/org.vpnns.PerAppVpn.desktop",
        "share/man/man1/vpnns.1",
        "share/vpnns/apparmor",
    ] {
        assert!(prefix.join(path).exists(), "{path} is not installed");
    }
    let bin = prefix.join("bin");
    let site = Site::new(&desk, &root, bin.to_str().unwrap());
    site.a_browser_has_the_vpn_or_nothing();
    // Installed once more over a VPN that is up: that stays.
    let client = site.connect();
    let app = site.keep();
    let keeper = site.status()["keeper"].clone();
    run(xtask(&words));
    assert_eq!(site.status()["state"], "connected");
    assert_eq!(site.status()["keeper"], keeper);
    let said = run(xtask(&["uninstall", "--prefix", prefix.to_str().unwrap()]));
    assert!(
        said.contains(&format!("ending the VPN \"{NAME}\"")),
        "{said}"
    );
    assert_eq!(app.wait(LIMIT).code(), 128 + 15);
    drop(client);
    assert!(
        !prefix.exists(),
        "{:?}",
        fs::read_dir(&prefix).map(Iterator::count)
    );
    site.nothing_is_left();
}
