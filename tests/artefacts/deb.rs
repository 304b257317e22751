//! The packages: installed by apt, used by an ordinary user, updated, removed.

use serde_json::Value;

use crate::browser::Site;
use crate::desk::{Desk, PATIENCE};
use crate::made::{VERSION, debs};
use crate::support::command::require;
use crate::support::wireguard::NAME;
use crate::support::{LIMIT, Root, wait_until};

const APT: &str = "apt-get install --yes --no-install-recommends";

#[test]
fn a_browser_has_the_vpn_of_the_package_and_outside_of_it_nothing_changes() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    let [helper, _] = debs();
    // The other package with a program of this name makes way, and is not overwritten.
    root.root_shell(&format!("{APT} ocproxy"));
    let installed = root.root_shell(&format!("{APT} {}", root.bring(&helper)));
    assert!(installed.contains("Removing ocproxy"), "{installed}");
    let site = Site::new(&desk, &root, "/usr/bin");
    site.a_browser_has_the_vpn_or_nothing();
    site.without_it_the_browser_is_outside();
}

#[test]
fn the_package_brings_what_its_program_needs_to_be_used() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    let [helper, _] = debs();
    root.root_shell(&format!("{APT} {}", root.bring(&helper)));
    let site = Site::new(&desk, &root, "/usr/bin");
    let doctor = site.vpnns(&["--doctor"]).limit(PATIENCE).run();
    assert!(doctor.succeeded(), "{doctor:#?}");
    let tested = site.vpnns(&["--self-test"]).limit(PATIENCE).run();
    assert!(tested.succeeded(), "{tested:#?}");
    for page in ["vpnns", "vpnns-profile", "vpnns-attach"] {
        let text = root.user_shell(&format!("man {page} | head -n 1"));
        assert!(text.to_lowercase().starts_with("vpnns"), "{page}: {text}");
    }
    // As bash itself loads them.
    let script = "source /usr/share/bash-completion/bash_completion
        _completion_loader vpnns || true
        complete -p vpnns";
    let loaded = root.user_shell(script.replace("set -u", "").as_str());
    assert!(loaded.contains("vpnns"), "{loaded}");
    for completions in [
        "zsh/vendor-completions/_vpnns",
        "fish/vendor_completions.d/vpnns.fish",
    ] {
        root.root_shell(&format!("test -s /usr/share/{completions}"));
    }
    // Debian 12's AppArmor does not know the profile's abi: it is kept for later.
    root.root_shell("test ! -e /etc/apparmor.d/vpnns && grep -q userns /usr/share/vpnns/apparmor");
    // When a newer one comes, dpkg calls us; and the profile goes with the package.
    root.root_shell("mkdir -p /etc/apparmor.d/abi && touch /etc/apparmor.d/abi/4.0 && dpkg-trigger --no-await --by-package=apparmor /etc/apparmor.d/abi/4.0 && dpkg --configure --pending");
    root.root_shell("cmp /etc/apparmor.d/vpnns /usr/share/vpnns/apparmor");
    root.root_shell("apt-get purge --yes vpnns && rm -r /etc/apparmor.d");
    site.nothing_is_left();
}

#[test]
fn the_app_of_the_package_starts_from_the_menu_and_goes_with_its_package() {
    require("xdotool", "xdotool");
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    let [helper, app] = debs();
    root.root_shell(&format!(
        "{APT} {} {}",
        root.bring(&helper),
        root.bring(&app)
    ));
    let site = Site::new(&desk, &root, "/usr/bin");
    let listed = site.vpnns(&["--apps", "--json"]).run();
    let listed: Value = serde_json::from_str(listed.text()).unwrap();
    let apps = listed["apps"].as_array().unwrap();
    let entry = apps.iter().find(|app| app["name"] == "Per-App VPN");
    assert!(entry.is_some(), "{listed:#}");
    root.root_shell("test -s /usr/share/locale/de/LC_MESSAGES/vpnns-desktop.mo");
    let running = site.user(&["vpnns-desktop"]).spawn();
    let shown = wait_until(PATIENCE, || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        site.titles().contains("Per-App VPN")
    });
    assert!(shown, "{}\n{}", site.titles(), running.log());
    let page = root.user_shell("man vpnns-desktop | head -n 1");
    assert!(page.to_lowercase().starts_with("vpnns-desktop"), "{page}");
    // A removal ends it; what it was asked to keep up goes with the other package only.
    let client = site.connect();
    root.root_shell("apt-get remove --yes vpnns-desktop");
    assert_eq!(root.running_from("/usr/bin/vpnns-desktop"), [] as [&str; 0]);
    drop(running);
    assert_eq!(site.status()["state"], "connected");
    let said = root.root_shell("apt-get purge --yes vpnns vpnns-desktop");
    assert!(
        said.contains(&format!("ending the VPN \"{NAME}\"")),
        "{said}"
    );
    drop(client);
    site.nothing_is_left();
}

#[test]
fn an_update_of_the_package_ends_no_vpn() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    let [helper, _] = debs();
    let old = root.bring(&helper);
    root.root_shell(&format!("{APT} {old}"));
    // The next version, as far as dpkg can tell.
    let newer = format!(
        "cd /tmp; dpkg-deb --raw-extract {old} next; sed -i 's/^Version: .*/Version: {VERSION}+next/' next/DEBIAN/control
         dpkg-deb --build next next.deb >&2; rm -r next"
    );
    root.root_shell(&newer);
    let site = Site::new(&desk, &root, "/usr/bin");
    let client = site.connect();
    let app = site.keep();
    let before = site.status();
    root.root_shell(&format!("{APT} /tmp/next.deb; rm /tmp/next.deb"));
    let after = site.status();
    for field in ["keeper", "state", "since", "apps"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    // The keeper runs from the file that is gone, and everything works with the new one.
    let exe = format!("readlink /proc/{}/exe", after["keeper"]);
    assert_eq!(root.root_shell(&exe), "/usr/bin/vpnns (deleted)");
    let second = site.keep();
    assert_eq!(site.status()["apps"].as_array().map(Vec::len), Some(2));
    let again = site.vpnns(&["--reconnect", "--name", NAME]).run();
    assert!(again.succeeded(), "{again:#?}");
    site.await_state("connected", &client);
    let stopped = site
        .vpnns(&["--stop", "--name", NAME])
        .limit(PATIENCE)
        .run();
    assert!(stopped.succeeded(), "{stopped:#?}");
    for app in [app, second] {
        assert_eq!(app.wait(LIMIT).code(), 128 + 15);
    }
    root.root_shell("apt-get purge --yes vpnns");
    site.nothing_is_left();
}
