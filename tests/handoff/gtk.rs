//! GTK applications that run outside already, found by their name on the session bus.

use crate::desk::{Desk, Side, page, require_entry};
use crate::support::command::require_file;
use crate::support::{LIMIT, Running, wait_until};

/// A real GTK application with one process for all its windows: it fetches the addresses that it is to open.
const PAGES: &str = r#"
import sys, urllib.request
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gio, Gtk

app = Gtk.Application(application_id="org.vpnns.Pages", flags=Gio.ApplicationFlags.HANDLES_OPEN)

def open_(app, files, *_):
    Gtk.ApplicationWindow(application=app).present()
    for file in files:
        urllib.request.urlopen(file.get_uri(), timeout=10).read()
        print("fetched", file.get_uri(), flush=True)

app.connect("open", open_)
app.run(sys.argv)
"#;

impl Desk {
    /// The application's command, and the launcher entry `org.vpnns.Pages` for it.
    fn pages(&self) -> Vec<String> {
        require_file(
            "/usr/lib/x86_64-linux-gnu/girepository-1.0/Gtk-4.0.typelib",
            "gir1.2-gtk-4.0",
        );
        let script = self.lab().user().write("pages.py", PAGES, 0o644);
        let script = script.to_str().unwrap();
        let exec = format!("Name=Pages\nDBusActivatable=true\nExec=/usr/bin/python3 {script} %U\n");
        self.write_entry("org.vpnns.Pages", &exec);
        ["/usr/bin/python3", script].map(str::to_owned).into()
    }

    fn gtk(&self, words: &[&str]) -> Running {
        self.vpnns(words).env("GSK_RENDERER", "cairo").spawn()
    }
}

#[test]
fn an_application_that_runs_outside_does_not_open_what_is_opened_inside() {
    let desk = Desk::new();
    let command = desk.pages();
    let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
    let first = page("first");
    words.push(&first);
    let outside = desk.outside(&words).env("GSK_RENDERER", "cairo").spawn();
    assert_eq!(desk.wait_for_page("first", &[&outside]), Side::Outside);
    let open = |options: &[&str], name: &str| {
        let address = page(name);
        desk.gtk(&[options, &["--open", "org.vpnns.Pages", &address]].concat())
    };
    let without = open(&["--recipe", "none"], "without");
    assert_eq!(
        desk.wait_for_page("without", &[&outside, &without]),
        Side::Outside
    );
    let with = open(&[], "with");
    assert_eq!(desk.wait_for_page("with", &[&with]), Side::Inside);
    assert!(
        with.stderr()
            .contains("the instance's own session bus, so that it stays inside"),
        "{}",
        with.log()
    );
    // Whoever insists on the session's bus is told what to do.
    let refused = open(&["--session-bus", "shared"], "refused").wait(LIMIT);
    assert_eq!(refused.code(), 126, "{refused:#?}");
    assert!(
        refused
            .stderr
            .contains("runs outside of the instance (process "),
        "{refused:#?}"
    );
    assert!(
        refused
            .stderr
            .contains("hint: close it there, or give this one"),
        "{refused:#?}"
    );
    assert_eq!(desk.asked("refused"), None);
}

#[test]
fn an_application_that_runs_inside_only_takes_over_as_anywhere() {
    let desk = Desk::new();
    desk.pages();
    let first = desk.gtk(&["--open", "org.vpnns.Pages", &page("first")]);
    assert_eq!(desk.wait_for_page("first", &[&first]), Side::Inside);
    assert_eq!(first.stderr(), "");
    let second = desk.gtk(&["--open", "org.vpnns.Pages", &page("second")]);
    assert_eq!(
        desk.wait_for_page("second", &[&first, &second]),
        Side::Inside
    );
    // The process that was first has opened it, and the other one is done.
    assert!(second.wait(LIMIT).succeeded());
    first.wait_for("/second");
    // With a bus of its own each is a process of its own.
    let third = desk.gtk(&[
        "--session-bus",
        "private",
        "--open",
        "org.vpnns.Pages",
        &page("third"),
    ]);
    assert_eq!(desk.wait_for_page("third", &[&third]), Side::Inside);
    third.wait_for("/third");
    assert!(!first.log().contains("/third"));
}

#[test]
fn a_text_editor_that_runs_outside_leaves_the_one_inside_alone() {
    require_entry("org.gnome.TextEditor", "gnome-text-editor");
    let desk = Desk::new();
    desk.lab().write_home("a.txt", "a");
    let outside = desk
        .outside(&["gnome-text-editor", "a.txt"])
        .env("GSK_RENDERER", "cairo")
        .spawn();
    let owned = |before: &[&str]| {
        let words = ["gdbus", "call", "--session", "--dest=org.freedesktop.DBus"];
        let method = [
            "--object-path=/org/freedesktop/DBus",
            "--method=org.freedesktop.DBus.NameHasOwner",
            "org.gnome.TextEditor",
        ];
        let call = desk.outside(&[before, &words[..], &method].concat());
        call.run().stdout.contains("true")
    };
    let is_there = || owned(&[]);
    assert!(
        wait_until(crate::desk::PATIENCE, is_there),
        "{}",
        outside.log()
    );
    // Handed over: it ends as soon as it has said which file.
    let without = desk.gtk(&[
        "--recipe",
        "none",
        "--open",
        "org.gnome.TextEditor",
        "a.txt",
    ]);
    assert!(without.wait(LIMIT).succeeded());
    // Both ways of calling it: it stays, with a window of its own.
    for words in [
        &["--open", "org.gnome.TextEditor", "a.txt"][..],
        &["--", "gnome-text-editor", "a.txt"],
    ] {
        let mut with = desk.gtk(words);
        with.wait_for("own session bus");
        let inside = ["vpnns", "--name", "work", "--session-bus", "private", "--"];
        let is_there = || owned(&inside);
        assert!(
            wait_until(crate::desk::PATIENCE, is_there),
            "{}",
            with.log()
        );
        // As long as the other one took to hand over, and still there.
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert!(with.ended().is_none(), "{}", with.log());
        let network = std::fs::read_link(format!("/proc/{}/ns/net", with.pid())).unwrap();
        assert_eq!(network.to_str(), Some(&*desk.network()));
        drop(with);
        // The next one would be handed over to it, while it is going.
        assert!(wait_until(LIMIT, || !owned(&inside)));
    }
}

#[test]
fn what_the_instance_s_own_bus_starts_is_inside_and_finds_the_display() {
    require_file(
        "/usr/share/dbus-1/services/org.gnome.TextEditor.service",
        "gnome-text-editor",
    );
    // The instance is started by programs that have no display.
    let desk = Desk::new();
    let words = ["gdbus", "call", "--session", "--dest=org.gnome.TextEditor"];
    let method = [
        "--object-path=/org/gnome/TextEditor",
        "--method=org.freedesktop.Application.Activate",
        "{}",
    ];
    let options = ["--session-bus", "private", "--"];
    let call = desk.vpnns(&[&options[..], &words, &method].concat());
    call.limit(crate::desk::PATIENCE).run().text();
    let script =
        "for it in $(pgrep -f '^/usr/bin/gnome-text-editor'); do readlink /proc/$it/ns/net; done";
    let networks = desk.lab().run_by_root(&["sh", "-c", script]).run();
    assert_eq!(networks.text(), desk.network());
}

#[test]
fn a_terminal_whose_windows_are_one_process_outside_runs_its_shell_inside() {
    require_entry("xfce4-terminal", "xfce4-terminal");
    let desk = Desk::new();
    let seen = desk.lab().user().home().join("seen");
    let run = |words: &[&str]| {
        let script = "readlink /proc/self/ns/net >seen.new; mv seen.new seen; exec sleep 600";
        let words = [words, &["xfce4-terminal", "-x", "sh", "-c", script]].concat();
        let _ = std::fs::remove_file(&seen);
        let call = desk.outside(&words).spawn();
        let network = || {
            std::fs::read_to_string(&seen)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        assert!(
            wait_until(crate::desk::PATIENCE, || !network().is_empty()),
            "{}",
            call.log()
        );
        (network(), call)
    };
    let (outside, _first) = run(&[]);
    let vpnns = ["vpnns", "--name", "work"];
    let (without, _second) = run(&[&vpnns[..], &["--recipe", "none", "--"]].concat());
    assert_eq!(without, outside);
    let (with, _third) = run(&[&vpnns[..], &["--"]].concat());
    assert_eq!(with, desk.network());
}

#[test]
fn an_address_that_glib_fetches_by_a_service_of_the_session_is_not_fetched_outside() {
    require_file("/usr/share/gvfs/mounts/http.mount", "gvfs-backends");
    let desk = Desk::new();
    let fetch = |name: &str| desk.vpnns(&["--", "gio", "cat", &page(name)]);
    // The service is outside, and so is what it fetches.
    let without = fetch("without").env("GIO_USE_VFS", "gvfs").spawn();
    assert_eq!(desk.wait_for_page("without", &[&without]), Side::Outside);
    let with = fetch("with").run();
    assert!(with.stderr.contains("Operation not supported"), "{with:#?}");
    // On a bus of the program's own it is inside.
    let private = desk.vpnns(&[
        "--session-bus",
        "private",
        "--",
        "gio",
        "cat",
        &page("private"),
    ]);
    let private = private.spawn();
    assert_eq!(desk.wait_for_page("private", &[&private]), Side::Inside);
    assert_eq!(desk.asked("with"), None);
}
