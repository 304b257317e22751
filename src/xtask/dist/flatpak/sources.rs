//! The crates of `Cargo.lock` as sources of flatpak-builder, which builds without a network.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::{self, run};
use crate::failure::{Act, Failure, Result};

/// How `Cargo.lock` names a registry.
const REGISTRY: &str = "registry+";
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
    fn sources(&self, path: &Path) -> [Value; 2] {
        let to = format!("{VENDOR}/{}", self.stem());
        let checksum = json!({"package": self.checksum, "files": {}});
        [
            json!({
                "type": "archive",
                "archive-type": "tar-gzip",
                "path": path,
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
        let (Some(name), Some(version), Some(checksum), true) = (
            field("name"),
            field("version"),
            field("checksum"),
            source.starts_with(REGISTRY),
        ) else {
            return Err(Failure::new(format!(
                "failed to tell where a crate of {source} comes from"
            ))
            .hint("the Flatpak takes crates of a registry only"));
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

/// The file that the manifest names among its sources; the crates are in `cache`.
pub(super) fn list(crates: &[Crate], cache: &Cache) -> Result<Value> {
    let config = format!(
        "[source.vendored-sources]\ndirectory = \"{VENDOR}\"\n\n\
         [source.crates-io]\nreplace-with = \"vendored-sources\"\n"
    );
    let mut sources = Vec::new();
    for package in crates {
        sources.extend(package.sources(&cache.path_of(package)?));
    }
    sources.push(json!({
        "type": "inline",
        "contents": config,
        "dest": "cargo",
        "dest-filename": "config.toml",
    }));
    Ok(sources.into())
}

/// Where cargo keeps the crates that it has fetched, whichever registry it has them from: the same
/// for cargo and for flatpak-builder, so that nothing is fetched twice.
pub(super) struct Cache(Vec<PathBuf>);

impl Cache {
    /// Has cargo fetch what `Cargo.lock` names.
    pub(super) fn fill(root: &Path, cargo_home: &Path) -> Result<Self> {
        run(command::cargo()
            .current_dir(root)
            .args(["fetch", "--locked"]))?;
        let caches = cargo_home.join("registry/cache");
        let failed = || format!("failed to read {}", caches.display());
        let mut places = Vec::new();
        for entry in fs::read_dir(&caches).act(failed)? {
            places.push(entry.act(failed)?.path());
        }
        Ok(Self(places))
    }

    fn path_of(&self, package: &Crate) -> Result<PathBuf> {
        let mut found = self.0.iter().map(|place| place.join(package.file()));
        found.find(|path| path.exists()).ok_or_else(|| {
            Failure::new(format!("failed to find {}", package.file()))
                .hint("cargo has fetched it, but keeps it elsewhere; is CARGO_HOME set?")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_comes_with_its_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n\
            [[package]]\nname = \"a-b\"\nversion = \"1.2.3+4\"\n\
            source = \"registry+https://a/b\"\nchecksum = \"00ff\"\n";
        let crates = crates(lock).unwrap();
        assert_eq!(crates.len(), 1);
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("a-b-1.2.3+4.crate");
        let cache = Cache(vec![cache.path().join("another"), cache.path().into()]);
        let failure = list(&crates, &cache).unwrap_err().to_string();
        assert!(failure.contains("a-b-1.2.3+4.crate"), "{failure}");
        fs::write(&path, "").unwrap();
        let list = list(&crates, &cache).unwrap();
        assert_eq!(list[0]["path"], path.to_str().unwrap());
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
