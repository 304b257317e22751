//! What recipes do to a command, with stand-ins that say how they were called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::command::require;
use crate::support::{Invocation, LIMIT, Session, assert_complaint, exists};

/// Says its arguments and one variable.
const SHOW: &str = "#!/bin/sh\nprintf '<%s>\\n' \"$@\"\necho \"$OWN\"\n";

/// A user with stand-ins for programs, and no bus and no display.
struct Shelf(Session);

impl Shelf {
    fn new(programs: &[&str]) -> Self {
        let session = Session::new();
        let shelf = Self(session);
        shelf.0.user().make_directory(&shelf.0.home().join("bin"));
        for program in programs {
            shelf.0.user().write(&format!("bin/{program}"), SHOW, 0o755);
        }
        shelf
    }

    fn call(&self, words: &[&str]) -> Invocation {
        let program = self.0.user().program();
        let own = program.parent().unwrap().display();
        let path = format!("{}/bin:{own}:/usr/bin:/bin", self.0.home().display());
        self.0.vpnns(words).env("PATH", path)
    }

    /// What the stand-in says.
    fn shown(&self, words: &[&str]) -> Vec<String> {
        let output = self.call(words).run();
        output.text().lines().map(str::to_owned).collect()
    }

    /// Where a program has its profile.
    fn profile(&self, program: &str) -> PathBuf {
        let below = format!(".local/share/vpnns/apps/default/{program}");
        self.0.home().join(below)
    }

    fn recipes(&self, text: &str) {
        for place in [".config", ".config/vpnns"] {
            let path = self.0.home().join(place);
            if !path.exists() {
                self.0.user().make_directory(&path);
            }
        }
        self.0
            .user()
            .write(".config/vpnns/recipes.toml", text, 0o644);
    }

    fn entry(&self, id: &str, lines: &str) {
        let place = self.0.home().join(".local/share/applications");
        fs::create_dir_all(&place).unwrap();
        let text = format!("[Desktop Entry]\nType=Application\nName={id}\n{lines}\n");
        fs::write(place.join(format!("{id}.desktop")), text).unwrap();
        // Made by root where that runs the tests.
        let whose = format!("{}", self.0.user().uid());
        for place in [".local", ".local/share", ".local/share/applications"] {
            let uid = nix::unistd::Uid::from_raw(whose.parse().unwrap());
            nix::unistd::chown(&self.0.home().join(place), Some(uid), None).unwrap();
        }
    }
}

#[test]
fn a_profile_is_kept_closed_to_others_and_told_of_once() {
    let shelf = Shelf::new(&["firefox"]);
    let profile = shelf.profile("firefox");
    let words = ["--", "firefox", "https://h/"];
    let first = shelf.call(&words).run();
    let expected = format!("<--profile>\n<{}>\n<https://h/>", profile.display());
    assert_eq!(first.text(), expected);
    let note = format!(
        "vpnns: firefox gets a profile of its own in the instance default, which is kept in {}\n",
        profile.display()
    );
    assert_eq!(first.stderr, note);
    for path in [&profile, profile.parent().unwrap()] {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
    let second = shelf.call(&words).run();
    assert_eq!((second.text(), &*second.stderr), (&*expected, ""));
    let other = shelf.call(&["--name", "work", "--", "firefox"]).run();
    assert!(
        other.text().contains("/vpnns/apps/work/firefox>"),
        "{other:#?}"
    );
}

#[test]
fn a_profile_that_the_user_has_chosen_is_left_alone() {
    let shelf = Shelf::new(&["firefox", "chromium"]);
    for words in [
        &["firefox", "-no-remote", "-P", "vpn"][..],
        &["firefox", "--profile", "/x"],
        &["firefox", "--ProfileManager"],
        &["chromium", "--user-data-dir=/x"],
    ] {
        let expected: Vec<String> = words[1..].iter().map(|it| format!("<{it}>")).collect();
        assert_eq!(shelf.shown(&[&["--"], words].concat()), expected);
    }
    assert!(!exists(&shelf.profile("firefox")));
    // And so is every call where the user has said so.
    let output = shelf
        .call(&["--recipe", "none", "--", "firefox", "x"])
        .run();
    assert_eq!((output.text(), &*output.stderr), ("<x>", ""));
    let output = shelf
        .call(&["--own-profile", "no", "--", "firefox", "x"])
        .run();
    assert_eq!(output.text(), "<x>");
    assert!(
        output
            .stderr
            .contains("firefox has its usual profile; a copy outside"),
        "{output:#?}"
    );
}

#[test]
fn an_application_that_nobody_knows_is_treated_like_one_that_is_named() {
    let shelf = Shelf::new(&["own"]);
    let directory = shelf.profile("own").display().to_string();
    let shown = shelf.shown(&["--recipe", "electron", "--", "own", "x"]);
    assert_eq!(
        shown[..2],
        [format!("<--user-data-dir={directory}>"), "<x>".to_owned()]
    );
    for (words, text) in [
        (
            &["--own-profile", "yes"][..],
            "no recipe says how own gets a profile of its own",
        ),
        (&["--recipe", "elektron"], "hint: did you mean electron?"),
    ] {
        let output = shelf.call(&[words, &["--", "own"]].concat()).run();
        assert_complaint(&output, 126, text);
    }
    for (words, text) in [
        (
            &["--list", "--recipe", "none"][..],
            "--recipe goes only with --open or a COMMAND",
        ),
        (
            &["--stop", "--own-profile", "no"],
            "--own-profile goes only with --open or a COMMAND",
        ),
    ] {
        assert_complaint(&shelf.call(words).run(), 2, text);
    }
}

#[test]
fn the_users_recipes_change_the_built_in_ones_and_add_others() {
    let shelf = Shelf::new(&["own", "firefox", "chromium"]);
    shelf.recipes(
        "[mine]\nprograms = ['own']\nprofile = ['-d', '{profile}', '{profile-url}']\narguments = ['-x']\n\
         environment = { OWN = 'in {profile}' }\n[firefox]\nprofile = []\narguments = ['--quiet']\n",
    );
    let directory = shelf.profile("own").display().to_string();
    let expected = [
        "<-d>".to_owned(),
        format!("<{directory}>"),
        format!("<file://{directory}>"),
        "<-x>".to_owned(),
        format!("in {directory}"),
    ];
    assert_eq!(shelf.shown(&["--", "own"]), expected);
    assert_eq!(shelf.shown(&["--", "firefox"])[0], "<--quiet>");
    assert!(shelf.shown(&["--", "chromium"])[0].starts_with("<--user-data-dir=/"));
}

#[test]
fn a_file_of_recipes_that_is_broken_costs_a_note_and_no_launch() {
    let shelf = Shelf::new(&["firefox"]);
    for (text, note) in [
        ("[firefox\n", "recipes.toml is left out: line 1: "),
        ("[firefox]\nprofile = 3\n", "the recipe [firefox] in "),
        ("[firefox]\nprofil = ['x']\n", "unknown field `profil`"),
        ("firefox = 3\n", "the recipe [firefox] in "),
    ] {
        shelf.recipes(text);
        let output = shelf.call(&["--", "firefox"]).run();
        assert!(output.text().starts_with("<--profile>"), "{output:#?}");
        assert!(output.stderr.contains(note), "{output:#?}");
    }
    // A directory, or a pipe that nobody writes to.
    let path = shelf.0.home().join(".config/vpnns/recipes.toml");
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    shelf.call(&["--", "true"]).run().text();
    let output = shelf.call(&["--", "firefox"]).run();
    assert!(output.text().starts_with("<--profile>"), "{output:#?}");
    assert!(
        output.stderr.contains("left out: it is not a regular file"),
        "{output:#?}"
    );
}

#[test]
fn what_would_be_done_by_something_outside_is_refused_with_a_sentence() {
    let shelf = Shelf::new(&["emacsclient", "systemd-run", "gapplication", "footclient"]);
    for (words, text) in [
        (
            &["emacsclient", "x"][..],
            "emacsclient has an Emacs that runs already do the work",
        ),
        (
            &["systemd-run", "--user", "x"],
            "systemd-run has systemd start the program, outside",
        ),
        (
            &["env", "A=b", "footclient"],
            "footclient has a server outside open its window",
        ),
    ] {
        assert_complaint(&shelf.call(&[&["--"], words].concat()).run(), 126, text);
    }
    shelf.entry("a", "Exec=gapplication launch org.example.App");
    assert_complaint(
        &shelf.call(&["--open", "a"]).run(),
        126,
        "a has the session bus start",
    );
    assert!(!exists(&shelf.0.home().join(".vpnns-default")));
    // It can be had all the same.
    assert_eq!(
        shelf.shown(&["--recipe", "none", "--", "footclient", "x"])[0],
        "<x>"
    );
}

#[test]
fn a_program_that_is_found_by_its_own_file_is_refused_while_it_runs_outside() {
    let shelf = Shelf::new(&["steam"]);
    let home = shelf.0.home();
    shelf.0.user().make_directory(&home.join(".steam"));
    let outside = shelf.0.command(&["sleep", "600"]).spawn();
    let pid = |number: &str| {
        shelf
            .0
            .user()
            .write(".steam/steam.pid", &format!("{number}\n"), 0o644)
    };
    pid(&outside.pid().to_string());
    let text = format!(
        "steam runs outside of the instance (process {})",
        outside.pid()
    );
    assert_complaint(&shelf.call(&["--", "steam"]).run(), 126, &text);
    // One inside is as good as none, and so is one that is gone.
    let inside = shelf.0.keep("default");
    pid(&inside.pid().to_string());
    assert_eq!(shelf.shown(&["--", "steam", "x"])[0], "<x>");
    drop(outside);
    for number in ["4194304", "no number", "-1", ""] {
        pid(number);
        assert_eq!(shelf.shown(&["--", "steam", "x"])[0], "<x>", "{number}");
    }
}

#[test]
fn a_flatpak_gets_its_words_behind_its_id_and_a_profile_where_it_can_see_it() {
    let shelf = Shelf::new(&["flatpak"]);
    let run = "run --branch=stable --command=firefox --file-forwarding org.mozilla.firefox";
    let exec = format!(
        "Exec={}/bin/flatpak {run} @@u %u @@",
        shelf.0.home().display()
    );
    shelf.entry("org.mozilla.firefox", &exec);
    let shown = shelf.shown(&["--open", "org.mozilla.firefox", "https://h/"]);
    let home = shelf.0.home();
    let profile = home.join(".var/app/org.mozilla.firefox/data/vpnns/default");
    let after = format!(
        "<--profile> <{}> <@@u> <https://h/> <@@>",
        profile.display()
    );
    assert_eq!(
        shown[4..].join(" "),
        format!("<org.mozilla.firefox> {after}")
    );
    assert_eq!(
        fs::metadata(&profile).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn a_flatpak_s_own_command_and_a_snap_s_are_known_for_what_they_are() {
    let shelf = Shelf::new(&["snap"]);
    let home = shelf.0.home();
    let exports = home.join("flatpak/exports/bin");
    fs::create_dir_all(&exports).unwrap();
    shelf
        .0
        .user()
        .write("flatpak/exports/bin/org.mozilla.firefox", SHOW, 0o755);
    let command = exports.join("org.mozilla.firefox");
    let shown = shelf.shown(&["--", command.to_str().unwrap(), "x"]);
    assert_eq!(shown[0], "<--profile>");
    assert!(
        shown[1].contains("/.var/app/org.mozilla.firefox/data/"),
        "{shown:?}"
    );
    std::os::unix::fs::symlink(home.join("bin/snap"), home.join("bin/firefox")).unwrap();
    let refused = shelf.call(&["--", "firefox"]).run();
    assert_complaint(&refused, 126, "firefox is a snap, and snaps cannot run");
}

#[test]
fn a_terminal_of_one_process_is_asked_for_another() {
    let shelf = Shelf::new(&["konsole", "xfce4-terminal", "xterm"]);
    for (words, expected) in [
        (
            &["konsole", "-e", "x"][..],
            &["<--separate>", "<-e>", "<x>"][..],
        ),
        (
            &["xfce4-terminal", "--disable-server"],
            &["<--disable-server>"],
        ),
        (&["xterm", "x"], &["<x>"]),
    ] {
        assert_eq!(shelf.shown(&[&["--"], words].concat()), expected);
    }
}

#[test]
fn a_window_of_tmux_opens_inside_also_where_a_server_runs_outside() {
    require("tmux", "tmux");
    let session = Session::new();
    let _app = session.keep("default");
    let script = "export TMUX_TMPDIR=$HOME; unset TMUX
        trap 'tmux kill-server; vpnns --stop' EXIT
        tmux new-session -d -s out 'sleep 600'
        window() { pid=$(\"$@\" new-session -d -P -F '#{pane_pid}' 'sleep 600')
            readlink /proc/$pid/ns/net; }
        readlink /proc/self/ns/net; vpnns -- readlink /proc/self/ns/net
        window tmux; window vpnns -- tmux
        # As in a window of the one outside.
        export TMUX=$(tmux display-message -p -t out '#{socket_path},1,0')
        window vpnns -- tmux";
    let said = session.script(script).run();
    let seen: Vec<&str> = said.text().lines().collect();
    let (outside, inside) = (seen[0], seen[1]);
    assert_ne!(outside, inside);
    assert_eq!(seen[2..], [outside, inside, inside], "{said:#?}");
}

#[test]
fn a_bus_that_is_not_there_has_nobody_on_it_and_a_mute_one_is_not_waited_for() {
    let shelf = Shelf::new(&[]);
    shelf.entry("org.example.App", "Exec=echo ran");
    let bus = shelf.0.user().runtime_directory().join("bus");
    let open = |words: &[&str]| shelf.call(&[words, &["--open", "org.example.App"]].concat());
    assert_eq!(open(&[]).run().text(), "ran");
    // A socket that nobody listens on any more.
    drop(UnixListener::bind(&bus).unwrap());
    nix::unistd::chown(&bus, Some(shelf.0.user().uid()), None).unwrap();
    assert_eq!(open(&[]).run().text(), "ran");
    fs::remove_file(&bus).unwrap();
    let mute = UnixListener::bind(&bus).unwrap();
    nix::unistd::chown(&bus, Some(shelf.0.user().uid()), None).unwrap();
    let begun = Instant::now();
    let output = open(&[]).run();
    assert!(begun.elapsed() < Duration::from_secs(25), "{output:#?}");
    assert_complaint(
        &output,
        126,
        "failed to find out whether org.example.App runs outside",
    );
    assert!(
        output.stderr.contains("hint: give it a bus of its own"),
        "{output:#?}"
    );
    assert_eq!(open(&["--recipe", "none"]).run().text(), "ran");
    drop(mute);
}

#[test]
fn without_a_display_nothing_is_changed_for_what_runs_inside() {
    let shelf = Shelf::new(&[]);
    let words = ["--", "sh", "-c", "echo $PATH; echo $XDG_DATA_DIRS"];
    assert!(!shelf.shown(&words)[0].contains("vpnns/links"));
    let with = shelf.call(&words).env("DISPLAY", ":0").run();
    let lines: Vec<&str> = with.text().lines().collect();
    let ours = format!("{}/.local/share/vpnns/links", shelf.0.home().display());
    assert!(lines[0].starts_with(&format!("{ours}/bin:")), "{lines:?}");
    assert!(lines[1].starts_with(&format!("{ours}:")), "{lines:?}");
    // However deep.
    let words = ["--", "vpnns", "--", "sh", "-c", "echo $PATH"];
    let with = shelf.call(&words).env("DISPLAY", ":0").run();
    assert_eq!(with.text().matches("vpnns/links").count(), 1, "{with:#?}");
}

#[test]
fn launches_at_the_same_moment_do_not_get_into_one_another_s_way() {
    let shelf = Shelf::new(&["librewolf", "chromium"]);
    let words = ["--", "sh", "-c", "command -v librewolf"];
    let calls: Vec<_> = (0..8)
        .map(|_| shelf.call(&words).env("DISPLAY", ":0").spawn())
        .collect();
    for call in calls {
        let output = call.wait(LIMIT);
        assert!(
            output.text().ends_with("/vpnns/links/bin/librewolf"),
            "{output:#?}"
        );
        assert_eq!(output.stderr, "");
    }
    let links = shelf.0.home().join(".local/share/vpnns/links");
    let left: Vec<_> = fs::read_dir(links.join("bin"))
        .unwrap()
        .flatten()
        .map(|it| it.file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_str().unwrap().starts_with('.')),
        "{left:?}"
    );
    // A program that has gone since is no longer put before others.
    fs::remove_file(shelf.0.home().join("bin/librewolf")).unwrap();
    let found = shelf
        .call(&["--", "sh", "-c", "command -v librewolf || echo gone"])
        .env("DISPLAY", ":0")
        .run();
    assert!(!found.text().contains("vpnns/links"), "{found:#?}");
}
