//! What a program gets of the files and addresses that it is to open, whole and unmangled.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::desktop::Desktop;

/// What would become something else in any shell, and in some URLs.
const AWKWARD: &str = "it's \"50%\" $HOME `id` ;&|<>*?[a]\\ #ü";

impl Desktop {
    fn exec(&self, words: &str) {
        let exec = format!("Exec={} {words}\nIcon=pencil\nName=An App", self.show());
        self.entry("one", "a.desktop", &exec);
    }
}

#[test]
fn every_field_code_becomes_what_it_stands_for() {
    let desktop = Desktop::new();
    let home = desktop.session().home();
    let home = home.to_str().unwrap();
    let file = format!("<{home}/one/applications/a.desktop>");
    let (a, b) = (format!("<{home}/a b>"), format!("<{home}/c>"));
    let urls = (
        format!("<file://{home}/a%20b>"),
        format!("<file://{home}/c>"),
    );
    for (words, given, expected) in [
        ("x %f", &["a b"][..], &["<x>", &a][..]),
        ("x %f", &[], &["<x>"]),
        ("%F x", &["a b", "c"], &[&a, &b, "<x>"]),
        ("%u", &["a b"], &[&urls.0]),
        (
            "%U",
            &["a b", "https://h/x?y#z", "c"],
            &[&urls.0, "<https://h/x?y#z>", &urls.1],
        ),
        ("%i", &[], &["<--icon>", "<pencil>"]),
        ("%c", &[], &["<An App>"]),
        ("%k", &[], &[&file]),
        ("100%% %%f", &[], &["<100%>", "<%f>"]),
        ("%d %D %n %N %v %m x", &[], &["<x>"]),
        (
            "--name=%c --file=%f",
            &["c"],
            &["<--name=An App>", &format!("<--file={home}/c>")],
        ),
    ] {
        desktop.exec(words);
        let words = [&["a"], given].concat();
        assert_eq!(desktop.shown(&words), expected, "{words:?}");
    }
}

#[test]
fn quotes_in_the_entry_group_words_and_no_shell_sees_them() {
    let desktop = Desktop::new();
    desktop.exec("\"a b\" \"\" \"c \\\\\"\\\\$HOME\\\\` \\\\\\\\ d\" $HOME `id` ; ' e '");
    let expected = [
        "<a b>",
        "<>",
        "<c \"$HOME` \\ d>",
        "<$HOME>",
        "<`id`>",
        "<;>",
        "< e >",
    ];
    assert_eq!(desktop.shown(&["a"]), expected);
}

#[test]
fn an_address_arrives_as_it_was_given() {
    let desktop = Desktop::new();
    desktop.exec("%u");
    for address in [
        "https://h/a b?q='x' \"y\"&z=$(id)`id`;<>|*\\#ü%20%f",
        "mailto:somebody@example.com?subject=a b",
        "about:blank",
    ] {
        assert_eq!(desktop.shown(&["a", address]), [format!("<{address}>")]);
    }
}

#[test]
fn a_file_with_an_awkward_name_arrives_as_path_and_as_url() {
    let desktop = Desktop::new();
    let home = desktop.session().home();
    let path = home.join(AWKWARD);
    desktop.exec("%f");
    assert_eq!(
        desktop.shown(&["a", AWKWARD]),
        [format!("<{}>", path.display())]
    );
    desktop.exec("%u");
    let url = &desktop.shown(&["a", AWKWARD])[0];
    assert!(
        url.bytes().all(|byte| (b'!'..=b'~').contains(&byte)),
        "{url}"
    );
    // The way back leads to the same file.
    let url = url.trim_matches(['<', '>']);
    desktop.exec("%f");
    assert_eq!(
        desktop.shown(&["a", url]),
        [format!("<{}>", path.display())]
    );
}

#[test]
fn a_file_is_found_from_where_the_caller_is_and_the_program_runs_where_its_entry_says() {
    let desktop = Desktop::new();
    let home = desktop.session().home();
    let below = home.join("below");
    desktop.session().user().make_directory(&below);
    let pwd = format!("Path={}\nExec=sh -c 'pwd; echo $1' sh %f", below.display());
    desktop.entry("one", "a.desktop", &pwd);
    let lines = desktop.shown(&["a", "./x"]);
    assert_eq!(
        lines,
        [below.to_str().unwrap(), home.join("x").to_str().unwrap()]
    );
    desktop.entry("one", "b.desktop", "Exec=pwd");
    assert_eq!(desktop.shown(&["b"]), [home.to_str().unwrap()]);
}

#[test]
fn the_program_learns_from_which_entry_it_was_started() {
    let desktop = Desktop::new();
    let script = "echo \"$GIO_LAUNCHED_DESKTOP_FILE\"; [ $GIO_LAUNCHED_DESKTOP_FILE_PID = $$ ]";
    let path = desktop.entry("one", "a.desktop", &format!("Exec=sh -c '{script}'"));
    assert_eq!(desktop.shown(&["a"]), [path.to_str().unwrap()]);
}

#[test]
fn an_entry_is_opened_by_id_and_by_path_however_it_is_written() {
    let desktop = Desktop::new();
    desktop.exec("%k");
    let path = desktop.applications("one").join("a.desktop");
    let home = desktop.session().home();
    symlink(&path, home.join("link.desktop")).unwrap();
    let path = path.to_str().unwrap();
    for (entry, file) in [
        ("a", path),
        ("a.desktop", path),
        (path, path),
        ("./one/applications/a.desktop", path),
        (
            "./link.desktop",
            home.join("link.desktop").to_str().unwrap(),
        ),
    ] {
        assert_eq!(desktop.shown(&[entry]), [format!("<{file}>")], "{entry}");
    }
}

#[test]
fn an_entry_that_the_validator_accepts_is_listed_in_full_and_starts() {
    let desktop = Desktop::new();
    let text = "[Desktop Entry]\nVersion=1.4\nType=Application\nName=Text Editor\n\
        Name[de]=Texteditor\nGenericName=Editor\nComment=Edit text files\n\
        Icon=org.example.Editor\nExec=echo \"an argument\" %U\nTryExec=echo\nTerminal=false\n\
        Categories=Utility;TextEditor;\nKeywords=write;notes;\nMimeType=text/plain;\n\
        StartupNotify=true\nStartupWMClass=editor\nDBusActivatable=false\n\
        Actions=new-window;private;\n\n[Desktop Action new-window]\nName=New Window\n\
        Exec=echo --new-window\n\n[Desktop Action private]\nName=Private\n\
        Icon=lock\nExec=echo --private %u\n";
    let path = desktop.file("one", "org.example.Editor.desktop", text);
    let output = Command::new("desktop-file-validate").arg(&path).output();
    let output = output.expect("this test needs the Debian package desktop-file-utils");
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let app = serde_json::to_value(desktop.apps().remove(0)).unwrap();
    let expected = serde_json::json!({
        "id": "org.example.Editor.desktop",
        "name": "Text Editor",
        "generic-name": "Editor",
        "comment": "Edit text files",
        "icon": "org.example.Editor",
        "keywords": ["write", "notes"],
        "executable": "echo",
        "categories": ["Utility", "TextEditor"],
        "terminal": false,
        "actions": [
            { "id": "new-window", "name": "New Window", "icon": null },
            { "id": "private", "name": "Private", "icon": "lock" },
        ],
        "startup-wm-class": "editor",
        "path": path.to_str().unwrap(),
    });
    assert_eq!(app, expected);
    let output = desktop.open(&["org.example.Editor", "https://h/"]).run();
    assert_eq!(output.text(), "an argument https://h/");
}
