//! What is not started, and what the user reads instead; no instance is made for it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::desktop::Desktop;
use crate::support::{assert_complaint, exists};

/// The call is refused like this, and has made nothing.
fn assert_refused(desktop: &Desktop, words: &[&str], code: i32, text: &str) {
    let output = desktop.open(words).run();
    assert_complaint(&output, code, text);
    assert!(!exists(&desktop.session().home().join(".vpnns-default")));
}

#[test]
fn an_application_that_is_not_there_is_answered_with_what_may_have_been_meant() {
    let desktop = Desktop::new();
    desktop.entry("one", "org.example.Firefly.desktop", "Name=Glow Worm");
    desktop.entry("one", "editor.desktop", "Name=Writer");
    desktop.session().user().write("here.desktop", "", 0o644);
    for (entry, hint) in [
        ("Firefly", "did you mean org.example.Firefly.desktop?"),
        (
            "firefyl.desktop",
            "did you mean org.example.Firefly.desktop?",
        ),
        ("glow worm", "did you mean org.example.Firefly.desktop?"),
        ("Writter", "did you mean editor.desktop?"),
        ("here.desktop", "did you mean ./here.desktop?"),
        (
            "something-else-entirely",
            "vpnns --apps shows which there are",
        ),
        ("", "vpnns --apps shows which there are"),
    ] {
        assert_refused(&desktop, &[entry], 127, &format!("hint: {hint}\n"));
    }
    assert_refused(
        &desktop,
        &["./no.desktop"],
        127,
        "/no.desktop cannot be opened",
    );
    assert_refused(&desktop, &["/"], 126, "it is a directory");
}

#[test]
fn snaps_are_refused_in_whatever_way_they_show() {
    let desktop = Desktop::new();
    let home = desktop.session().home();
    fs::create_dir_all(home.join("usr/bin")).unwrap();
    let snap = desktop
        .session()
        .user()
        .write("usr/bin/snap", "#!/bin/sh\n", 0o755);
    symlink(snap, home.join("usr/bin/app")).unwrap();
    let linked = format!("Exec={}/usr/bin/app %U", home.display());
    let wrapped = format!(
        "Exec=env BAMF_DESKTOP_FILE_HINT=/x {}/usr/bin/app",
        home.display()
    );
    for lines in [
        "X-SnapInstanceName=app",
        "X-SnapAppName=app",
        "Exec=snap run app",
        &linked,
        &wrapped,
    ] {
        desktop.entry("one", "a.desktop", lines);
        assert_refused(&desktop, &["a"], 126, "a.desktop is a snap");
    }
}

#[test]
fn programs_that_need_another_users_rights_are_refused() {
    let desktop = Desktop::new();
    for exec in [
        "sudo synaptic",
        "/usr/bin/pkexec /usr/sbin/gparted",
        "env A=b pkexec x",
        "su - -c x",
        "kdesudo x",
    ] {
        desktop.entry("one", "a.desktop", &format!("Exec={exec}"));
        assert_refused(&desktop, &["a"], 126, "another user's rights");
    }
    // A program of root's with set-user-ID, whatever it is called.
    let mount = fs::metadata("/usr/bin/passwd").expect("the package passwd has it");
    assert_eq!(mount.permissions().mode() & 0o4000, 0o4000);
    desktop.entry("one", "a.desktop", "Exec=passwd");
    assert_refused(
        &desktop,
        &["a"],
        126,
        "\"passwd\" with another user's rights",
    );
    // An entry for Flatpak's command has none of that.
    let flatpak = desktop
        .session()
        .user()
        .write("bin/flatpak", "#!/bin/sh\necho \"$@\"\n", 0o755);
    let exec = "run --branch=stable --command=app --file-forwarding org.example.App @@u %U @@";
    desktop.entry(
        "one",
        "a.desktop",
        &format!("Exec={} {exec}", flatpak.display()),
    );
    let output = desktop.open(&["a", "https://h/"]).run();
    assert_eq!(output.text(), exec.replace("%U", "https://h/"));
}

#[test]
fn what_an_application_does_not_open_is_refused_with_what_to_do() {
    let desktop = Desktop::new();
    for (codes, words, text) in [
        (
            "",
            &["x"][..],
            "hint: leave it out, or run the program yourself",
        ),
        ("-c 'x %f'", &["x"], "caused by: it opens no files"),
        ("%f", &["x", "y"], "hint: call vpnns --open once for each"),
        (
            "%u",
            &["https://a", "y"],
            "caused by: it opens one file at a time",
        ),
        (
            "%F",
            &["x", "https://a"],
            "caused by: it opens files and no addresses such as \"https://a\"",
        ),
        (
            "%U",
            &["x", "--name", "work"],
            "hint: options go before the first file",
        ),
        ("%U", &[""], "an empty word"),
        ("%f", &["file://server/x"], "names no file of this machine"),
    ] {
        desktop.entry("one", "a.desktop", &format!("Exec=sh {codes}"));
        let words = [&["a"], words].concat();
        assert_refused(&desktop, &words, 126, text);
    }
}

#[test]
fn a_working_directory_that_is_not_there_is_named() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", "Path=/no/such/place");
    assert_refused(&desktop, &["a"], 126, "/no/such/place");
}

#[test]
fn options_that_would_change_nothing_are_refused() {
    let desktop = Desktop::new();
    for (words, text) in [
        (
            &["--action", "x", "--", "sh"][..],
            "--action goes only with --open",
        ),
        (&["--verbose", "--list"], "--verbose goes only with --apps"),
        (&["--apps", "-n", "a"], "--apps takes no --name"),
        (&["--apps", "firefox"], "--apps takes no command"),
        (
            &["--apps", "--open", "x"],
            "--apps and --open do not go together",
        ),
        (
            &["--open", "x", "--json"],
            "--json has nothing to print here",
        ),
        (&["--open"], "--open needs a value"),
    ] {
        let output = desktop.command(&[&["vpnns"], words].concat()).run();
        assert_complaint(&output, 2, text);
    }
}
