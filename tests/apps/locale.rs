//! The language of names, descriptions and keywords.

use crate::desktop::Desktop;

const WORDS: &str = "Name=Editor\nName[sr]=sr\nName[sr@Latn]=sr-Latn\nName[sr_RS]=sr-RS\n\
    Name[sr_RS@Latn]=sr-RS-Latn\nName[de]=Bearbeiter\nName[de_AT]=Schreiber\n\
    GenericName=Text Editor\nGenericName[de]=Texteditor\nComment=Write\nComment[de]=Schreiben\n\
    Keywords=text;write;\nKeywords[de]=Text;schreiben;\nIcon=pencil\nIcon[de]=bleistift\n\
    Name[fr]=Éditeur";

#[test]
fn words_are_those_of_the_locale_or_of_the_next_best_one() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", WORDS);
    for (variables, name) in [
        (&[("LANG", "C.UTF-8")][..], "Editor"),
        (&[("LANG", "de_AT.UTF-8")], "Schreiber"),
        (&[("LANG", "de_DE.UTF-8")], "Bearbeiter"),
        (&[("LANG", "de")], "Bearbeiter"),
        (&[("LANG", "sr_RS.UTF-8@Latn")], "sr-RS-Latn"),
        (&[("LANG", "sr_RS@Cyrl")], "sr-RS"),
        (&[("LANG", "sr_ME@Latn")], "sr-Latn"),
        (&[("LANG", "sr_ME")], "sr"),
        (&[("LANG", "it_IT")], "Editor"),
        (&[("LANG", "de_DE"), ("LC_MESSAGES", "fr_FR")], "Éditeur"),
        (
            &[("LC_ALL", "de_DE"), ("LC_MESSAGES", "fr_FR")],
            "Bearbeiter",
        ),
        (&[("LC_ALL", ""), ("LC_MESSAGES", "fr_FR")], "Éditeur"),
        (
            &[("LC_ALL", "C.UTF-8"), ("LANGUAGE", "it:fr:de")],
            "Éditeur",
        ),
        (&[("LANG", "../../x%$(id)_@.")], "Editor"),
    ] {
        let mut list = desktop.list();
        for (variable, value) in variables {
            list = list.env(variable, value);
        }
        assert_eq!(desktop.entries(list).apps[0].name, name, "{variables:?}");
    }
}

#[test]
fn every_word_that_is_shown_is_in_the_language() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", WORDS);
    let list = desktop.list().env("LANG", "de_DE.UTF-8");
    let app = desktop.entries(list).apps.remove(0);
    assert_eq!(app.generic_name.as_deref(), Some("Texteditor"));
    assert_eq!(app.comment.as_deref(), Some("Schreiben"));
    assert_eq!(app.keywords, ["Text", "schreiben"]);
    assert_eq!(app.icon.as_deref(), Some("bleistift"));
}

#[test]
fn the_program_is_told_the_name_in_the_language() {
    let desktop = Desktop::new();
    let exec = format!("{WORDS}\nExec={} %c", desktop.show());
    desktop.entry("one", "a.desktop", &exec);
    let output = desktop.open(&["a"]).env("LANG", "fr_CA.UTF-8").run();
    assert_eq!(output.text(), "<Éditeur>");
}
