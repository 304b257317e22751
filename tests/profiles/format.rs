//! Profiles of older formats: whatever a version of ours could read, every later one reads.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vpnns_protocol::profile::Profile;

use crate::support::User;

/// The formats there have been. One is added for each new version, and none is ever changed or removed:
/// its files use every field that it had.
const FORMATS: [&str; 1] = ["1"];

#[test]
fn profiles_of_every_format_that_there_was_are_read() {
    let user = User::new();
    let mut names = Vec::new();
    for format in FORMATS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../tests/fixtures/formats/{format}"));
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with(&format!("version = {format}\n")),
                "{path:?}"
            );
            // What was a field still is one: an unknown one would be an error.
            let profile = Profile::parse(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            // Written again, it says the same.
            let again = Profile::parse(&profile.to_toml()).unwrap();
            assert_eq!(again, profile, "{path:?}");
            let name = format!("{}-{format}", path.file_stem().unwrap().to_str().unwrap());
            user.write_profile(&format!("{name}.toml"), &text, 0o600);
            names.push(name);
        }
    }
    let output = user.vpnns(&["--profiles", "--json"]);
    let listed: Value = serde_json::from_str(output.text()).unwrap();
    let listed = listed["profiles"].as_array().unwrap();
    assert_eq!(listed.len(), names.len());
    for profile in listed {
        assert!(profile["kind"].is_string(), "{profile:#}");
        assert!(
            names.iter().any(|name| profile["name"] == **name),
            "{profile:#}"
        );
    }
}
