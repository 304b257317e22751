//! Every command of the README, word for word, and how the test runs it.

use std::collections::BTreeSet;
use std::process;

use crate::document::{Block, blocks};
use crate::stage::Stage;
use crate::support::ocserv::PASSWORD;
use crate::{readme, top};

/// How a command is run.
pub enum How {
    /// To its end, which is a success; what the README shows comes.
    Runs,
    /// The same, and it says this as well, which depends on who answers and so is not shown.
    Says(&'static str),
    /// The same; a person who is too early would do it again.
    Again(&'static str),
    /// To its end, which has this exit status.
    Ends(i32),
    /// As long as it likes; the next command comes when this has come true.
    Stays(fn(&Stage, &str) -> bool),
    /// Not at all, for a reason; this instead, which says each of these words.
    Instead(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    ),
}

use How::{Again, Ends, Instead, Runs, Says, Stays};

/// The company's pages; the address in the answer is of the tunnel.
const COMPANY: &str = "hello from the far side to ";

#[rustfmt::skip] // one row a command reads as the table it is
const COMMANDS: &[(&str, How)] = &[
    // What a clone can do is what the test is a part of.
    ("cargo xtask run", Instead("builds for minutes", &["cargo", "xtask", "run", "--help"], &["Usage: cargo xtask run"])),
    ("cargo xtask test", Instead("runs this test", &["cargo", "xtask", "test", "--help"], &["Usage: cargo xtask test"])),
    ("cargo xtask test graft", Instead("runs tests", &["cargo", "xtask", "test", "--help"], &["[FILTERS]..."])),
    ("cargo xtask lint", Instead("is a step of what runs this test", &["cargo", "xtask", "lint", "--help"], &["Usage: cargo xtask lint"])),
    ("cargo xtask install --prefix ~/.local", Instead("builds for minutes", &["cargo", "xtask", "install", "--help"], &["--prefix <DIR>", "--helper-only"])),

    // `tests/flatpak.rs` installs what it makes.
    ("cargo xtask dist flatpak", Instead("builds for minutes", &["cargo", "xtask", "dist", "flatpak", "--help"], &["--runtime", "--prebuilt"])),

    // A lab has no systemd. The unit's own lines are run in its place: `Stage::unit`.
    ("systemctl --user enable --now vpnns@home", Instead("there is no systemd in the lab", &["systemctl", "--help"], &["--user", "--now", "enable "])),
    ("loginctl enable-linger", Instead("there is no systemd in the lab", &["loginctl", "--help"], &["enable-linger"])),

    (r"printf 'version = 1\n[demo]\n' | vpnns --import - --profile demo", Runs),
    ("vpnns --connect demo --background", Runs),
    ("vpnns --name demo -- curl -sS http://gateway.vpnns.test/", Runs),
    ("curl -sS http://gateway.vpnns.test/", Ends(6)),
    ("vpnns --stop --name demo", Runs),

    ("vpnns-desktop --open firefox.desktop --vpn work", Stays(|stage, _| stage.has_app("work", "firefox.desktop"))),
    ("vpnns-desktop --connect work", Stays(|stage, _| stage.is_connected("work"))),
    ("vpnns-desktop --background", Stays(|stage, _| stage.app_answers())),

    ("vpnns --import https://vpn.example.com --profile work", Runs),
    ("vpnns --connect work --background", Runs),
    ("vpnns --name work -- firefox http://intranet.example.com/", Stays(|stage, _| stage.far_was_asked_for("/"))),

    ("vpnns --import ~/Downloads/torrents.conf", Runs),
    ("vpnns --connect torrents --background", Runs),
    ("vpnns --check --name torrents", Runs),
    ("vpnns --name torrents -- aria2c --seed-time=0 ~/Downloads/linux.torrent", Says("download completed")),

    ("vpnns --connect home --background", Runs),
    ("vpnns --name work --detach -- firefox", Runs),
    ("vpnns --name home -- curl http://nas.home.example/", Says(COMPANY)),
    ("vpnns --list", Runs),

    ("vpnns --import ~/Downloads/office.ovpn", Runs),
    ("vpnns --connect office --background", Runs),
    ("vpnns --name office -- curl http://intranet.example.com/", Says(COMPANY)),
    ("vpnns --disconnect --name office", Runs),
    ("vpnns --graft --name office -- openvpn --config ~/Downloads/office.ovpn", Stays(|stage, _| stage.is_connected("office"))),
    (r#"openconnect --script "vpnns --attach --name work" --script-tun vpn.example.com"#, Stays(|stage, _| stage.is_connected("work"))),

    ("vpnns --import ~/Downloads/home.conf", Runs),
    ("vpnns --name home --publish 8080:8000 --detach -- python3 -m http.server", Runs),
    ("curl http://localhost:8080/", Again("Directory listing")),
];

/// What a person types when a command asks; whatever else asks gets nothing.
pub fn typed(command: &str) -> String {
    // The server's one user. The end of the lines is the end of what a terminal would be asked.
    let asks = ["vpnns --connect work --background", "openconnect "];
    if asks.iter().any(|start| command.starts_with(start)) {
        format!("test\n{PASSWORD}\n")
    } else {
        String::new()
    }
}

/// How a command is run; one that the table does not have fails the test.
pub fn how(command: &str) -> &'static How {
    let found = COMMANDS.iter().find(|(text, _)| *text == command);
    let found = found.unwrap_or_else(|| {
        panic!("the README has the command {command:?}: add it to tests/readme/commands.rs")
    });
    &found.1
}

/// Whether some test of `recipes` plays this section on a stage.
fn is_played(section: &str) -> bool {
    include_str!("recipes.rs").contains(&format!("stage.play({section:?});"))
}

#[test]
fn the_test_knows_every_command_and_the_readme_has_each_that_it_knows() {
    let blocks = blocks(&readme());
    let commands = blocks.iter().flat_map(Block::commands);
    let written: BTreeSet<String> = commands.map(|command| command.text).collect();
    for command in &written {
        how(command);
    }
    for (command, _) in COMMANDS {
        assert!(written.contains(*command), "{command:?} is in no block");
    }
}

#[test]
fn every_block_is_commands_that_are_played_or_the_one_of_all_options() {
    let mut others = Vec::new();
    for block in blocks(&readme()) {
        let commands = block.commands();
        if commands.is_empty() {
            others.push((block.section, block.language));
            continue;
        }
        let told = commands
            .iter()
            .all(|command| matches!(how(&command.text), Instead(..)));
        assert!(
            told || is_played(&block.section),
            "nobody plays the section {:?}: add it to tests/readme/recipes.rs",
            block.section
        );
    }
    assert_eq!(others, [("The command line".to_owned(), String::new())]);
}

#[test]
fn what_is_not_run_is_there() {
    for (text, how) in COMMANDS {
        let Instead(reason, words, said) = how else {
            continue;
        };
        assert!(!reason.is_empty());
        let program = match words[0] {
            "cargo" => std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
            other => other.to_owned(),
        };
        let mut command = process::Command::new(&program);
        let output = command
            .args(&words[1..])
            .current_dir(top())
            .env("COLUMNS", "200")
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {output:?}");
        for word in *said {
            assert!(
                help.contains(word),
                "{words:?} does not say {word:?}: {help}"
            );
        }
        for option in text.split(' ').filter(|word| word.starts_with("--")) {
            assert!(
                help.contains(option),
                "{text}: there is no {option}: {help}"
            );
        }
    }
}
