//! Which entries are listed, from which directory, and which hides which.

use std::fs;
use std::os::unix::fs::symlink;

use crate::desktop::Desktop;
use crate::support::assert_complaint;

#[test]
fn the_first_file_of_an_id_is_the_only_one() {
    let desktop = Desktop::new();
    for place in ["data", "one", "two"] {
        desktop.entry(place, "a.desktop", &format!("Name=A of {place}"));
    }
    for place in ["one", "two"] {
        desktop.entry(place, "b.desktop", &format!("Name=B of {place}"));
    }
    desktop.entry("two", "c.desktop", "Name=C of two");
    let names: Vec<_> = desktop.apps().into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["A of data", "B of one", "C of two"]);
}

#[test]
fn an_entry_below_a_directory_has_its_name_in_the_id() {
    let desktop = Desktop::new();
    desktop.entry("one", "kde/x/a.desktop", "Exec=/bin/echo slash %c");
    desktop.entry("two", "kde-x-a.desktop", "Exec=/bin/echo dash");
    assert_eq!(desktop.ids(), ["kde-x-a.desktop"]);
    let output = desktop.open(&["kde-x-a"]).run();
    assert_eq!(output.text(), "slash kde/x/a.desktop");
}

#[test]
fn a_hidden_entry_hides_the_ones_after_it_even_if_it_says_nothing_else() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", "");
    assert_eq!(desktop.ids(), ["a.desktop"]);
    desktop.file("data", "a.desktop", "[Desktop Entry]\nHidden=true\n");
    let entries = desktop.entries(desktop.list());
    assert_eq!((entries.apps, entries.broken), (vec![], Some(vec![])));
    assert_complaint(&desktop.open(&["a"]).run(), 126, "Hidden=true");
    // The same by a link to nothing, which the desktops understand as well.
    fs::remove_file(desktop.applications("data").join("a.desktop")).unwrap();
    symlink("/dev/null", desktop.applications("data").join("a.desktop")).unwrap();
    assert_eq!(desktop.ids(), [""; 0]);
}

#[test]
fn what_menus_leave_out_is_not_listed_and_can_be_opened() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", "NoDisplay=true\nExec=/bin/echo opened");
    assert_eq!(desktop.ids(), [""; 0]);
    assert_eq!(desktop.open(&["a"]).run().text(), "opened");
}

#[test]
fn entries_of_other_desktops_are_left_out() {
    let desktop = Desktop::new();
    desktop.entry("one", "all.desktop", "");
    desktop.entry("one", "gnome.desktop", "OnlyShowIn=GNOME;");
    desktop.entry("one", "not-gnome.desktop", "NotShowIn=GNOME;KDE;");
    desktop.entry("one", "unity.desktop", "OnlyShowIn=Unity;X-Cinnamon;");
    for (current, expected) in [
        ("", &["all", "not-gnome"][..]),
        ("GNOME", &["all", "gnome"]),
        ("KDE", &["all"]),
        ("Unity:GNOME", &["all", "gnome", "unity"]),
        ("XFCE", &["all", "not-gnome"]),
    ] {
        let list = desktop.list().env("XDG_CURRENT_DESKTOP", current);
        let apps = desktop.entries(list).apps.into_iter();
        let stems: Vec<_> = apps.map(|app| app.id.replace(".desktop", "")).collect();
        assert_eq!(stems, expected, "{current:?}");
    }
}

#[test]
fn what_is_not_installed_is_not_listed() {
    let desktop = Desktop::new();
    let plain = desktop.session().user().write("plain", "", 0o644);
    desktop.entry("one", "there.desktop", "TryExec=sh\nExec=sh -c true");
    desktop.entry("one", "path.desktop", "TryExec=/bin/sh");
    desktop.entry("one", "absent.desktop", "TryExec=no-such-program");
    desktop.entry(
        "one",
        "plain.desktop",
        &format!("TryExec={}", plain.display()),
    );
    assert_eq!(desktop.ids(), ["path.desktop", "there.desktop"]);
    // A missing program that nobody has told to look for is worth a word.
    desktop.entry("one", "gone.desktop", "Exec=no-such-program %U");
    let broken = desktop.entries(desktop.list()).broken.unwrap();
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert_eq!(
        broken[0].reason,
        "its program \"no-such-program\" is not there"
    );
}

#[test]
fn only_applications_are_listed_and_in_the_order_of_their_names() {
    let desktop = Desktop::new();
    desktop.entry("one", "1.desktop", "Name=beta");
    desktop.entry("one", "2.desktop", "Name=Alpha");
    desktop.entry("one", "3.desktop", "Name=Äpfel");
    desktop.entry("one", "readme.txt", "");
    desktop.file(
        "one",
        "link.desktop",
        "[Desktop Entry]\nType=Link\nName=L\nURL=x\n",
    );
    let entries = desktop.entries(desktop.list());
    assert_eq!(entries.broken, Some(vec![]));
    let names: Vec<_> = entries.apps.into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["Alpha", "beta", "Äpfel"]);
}

#[test]
fn flatpaks_and_snaps_are_found_although_the_session_does_not_know_of_them() {
    let desktop = Desktop::new();
    let exports = "data/flatpak/exports/share";
    // What is exported is a link into the installation.
    let real = desktop.entry("data/flatpak/app", "org.example.App.desktop", "");
    fs::create_dir_all(desktop.applications(exports)).unwrap();
    let link = desktop
        .applications(exports)
        .join("org.example.App.desktop");
    symlink(real, link).unwrap();
    assert_eq!(desktop.ids(), ["org.example.App.desktop"]);
    let script = "mount -t tmpfs none /var/lib
        for place in flatpak/exports/share snapd/desktop; do
            mkdir -p /var/lib/$place/applications
            printf '[Desktop Entry]\\nType=Application\\nExec=sh\\nName=%s\\n' ${place%%/*} \\
                >/var/lib/$place/applications/${place%%/*}.desktop
        done
        XDG_DATA_DIRS=$HOME/one vpnns --apps; vpnns --open snapd || echo $?";
    let output = desktop.session().script_with_mounts(script).run();
    assert!(output.stdout.contains("flatpak.desktop"), "{output:#?}");
    assert!(output.stdout.contains("snapd.desktop"), "{output:#?}");
    assert!(output.stdout.ends_with("126\n"), "{output:#?}");
}

#[test]
fn the_defaults_hold_where_the_variables_say_nothing_useful() {
    let desktop = Desktop::new();
    let home = desktop.session().home();
    desktop.entry(".local/share", "a.desktop", "");
    desktop.entry("relative", "b.desktop", "");
    for value in ["", "relative"] {
        let list = desktop.list().env("XDG_DATA_HOME", value);
        let list = list.env("XDG_DATA_DIRS", value);
        let ids: Vec<_> = desktop.entries(list).apps.into_iter().collect();
        assert_eq!(ids.len(), 1, "{value:?}: {ids:?}");
        assert_eq!(ids[0].id, "a.desktop");
        assert!(ids[0].path.starts_with(home.to_str().unwrap()));
    }
}

#[test]
fn people_get_a_line_for_each_and_no_control_characters() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", "Name=A \u{1b}[31mred");
    desktop.entry("one", "longer.desktop", "Name=B");
    desktop.file("one", "bad.desktop", "nonsense");
    let output = desktop.command(&["vpnns", "--apps"]).run();
    let text = output.text();
    assert!(text.starts_with("ID "), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.contains(&"longer.desktop  B"), "{text}");
    assert!(
        lines.contains(&"a.desktop       A \u{fffd}[31mred"),
        "{text}"
    );
    assert!(output.stderr.is_empty(), "{output:#?}");
    let output = desktop.command(&["vpnns", "--apps", "--verbose"]).run();
    assert_eq!(output.text(), text);
    let said = "bad.desktop: line 1 is neither a group nor a key with a value";
    assert!(output.stderr.contains(said), "{output:#?}");
}
