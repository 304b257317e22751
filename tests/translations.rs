//! The translations: that nothing is missing in them, and that they are as their languages want them.

#![allow(clippy::unwrap_used)]

#[path = "translations/catalogue.rs"]
mod catalogue;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use catalogue::{Entry, directory, languages, read};

/// The template's name.
const TEMPLATE: &str = "vpnns-desktop.pot";

/// Each language with how it counts, as GNU gettext's manual has it.
const FORMS: &[(&str, &str)] = &[
    (
        "ar",
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;",
    ),
    ("de", "nplurals=2; plural=(n != 1);"),
    ("es", "nplurals=2; plural=(n != 1);"),
    ("fr", "nplurals=2; plural=(n > 1);"),
    ("ja", "nplurals=1; plural=0;"),
    ("pt_BR", "nplurals=2; plural=(n > 1);"),
    ("zh_CN", "nplurals=1; plural=0;"),
];

/// The menus with letters to choose by; in each the letters differ.
const MENUS: &[&[&str]] = &[
    &[
        "_Add VPN…",
        "_Import File…",
        "_Preferences",
        "_System Check",
        "_Keyboard Shortcuts",
        "A_bout Per-App VPN",
    ],
    &[
        "_Open App…",
        "Check for _Leaks",
        "Show Lo_g",
        "_Edit…",
        "D_uplicate…",
        "_Delete…",
        "Disconnect and _Close Apps…",
    ],
];

/// What has such a letter and stands alone.
const ALONE: &[&str] = &["_Copy", "_Copy Report", "_Import", "_Choose", "_Open"];

fn top() -> PathBuf {
    directory().parent().unwrap().to_owned()
}

/// The files below a directory of the tree, with their text.
fn files(below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![top().join(below)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let name = path.strip_prefix(top()).unwrap();
            found.push((name.to_str().unwrap().to_owned(), text));
        }
    }
    found
}

/// A Rust file without the tests at its end.
fn shipped(text: &str) -> &str {
    let mut tests = text.match_indices("\n#[cfg(test)]\n");
    let is_module = |at: usize| {
        text[at + 14..]
            .lines()
            .next()
            .unwrap()
            .contains("mod tests")
    };
    tests
        .find(|(at, _)| is_module(*at))
        .map_or(text, |(at, _)| &text[..at])
}

#[test]
fn every_file_with_a_text_for_people_is_listed_and_no_other() {
    let has_text = |name: &str, text: &str| {
        let shipped = shipped(text);
        match Path::new(name).extension().and_then(|it| it.to_str()) {
            Some("rs") => ["gettext(", "gettext_f(", "gettext_noop("]
                .iter()
                .any(|it| shipped.contains(it)),
            Some("ui") => text.contains("translatable=\"yes\""),
            Some("desktop") => true,
            Some("xml") => name.ends_with(".metainfo.xml"),
            _ => false,
        }
    };
    let mut wanted: BTreeSet<String> = files("src/vpnns-desktop")
        .into_iter()
        .chain(files("data"))
        .filter(|(name, text)| has_text(name, text) && !name.ends_with("/tests.rs"))
        .map(|(name, _)| name)
        .collect();
    // It defines the functions.
    wanted.remove("src/vpnns-desktop/i18n.rs");
    let listed = fs::read_to_string(directory().join("POTFILES")).unwrap();
    let listed: Vec<String> = listed.lines().map(str::to_owned).collect();
    assert!(listed.is_sorted(), "po/POTFILES is not sorted");
    let listed: BTreeSet<String> = listed.into_iter().collect();
    let missing: Vec<_> = wanted.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&wanted).collect();
    assert!(missing.is_empty(), "po/POTFILES lacks {missing:?}");
    assert!(
        idle.is_empty(),
        "po/POTFILES names {idle:?}, without a text"
    );
}

#[test]
fn the_template_is_what_the_source_says_and_every_translation_is_complete() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["po", "--check"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for language in languages() {
        assert!(
            said.contains(&format!("{language}: 0 missing, 0 fuzzy")),
            "{said}"
        );
    }
}

#[test]
fn no_call_is_lost_between_the_source_and_the_template() {
    let listed = fs::read_to_string(directory().join("POTFILES")).unwrap();
    let known: BTreeSet<String> = read(TEMPLATE)
        .into_iter()
        .flat_map(|it| it.source)
        .collect();
    let mut seen = 0;
    for name in listed
        .lines()
        .filter(|it| !it.contains(".ui") && it.starts_with("src/"))
    {
        let text = fs::read_to_string(top().join(name)).unwrap();
        let shipped = shipped(&text);
        // Another way to look than the extractor's: by the letters.
        for call in ["gettext(", "gettext_f(", "gettext_noop("] {
            for (at, _) in shipped.match_indices(call) {
                let rest = shipped[at + call.len()..].trim_start();
                let Some(rest) = rest.strip_prefix('"') else {
                    // A comment, or the context of a plural.
                    continue;
                };
                let literal = rest.split('"').next().unwrap();
                if literal.contains('\\') {
                    continue;
                }
                seen += 1;
                let is_context = shipped[..at].ends_with("np");
                assert!(
                    is_context || known.contains(literal),
                    "{name}: {literal:?} is not in the template"
                );
            }
        }
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn what_the_helper_calls_its_checks_can_be_translated() {
    let known: BTreeSet<String> = read(TEMPLATE)
        .into_iter()
        .flat_map(|it| it.source)
        .collect();
    let rows = fs::read_to_string(top().join("src/vpnns/check.rs")).unwrap();
    let titles = rows
        .lines()
        .filter(|it| it.trim_start().starts_with("Row { id: "));
    let titles: Vec<&str> = titles
        .flat_map(|it| it.split('"').skip(3).step_by(2).take(2))
        .collect();
    assert!(titles.len() > 30, "{titles:?}");
    for title in titles {
        assert!(
            known.contains(title),
            "src/vpnns-desktop/model/words.rs has no {title:?}"
        );
    }
}

#[test]
fn gettext_finds_nothing_wrong() {
    for language in languages() {
        let file = directory().join(format!("{language}.po"));
        let output = Command::new("msgfmt")
            .args([
                "--check",
                "--check-accelerators=_",
                "--output-file=/dev/null",
            ])
            .arg(file)
            .output()
            .unwrap_or_else(|error| {
                panic!("this test needs msgfmt: run `apt-get install gettext` ({error})")
            });
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn every_language_counts_as_it_does() {
    assert_eq!(languages(), FORMS.iter().map(|it| it.0).collect::<Vec<_>>());
    for (language, forms) in FORMS {
        let header = &read(&format!("{language}.po"))[0].translation[0];
        assert!(
            header.contains(&format!("Plural-Forms: {forms}\n")),
            "{header}"
        );
    }
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let rest = text.split('{').skip(1);
    rest.map(|it| it.split_once('}').unwrap_or_else(|| panic!("{text}")).0)
        .collect()
}

#[test]
fn every_placeholder_stays() {
    for language in languages() {
        for Entry {
            source,
            translation,
        } in read(&format!("{language}.po"))
        {
            let wanted: BTreeSet<&str> = source.iter().flat_map(|it| placeholders(it)).collect();
            for (form, text) in translation.iter().enumerate() {
                let mut found = placeholders(text);
                // None, one and two have forms of their own in Arabic, in which the word says how many.
                if language == "ar" && translation.len() == 6 && form < 3 && wanted.contains("n") {
                    found.insert("n");
                }
                assert_eq!(found, wanted, "{language}: {source:?}: {text}");
            }
        }
    }
}

fn letter(text: &str) -> char {
    let (_, rest) = text
        .split_once('_')
        .unwrap_or_else(|| panic!("{text:?} has no letter"));
    rest.chars().next().unwrap().to_lowercase().next().unwrap()
}

#[test]
fn letters_of_a_menu_do_not_clash() {
    let listed: BTreeSet<&str> = MENUS
        .concat()
        .into_iter()
        .chain(ALONE.iter().copied())
        .collect();
    let with_letter = read(TEMPLATE).into_iter().flat_map(|it| it.source);
    let with_letter: BTreeSet<String> = with_letter.filter(|it| it.contains('_')).collect();
    assert_eq!(
        with_letter
            .iter()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        listed
    );
    for language in languages() {
        let entries = read(&format!("{language}.po"));
        for menu in MENUS {
            let (mut there, mut here) = (BTreeSet::new(), BTreeSet::new());
            for item in *menu {
                let entry = entries.iter().find(|it| it.source[0] == *item).unwrap();
                let translation = &entry.translation[0];
                assert!(there.insert(letter(item)), "{item}");
                assert!(
                    here.insert(letter(translation)),
                    "{language}: {translation}"
                );
            }
        }
    }
}

#[test]
fn what_asks_more_says_so_in_every_language() {
    for language in languages() {
        for Entry {
            source,
            translation,
        } in read(&format!("{language}.po")).into_iter().skip(1)
        {
            for text in &translation {
                assert_eq!(
                    text.contains('…'),
                    source[0].contains('…'),
                    "{language}: {text}"
                );
                assert_eq!(
                    text.ends_with('\n'),
                    source[0].ends_with('\n'),
                    "{language}: {text}"
                );
            }
        }
    }
}

#[test]
fn signs_are_those_of_the_language() {
    /// What is no sentence, but an address, or words for a search.
    fn is_code(source: &str) -> bool {
        source.contains("::/0") || source.ends_with(';')
    }
    for (language, wrong) in [
        ("ar", &["?", ",", ";", "“"][..]),
        ("de", &["“{", "\" ", "..."]),
        ("es", &["“", "..."]),
        ("fr", &[" ;", " :", " !", " ?", "« ", " »", "'", "“", "..."]),
        ("ja", &["，", "“", ", ", "?", ": ", "..."]),
        ("pt_BR", &["« ", "..."]),
        ("zh_CN", &[", ", "; ", "? ", "...", "「"]),
    ] {
        for Entry {
            source,
            translation,
        } in read(&format!("{language}.po")).into_iter().skip(1)
        {
            if is_code(&source[0]) {
                continue;
            }
            for text in &translation {
                let found = wrong.iter().find(|it| text.contains(**it));
                assert_eq!(found, None, "{language}: {text}");
            }
        }
    }
}
