//! Links, anchors and pictures of the README lead somewhere.

use std::collections::BTreeSet;

use crate::document::prose;
use crate::{readme, top};

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| part.split_once(end))
        .map(|(it, _)| it)
        .collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_' || *c == ' ')
        .collect::<String>();
    kept.replace(' ', "-")
}

#[test]
fn every_link_and_every_picture_leads_somewhere() {
    let text = prose(&readme());
    let anchors: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(anchor)
        .collect();
    let mut links = between(&text, "](", ")");
    for attribute in ["src=\"", "srcset=\"", "href=\""] {
        links.extend(between(&text, attribute, "\""));
    }
    assert!(
        links.len() > 15 && links.iter().any(|it| it.contains("how-it-works")),
        "{links:?}"
    );
    for link in links {
        if link.starts_with("https://") {
            continue;
        }
        let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
        assert!(top().join(path).exists(), "{link} leads nowhere");
        assert!(!path.starts_with('/'), "{link} would be another machine's");
        assert!(
            fragment.is_empty() || !path.is_empty() || anchors.contains(fragment),
            "there is no heading for {link}: {anchors:?}"
        );
    }
}

#[test]
fn every_picture_is_described() {
    let text = readme();
    for picture in between(&text, "<img ", ">") {
        let words = between(picture, "alt=\"", "\"");
        assert!(words.first().is_some_and(|it| it.len() > 10), "{picture}");
    }
}
