//! The archive: unpacked and installed by an ordinary user, in the home.

use crate::browser::Site;
use crate::desk::Desk;
use crate::made::{VERSION, tarball};
use crate::support::wireguard::NAME;
use crate::support::{LIMIT, Root};

#[test]
fn a_browser_has_the_vpn_of_the_archive_and_a_removal_leaves_only_the_profiles() {
    let desk = Desk::without_tunnel();
    let root = Root::new(desk.lab());
    let home = desk.lab().user().home();
    let before = root.user_shell("mkdir -p .local/share/vpnns; find . | sort");
    let archive = root.bring(&tarball());
    let unpack = format!("tar --extract --file {archive} && mv vpnns-{VERSION}-* unpacked");
    root.user_shell(&unpack);
    let said = root.user_shell("unpacked/install.sh");
    assert!(said.contains("--doctor"), "{said}");
    root.user_shell("rm -r unpacked");
    let bin = home.join(".local/bin");
    let site = Site::new(&desk, &root, bin.to_str().unwrap());

    let version = site.vpnns(&["--version"]).run();
    assert_eq!(version.text(), format!("vpnns {VERSION}"));
    let unit = root.user_shell("cat .local/share/systemd/user/vpnns@.service");
    let start = format!("ExecStart={}/vpnns --connect %i", bin.display());
    assert!(unit.contains(&start), "{unit}");
    let page = site.user(&["man", "-w", "vpnns"]).run();
    assert_eq!(
        page.text(),
        home.join(".local/share/man/man1/vpnns.1").to_str().unwrap()
    );
    site.a_browser_has_the_vpn_or_nothing();

    // Removed while a VPN is up and a program has it.
    let client = site.connect();
    let app = site.keep();
    let script = format!(
        "rm -rf again; mkdir again; tar --extract --file {archive} --directory again; \
                          again/*/install.sh --remove; rm -r again"
    );
    let said = root.user_shell(&script);
    assert!(
        said.contains(&format!("ending the VPN \"{NAME}\"")),
        "{said}"
    );
    assert_eq!(app.wait(LIMIT).code(), 128 + 15);
    drop(client);
    for program in ["vpnns", "vpnns-attach"] {
        assert!(!bin.join(program).exists());
    }
    assert_eq!(
        root.running_from(bin.join("vpnns").to_str().unwrap()),
        [] as [&str; 0]
    );
    // What a browser and we ourselves have written for the user stays: nothing else is new.
    let ours = |path: &&str| {
        let kept = [
            "./.config",
            "./.vpnns-",
            "./.mozilla",
            "./Downloads",
            "./.cache",
            "./.local/state",
            // The browser's keys, and its profile for this VPN.
            "./.local/share/keyrings",
            "./.local/share/vpnns/apps",
        ];
        !kept.iter().any(|kept| path.starts_with(kept))
    };
    let after = root.user_shell("find . | sort");
    let new: Vec<&str> = after
        .lines()
        .filter(ours)
        .filter(|path| !before.lines().any(|line| line == *path))
        .collect();
    assert_eq!(new, [] as [&str; 0]);
    assert!(
        home.join(".config/vpnns/profiles")
            .join(format!("{NAME}.toml"))
            .exists()
    );
}
