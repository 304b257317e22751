//! Which application may have been meant by an id that none has.

use std::ffi::OsStr;
use std::path::Path;

use vpnns_protocol::app::Entry;
use vpnns_protocol::profile::similar::nearest;

use super::directories::SUFFIX;

/// How many are named to someone who may have meant another one.
const MOST: usize = 3;

/// The ids of entries that are named like that, or nearly so.
pub fn similar_to(wanted: &OsStr, directory: &Path) -> Vec<String> {
    let wanted = wanted.to_string_lossy();
    if directory.join(&*wanted).is_file() {
        return vec![format!("./{wanted}")];
    }
    let wanted = wanted
        .strip_suffix(SUFFIX)
        .unwrap_or(&wanted)
        .to_lowercase();
    let (apps, _) = super::all().unwrap_or_default();
    let is_named = |app: &&Entry| {
        let words = [stem(app), name(app)];
        !wanted.is_empty()
            && words
                .iter()
                .any(|word| word.to_lowercase().contains(&wanted))
    };
    let named = apps.iter().filter(is_named).map(|app| app.id.clone());
    let named: Vec<String> = named.take(MOST).collect();
    if !named.is_empty() {
        return named;
    }
    let near = |word: fn(&Entry) -> &str| {
        let nearest = nearest(&wanted, apps.iter().map(word))?;
        apps.iter().find(|app| word(app) == nearest)
    };
    let found = near(name).or_else(|| near(stem)).or_else(|| near(last));
    found.map(|app| app.id.clone()).into_iter().collect()
}

fn name(app: &Entry) -> &str {
    &app.name
}

fn stem(app: &Entry) -> &str {
    app.id.strip_suffix(SUFFIX).unwrap_or(&app.id)
}

/// The end of an id such as `org.example.Editor`, which is what people call it.
fn last(app: &Entry) -> &str {
    stem(app).rsplit('.').next().unwrap_or_default()
}
