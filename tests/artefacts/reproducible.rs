//! The same tree gives the same bytes, wherever it is, whoever builds it, whenever.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::made::{packed_twice, tarball, tree};

#[test]
fn packing_twice_gives_the_same_bytes() {
    let [first, second] = packed_twice();
    assert!(first == second, "the packages differ");
}

/// The helper is built twice, the second time elsewhere: one path in it, or one table whose order is by
/// chance, and the archives differ.
#[test]
fn a_copy_of_the_tree_elsewhere_gives_the_same_archive() {
    let first = tarball();
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("a-tree-of-another-name");
    copy_tree(&copy);
    let time = time_of(&first);
    let mut dist = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    dist.current_dir(&copy)
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "xtask",
            "--",
            "dist",
            "tarball",
        ])
        .env("CARGO_TARGET_DIR", place.path().join("built"))
        // A copy has no history.
        .env("SOURCE_DATE_EPOCH", time);
    assert!(dist.status().unwrap().success());
    let second = place
        .path()
        .join("built/dist")
        .join(first.file_name().unwrap());
    let same = fs::read(&first).unwrap() == fs::read(&second).unwrap();
    assert!(same, "{}", difference(&first, &second, place.path()));
}

/// What belongs to the tree, and nothing that was built.
fn copy_tree(to: &Path) {
    fs::create_dir(to).unwrap();
    let mut copy = Command::new("cp");
    copy.current_dir(tree())
        .args(["--recursive", "--preserve=mode"]);
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        ".cargo",
        "src",
        "data",
        "tests",
        "po",
        "flatpak",
    ] {
        if tree().join(name).exists() {
            copy.arg(name);
        }
    }
    assert!(copy.arg(to).status().unwrap().success());
}

/// The time that the archive's files have.
fn time_of(archive: &Path) -> String {
    let script = "tar --extract --to-command 'echo $TAR_MTIME' --file \"$1\" --wildcards '*/README' | cut -d. -f1";
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(archive)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.trim().parse::<u64>().is_ok(), "{text:?}");
    text.trim().to_owned()
}

/// Which files of two archives differ, for people.
fn difference(first: &Path, second: &Path, place: &Path) -> String {
    let script = "mkdir 1 2; tar xf \"$1\" -C 1; tar xf \"$2\" -C 2; diff -r 1 2";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "sh"])
        .args([first, second])
        .current_dir(place);
    String::from_utf8_lossy(&shell.output().unwrap().stdout).into_owned()
}
