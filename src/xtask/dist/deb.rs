//! The Debian packages: `vpnns`, which a server can have without GTK, and `vpnns-desktop` with the app.
//!
//! Built by dpkg's own programs on the Debian that they are for: what the app depends on is what it was
//! linked with.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Job, compressed, notices, permissions, require, run_plainly, stage, staging, text};
use crate::command::{self, command};
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::install::{self, Content, File, plain};
use crate::packages;

/// Who answers for the packages.
const MAINTAINER: &str = "The vpnns developers <packages@vpnns.org>";
/// Where zsh looks on Debian, and where it looks elsewhere.
const ZSH: (&str, &str) = (
    "/usr/share/zsh/vendor-completions",
    "/usr/share/zsh/site-functions",
);
/// What the helper's package is, for people.
const HELPER: &str = "runs single programs in a VPN, without root
 A program started by vpnns has the VPN and nothing else, and a program
 outside never sees it. When the VPN goes, the program is offline. Works with
 OpenConnect, OpenVPN and, built in, WireGuard; as an ordinary user, on a
 desktop or a server.
 .
 The program's name is that of a script in the package ocproxy, whose command
 line it understands, so that only one of the two can be installed. What needs
 ocproxy itself, a SOCKS proxy, has to choose the other.
 .
 The package vpnns-desktop has a window for it.";
/// What the app's package is.
const APP: &str = "run single apps in a VPN and leave the rest alone
 Per-App VPN: choose an app, choose a VPN, and only that app uses it. With an
 icon in the tray, a check for leaks, and profiles for OpenConnect, OpenVPN and
 WireGuard. It needs no administrator's rights.";

/// A package about to be built.
struct Package {
    name: &'static str,
    /// The program whose libraries' licences come with it.
    program: &'static str,
    files: Vec<File>,
    /// Lines of the control file beside those that every package has.
    relations: String,
    description: &'static str,
    /// The maintainer's scripts, and `triggers`, by their names.
    scripts: Vec<(&'static str, String)>,
    /// What lintian would say, with the reason why it is so.
    overrides: &'static str,
}

/// Builds both programs and packs them.
pub(super) fn make(job: &Job) -> Result {
    require("dpkg-deb", "dpkg")?;
    require("dpkg-shlibdeps", "dpkg-dev")?;
    if !packages::can_build_app() {
        let failure = Failure::new("the package of the app needs GTK and libadwaita");
        return Err(failure.hint("install them: cargo xtask setup --for desktop"));
    }
    let prefix = Path::new("/usr");
    let helper = helper::build(&job.workspace)?;
    let app = install::app::build(&job.workspace)?;
    let running = include_str!("running.sh");
    let with_running = |script: &str| script.replace("# @running@\n", running);
    job.clear(|old| old.starts_with("vpnns") && super::ends_with(old, "deb"))?;
    let both = [
        Package {
            name: "vpnns",
            program: "vpnns",
            files: install::helper_files(&helper, &job.data(), prefix)?,
            relations: "Recommends: xdg-dbus-proxy\n\
                        Suggests: openconnect, openvpn, vpnns-desktop\n\
                        Conflicts: ocproxy\n\
                        Replaces: ocproxy\n"
                .into(),
            description: HELPER,
            scripts: vec![
                ("postinst", include_str!("deb/postinst.sh").into()),
                ("prerm", with_running(include_str!("deb/prerm.sh"))),
                ("postrm", include_str!("deb/postrm.sh").into()),
                (
                    "triggers",
                    "interest-noawait /etc/apparmor.d/abi/4.0\n".into(),
                ),
            ],
            overrides: "# It enters namespaces, where the libraries of the host may be out of reach; and it starts fast.\n\
                        vpnns: statically-linked-binary [usr/bin/vpnns]\n\
                        # It is a project of its own, and filed no intent to be part of Debian.\n\
                        vpnns: initial-upload-closes-no-bugs *\n",
        },
        Package {
            name: "vpnns-desktop",
            program: "vpnns-desktop",
            files: install::app::files(&app, &job.data(), prefix)?,
            relations: format!(
                "Depends: {}, vpnns (= {})\nRecommends: librsvg2-common, gnome-keyring | org.freedesktop.secrets\n",
                libraries(&app)?,
                job.version
            ),
            description: APP,
            scripts: vec![("prerm", with_running(include_str!("deb/desktop-prerm.sh")))],
            overrides: "# It is a project of its own, and filed no intent to be part of Debian.\n\
                        vpnns-desktop: initial-upload-closes-no-bugs *\n",
        },
    ];
    both.into_iter().try_for_each(|package| package.build(job))
}

impl Package {
    fn build(mut self, job: &Job) -> Result {
        self.complete(job)?;
        let staged = staging()?;
        let root = staged.path();
        stage(&self.files, root)?;
        let control = root.join("DEBIAN");
        let write = |name: &str, content: &str, mode| {
            let path = control.join(name);
            fs::write(&path, content)
                .and_then(|()| fs::set_permissions(&path, permissions(mode)))
                .act(|| format!("failed to write {}", path.display()))
        };
        fs::create_dir(&control)
            .and_then(|()| fs::set_permissions(&control, permissions(0o755)))
            .act(|| format!("failed to make {}", control.display()))?;
        let architecture = command::output(command("dpkg").arg("--print-architecture"))?;
        let architecture = text(architecture).trim().to_owned();
        write("control", &self.control(job, &architecture), 0o644)?;
        write("md5sums", &self.sums(root)?, 0o644)?;
        for (name, content) in &self.scripts {
            let mode = if *name == "triggers" { 0o644 } else { 0o755 };
            write(name, content, mode)?;
        }
        let path = job
            .directory
            .join(format!("{}_{}_{architecture}.deb", self.name, job.version));
        run_plainly(
            command("dpkg-deb")
                .args(["--root-owner-group", "--threads-max=1", "-Zxz", "--build"])
                .arg(root)
                .arg(&path)
                // Whatever is newer, and here all is, gets this time.
                .env("SOURCE_DATE_EPOCH", job.time.to_string()),
        )?;
        println!("{}", path.display());
        Ok(())
    }

    /// Adds what every package has, and puts things where Debian wants them.
    fn complete(&mut self, job: &Job) -> Result {
        for file in &mut self.files {
            if let Ok(name) = file.path.strip_prefix(ZSH.1) {
                file.path = Path::new(ZSH.0).join(name);
            }
            if file.path.starts_with("/usr/share/man") {
                add_ending(&mut file.path, ".gz");
                match &mut file.content {
                    Content::Bytes(bytes) => *bytes = compressed(bytes)?,
                    Content::Link(target) => *target = compressed_name(target)?,
                }
            }
        }
        let doc = Path::new("/usr/share/doc").join(self.name);
        let changes = compressed(self.changelog(job)?.as_bytes())?;
        self.files.push(plain(doc.join("changelog.gz"), changes));
        let copyright = copyright(&job.read("LICENSE")?)?;
        self.files
            .push(plain(doc.join("copyright"), copyright.into_bytes()));
        let notices = compressed(notices::of_program(job, self.program)?.as_bytes())?;
        self.files.push(plain(doc.join("third-party.gz"), notices));
        let overrides = Path::new("/usr/share/lintian/overrides").join(self.name);
        self.files.push(plain(overrides, self.overrides.into()));
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    fn control(&self, job: &Job, architecture: &str) -> String {
        let bytes: usize = self
            .files
            .iter()
            .map(|file| match &file.content {
                Content::Bytes(bytes) => bytes.len(),
                Content::Link(_) => 0,
            })
            .sum();
        format!(
            "Package: {}\nVersion: {}\nArchitecture: {architecture}\nMaintainer: {MAINTAINER}\n\
             Installed-Size: {}\n{}Section: net\nPriority: optional\nDescription: {}\n",
            self.name,
            job.version,
            bytes.div_ceil(1024),
            self.relations,
            self.description
        )
    }

    fn sums(&self, root: &Path) -> Result<String> {
        let mut sum = command("md5sum");
        sum.current_dir(root).arg("--");
        for file in &self.files {
            if let Content::Bytes(_) = file.content {
                sum.arg(file.path.strip_prefix("/").unwrap_or(&file.path));
            }
        }
        command::output(&mut sum).map(text)
    }

    /// The releases as the metainfo names them, which is where people see them too.
    fn changelog(&self, job: &Job) -> Result<String> {
        let metainfo = job.read("data/org.vpnns.PerAppVpn.metainfo.xml")?;
        let changes = changes(&metainfo, job.version).ok_or_else(|| {
            Failure::new(format!("the metainfo has no release {}", job.version))
                .hint("tell there what is new: data/org.vpnns.PerAppVpn.metainfo.xml")
        })?;
        let lines: Vec<String> = changes.iter().map(|change| wrapped(change)).collect();
        let lines = lines.join("\n  * ");
        Ok(format!(
            "{} ({}) unstable; urgency=medium\n\n  * {lines}\n\n -- {MAINTAINER}  {}\n",
            self.name,
            job.version,
            job.date("%a, %d %b %Y %H:%M:%S %z")?
        ))
    }
}

/// Lines that a terminal shows whole, below an asterisk.
fn wrapped(text: &str) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        if length + word.len() > 72 {
            out.push_str("\n    ");
            length = 0;
        } else if length > 0 {
            out.push(' ');
        }
        out.push_str(word);
        length += word.len() + 1;
    }
    out
}

/// The sentences about a release.
fn changes(metainfo: &str, version: &str) -> Option<Vec<String>> {
    let release = metainfo.split("<release ").find(|release| {
        let head = release.split('>').next().unwrap_or_default();
        head.contains(&format!("version=\"{version}\""))
    })?;
    let release = release.split("</release>").next()?;
    let texts = release.split(['<']).filter_map(|part| {
        let (tag, text) = part.split_once('>')?;
        matches!(tag, "p" | "li").then(|| text.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let found: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    (!found.is_empty()).then_some(found)
}

/// The licence as Debian writes it.
fn copyright(licence: &str) -> Result<String> {
    let holder = licence
        .lines()
        .find_map(|line| line.strip_prefix("Copyright (c) "));
    let holder = holder.ok_or_else(|| Failure::new("LICENSE names no copyright"))?;
    let body = licence.split_once("\n\n").map_or("", |(_, rest)| rest);
    let body = body.split_once("\n\n").map_or("", |(_, rest)| rest);
    let body: Vec<String> = body
        .lines()
        .map(|line| {
            if line.is_empty() {
                " .".into()
            } else {
                format!(" {line}")
            }
        })
        .collect();
    Ok(include_str!("deb/copyright.txt")
        .replace("@copyright@", holder)
        .replace("@licence@", &body.join("\n")))
}

fn add_ending(path: &mut PathBuf, ending: &str) {
    let mut text = std::mem::take(path).into_os_string();
    text.push(ending);
    *path = text.into();
}

/// What a link to a man page points to once that is compressed.
fn compressed_name(target: &str) -> Result<&'static str> {
    match target {
        "vpnns.1" => Ok("vpnns.1.gz"),
        other => Err(Failure::new(format!("no man page is called {other}"))),
    }
}

/// The packages whose libraries the program is linked with, in the versions that it needs.
fn libraries(program: &Path) -> Result<String> {
    let directory = staging()?;
    // It looks there for the source's name, and for programs of the package.
    let debian = directory.path().join("debian");
    let copy = debian.join("vpnns-desktop/usr/bin/vpnns-desktop");
    let control = "Source: vpnns\n\nPackage: vpnns-desktop\nArchitecture: any\n";
    fs::create_dir_all(debian.join("vpnns-desktop/DEBIAN"))
        .and_then(|()| fs::create_dir_all(copy.parent().unwrap_or(&copy)))
        .and_then(|()| fs::copy(program, &copy))
        .and_then(|_| fs::write(debian.join("control"), control))
        .act(|| format!("failed to write {}", debian.display()))?;
    let mut ask = command("dpkg-shlibdeps");
    ask.current_dir(directory.path())
        .args(["-O", "--warnings=0"])
        .arg(format!("-e{}", copy.display()));
    let answer = text(command::output(&mut ask)?);
    let depends = answer.trim().strip_prefix("shlibs:Depends=");
    depends.map(str::to_owned).ok_or_else(|| {
        Failure::new(format!(
            "dpkg-shlibdeps does not know {}",
            program.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changes_are_those_of_this_release() {
        let metainfo = "<releases><release version=\"2.0\" date=\"x\"><description><p>New\n things.</p>\
                        <ul><li>One</li></ul></description></release>\
                        <release version=\"1.0\"><description><p>Old.</p></description></release>";
        assert_eq!(changes(metainfo, "2.0").unwrap(), ["New things.", "One"]);
        assert_eq!(changes(metainfo, "1.0").unwrap(), ["Old."]);
        assert_eq!(changes(metainfo, "3.0"), None);
    }

    #[test]
    fn the_copyright_has_the_whole_licence() {
        let text = copyright("MIT License\n\nCopyright (c) 2026 Ann\n\nPermission is\n\nTHE END\n")
            .unwrap();
        assert!(text.contains("Copyright: 2026 Ann\n"), "{text}");
        assert!(
            text.ends_with("License: Expat\n Permission is\n .\n THE END\n"),
            "{text}"
        );
    }
}
