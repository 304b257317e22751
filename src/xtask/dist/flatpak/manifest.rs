//! The manifest: what it says, and a copy of it for the machine that builds.

use std::path::Path;

use crate::failure::{Failure, Result};

/// What a manifest is built for and with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runtime {
    /// The id of what applications run on.
    pub(super) platform: String,
    /// The id of what they are built on.
    pub(super) sdk: String,
    /// Their version.
    pub(super) version: String,
}

/// The manifest's text, read by lines: the few that matter here are written in one way.
pub(super) struct Manifest(pub(super) String);

impl Manifest {
    /// The value of a key of the first level.
    pub(super) fn value(&self, key: &str) -> Result<&str> {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
            .map(|value| value.trim_matches('\''))
            .ok_or_else(|| Failure::new(format!("the manifest has no {key}")))
    }

    /// The words of a list of the first level.
    pub(super) fn list(&self, key: &str) -> Vec<&str> {
        let start = format!("{key}:");
        self.0
            .lines()
            .skip_while(|line| **line != start)
            .skip(1)
            .take_while(|line| line.starts_with(' '))
            .filter_map(|line| line.trim_start().strip_prefix("- "))
            .collect()
    }

    /// What it is made for.
    pub(super) fn runtime(&self) -> Result<Runtime> {
        let value = |key| self.value(key).map(str::to_owned);
        Ok(Runtime {
            platform: value("runtime")?,
            sdk: value("sdk")?,
            version: value("runtime-version")?,
        })
    }

    /// The same for another place of the tree and of the crates' sources; and for a runtime of our own, which
    /// has the compiler in itself.
    pub(super) fn adapted(&self, tree: &Path, sources: &Path, own: Option<&Runtime>) -> String {
        let mut text = String::new();
        let mut in_extensions = false;
        for line in self.0.lines() {
            let key = line.split(':').next().unwrap_or(line);
            in_extensions = match own {
                Some(_) if line == "sdk-extensions:" => true,
                _ => in_extensions && line.starts_with(' '),
            };
            let other = match (key, own) {
                _ if in_extensions => continue,
                ("runtime", Some(own)) => Some(format!("runtime: {}", own.platform)),
                ("sdk", Some(own)) => Some(format!("sdk: {}", own.sdk)),
                ("runtime-version", Some(own)) => {
                    Some(format!("runtime-version: '{}'", own.version))
                }
                _ if line.trim() == "path: .." => {
                    Some(line.replace("..", &tree.display().to_string()))
                }
                _ if line.ends_with("/cargo-sources.json") => {
                    Some(format!("      - {}", sources.display()))
                }
                _ => None,
            };
            text.push_str(other.as_deref().unwrap_or(line));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Manifest {
        Manifest(include_str!("../../../../flatpak/org.vpnns.PerAppVpn.yml").into())
    }

    #[test]
    fn every_permission_has_its_reason_above_it() {
        let manifest = ours();
        let start = "finish-args:";
        let lines: Vec<&str> = manifest.0.lines().skip_while(|it| *it != start).collect();
        let mut last = "";
        for line in lines.iter().skip(1).take_while(|line| !line.is_empty()) {
            if line.trim_start().starts_with("- ") {
                assert!(last.trim_start().starts_with("# "), "{line}");
            }
            last = line;
        }
        let all = manifest.list("finish-args");
        assert!(
            all.contains(&"--talk-name=org.freedesktop.Flatpak"),
            "{all:?}"
        );
        assert!(all.iter().all(|it| it.starts_with("--")), "{all:?}");
    }

    #[test]
    fn a_copy_for_another_runtime_differs_in_that_alone() {
        let own = Runtime {
            platform: "org.example.P".into(),
            sdk: "org.example.S".into(),
            version: "7".into(),
        };
        let manifest = ours();
        let text = manifest.adapted(Path::new("/tree"), Path::new("/x/c.json"), Some(&own));
        let copy = Manifest(text);
        assert_eq!(copy.runtime().unwrap(), own);
        assert!(!copy.0.contains("sdk-extensions") && !copy.0.contains("rust-stable\n"));
        assert!(copy.0.contains("        path: /tree\n"), "{}", copy.0);
        assert!(copy.0.contains("      - /x/c.json\n"), "{}", copy.0);
        assert_eq!(copy.list("finish-args"), manifest.list("finish-args"));
        let same = manifest.adapted(
            Path::new(".."),
            Path::new("../target/flatpak/cargo-sources.json"),
            None,
        );
        assert_eq!(same, manifest.0);
    }
}
