//! Files that are no entries: passed over, named when asked, and never waited for.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::desktop::Desktop;
use crate::support::assert_complaint;

/// A listing of good.desktop alone, and the reason for which another file was left out.
fn reason(desktop: &Desktop, name: &str) -> String {
    desktop.entry("one", "good.desktop", "Name=Good");
    let entries = desktop.entries(desktop.list());
    let ids: Vec<_> = entries.apps.iter().map(|app| app.id.as_str()).collect();
    assert_eq!(ids, ["good.desktop"]);
    let broken = entries.broken.unwrap();
    let [one] = broken.as_slice() else {
        panic!("{broken:?}")
    };
    assert!(one.path.ends_with(name), "{one:?}");
    one.reason.clone()
}

#[test]
fn a_file_that_is_no_entry_is_left_out_with_its_reason() {
    let huge = format!(
        "[Desktop Entry]\nType=Application\nName=N\nExec=sh\n{}",
        "#\n".repeat(5 << 20)
    );
    for (bytes, expected) in [
        (&b""[..], "begin with the group"),
        (
            b"Type=Application\nName=N\nExec=sh\n",
            "begin with the group",
        ),
        (
            b"[Other]\nType=Application\nName=N\nExec=sh\n",
            "begin with the group",
        ),
        (
            b"[Desktop Entry]\nType=Application\nExec=sh\n",
            "has no Name",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=N\n",
            "has no Exec line",
        ),
        (b"[Desktop Entry]\nName=N\nExec=sh\n", "has no Type"),
        (
            b"[Desktop Entry]\nType=Application\nName=N\nDBusActivatable=true\n",
            "session bus",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=N\nExec=sh \"x\n",
            "a quote without an end",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=N\nExec=sh %z\n",
            "unknown field code %z",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=N\nExec=\n",
            "has no Exec line",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=\xff\nExec=sh\n",
            "not a text (byte 38)",
        ),
        (
            b"[Desktop Entry]\nType=Application\nName=\0\nExec=sh\n",
            "not a text (byte 38)",
        ),
        (b"\x7fELF\x02\x01\x01\0\0\0", "not a text"),
        (b"<html>\n<body>\n", "line 1 is neither"),
        (huge.as_bytes(), "larger than 1024 KiB"),
    ] {
        let desktop = Desktop::new();
        let path = desktop.file("one", "bad.desktop", bytes);
        let said = reason(&desktop, "bad.desktop");
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert!(said.contains(expected), "{shown}: {said}");
        // Opening it says the same, by id and by path.
        for entry in ["bad", path.to_str().unwrap()] {
            assert_complaint(&desktop.open(&[entry]).run(), 126, expected);
        }
    }
}

#[test]
fn what_is_no_file_is_left_out_and_not_waited_for() {
    let desktop = Desktop::new();
    let at = |name: &str| desktop.applications("one").join(name);
    let bad = at("bad.desktop");
    let script = format!("mkfifo '{}'", bad.display());
    desktop
        .session()
        .script(&script.replace("/one/", "/"))
        .run();
    let made = Command::new("mkfifo").arg(&bad).status();
    assert!(made.unwrap().success());
    assert!(reason(&desktop, "bad.desktop").contains("not a regular file"));
    fs::remove_file(&bad).unwrap();
    let socket = UnixListener::bind(&bad).unwrap();
    reason(&desktop, "bad.desktop");
    drop(socket);
    for (target, expected) in [
        ("/dev/zero", "not a regular file"),
        ("/dev/tty", ""),
        ("/no/such/file", "No such file"),
        ("bad.desktop", "symbolic links"),
        ("/proc/self/mem", ""),
        ("/etc/shadow", ""),
    ] {
        fs::remove_file(&bad).unwrap();
        symlink(target, &bad).unwrap();
        let said = reason(&desktop, "bad.desktop");
        assert!(said.contains(expected), "{target}: {said}");
    }
}

#[test]
fn a_directory_with_an_entrys_name_is_a_directory() {
    let desktop = Desktop::new();
    desktop.entry("one", "x.desktop/y.desktop", "Exec=echo below");
    assert_eq!(desktop.ids(), ["x.desktop-y.desktop"]);
    assert_eq!(desktop.open(&["x.desktop-y"]).run().text(), "below");
    assert_complaint(&desktop.open(&["x"]).run(), 127, "no application");
}

#[test]
fn directories_that_lead_in_a_circle_are_gone_through_once() {
    let desktop = Desktop::new();
    let one = desktop.applications("one");
    desktop.entry("one", "deeper/x.desktop", "");
    symlink("..", one.join("deeper/up")).unwrap();
    let entries = desktop.entries(desktop.list());
    assert_eq!(entries.apps.len(), 1, "{entries:?}");
    let broken = entries.broken.unwrap();
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].path.ends_with("deeper/up"), "{broken:?}");
    assert!(broken[0].reason.contains("has been"), "{broken:?}");
    // Many links to one another would be gone through for ever, if each way counted.
    let names = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
    ];
    for name in names {
        fs::create_dir(one.join(name)).unwrap();
        for target in names {
            symlink(format!("../{target}"), one.join(name).join(target)).unwrap();
        }
    }
    desktop.entry("one", "m/last.desktop", "");
    desktop.entry("two", "other.desktop", "");
    let ids = desktop.ids();
    assert_eq!(ids, ["deeper-x.desktop", "m-last.desktop", "other.desktop"]);
}

#[test]
fn a_directory_behind_a_link_is_gone_through_like_any_other() {
    let desktop = Desktop::new();
    desktop.entry("elsewhere", "x.desktop", "");
    let target = desktop.applications("elsewhere");
    symlink(target, desktop.applications("one").join("linked")).unwrap();
    assert_eq!(desktop.ids(), ["linked-x.desktop"]);
}

#[test]
fn names_that_are_no_text_and_very_long_lines_do_no_harm() {
    let desktop = Desktop::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.desktop");
    fs::write(desktop.applications("one").join(name), "[Desktop Entry]\n").unwrap();
    assert_eq!(reason(&desktop, ".desktop"), "its name is not a text");
    let long = "x".repeat(400_000);
    desktop.entry(
        "one",
        "long.desktop",
        &format!("Name={long}\nKeywords={long};{}", ";".repeat(100_000)),
    );
    let apps = desktop.apps();
    assert_eq!(apps.len(), 2);
    assert_eq!(apps[1].name, long);
    assert_eq!(apps[1].keywords, [long]);
}

#[test]
fn of_two_alike_keys_the_last_counts_and_stray_white_space_does_not() {
    let desktop = Desktop::new();
    let text = "\u{feff}# first a comment\r\n\r\n[Desktop Entry]\r\nType = Application\r\n\
        Name=One\r\nName = Two \r\nExec\t=\techo x\r\nX-Unknown[=]=\r\n[Other\u{1}]\r\na=b\r\n";
    desktop.file("one", "a.desktop", text);
    assert_eq!(desktop.apps()[0].name, "Two");
    assert_eq!(desktop.open(&["a"]).run().text(), "x");
}
