//! The artefacts, each made once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The version that is published.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The tree that these tests are of.
pub fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// cargo's target directory.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors()
        .nth(3)
        .expect("target/debug/deps/test")
        .to_owned()
}

/// A `cargo xtask` of this tree.
pub fn xtask(words: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(tree())
        .args(["run", "--quiet", "--locked", "--package", "xtask", "--"])
        .args(words)
        .env("CARGO_TARGET_DIR", target());
    cargo
}

/// The packages: the helper's and the app's.
pub fn debs() -> [PathBuf; 2] {
    packed_twice();
    found()
}

/// The bytes of the packages, packed twice: the second time with other habits of the user's, and later.
///
/// Both before anybody reads them: tests run at the same time.
pub fn packed_twice() -> &'static [[Vec<u8>; 2]; 2] {
    static MADE: OnceLock<[[Vec<u8>; 2]; 2]> = OnceLock::new();
    let read = || found().map(|path| std::fs::read(path).unwrap());
    MADE.get_or_init(|| {
        dist("deb");
        let first = read();
        let xtask = xtask(&["dist", "deb"]);
        let mut again = Command::new("sh");
        again
            .args(["-c", "umask 077; exec \"$0\" \"$@\""])
            .arg(xtask.get_program())
            .args(xtask.get_args())
            .current_dir(tree())
            .env("CARGO_TARGET_DIR", target())
            .env("TZ", "Asia/Tokyo");
        assert!(again.status().unwrap().success());
        [first, read()]
    })
}

fn found() -> [PathBuf; 2] {
    ["vpnns", "vpnns-desktop"].map(|name| one(&format!("{name}_{VERSION}_"), ".deb"))
}

/// The archive.
pub fn tarball() -> PathBuf {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| dist("tarball"));
    one(&format!("vpnns-{VERSION}-"), ".tar.gz")
}

/// What the programs are made of.
pub fn sboms() -> [PathBuf; 2] {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| dist("sbom"));
    ["vpnns", "vpnns-desktop"].map(|name| one(&format!("{name}-{VERSION}"), ".cdx.json"))
}

/// Makes something.
pub fn dist(what: &str) {
    let status = xtask(&["dist", what]).status().unwrap();
    assert!(status.success(), "cargo xtask dist {what}: {status}");
}

/// The one artefact whose name starts and ends so.
fn one(start: &str, end: &str) -> PathBuf {
    let directory = target().join("dist");
    let entries = std::fs::read_dir(&directory).unwrap().flatten();
    let is_it = |name: &str| name.starts_with(start) && name.ends_with(end);
    let mut found = entries.map(|entry| entry.path()).filter(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_it)
    });
    let path = found.next();
    let path = path.unwrap_or_else(|| panic!("no {start}*{end} in {}", directory.display()));
    assert_eq!(found.next(), None, "several are called {start}*{end}");
    path
}
