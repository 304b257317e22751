//! A link is opened in the VPN by the desktop's own browser, once somebody has asked for that.

use crate::support::Lab;
use crate::*;

#[test]
fn a_link_is_opened_inside_by_the_default_browser_once_that_is_wanted() {
    let lab = Lab::start();
    demonstration(&lab);
    let script =
        "#!/bin/sh\nreadlink /proc/self/ns/net >~/network\necho \"$1\" >~/link\nexec sleep 600\n";
    let browser = lab.user().write("browser", script, 0o755);
    let home = lab.user().home();
    for directory in [".local", ".local/share", ".local/share/applications"] {
        lab.user().make_directory(&home.join(directory));
    }
    let entry = format!(
        "[Desktop Entry]\nType=Application\nName=Plain Browser\nExec={} %u\n\
         MimeType=x-scheme-handler/https;x-scheme-handler/http;\n",
        browser.display()
    );
    lab.user()
        .write(".local/share/applications/plain.desktop", &entry, 0o644);
    lab.user().write(
        ".config/mimeapps.list",
        "[Default Applications]\nx-scheme-handler/https=plain.desktop\n",
        0o644,
    );
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    act_alone(&desktop, "preferences");
    desktop.click("Apps");
    desktop.click("Offer to Open Links");
    let name = "org.vpnns.PerAppVpn.Links.desktop";
    let path = home.join(".local/share/applications").join(name);
    assert!(wait_until(PATIENCE, || path.exists()), "no entry");
    desktop.picture("preferences-apps");
    desktop.shell(&format!("desktop-file-validate {}", path.display()));
    desktop.shell(&format!(
        "gio launch {} https://intranet.example.com/",
        path.display()
    ));
    let link = || std::fs::read_to_string(home.join("link")).unwrap_or_default();
    let opened = wait_until(PATIENCE, || link() == "https://intranet.example.com/\n");
    assert!(opened, "opened: {:?}", link());
    let inside = lab.inside("demo", &["readlink", "/proc/self/ns/net"]).run();
    let network = std::fs::read_to_string(home.join("network")).unwrap();
    assert_eq!(network.trim(), inside.text());
    desktop.click("Offer to Open Links");
    assert!(wait_until(PATIENCE, || !path.exists()), "it stays");
}
