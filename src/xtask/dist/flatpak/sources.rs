//! The crates of `Cargo.lock` as sources of flatpak-builder, which builds without a network.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::{self, run};
use crate::failure::{Act, Failure, Result};

/// Where cargo's standard registry has its crates.
const CRATES: &str = "https://static.crates.io/crates";
/// The registry, as `Cargo.lock` names it.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Where a build has them, below the directory that the manifest calls `CARGO_HOME`.
const VENDOR: &str = "cargo/vendor";

/// A crate as `Cargo.lock` names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crate {
    name: String,
    version: String,
    checksum: String,
}

impl Crate {
    fn stem(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    fn file(&self) -> String {
        format!("{}.crate", self.stem())
    }

    /// How flatpak-builder gets it and unpacks it, and what cargo wants to find beside it.
    fn sources(&self) -> [Value; 2] {
        let (name, file) = (&self.name, self.file());
        let to = format!("{VENDOR}/{}", self.stem());
        let checksum = json!({"package": self.checksum, "files": {}});
        [
            json!({
                "type": "archive",
                "archive-type": "tar-gzip",
                "url": format!("{CRATES}/{name}/{file}"),
                "sha256": self.checksum,
                "dest": to,
            }),
            json!({
                "type": "inline",
                "contents": checksum.to_string(),
                "dest": to,
                "dest-filename": ".cargo-checksum.json",
            }),
        ]
    }
}

/// Every crate that is not of the tree itself.
pub(super) fn crates(lock: &str) -> Result<Vec<Crate>> {
    let lock: toml::Table = lock
        .parse()
        .act(|| "failed to read Cargo.lock".to_owned())?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let mut crates = Vec::new();
    for package in packages.into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(toml::Value::as_str);
        let Some(source) = field("source") else {
            continue;
        };
        let (Some(name), Some(version), Some(checksum), REGISTRY) =
            (field("name"), field("version"), field("checksum"), source)
        else {
            return Err(Failure::new(format!(
                "failed to tell where a crate of {source} comes from"
            ))
            .hint("the Flatpak takes crates of the standard registry only"));
        };
        let [name, version, checksum] = [name, version, checksum].map(str::to_owned);
        crates.push(Crate {
            name,
            version,
            checksum,
        });
    }
    Ok(crates)
}

/// The file that the manifest names among its sources.
pub(super) fn list(crates: &[Crate]) -> Value {
    let config = format!(
        "[source.vendored-sources]\ndirectory = \"{VENDOR}\"\n\n\
         [source.crates-io]\nreplace-with = \"vendored-sources\"\n"
    );
    let mut sources: Vec<Value> = crates.iter().flat_map(Crate::sources).collect();
    sources.push(json!({
        "type": "inline",
        "contents": config,
        "dest": "cargo",
        "dest-filename": "config.toml",
    }));
    sources.into()
}

/// Gives flatpak-builder what cargo has already: both keep what they have fetched, by its checksum here.
pub(super) fn reuse(crates: &[Crate], root: &Path, cargo_home: &Path, state: &Path) -> Result {
    run(command::cargo()
        .current_dir(root)
        .args(["fetch", "--locked"]))?;
    let caches = cargo_home.join("registry/cache");
    let failed = || format!("failed to read {}", caches.display());
    let mut places: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&caches).act(failed)? {
        places.push(entry.act(failed)?.path());
    }
    for package in crates {
        let found = places.iter().map(|place| place.join(package.file()));
        let Some(found) = found.into_iter().find(|path| path.exists()) else {
            continue;
        };
        let to = state.join("downloads").join(&package.checksum);
        let copied = fs::create_dir_all(&to).and_then(|()| {
            let file = to.join(package.file());
            if file.exists() {
                return Ok(0);
            }
            fs::copy(&found, file)
        });
        copied.act(|| format!("failed to copy {}", found.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_comes_with_its_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n\
            [[package]]\nname = \"a-b\"\nversion = \"1.2.3+4\"\n\
            source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"00ff\"\n";
        let crates = crates(lock).unwrap();
        assert_eq!(crates.len(), 1);
        let list = list(&crates);
        assert_eq!(list[0]["url"], format!("{CRATES}/a-b/a-b-1.2.3+4.crate"));
        assert_eq!(list[0]["sha256"], "00ff");
        assert_eq!(list[0]["dest"], "cargo/vendor/a-b-1.2.3+4");
        assert_eq!(list[1]["contents"], r#"{"files":{},"package":"00ff"}"#);
        assert!(list[2]["contents"].as_str().unwrap().contains("crates-io"));
    }

    #[test]
    fn a_crate_of_another_registry_is_refused() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://a/b\"\n";
        let failure = crates(lock).unwrap_err().to_string();
        assert!(failure.contains("git+https://a/b"), "{failure}");
    }

    #[test]
    fn every_crate_of_the_tree_is_known() {
        let lock = include_str!("../../../../Cargo.lock");
        let crates = crates(lock).unwrap();
        assert_eq!(crates.len(), lock.matches("\nchecksum = ").count());
        assert!(crates.iter().any(|it| it.name == "gtk4"));
    }
}
