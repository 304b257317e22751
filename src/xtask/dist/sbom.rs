//! What each program is made of, as CycloneDX 1.5: only what is linked, neither macros nor build scripts.
//!
//! cargo says which crates with which features a program gets (`cargo tree`: one package alone, and not
//! the whole workspace's features), and where they come from (`cargo metadata`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Job, text};
use crate::command;
use crate::failure::{Act, Failure, Result};
use crate::release::Rustc;

/// The programs, and the names of their documents.
const PROGRAMS: [&str; 2] = ["vpnns", "vpnns-desktop"];

/// A crate that is linked into a program.
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// The licence that it names, as an SPDX expression.
    pub(super) licence: String,
    /// Where its sources are.
    pub(super) directory: PathBuf,
    /// The registry's checksum of them.
    checksum: Option<String>,
    /// cargo's own name of it.
    id: String,
    is_ours: bool,
}

impl Package {
    /// Whether it is of this workspace.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// The name by which the world knows it.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// Writes a document for each program.
pub(super) fn make(job: &Job) -> Result {
    for program in PROGRAMS {
        let document = document(job, program)?;
        // Strings and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        let name = format!("{program}-{}.cdx.json", job.version);
        job.clear(|old| {
            old.strip_prefix(program)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|rest| {
                    rest.ends_with(".cdx.json") && rest.starts_with(char::is_numeric)
                })
        })?;
        job.publish(&name, format!("{text}\n"))?;
    }
    Ok(())
}

fn document(job: &Job, program: &str) -> Result<Value> {
    let rustc = Rustc::ask()?;
    let packages = linked(job, program)?;
    let own = packages.iter().find(|package| package.name == program);
    let own = own.ok_or_else(|| Failure::new(format!("cargo does not know {program}")))?;
    let mut components: Vec<Value> = packages
        .iter()
        .filter(|package| package.name != program)
        .map(component)
        .collect();
    let standard = format!("pkg:generic/rust-std@{}", rustc.version);
    components.push(json!({
        "type": "library",
        "bom-ref": standard,
        "name": "rust-std",
        "version": rustc.version,
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "purl": standard,
    }));
    let mut of_own = vec![standard];
    if program == "vpnns" {
        // It is static: the C library is in it.
        let libc = c_library()?;
        of_own.extend(libc["bom-ref"].as_str().map(str::to_owned));
        components.push(libc);
    }
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": job.date("%Y-%m-%dT%H:%M:%SZ")?,
            "component": {
                "type": "application",
                "bom-ref": own.purl(),
                "name": program,
                "version": own.version,
                "licenses": [{ "expression": own.licence }],
            },
        },
        "components": components,
        "dependencies": dependencies(job, &packages, &own.purl(), &of_own)?,
    }))
}

fn component(package: &Package) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": package.purl(),
        "name": package.name,
        "version": package.version,
        "licenses": [{ "expression": package.licence }],
    });
    if !package.is_ours {
        // What is in no registry has no name there.
        value["purl"] = package.purl().into();
    }
    if let Some(checksum) = &package.checksum {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    value
}

/// The C library of this machine, of which the static helper has a part.
fn c_library() -> Result<Value> {
    let mut query = command::command("ldd");
    let answer = text(command::output(query.arg("--version"))?);
    let version = answer
        .lines()
        .next()
        .and_then(|line| line.rsplit(' ').next());
    let version = version.ok_or_else(|| Failure::new("ldd does not tell its version"))?;
    let name = format!("pkg:generic/glibc@{version}");
    Ok(json!({
        "type": "library",
        "bom-ref": name,
        "name": "glibc",
        "version": version,
        "licenses": [{ "expression": "LGPL-2.1-or-later" }],
        "purl": name,
    }))
}

/// Who needs whom, among what is linked.
fn dependencies(
    job: &Job,
    packages: &[Package],
    own: &str,
    of_own: &[String],
) -> Result<Vec<Value>> {
    let metadata = metadata(job)?;
    let names: BTreeMap<&str, String> = packages
        .iter()
        .map(|package| (&*package.id, package.purl()))
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array();
    let mut all = Vec::new();
    for node in nodes.into_iter().flatten() {
        let Some(name) = node["id"].as_str().and_then(|id| names.get(id)) else {
            continue;
        };
        let needed = node["deps"].as_array().into_iter().flatten();
        let mut needed: BTreeSet<String> = needed
            .filter(|dependency| {
                let kinds = dependency["dep_kinds"].as_array();
                kinds
                    .into_iter()
                    .flatten()
                    .any(|kind| kind["kind"].is_null())
            })
            .filter_map(|dependency| names.get(dependency["pkg"].as_str()?).cloned())
            .collect();
        if name == own {
            needed.extend(of_own.iter().cloned());
        }
        all.push(json!({ "ref": name, "dependsOn": needed }));
    }
    all.extend(of_own.iter().map(|name| json!({ "ref": name })));
    Ok(all)
}

/// The crates that a program links, itself included, in the order of their names.
pub(super) fn linked(job: &Job, program: &str) -> Result<Vec<Package>> {
    let mut tree = command::cargo();
    tree.current_dir(&job.workspace.root)
        .args(["tree", "--locked", "--package", program])
        .args(["--target", &Rustc::ask()?.host])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none"])
        .args(["--format", "{p}", "--no-dedupe"]);
    let answer = text(command::output(&mut tree)?);
    // "name v1.2.3", and behind it where it is, unless that is the registry.
    let wanted: BTreeSet<(&str, &str)> = answer
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let metadata = metadata(job)?;
    let checksums = checksums(&job.read("Cargo.lock")?);
    let field = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<Package> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|package| {
            let (name, version) = (field(package, "name"), field(package, "version"));
            let key = (name.clone(), version.clone());
            Package {
                checksum: checksums.get(&key).cloned(),
                licence: field(package, "license").replace('/', " OR "),
                directory: PathBuf::from(field(package, "manifest_path"))
                    .parent()
                    .map(PathBuf::from)
                    .unwrap_or_default(),
                id: field(package, "id"),
                is_ours: package["source"].is_null(),
                name,
                version,
            }
        })
        .filter(|package| wanted.contains(&(&*package.name, &*package.version)))
        .collect();
    if found.len() != wanted.len() {
        return Err(Failure::new(format!(
            "cargo tree and cargo metadata disagree about {program}"
        )));
    }
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(found)
}

fn metadata(job: &Job) -> Result<Value> {
    let mut ask = command::cargo();
    ask.current_dir(&job.workspace.root)
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform", &Rustc::ask()?.host]);
    serde_json::from_slice(&command::output(&mut ask)?)
        .act(|| "failed to read the answer of `cargo metadata`".into())
}

/// The registry's checksums, from the lock file.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for entry in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = entry.lines().find_map(|line| line.strip_prefix(name));
            Some(line?.strip_prefix(" = ")?.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) =
            (field("name"), field("version"), field("checksum"))
        {
            all.insert((name, version), sum);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_of_a_name_and_a_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"12\"\n\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        let found = checksums(lock);
        assert_eq!(found[&("a".into(), "1.0.0".into())], "12");
        assert_eq!(found.len(), 1);
    }
}
