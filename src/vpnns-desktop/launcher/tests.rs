//! Launchers are entries as the specification wants them, whatever they are made of.

use std::fs;
use std::process::Command;

use super::*;

const ORIGINAL: &str = "\u{feff}# A comment
[Desktop Entry]
Version=1.1
Type=Application
Name=Browser
Name[de]=Netzleser
Name[sr@latin]=Čitač
GenericName=Web Browser
Comment=Read the web
Comment[de]=Im Netz lesen
Icon=browser
Icon[de]=leser
TryExec[de]=nonsense
Exec=/usr/bin/browser --name 100%% %u
Terminal=true
NoDisplay=true
DBusActivatable=true
MimeType=text/html;
Path=/somewhere
Keywords=Internet;WWW
Keywords[de]=Netz;
Categories=Network;WebBrowser;
StartupWMClass=Browser
StartupNotify=true
X-GNOME-UsesNotifications=true
Actions=new-window;gone;private

[Desktop Action new-window]
Name=New Window
Name[de]=Neues Fenster
Exec=browser --new %U
X-Other=1

[Desktop Action private]
Name=New Private Window
Icon=private
Exec=browser --private
OnlyShowIn=GNOME;

[Other Group]
Name=No
";

fn wish(entry: &str, title: &str) -> Wish {
    Wish {
        vpn: "work".parse().unwrap(),
        title: title.into(),
        entry: entry.into(),
        program: vec!["vpnns-desktop".into()],
        icon: None,
    }
}

/// What desktop-file-validate says; nothing where all is well.
fn complaints(name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    let mut validate = Command::new("desktop-file-validate");
    let output = validate.arg(&path).output();
    let output = output.unwrap_or_else(|error| {
        panic!("this test needs desktop-file-validate of the package desktop-file-utils: {error}")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), !said.contains("error:"), "{said}");
    said
}

#[test]
fn a_launcher_has_the_originals_names_actions_and_icon_and_a_command_of_ours() {
    let made = text(ORIGINAL, &wish("browser.desktop", "My Work")).unwrap();
    let expected = "[Desktop Entry]
Version=1.1
Type=Application
Name=Browser (My Work)
Name[de]=Netzleser (My Work)
Name[sr@latin]=Čitač (My Work)
GenericName=Web Browser
Comment=Read the web
Comment[de]=Im Netz lesen
Icon=browser
Icon[de]=leser
Keywords=Internet;WWW;VPN;My Work;
Keywords[de]=Netz;VPN;My Work;
Categories=Network;WebBrowser;
StartupWMClass=Browser
StartupNotify=true
Exec=vpnns-desktop --open browser.desktop --vpn work -- %u
Actions=new-window;private;
X-Vpnns-Vpn=work
X-Vpnns-Entry=browser.desktop

[Desktop Action new-window]
Name=New Window
Name[de]=Neues Fenster
Exec=vpnns-desktop --open browser.desktop --action new-window --vpn work -- %U

[Desktop Action private]
Name=New Private Window
Icon=private
Exec=vpnns-desktop --open browser.desktop --action private --vpn work
";
    assert_eq!(made, expected);
    let name = file_name(&"work".parse().unwrap(), "browser.desktop");
    assert_eq!(name, "org.vpnns.PerAppVpn.work.browser.desktop");
    assert_eq!(complaints(&name, &made), "");
    let made_for = made_for(&made).unwrap();
    assert_eq!(made_for, ("work".to_owned(), "browser.desktop".to_owned()));
}

#[test]
fn titles_and_programs_with_strange_characters_stay_one_word_each() {
    let minimal = "[Desktop Entry]\nType=Application\nName=A\nExec=a\n";
    for title in ["a;b\\c", "two\nlines", "100 % \"quoted\" $HOME `x`", "日本"] {
        let mut wish = wish("a b%c.desktop", title);
        wish.program = vec!["/opt/my \"apps\"/$x\\vpnns-desktop".into()];
        let made = text(minimal, &wish).unwrap();
        assert_eq!(complaints("a.desktop", &made), "", "{made}");
        let exec = made.lines().find(|line| line.starts_with("Exec=")).unwrap();
        // Quoted by the rules of Exec, then escaped as any string.
        let expected =
            r#"Exec="/opt/my \\"apps\\"/\\$x\\\\vpnns-desktop" --open "a b%%c.desktop" --vpn work"#;
        assert_eq!(exec, expected);
    }
}

#[test]
fn a_launcher_of_the_flatpak_starts_the_flatpak() {
    let minimal = "[Desktop Entry]\nType=Application\nName=A\nExec=a %F\n";
    let mut wish = wish("a.desktop", "Work");
    wish.program = ["flatpak", "run", "org.vpnns.PerAppVpn"]
        .map(str::to_owned)
        .to_vec();
    let made = text(minimal, &wish).unwrap();
    assert_eq!(complaints("a.desktop", &made), "", "{made}");
    let exec = "\nExec=flatpak run org.vpnns.PerAppVpn --open a.desktop --vpn work -- %F\n";
    assert!(made.contains(exec), "{made}");
}

#[test]
fn what_is_no_application_makes_no_launcher() {
    for original in [
        "",
        "[Desktop Entry]\nType=Link\nName=A\nURL=http://a\n",
        "[Desktop Entry]\nType=Application\nName=A\n",
        "Type=Application\nName=A\nExec=a\n",
        "[Other]\nType=Application\nExec=a\n",
    ] {
        assert_eq!(text(original, &wish("a.desktop", "W")), None, "{original}");
    }
    assert_eq!(made_for(ORIGINAL), None);
}

#[test]
fn the_first_field_code_for_files_or_addresses_counts() {
    for (exec, code) in [
        ("a", None),
        ("a %%u", None),
        ("a %i %c %F", Some("%F")),
        ("a --x=%f", Some("%f")),
        ("a %", None),
    ] {
        assert_eq!(field_code(exec), code, "{exec}");
    }
}

#[test]
fn a_launcher_with_a_badge_has_its_icon_in_every_language() {
    let original = "[Desktop Entry]\nType=Application\nName=A\nExec=a\nIcon=a\nIcon[de]=b\n";
    let mut wish = wish("a.desktop", "Work");
    wish.icon = Some("/home/me/badge.png".into());
    let text = text(original, &wish).unwrap();
    assert!(text.contains("\nIcon=/home/me/badge.png\n"), "{text}");
    assert!(!text.contains("Icon[de]"), "{text}");
}
