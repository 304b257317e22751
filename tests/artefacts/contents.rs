//! What is in the artefacts, looked at without installing them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::made::{VERSION, debs, dist, sboms, tarball, target, tree};
use crate::support::command::require;

fn output(words: &[&str], directory: &Path) -> String {
    let mut command = Command::new(words[0]);
    let output = command.args(&words[1..]).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {text}{errors}");
    text
}

#[test]
fn lintian_has_nothing_to_say_against_the_packages() {
    require("lintian", "lintian");
    for deb in debs() {
        let words = [
            "lintian",
            "--fail-on",
            "error,warning",
            "--allow-root",
            deb.to_str().unwrap(),
        ];
        assert_eq!(output(&words, Path::new("/")), "");
    }
}

#[test]
fn the_packages_tell_what_they_need_and_what_they_replace() {
    let [helper, app] = debs();
    let field = |deb: &Path, name: &str| {
        output(
            &["dpkg-deb", "--field", deb.to_str().unwrap(), name],
            Path::new("/"),
        )
        .trim()
        .to_owned()
    };
    assert_eq!(field(&helper, "Depends"), "", "the helper is static");
    assert_eq!(field(&helper, "Conflicts"), "ocproxy");
    assert!(field(&helper, "Description").contains("package ocproxy"));
    let depends = field(&app, "Depends");
    for needed in ["libgtk-4-1 (>= ", "libadwaita-1-0 (>= ", "libc6 (>= "] {
        assert!(depends.contains(needed), "{depends}");
    }
    assert!(
        depends.contains(&format!("vpnns (= {VERSION})")),
        "{depends}"
    );
}

#[test]
fn every_file_in_an_archive_is_roots_and_as_old_as_the_commit() {
    let [helper, app] = debs();
    let mut lists = vec![output(
        &[
            "tar",
            "--list",
            "--verbose",
            "--numeric-owner",
            "--utc",
            "--full-time",
            "--file",
            tarball().to_str().unwrap(),
        ],
        Path::new("/"),
    )];
    for deb in [helper, app] {
        let script = "dpkg-deb --fsys-tarfile \"$1\" | tar --list --verbose --numeric-owner --utc --full-time";
        lists.push(output(
            &["sh", "-c", script, "sh", deb.to_str().unwrap()],
            Path::new("/"),
        ));
    }
    let mut times = BTreeSet::new();
    for line in lists.iter().flat_map(|list| list.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], "0/0", "{line}");
        times.insert(format!("{} {}", words[3], words[4]));
        let mode = words[0];
        let is_open = mode[5..].contains('w') && !mode.starts_with('l');
        assert!(!is_open, "others may write: {line}");
    }
    assert_eq!(times.len(), 1, "{times:?}");
}

/// Otherwise two machines would not come to the same bytes, and somebody's home would be published.
#[test]
fn no_program_tells_where_it_was_built() {
    let place = tempfile::tempdir().unwrap();
    for (deb, program) in debs().iter().zip(["vpnns", "vpnns-desktop"]) {
        let words = ["dpkg-deb", "--extract", deb.to_str().unwrap(), "."];
        output(&words, place.path());
        let image = fs::read(place.path().join("usr/bin").join(program)).unwrap();
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        let cargo = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
        let rustc = output(&["rustc", "--print", "sysroot"], &tree());
        for path in [tree(), target(), cargo, rustc.trim().into()] {
            let path = path.to_str().unwrap().as_bytes();
            let is_there = image.windows(path.len()).any(|part| part == path);
            assert!(
                !is_there,
                "{program} has {} in it",
                String::from_utf8_lossy(path)
            );
        }
    }
}

#[test]
fn the_sboms_name_what_is_linked_and_nothing_else() {
    for (path, program) in sboms().iter().zip(["vpnns", "vpnns-desktop"]) {
        let text = fs::read_to_string(path).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["bomFormat"], "CycloneDX");
        assert_eq!(document["specVersion"], "1.5");
        let own = &document["metadata"]["component"];
        assert_eq!(
            (&own["name"], &own["version"]),
            (&program.into(), &VERSION.into())
        );
        let components = document["components"].as_array().unwrap();
        let mut references = BTreeSet::from([own["bom-ref"].as_str().unwrap()]);
        for component in components {
            assert_eq!(component["type"], "library", "{component:#}");
            for field in ["name", "version", "bom-ref"] {
                assert!(component[field].is_string(), "no {field}: {component:#}");
            }
            let licence = component["licenses"][0]["expression"].as_str().unwrap();
            assert!(!licence.is_empty(), "{component:#}");
            let reference = component["bom-ref"].as_str().unwrap();
            assert!(references.insert(reference), "{reference} is there twice");
            if component["purl"]
                .as_str()
                .is_some_and(|it| it.starts_with("pkg:cargo/"))
            {
                let hash = component["hashes"][0]["content"].as_str().unwrap();
                assert_eq!(hash.len(), 64, "{component:#}");
            }
        }
        for entry in document["dependencies"].as_array().unwrap() {
            let needed = entry["dependsOn"].as_array().into_iter().flatten();
            for reference in needed.chain([&entry["ref"]]) {
                let reference = reference.as_str().unwrap();
                assert!(
                    references.contains(reference),
                    "{reference} is no component"
                );
            }
        }
        let names: BTreeSet<&str> = components
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        for linked in ["vpnns-protocol", "serde", "toml", "rust-std"] {
            assert!(names.contains(linked), "{program} links {linked}");
        }
        for not_linked in [
            "serde_derive",
            "thiserror-impl",
            "proptest",
            "tempfile",
            "glib-build-tools",
        ] {
            assert!(
                !names.contains(not_linked),
                "{program} does not link {not_linked}"
            );
        }
        let is_helper = program == "vpnns";
        assert_eq!(names.contains("glibc"), is_helper);
        assert_eq!(names.contains("boringtun"), is_helper);
        assert_eq!(names.contains("gtk4"), !is_helper);
    }
}

#[test]
fn the_checksums_are_those_of_the_files() {
    // Of whatever is there; other tests may be making something else meanwhile.
    tarball();
    debs();
    sboms();
    dist("checksums");
    let directory = target().join("dist");
    let checked = output(&["sha256sum", "--check", "SHA256SUMS"], &directory);
    for name in [
        "vpnns_",
        "vpnns-desktop_",
        &format!("vpnns-{VERSION}"),
        ".cdx.json: OK",
    ] {
        assert!(checked.contains(name), "{checked}");
    }
    assert!(!checked.contains("FAILED"), "{checked}");
}

#[test]
fn the_scripts_are_for_any_shell() {
    for name in [
        "install.sh",
        "running.sh",
        "deb/postinst.sh",
        "deb/prerm.sh",
        "deb/postrm.sh",
        "deb/desktop-prerm.sh",
    ] {
        let path = tree().join("src/xtask/dist").join(name);
        // dash is what Debian's /bin/sh is.
        output(&["dash", "-n", path.to_str().unwrap()], Path::new("/"));
    }
}
