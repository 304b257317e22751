//! The app's part of an installation: the program, its menu entry, and what else a desktop reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::{File, filled_in, plain, program, read};
use crate::command::{self, succeeds};
use crate::failure::{Act, Result};
use crate::po;
use crate::release;
use crate::workspace::Workspace;

/// The application id, of which every name below is made.
const ID: &str = "org.vpnns.PerAppVpn";

/// Builds the app as it is shipped, and returns its path.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    release::build(workspace, "vpnns-desktop", "app", &[])
}

/// Every file of the app.
pub(crate) fn files(app: &Path, data: &Path, prefix: &Path) -> Result<Vec<File>> {
    let share = prefix.join("share");
    let icons = share.join("icons/hicolor");
    let mut files = vec![program(prefix.join("bin/vpnns-desktop"), read(app)?)];
    let translations = data.with_file_name("po");
    let named = |ending: &str| data.join(format!("{ID}{ending}"));
    for (ending, directory) in [(".desktop", "applications"), (".metainfo.xml", "metainfo")] {
        let path = share.join(directory).join(format!("{ID}{ending}"));
        files.push(plain(path, po::merged(&translations, &named(ending))?));
    }
    for (language, content) in po::compiled(&translations)? {
        files.push(plain(share.join(po::installed_name(&language)), content));
    }
    let types = share.join(format!("mime/packages/{ID}.xml"));
    files.push(plain(types, read(&named(".mime.xml"))?));
    let service = share.join(format!("dbus-1/services/{ID}.service"));
    files.push(plain(service, filled_in(&named(".service.in"), prefix)?));
    let page = share.join("man/man1/vpnns-desktop.1");
    files.push(plain(page, read(&data.join("vpnns-desktop.1"))?));
    for icon in icon_files(data)? {
        let name = icon.file_name().unwrap_or_default();
        let symbolic = name.to_string_lossy().ends_with("-symbolic.svg");
        let directory = if symbolic { "symbolic" } else { "scalable" };
        files.push(plain(
            icons.join(directory).join("apps").join(name),
            read(&icon)?,
        ));
    }
    Ok(files)
}

/// The drawn icons: the app's own, and one for each state.
fn icon_files(data: &Path) -> Result<Vec<PathBuf>> {
    let directory = data.join("icons");
    let failed = || format!("failed to read {}", directory.display());
    let mut icons = Vec::new();
    for entry in fs::read_dir(&directory).act(failed)? {
        let path = entry.act(failed)?.path();
        if path.extension().is_some_and(|it| it == "svg") {
            icons.push(path);
        }
    }
    icons.sort();
    Ok(icons)
}

/// Lets desktops find new entries, types and icons at once; without these programs they find them
/// later, by the directories' times.
pub(super) fn tell_caches(prefix: &Path) {
    let share = prefix.join("share");
    if !share.join(format!("applications/{ID}.desktop")).exists() {
        return;
    }
    for (program, directory) in [
        ("update-desktop-database", "applications"),
        ("update-mime-database", "mime"),
    ] {
        if command::find(program).is_some() {
            succeeds(command::command(program).arg(share.join(directory)));
        }
    }
    // Only where there is a cache: one that is made here would hide icons that come later.
    let icons = share.join("icons/hicolor");
    if icons.join("icon-theme.cache").exists() && command::find("gtk-update-icon-cache").is_some() {
        succeeds(command::command("gtk-update-icon-cache").arg(&icons));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;
    use crate::command::run;

    #[test]
    fn what_the_desktop_starts_is_what_was_installed() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
        let prefix = Path::new("/opt/vpn");
        let files = files(Path::new("/bin/true"), &data, prefix).unwrap();
        let content = |path: &str| {
            let file = files.iter().find(|file| file.path == prefix.join(path));
            let file = file.unwrap_or_else(|| panic!("{path} is not installed"));
            let Content::Bytes(bytes) = &file.content else {
                panic!("{path} is a link");
            };
            String::from_utf8_lossy(bytes).into_owned()
        };
        let service = content("share/dbus-1/services/org.vpnns.PerAppVpn.service");
        assert!(
            service.contains("Exec=/opt/vpn/bin/vpnns-desktop --gapplication-service\n"),
            "{service}"
        );
        for path in [
            "share/applications/org.vpnns.PerAppVpn.desktop",
            "share/metainfo/org.vpnns.PerAppVpn.metainfo.xml",
            "share/mime/packages/org.vpnns.PerAppVpn.xml",
            "share/man/man1/vpnns-desktop.1",
            "share/icons/hicolor/scalable/apps/org.vpnns.PerAppVpn.svg",
            "share/icons/hicolor/symbolic/apps/org.vpnns.PerAppVpn-connected-symbolic.svg",
        ] {
            assert!(!content(path).contains("@bindir@"), "{path}");
        }
        let entry = content("share/applications/org.vpnns.PerAppVpn.desktop");
        assert!(entry.contains("\nName[de]=") && entry.contains("\nComment[ar]="));
        let metainfo = content("share/metainfo/org.vpnns.PerAppVpn.metainfo.xml");
        assert!(metainfo.contains("<summary xml:lang=\"fr\">"), "{metainfo}");
        for language in ["ar", "de", "es", "fr", "ja", "pt_BR", "zh_CN"] {
            let file = format!("share/locale/{language}/LC_MESSAGES/vpnns-desktop.mo");
            assert!(content(&file).contains(&format!("Language: {language}\n")));
        }
        let directory = tempfile::tempdir().unwrap();
        for (name, text, program, arguments) in [
            (
                ".desktop",
                entry,
                "desktop-file-validate",
                &["--warn-kde"][..],
            ),
            (
                ".metainfo.xml",
                metainfo,
                "appstreamcli",
                &["validate", "--no-net"],
            ),
        ] {
            let path = directory.path().join(format!("{ID}{name}"));
            fs::write(&path, text).unwrap();
            run(command::command(program).args(arguments).arg(path)).unwrap();
        }
    }
}
