//! The files that a desktop reads about the app: valid, complete, and of one mind with the program.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Of the bus name, the entry, the icons and the resources.
const ID: &str = "org.vpnns.PerAppVpn";

fn data(name: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    data.join(name)
}

fn text(name: &str) -> String {
    let path = data(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program; one that is missing is named with its package.
#[track_caller]
fn run(command: &mut Command, package: &str) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "these tests need {}: run `apt-get install {package}` ({error})",
            command.get_program().display()
        )
    })
}

/// The same, where it must have nothing to say.
#[track_caller]
fn agrees(command: &mut Command, package: &str) {
    let output = run(command, package);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{command:?}: {said}");
}

#[test]
fn the_menu_entry_is_one() {
    let output = run(
        Command::new("desktop-file-validate")
            .arg("--warn-kde")
            .arg(data("org.vpnns.PerAppVpn.desktop")),
        "desktop-file-utils",
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn software_centres_can_read_what_the_app_is() {
    agrees(
        Command::new("appstreamcli")
            .args(["validate", "--no-net"])
            .arg(data("org.vpnns.PerAppVpn.metainfo.xml")),
        "appstream",
    );
}

#[test]
fn the_newest_release_in_the_changelog_is_this_one() {
    let metainfo = text("org.vpnns.PerAppVpn.metainfo.xml");
    let first = metainfo.split("<release ").nth(1).unwrap();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(first.starts_with(&version), "{first}");
}

#[test]
fn every_file_means_the_same_application() {
    let config = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.rs"));
    assert!(config.unwrap().contains(&format!("APP_ID: &str = {ID:?}")));
    for (file, line) in [
        ("org.vpnns.PerAppVpn.desktop", format!("Icon={ID}\n")),
        ("org.vpnns.PerAppVpn.service.in", format!("Name={ID}\n")),
        (
            "org.vpnns.PerAppVpn.metainfo.xml",
            format!("<id>{ID}</id>\n"),
        ),
        (
            "org.vpnns.PerAppVpn.metainfo.xml",
            format!("<launchable type=\"desktop-id\">{ID}.desktop</launchable>\n"),
        ),
        (
            "resources.gresource.xml",
            "prefix=\"/org/vpnns/PerAppVpn\">\n".into(),
        ),
    ] {
        assert!(text(file).contains(&line), "{file} has no {line}");
    }
}

#[test]
fn what_the_entry_opens_has_a_type_that_is_known() {
    let kind = "application/x-openvpn-profile";
    assert!(text("org.vpnns.PerAppVpn.desktop").contains(&format!("MimeType={kind};\n")));
    let directory = tempfile::tempdir().unwrap();
    let packages = directory.path().join("packages");
    fs::create_dir(&packages).unwrap();
    fs::copy(
        data("org.vpnns.PerAppVpn.mime.xml"),
        packages.join(format!("{ID}.xml")),
    )
    .unwrap();
    agrees(
        Command::new("update-mime-database").arg(directory.path()),
        "shared-mime-info",
    );
    let globs = fs::read_to_string(directory.path().join("globs2")).unwrap();
    assert!(globs.contains(&format!(":{kind}:*.ovpn")), "{globs}");
}

/// A copy of a template for programs in a directory, in which the helper is a stand-in.
fn filled_in(template: &str, directory: &Path, name: &str) -> PathBuf {
    let helper = directory.join("vpnns");
    fs::write(&helper, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = directory.join(name);
    let filled = text(template).replace("@bindir@", directory.to_str().unwrap());
    fs::write(&path, filled).unwrap();
    path
}

#[test]
fn systemd_takes_the_unit_for_profiles_without_a_desktop() {
    let directory = tempfile::tempdir().unwrap();
    let unit = filled_in("vpnns@.service.in", directory.path(), "vpnns@work.service");
    let output = run(
        Command::new("systemd-analyze")
            .args(["--user", "--man=no", "verify"])
            .arg(&unit)
            .env("XDG_RUNTIME_DIR", directory.path()),
        "systemd",
    );
    let said = String::from_utf8_lossy(&output.stderr);
    // About other units of the machine it may complain.
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("vpnns@work.service"), "{said}");
}

#[test]
fn every_icon_is_in_the_resources() {
    let resources = text("resources.gresource.xml");
    let mut waiting = vec![data("icons")];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else if path
            .extension()
            .is_some_and(|it| it == "svg" || it == "png")
        {
            let name = path.strip_prefix(data("")).unwrap().to_str().unwrap();
            assert!(
                resources.contains(&format!(">{name}</file>")),
                "{name} is not in resources.gresource.xml"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 7 + 3 * 6, "icons are missing");
}

#[test]
fn the_pictures_of_the_tray_are_drawn_from_the_icons_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    agrees(
        Command::new("/usr/bin/python3")
            .arg(data("icons/draw.py"))
            .arg(directory.path()),
        "python3-gi gir1.2-gdkpixbuf-2.0 librsvg2-common",
    );
    // Another version of the library may round another way.
    let compare = r#"
import pathlib, sys
import gi
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf
ours, drawn = map(pathlib.Path, sys.argv[1:])
names = {path.relative_to(drawn) for path in drawn.rglob("*.png")}
assert names == {path.relative_to(ours) for path in ours.rglob("*.png")}, "other pictures"
for name in names:
    a, b = (GdkPixbuf.Pixbuf.new_from_file(str(place / name)).get_pixels() for place in (ours, drawn))
    assert len(a) == len(b) and max(abs(x - y) for x, y in zip(a, b)) < 48, f"run data/icons/draw.py: {name}"
"#;
    agrees(
        Command::new("/usr/bin/python3")
            .args(["-c", compare])
            .arg(data("icons"))
            .arg(directory.path()),
        "python3-gi",
    );
}

#[test]
fn the_manual_has_no_markup_error() {
    let output = run(
        Command::new("mandoc")
            .args(["-Tlint", "-Wwarning"])
            .arg(data("vpnns-desktop.1")),
        "mandoc",
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_manual_names_every_option_and_no_other() {
    let output = run(
        Command::new(env!("CARGO_BIN_EXE_vpnns-desktop"))
            .arg("--help")
            .env("LC_ALL", "C.UTF-8"),
        "libgtk-4-1",
    );
    let help = String::from_utf8(output.stdout).unwrap();
    let options = help.split("Application Options:").nth(1).unwrap();
    let understood: BTreeSet<&str> = options
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"))
        .map(|rest| rest.split(['=', ' ']).next().unwrap())
        .collect();
    let page = text("vpnns-desktop.1");
    let explained: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix(".It Fl -"))
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(explained, understood, "{help}");
}

#[test]
fn the_app_finds_its_translations_beside_it() {
    let prefix = tempfile::tempdir().unwrap();
    let messages = prefix.path().join("share/locale/de/LC_MESSAGES");
    fs::create_dir_all(&messages).unwrap();
    fs::create_dir(prefix.path().join("bin")).unwrap();
    let app = prefix.path().join("bin/vpnns-desktop");
    fs::copy(env!("CARGO_BIN_EXE_vpnns-desktop"), &app).unwrap();
    let help = |language: &str| {
        let mut help = Command::new(&app);
        let help = help.arg("--help").env("LC_ALL", "C.UTF-8");
        help.env("LANGUAGE", language)
            .env_remove("VPNNS_LOCALE_DIR");
        String::from_utf8(run(help, "libgtk-4-1").stdout).unwrap()
    };
    agrees(
        Command::new("msgfmt")
            .arg(data("../po/de.po"))
            .arg("-o")
            .arg(messages.join("vpnns-desktop.mo")),
        "gettext",
    );
    assert!(
        help("de").contains("Ohne Fenster starten"),
        "{}",
        help("de")
    );
    assert!(
        help("sv").contains("Start without a window"),
        "{}",
        help("sv")
    );
}
